"""Pages: languages, structure, and words that mean harm."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost import Rejected
from govpost_website import bodies, words
from govpost_website.records import page_name
from govpost_website.test_common import (
    Seen,
    amend,
    amendment,
    key,
    page,
    picture,
    publish,
    variant,
    withdraw,
)

# Languages


def test_a_page_speaks_the_language_of_its_post(tmp_path):
    receipt = publish(tmp_path, variant(language="es-MX", title="Aviso", text="Hierva el agua."))
    html = page(tmp_path, receipt)
    assert '<html lang="es">' in html
    assert '<article class="h-entry narrow" lang="es-MX"' in html
    assert "Saltar al contenido" in html
    assert "de noviembre de 2026" in html
    withdraw(tmp_path, receipt)
    assert "Retirado: Aviso" in page(tmp_path, receipt)


def test_a_language_without_our_words_is_marked_on_the_article_alone(tmp_path):
    html = page(tmp_path, publish(tmp_path, variant(language="ar", title="إشعار", text="يغلق الجسر")))
    assert '<html lang="en">' in html
    assert 'lang="ar"' in html
    assert 'dir="auto"' in html


def test_both_languages_say_the_same_things():
    assert words.ENGLISH.keys() == words.SPANISH.keys()
    assert words.spoken("fr", "es") == "es"
    assert words.spoken("fr", "de") == "en"


def test_times_are_shown_in_the_agencys_zone(tmp_path):
    html = page(tmp_path, publish(tmp_path, variant(), timezone="America/Chicago"))
    assert "08:01 CST</time>" in html
    assert 'datetime="2026-11-02T14:01:00Z"' in html
    assert words.moment("2026-11-02T14:01:00Z", ZoneInfo("America/Bahia"), "en").endswith("11:01 UTC-03")


# Structure


def test_a_page_has_landmarks_one_first_heading_and_loads_nothing_from_others(tmp_path):
    text = "# One\n\n### Two\n\n## Three\n\n![far](https://elsewhere.example/x.png) [near](/roads)"
    seen = Seen(page(tmp_path, publish(tmp_path, variant(text=text, link="https://example.gov/roads"))))
    assert [tag for tag, _ in seen.tags if tag in {"h1", "h2", "h3"}] == ["h1", "h2", "h3", "h3"]
    assert len(seen.all("main")) == len(seen.all("nav")) == 1
    assert not seen.all("script", "iframe", "img")
    assert {link["href"] for link in seen.all("link") if link["rel"] == "stylesheet"} == {"../style.css"}
    targets = [link["href"] for link in seen.all("a")]
    assert "https://news.example.gov/roads" in targets
    assert "https://elsewhere.example/x.png" in targets
    assert all("target" not in link for link in seen.all("a"))
    (policy,) = [meta["content"] for meta in seen.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")


def test_headings_nest_without_a_gap_whatever_the_author_wrote():
    html = bodies.html("### a\n\n# b\n\n###### c\n\n## d", "https://x.example/", level=5)
    assert [html[i + 1 : i + 3] for i in range(len(html)) if html.startswith("<h", i)] == [
        "h5",
        "h5",
        "h6",
        "h6",
    ]


def test_a_linked_picture_becomes_one_link_and_no_link_inside_a_link():
    html = bodies.html("[![the map](/map.png)](https://e.example/) ![](x.png)", "https://x.example/p/")
    assert html.count("<a ") == 2
    assert '<a href="https://e.example/">the map</a>' in html
    assert '<a href="https://x.example/p/x.png">x.png</a>' in html


def test_the_lead_is_the_first_paragraph_in_plain_words():
    assert (
        bodies.lead("# Head\n\nFirst *words*\nand `code` \\* here.\n\nSecond.")
        == "First words and code * here."
    )
    assert bodies.lead("# Only a heading") == ""


# Hostile content


@given(target=st.text("[]:/@%\\.?#&()<>ab\u2100\uff0f ", max_size=30), words=st.text(max_size=60))
def test_any_text_and_any_link_become_a_page_part_without_scripts(target, words):
    html = bodies.html(
        f"{words}\n\n[x](<http://{target}>) ![y](<//{target}>) [z](<{target}>)", "https://x.example/"
    )
    assert not Seen(html).all("script", "img", "iframe")


def test_markup_in_titles_and_texts_stays_text(tmp_path):
    evil = "<script>alert(1)</script>"
    receipt = publish(
        tmp_path, variant(title=evil, text=f"{evil} [x](javascript:alert(1)) <img src=x onerror=alert(1)>")
    )
    for path in (tmp_path / "index.html", tmp_path / "archive" / "2026-11.html"):
        assert not Seen(path.read_text("utf-8")).all("script")
    seen = Seen(page(tmp_path, receipt))
    assert not seen.all("script", "img")
    assert not [link for link in seen.all("a") if (link["href"] or "").startswith("javascript")]


@pytest.mark.parametrize("bad", ["../x", "a/b", "", "x" * 101, "é", "a\n", "a.b"])
def test_a_key_that_could_leave_the_folder_is_rejected(tmp_path, bad):
    with pytest.raises(Rejected, match="cannot be a file name"):
        publish(tmp_path / "site", variant(key=bad))
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "bad", ["javascript:alert(1)", "ftp://x.example/", "https://", "https://[", "https://a b/"]
)
def test_a_link_that_is_no_web_address_is_rejected(tmp_path, bad):
    with pytest.raises(Rejected, match="no web address"):
        publish(tmp_path, variant(link=bad))


def test_a_language_that_is_no_language_gives_way_to_the_sites(tmp_path):
    html = page(tmp_path, publish(tmp_path, variant(language='en"><script>')))
    assert '<article class="h-entry narrow" lang="en"' in html


@given(title=st.text(max_size=400), number=st.integers(1, 10**9))
def test_any_title_gives_a_short_page_name_of_its_own(title, number):
    name = page_name(title, str(number))
    assert name == page_name(title, str(number)) != page_name(title, str(number + 1))
    assert len(name) <= 72
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_post_without_a_title_is_called_by_its_day(tmp_path):
    receipt = publish(tmp_path, variant(title=None))
    assert '<h1 class="p-name" dir="auto">Notice of 2 November 2026</h1>' in page(tmp_path, receipt)
    assert "/notice-" in publish(tmp_path, variant(2, title="🚧🚒")).url


def test_a_broken_record_spoils_no_other_page_and_loses_no_picture(tmp_path):
    site = tmp_path / "site"
    medium = picture(tmp_path / "bridge.png")
    kept = publish(site, variant(1, media=(medium,)))
    path = site / "records" / f"{key(1)}.json"
    for spoilt in ("{", "[]", '{"key": 1}', path.read_text().replace('"page": "', '"page": "../')):
        path.write_text(spoilt)
        publish(site, variant(2))
        assert "Words of notice 1" in page(site, kept)
        assert (site / "media" / f"{medium.sha256}.png").exists()
    publish(site, variant(1, media=(medium,)))
    assert json.loads(path.read_text())["key"] == key(1)


def test_a_correction_whose_post_was_taken_away_by_hand_is_not_listed(tmp_path):
    amend(tmp_path, publish(tmp_path, variant(1)), amendment(2))
    (tmp_path / "records" / f"{key(1)}.json").unlink()
    publish(tmp_path, variant(3))
    assert "Notice 2" not in (tmp_path / "index.html").read_text("utf-8")
