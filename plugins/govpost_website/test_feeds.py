"""The feeds against their specifications: RFC 4287, section by section, and JSON Feed 1.1."""

from __future__ import annotations

import json
import re
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest

from govpost import Media
from govpost_website.test_common import (
    WEB,
    amend,
    amendment,
    channel,
    key,
    picture,
    publish,
    variant,
    withdraw,
)

ATOM = "{http://www.w3.org/2005/Atom}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TAG_URI = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d\d(-\d\d)?)?:[0-9A-Za-z-]+")  # RFC 4151 section 2.1
JSON_TYPES = {
    "id": str,
    "url": str,
    "title": str,
    "content_html": str,
    "date_published": str,
    "date_modified": str,
    "language": str,
    "image": str,
    "attachments": list,
}


def atom_faults(data: bytes) -> list[str]:
    """Check a feed against what RFC 4287 requires; each fault names its section."""
    feed = ET.fromstring(data)
    faults = [] if feed.tag == f"{ATOM}feed" else ["4.1.1: the document element is atom:feed"]
    faults += _common_faults(feed, "4.1.1 feed")
    entries = feed.findall(f"{ATOM}entry")
    if feed.find(f"{ATOM}author") is None and not all(e.find(f"{ATOM}author") is not None for e in entries):
        faults.append("4.1.1: an author on the feed or on every entry")
    if not any(link.get("rel") == "self" for link in feed.findall(f"{ATOM}link")):
        faults.append("4.1.1: a feed should link to itself")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    if len(set(ids)) != len(ids):
        faults.append("4.1.1: entries with one id would need different updated")
    for author in feed.iter(f"{ATOM}author"):
        if not (author.findtext(f"{ATOM}name") or "").strip():
            faults.append("3.2.1: a person has a name")
    for entry in entries:
        faults += _common_faults(entry, "4.1.2 entry") + _entry_faults(entry)
    return faults


def _common_faults(element: ET.Element, where: str) -> list[str]:
    faults = [
        f"{where}: exactly one {name}"
        for name in ("id", "title", "updated")
        if len(element.findall(f"{ATOM}{name}")) != 1
    ]
    if len(element.findall(f"{ATOM}published")) > 1:
        faults.append(f"{where}: at most one published")
    for name in ("updated", "published"):
        faults += [
            f"3.3: {name} is an RFC 3339 date with an upper-case T and Z"
            for date in element.findall(f"{ATOM}{name}")
            if not RFC3339.fullmatch(date.text or "")
        ]
    if not re.match(r"[a-z][a-z0-9+.-]*:", element.findtext(f"{ATOM}id") or ""):
        faults.append("4.2.6: an id is an IRI")
    kinds = [
        (link.get("rel", "alternate"), link.get("type"), link.get("hreflang"))
        for link in element.findall(f"{ATOM}link")
    ]
    if len(set(kinds)) != len(kinds):
        faults.append(f"{where}: two links of one rel, type and hreflang")
    if any(not link.get("href") for link in element.findall(f"{ATOM}link")):
        faults.append("4.2.7.1: a link has a href")
    return faults


def _entry_faults(entry: ET.Element) -> list[str]:
    faults = []
    contents = entry.findall(f"{ATOM}content")
    alternates = [
        link for link in entry.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"
    ]
    if len(contents) > 1:
        faults.append("4.1.2: at most one content")
    if not contents and not alternates:
        faults.append("4.1.2: without content a link to the alternate")
    for content in contents:
        if content.get("type") != "html" or len(content):
            faults.append("4.1.3.3: html content is escaped text without child elements")
        if "<" in (content.text or "") and "&lt;p&gt;" in (content.text or ""):
            faults.append("3.1.1.2: html is escaped once")
    return faults


def json_faults(data: bytes) -> list[str]:
    """Check a feed against the required fields and the types of JSON Feed 1.1."""
    feed = json.loads(data)
    faults = []
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        faults.append("version is the address of the format")
    if next(iter(feed)) != "version":
        faults.append("version stands at the very top")
    if not isinstance(feed.get("title"), str) or not feed["title"]:
        faults.append("title is required")
    if not isinstance(feed.get("items"), list):
        faults.append("items is required")
    if not all(author.keys() & {"name", "url", "avatar"} for author in feed.get("authors", [])):
        faults.append("an author has a name, url or avatar")
    for item in feed["items"]:
        if not isinstance(item.get("id"), str) or not item["id"]:
            faults.append("an item has an id")
        if not {"content_html", "content_text"} & item.keys():
            faults.append("an item has content")
        faults += [
            f"{name} is not part of the format or of the wrong type"
            for name in item
            if not isinstance(item[name], JSON_TYPES.get(name, ()))
        ]
        faults += [
            f"{name} is an RFC 3339 date"
            for name in ("date_published", "date_modified")
            if not RFC3339.fullmatch(item.get(name, ""))
        ]
        faults += [
            "an attachment has url and mime_type"
            for a in item.get("attachments", [])
            if not {"url", "mime_type"} <= a.keys()
        ]
    if len({item.get("id") for item in feed["items"]}) != len(feed["items"]):
        faults.append("an id is unique")
    return faults


@pytest.fixture
def site(tmp_path):
    """Make a site with everything that a feed may have to show."""
    folder = tmp_path / "site"
    film = tmp_path / "siren.mp4"
    film.write_bytes(b"film")
    media = (picture(tmp_path / "bridge.png"), Media(path=film, mime="video/mp4", alt="The siren"))
    corrected = publish(folder, variant(1, media=media, link="https://example.gov/a?b=1&c=2"))
    publish(
        folder,
        variant(2, title="<b>R&D</b> \x00\x0b\ud800 ends", text="a \x08 & <script>\ufffe", language="ar"),
    )
    gone = publish(folder, variant(3, language="es", title="Aviso"))
    publish(folder, variant(4, title=None))
    publish(folder, variant(5, text="[roads](/roads) and [here](#below)"))
    amend(folder, corrected, amendment(20, media=media))
    withdraw(folder, gone)
    return folder


def test_the_atom_feed_has_what_rfc_4287_requires(site):
    assert atom_faults((site / "feed.atom").read_bytes()) == []


def test_the_json_feed_has_what_its_specification_requires(site):
    assert json_faults((site / "feed.json").read_bytes()) == []


def test_the_checkers_find_what_is_missing():
    empty = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><published>soon</published></entry></feed>'
    sections = {fault.split()[0].rstrip(":") for fault in atom_faults(empty)}
    assert sections == {"4.1.1", "4.1.2", "3.3", "4.2.6"}
    assert len(json_faults(b'{"items": [{"id": 5, "date_published": ""}, {"id": 5}]}')) >= 8


def entries(folder):
    feed = ET.fromstring((folder / "feed.atom").read_bytes())
    return {e.findtext(f"{ATOM}id").rsplit(":", 1)[1]: e for e in feed.findall(f"{ATOM}entry")}


def items(folder):
    feed = json.loads((folder / "feed.json").read_bytes())
    return {item["id"].rsplit(":", 1)[1]: item for item in feed["items"]}


def test_ids_are_tag_uris_that_both_feeds_share(site):
    feed = ET.fromstring((site / "feed.atom").read_bytes())
    ids = [element.text for element in feed.iter(f"{ATOM}id")]
    assert all(TAG_URI.fullmatch(each) for each in ids)
    assert sorted(ids[1:]) == sorted(item["id"] for item in items(site).values())
    assert ids[0] == "tag:news.example.gov,2026-11-02:site"


def test_the_ids_stay_when_the_site_moves_to_another_host(site):
    before = set(entries(site))
    feed_id = ET.fromstring((site / "feed.atom").read_bytes()).findtext(f"{ATOM}id")
    publish(site, variant(5, text="[roads](/roads) and [here](#below)"), base_url="https://new.example.gov/")
    after = ET.fromstring((site / "feed.atom").read_bytes())
    assert after.findtext(f"{ATOM}id") == feed_id
    assert {e.findtext(f"{ATOM}id").rsplit(":", 1)[1] for e in after.findall(f"{ATOM}entry")} == before
    assert all("news.example.gov" in e.findtext(f"{ATOM}id") for e in after.findall(f"{ATOM}entry"))


def test_a_correction_keeps_the_entry_and_moves_its_updated(site):
    entry, item = entries(site)[key(1)], items(site)[key(1)]
    assert entry.findtext(f"{ATOM}published") == item["date_published"] == "2026-11-02T14:01:00Z"
    assert entry.findtext(f"{ATOM}updated") == item["date_modified"] == "2026-11-21T14:20:00Z"
    assert "Corrected on" in item["content_html"]
    assert "Better words." in entry.findtext(f"{ATOM}content")
    assert key(20) not in entries(site)


def test_a_withdrawal_replaces_the_entry_by_its_notice(site):
    entry, item = entries(site)[key(3)], items(site)[key(3)]
    assert entry.findtext(f"{ATOM}title") == item["title"] == "Retirado: Aviso"
    assert entry.findtext(f"{ATOM}updated") == "2026-11-30T16:05:07Z"
    assert "It named the wrong day." in item["content_html"]
    assert "Words of notice 3" not in item["content_html"]


def test_the_feed_is_as_new_as_its_newest_change(site):
    feed = ET.fromstring((site / "feed.atom").read_bytes())
    updated = [element.text for element in feed.iter(f"{ATOM}updated")]
    assert datetime.fromisoformat(updated[0]) == max(map(datetime.fromisoformat, updated[1:]))


def test_characters_that_xml_cannot_hold_are_dropped_and_markup_stays_text(site):
    assert entries(site)[key(2)].findtext(f"{ATOM}title") == "<b>R&D</b>  ends"
    assert "&lt;script&gt;" in items(site)[key(2)]["content_html"]
    assert entries(site)[key(2)].get(XML_LANG) == "ar"


def test_addresses_in_feeds_are_full_and_pictures_keep_their_descriptions(site):
    html = items(site)[key(5)]["content_html"]
    assert 'href="https://news.example.gov/roads"' in html
    assert ".html#below" in html
    with_picture = items(site)[key(1)]
    assert with_picture["image"].startswith("https://news.example.gov/media/")
    assert f'src="{with_picture["image"]}" alt="Barriers across the bridge"' in with_picture["content_html"]
    assert with_picture["attachments"][0]["mime_type"] == "video/mp4"


def test_feeds_hold_the_fifty_latest_changes(tmp_path):
    for number in range(1, 54):
        publish(tmp_path, variant(number, at=datetime.fromisoformat(f"2026-11-01T08:{number:02}:00+00:00")))
    assert len(entries(tmp_path)) == len(items(tmp_path)) == 50
    assert key(1) not in entries(tmp_path)
    WEB.amend(
        WEB.publish(
            variant(1, at=datetime.fromisoformat("2026-11-01T08:01:00+00:00")), channel(tmp_path), None
        ),
        amendment(99, at=datetime.fromisoformat("2026-12-01T08:00:00+00:00")),
        channel(tmp_path),
        None,
    )
    assert key(1) in entries(tmp_path)
