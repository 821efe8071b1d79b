"""The plugin keeps the contract, and what it says to a site and makes of its answers.

Answers that are written by hand here are in the words of WordPress 6.5.5, as its REST API gave them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from govpost import (
    Action,
    PublishError,
    RateLimited,
    Receipt,
    Rejected,
    Unauthorized,
    Unavailable,
    Uncertain,
)
from govpost.testing import FakeWire, PlatformContract
from govpost.wire import Attempt
from govpost_wordpress import example, govpost_platforms
from govpost_wordpress.settings import Options, Settings
from govpost_wordpress.slugs import file_slug, readable, slug_of
from govpost_wordpress.test_common import (
    CHANNEL,
    KEY,
    NOW,
    PLATFORM,
    POST,
    SLUG,
    call,
    confirm,
    instead,
    picture,
    publish,
    refusal,
    stage,
)
from govpost_wordpress.words import correction


class TestWordPressKeepsTheContract(PlatformContract):
    platform = PLATFORM


# --- Settings and options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "why"),
    [
        ("http://www.example.gov", "https"),
        ("www.example.gov", "full address"),
        ("ftp://www.example.gov", "full address"),
        ("https://me:secret@www.example.gov", "without a login"),
        ("https://www.example.gov/?p=1", "plain address"),
        ("https://www.example.gov/wp-admin/", "front page"),
        ("https://www.example.gov/wp-json", "front page"),
    ],
)
def test_an_address_that_will_not_do_is_refused_with_the_reason(site: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(site=site, user="ann")


def test_addresses_that_will_do_are_tidied() -> None:
    assert Settings(site="https://www.example.gov/blog/", user="ann").site == "https://www.example.gov/blog"
    assert Settings(site="http://127.0.0.1:8090", user=" ann ").user == "ann"


def test_a_user_is_a_name_and_a_note_is_plain_words() -> None:
    with pytest.raises(ValidationError, match="no ':'"):
        Settings(site=example.SITE, user="ann:password")
    for wrong in ("Corrected {day}", "<b>Corrected</b>"):
        with pytest.raises(ValidationError, match="date"):
            Settings(site=example.SITE, user="ann", correction=wrong)


def test_a_channel_may_have_a_note_of_its_own() -> None:
    server = example.Server()
    channel = replace(CHANNEL, settings={**CHANNEL.settings, "correction": "Rättad {date}."})
    receipt = publish(server, channel=channel)
    variant = stage(server, replace(POST, action=Action.AMEND, language="sv"), channel)
    call(lambda http: PLATFORM.amend(receipt, variant, channel, http), server)
    assert "Rättad 20" in server.public()[0]
    assert Settings(site=example.SITE, user="ann", correction="Rättad {date}.").correction == "Rättad {date}."


def test_options_know_what_they_may_ask() -> None:
    for wrong in ({"typ": "page"}, {"comments": "maybe"}, {"featured": -1}, {"template": "../x y"}):
        with pytest.raises(ValidationError):
            Options.model_validate(wrong)


def test_an_admin_says_how_large_an_upload_may_be() -> None:
    channel = replace(CHANNEL, settings={**CHANNEL.settings, "max_media_bytes": 2_000_000})
    assert PLATFORM.adapted(channel).max_media_bytes == 2_000_000


def test_the_plugin_brings_wordpress() -> None:
    assert [platform.name for platform in govpost_platforms()] == ["wordpress"]


# --- Addresses and words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Bridge closed", "bridge-closed"),
        ("¡Atención! Straße gesperrt – Ñandú", "atencion-strasse-gesperrt-nandu"),
        ("迂回路", ""),
        ("word " * 30, "-".join(["word"] * 12)),
        ("x" * 100, "x" * 60),
    ],
)
def test_an_address_is_readable_where_the_title_is(title: str, slug: str) -> None:
    assert readable(title) == slug
    assert slug_of(replace(POST, title=title)) == "-".join(filter(None, (slug, "gp0123456789ab")))


def test_an_address_follows_from_key_and_title_alone(tmp_path: Path) -> None:
    assert slug_of(POST) == slug_of(replace(POST, text="Other words.")) == SLUG
    assert slug_of(replace(POST, key=KEY[:-1] + "c")) != SLUG
    assert file_slug(SLUG, picture(tmp_path)) == f"{SLUG}-111111111111"


@pytest.mark.parametrize(
    ("language", "template", "note"),
    [
        ("en", None, "Corrected on 27 November 2026."),
        ("es-US", None, "Corregido el 27 de noviembre de 2026."),
        ("sv", None, "Corrected on 2026-11-27."),
        ("sv", "Rättad {date}.", "Rättad 2026-11-27."),
        (None, "Put right.", "Put right."),
    ],
)
def test_a_correction_says_its_day_in_the_zone_of_the_site(
    language: str | None, template: str | None, note: str
) -> None:
    late = replace(POST, language=language, at=datetime(2026, 11, 28, 3, tzinfo=UTC))
    assert correction(late, template, "America/Chicago") == note


def test_a_correction_without_an_hour_names_no_day() -> None:
    assert correction(replace(POST, at=None), None, None) == "Corrected."
    assert correction(replace(POST, at=None), "Rättad {date}", None) == "Rättad"


# --- Drafts ----------------------------------------------------------------------------------------------------


def test_a_draft_from_a_lost_answer_is_taken_up_again() -> None:
    server = example.Server()
    first, second = stage(server), stage(server)
    assert first.staged == second.staged and len(server.rows["posts"]) == 1


def test_a_second_draft_goes_to_the_trash_and_the_public_one_is_the_post() -> None:
    server = example.Server()
    receipt = publish(server)
    copy = {"id": 900, "slug": f"{SLUG}-2", "status": "draft", "title": {"raw": "Bridge closed"}, "link": "x"}
    server.rows["posts"][900] = copy
    assert publish(server).remote_id == receipt.remote_id
    assert copy["status"] == "trash"


def test_a_post_that_somebody_put_in_the_trash_stays_there() -> None:
    server = example.Server()
    receipt = publish(server)
    call(lambda http: PLATFORM.withdraw(receipt, "", CHANNEL, http), server)
    with pytest.raises(Rejected, match="trash"):
        stage(server)


def test_a_post_that_somebody_made_private_stays_private() -> None:
    server = example.Server()
    publish(server)
    (row,) = server.rows["posts"].values()
    row["status"] = "private"
    with pytest.raises(Rejected, match="took the post down"):
        stage(server)


def test_staging_leaves_a_public_post_alone() -> None:
    server = example.Server()
    receipt = publish(server)
    row = server.rows["posts"][int(receipt.remote_id.partition("/")[2])]
    row["content"] = {"raw": "Somebody mended a word by hand."}
    stage(server)
    assert row["content"] == {"raw": "Somebody mended a word by hand."}


def test_a_site_that_changes_the_words_gets_nothing_published() -> None:
    class Meddling(example.Server):
        def _fill(self, name: str, row: Any, told: Any) -> None:
            super()._fill(
                name, row, {**told, "content": "Closed. Sponsored by X."} if "content" in told else told
            )

    server = Meddling()
    with pytest.raises(Rejected, match="changes the words of the content"):
        stage(server)
    assert server.public() == []


def test_a_draft_that_lost_its_tags_is_tried_again() -> None:
    class Forgetful(example.Server):
        def _fill(self, name: str, row: Any, told: Any) -> None:
            super()._fill(name, row, {**told, "tags": []} if "tags" in told else told)

    with pytest.raises(Unavailable, match="without its tags"):
        stage(Forgetful(), replace(POST, options={"tags": ["closure"]}))


def test_an_address_that_is_taken_after_all_leaves_the_question_open() -> None:
    server = example.Server()
    variant = stage(server)
    row = server.rows["posts"][variant.staged["id"]]
    answer = instead(server, "POST", f"/{row['id']}", 200, {**row, "slug": f"{SLUG}-2", "status": "publish"})
    with pytest.raises(Uncertain, match="without its slug"):
        call(lambda http: PLATFORM.publish(variant, CHANNEL, http), answer)


def test_two_public_posts_of_one_key_are_never_taken_for_one() -> None:
    server = example.Server()
    publish(server)
    server.rows["posts"][900] = {
        "id": 900,
        "slug": f"{SLUG}-2",
        "status": "publish",
        "link": "https://x.example/2",
    }
    with pytest.raises(Unavailable, match="twice"):
        confirm(server)


def test_a_post_that_the_site_holds_back_is_pending_until_it_shows() -> None:
    server = example.Server()
    receipt = publish(server)
    row = server.rows["posts"][int(receipt.remote_id.partition("/")[2])]
    for status, pending in (("future", True), ("pending", True), ("private", True), ("publish", False)):
        row["status"] = status
        for known in (None, receipt):
            found = confirm(server, known)
            assert found is not None and found.pending is pending


def test_a_draft_is_no_post() -> None:
    server = example.Server()
    stage(server)
    assert confirm(server) is None
    assert confirm(server, Receipt(remote_id="posts/999")) is None


def test_the_post_has_the_date_it_was_due_unless_the_site_is_behind() -> None:
    assert stage(example.Server()).staged["date_gmt"] == (POST.at or NOW).strftime("%Y-%m-%dT%H:%M:%S")
    assert "date_gmt" not in stage(example.Server(), replace(POST, at=NOW + timedelta(hours=1))).staged
    assert "date_gmt" not in stage(example.Server(), replace(POST, at=None)).staged


# --- What a post says ------------------------------------------------------------------------------------------


def test_a_post_asks_for_what_its_options_say_else_for_what_the_channel_says() -> None:
    server = example.Server()
    usual = {**CHANNEL.settings, "categories": ["News"], "tags": ["city"], "comments": "closed"}
    channel = replace(CHANNEL, settings=usual)
    asked = {
        "tags": ["closure", "Closure"],
        "excerpt": "Short & <sweet>",
        "sticky": True,
        "template": "wide.php",
    }
    row = server.rows["posts"][int(publish(server, replace(POST, options=asked), channel).remote_id[6:])]
    named = {
        each["id"]: each["name"]
        for each in (*server.rows["categories"].values(), *server.rows["tags"].values())
    }
    assert [named[each] for each in row["categories"]] == ["News"]
    assert [named[each] for each in row["tags"]] == ["closure"]
    assert row["excerpt"]["raw"] == "Short &amp; &lt;sweet&gt;"
    assert (row["comment_status"], row["sticky"], row["template"]) == ("closed", True, "wide.php")


def test_a_page_has_neither_terms_nor_stickiness() -> None:
    server = example.Server()
    asked = {"type": "page", "categories": ["News"], "sticky": True}
    receipt = publish(server, replace(POST, options=asked))
    row = server.rows["pages"][int(receipt.remote_id.removeprefix("pages/"))]
    assert not {"categories", "tags", "sticky"} & set(row) and server.rows["categories"] == {}
    found = call(lambda http: PLATFORM.confirm(replace(POST, options=asked), None, CHANNEL, http), server)
    assert found.remote_id == receipt.remote_id


@pytest.mark.parametrize(
    ("language", "site", "named"),
    [("es", "en-US", True), ("en", "en-US", False), ("en", "", True), (None, "en", False)],
)
def test_the_language_is_named_where_it_is_not_the_site_s(
    language: str | None, site: str, named: bool
) -> None:
    server = example.Server()
    channel = replace(CHANNEL, limits={"language": site})
    publish(server, replace(POST, language=language), channel)
    (row,) = server.rows["posts"].values()
    assert ("lang=" in row["content"]["raw"]) is named


def test_categories_are_found_by_name_in_any_case_and_made_once() -> None:
    server = example.Server()
    for number, name in enumerate(("Roads & Bridges", "roads &  bridges")):
        publish(server, replace(POST, key=f"{KEY[:-1]}{number}", options={"categories": [name]}))
    assert [each["name"] for each in server.rows["categories"].values()] == ["Roads &amp; Bridges"]


def test_a_category_that_was_made_meanwhile_is_taken() -> None:
    server = example.Server()
    server.rows["categories"][33] = {"id": 33, "name": "x"}
    exists = refusal("term_exists", 400, term_id=33)
    answer = instead(server, "POST", "/categories", 400, exists)
    variant = stage(answer, replace(POST, options={"categories": ["News"]}))
    assert variant.staged["categories"] == [33]


def test_a_category_that_the_user_may_not_make_is_named() -> None:
    answer = instead(
        example.Server(), "POST", "/categories", 403, refusal("rest_cannot_create", 403, "taxonomy")
    )
    with pytest.raises(Rejected, match="no category 'News'") as caught:
        stage(answer, replace(POST, options={"categories": ["News"]}))
    assert "editor" in caught.value.tip


# --- Files -----------------------------------------------------------------------------------------------------


def test_the_picture_that_is_asked_for_stands_above_the_others_in_the_post(tmp_path: Path) -> None:
    media = (picture(tmp_path, 1), picture(tmp_path, 2, alt='"A" <b> [c]'))
    for asked, above in ((1, 0), (2, 1), (0, None), (5, None)):
        server = example.Server()
        publish(server, replace(POST, media=media, options={"featured": asked}))
        (row,) = server.rows["posts"].values()
        ids = list(server.rows["media"])
        assert row["featured_media"] == (0 if above is None else ids[above])
        inside = [f"wp-image-{each}" in row["content"]["raw"] for each in ids]
        assert inside == [above != 0, above != 1]
    assert 'alt="&quot;A&quot; &lt;b&gt; &#091;c&#093;"' in row["content"]["raw"]


def test_a_theme_that_shows_nothing_above_its_posts_gets_every_picture_in_the_post(tmp_path: Path) -> None:
    server = example.Server()
    channel = replace(CHANNEL, limits={"thumbnails": False})
    publish(server, replace(POST, media=(picture(tmp_path),)), channel)
    (row,) = server.rows["posts"].values()
    assert row["featured_media"] == 0 and "wp:image" in row["content"]["raw"]


def test_a_video_has_its_captions_and_its_description(tmp_path: Path) -> None:
    server = example.Server()
    captions = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
    publish(server, replace(POST, media=(picture(tmp_path, 1, "video/mp4", captions=captions),)))
    (row,) = server.rows["posts"].values()
    track = [each for each in server.rows["media"].values() if each["slug"].endswith("-captions")]
    assert (
        f'<track src="{track[0]["source_url"]}" label="en" srclang="en" kind="captions"/>'
        in row["content"]["raw"]
    )
    assert "Picture 1</figcaption>" in row["content"]["raw"] and row["featured_media"] == 0


@pytest.mark.parametrize("alt", ["Below 5 < 6 & up", "100%de agua", "AT&amp;T", "Two\nlines"])
def test_a_description_is_written_so_that_the_library_keeps_every_sign(tmp_path: Path, alt: str) -> None:
    server = example.Server()
    publish(server, replace(POST, media=(picture(tmp_path, alt=alt),)))
    (kept,) = server.rows["media"].values()
    assert "<" not in kept["alt_text"] and "%d" not in kept["alt_text"]
    assert server.public()[0].endswith(" ".join(alt.split()))


def test_a_description_that_was_changed_is_put_right(tmp_path: Path) -> None:
    server = example.Server()
    variant = replace(POST, media=(picture(tmp_path),))
    stage(server, variant)
    (kept,) = server.rows["media"].values()
    kept["alt_text"] = ""
    stage(server, variant)
    assert kept["alt_text"] == "Picture 1" and len(server.rows["media"]) == 1


def test_a_description_that_the_site_will_not_keep_stops_the_post(tmp_path: Path) -> None:
    class Tidy(example.Server):
        def _fill(self, name: str, row: Any, told: Any) -> None:
            super()._fill(name, row, {**told, "alt_text": "Image"} if "alt_text" in told else told)

    with pytest.raises(Rejected, match="'Image'"):
        stage(Tidy(), replace(POST, media=(picture(tmp_path),)))


def test_sizes_that_were_not_made_are_made_before_the_post_goes_out(tmp_path: Path) -> None:
    server = example.Server()
    variant = replace(POST, media=(picture(tmp_path),))
    stage(server, variant)
    (kept,) = server.rows["media"].values()
    kept["missing_image_sizes"] = ["medium"]
    wire = FakeWire(server)
    with Attempt(CHANNEL, deadline=time.monotonic() + 60, transport=wire) as attempt:
        PLATFORM.stage(variant, CHANNEL, attempt.client)
    assert wire.writes[0].url.path.endswith(f"/media/{kept['id']}/post-process")


# --- Corrections and withdrawals -------------------------------------------------------------------------------


def test_a_correction_says_so_and_keeps_the_address() -> None:
    server = example.Server()
    receipt = publish(server)
    variant = replace(POST, key=f"{KEY[:-1]}c", action=Action.AMEND, text="Open.", title="Bridge open")
    staged = stage(server, variant)
    changed = call(lambda http: PLATFORM.amend(receipt, staged, CHANNEL, http), server)
    (row,) = server.rows["posts"].values()
    assert (changed.remote_id, changed.url, row["slug"]) == (receipt.remote_id, receipt.url, SLUG)
    assert row["content"]["raw"].startswith("<!-- wp:paragraph -->\n<p>Corrected on ")
    assert "Open." in row["content"]["raw"] and "Closed." not in row["content"]["raw"]


@pytest.mark.parametrize("status", ["trash", "draft", None])
def test_a_post_that_is_not_public_any_more_is_not_corrected(status: str | None) -> None:
    server = example.Server()
    receipt = publish(server)
    (row,) = server.rows["posts"].values()
    if status is None:
        server.rows["posts"].clear()
    row["status"] = status
    staged = stage(server, replace(POST, action=Action.AMEND))
    with pytest.raises(Rejected, match=f"any more: {status or 'gone'}"):
        call(lambda http: PLATFORM.amend(receipt, staged, CHANNEL, http), server)


def test_a_site_without_a_trash_hides_the_post_as_a_draft() -> None:
    server = example.Server()
    receipt = publish(server)
    answer = instead(server, "DELETE", receipt.remote_id, 501, refusal("rest_trash_not_supported", 501))
    for _ in range(2):
        call(lambda http: PLATFORM.withdraw(receipt, "", CHANNEL, http), answer)
    (row,) = server.rows["posts"].values()
    assert row["status"] == "draft" and server.public() == []


# --- Who is refused, and why -----------------------------------------------------------------------------------


FORBIDDEN = refusal("rest_invalid_param", 400, params={"status": "Status is forbidden."})


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "error", "words"),
    [
        ("GET", "/posts", 400, FORBIDDEN, Unauthorized, "application password of govpost"),
        ("GET", "/posts", 401, refusal("rest_forbidden_context", 401), Unauthorized, "password"),
        (
            "POST",
            "/posts",
            403,
            refusal("rest_cannot_create", 403, "not allowed"),
            Unauthorized,
            "too few rights",
        ),
        ("POST", "/posts", 403, refusal("rest_cannot_assign_sticky", 403), Rejected, "403"),
        ("POST", "/posts", 403, None, Unavailable, "403"),
        ("POST", "/media", 500, refusal("rest_upload_unknown_error", 500), Rejected, "this file"),
        ("POST", "/media", 413, None, Rejected, "larger"),
        ("POST", "/media", 412, refusal("rest_upload_hash_mismatch", 412), Rejected, "412"),
        ("POST", "/posts", 500, refusal("db_insert_error", 500), Unavailable, "500"),
        ("POST", "/posts", 429, None, RateLimited, "429"),
        ("GET", "/posts", 301, None, Rejected, "moved"),
        ("GET", "/posts", 400, ["odd"], Rejected, "400"),
        ("GET", "/posts", 400, {"code": "x", "data": 1}, Rejected, "400"),
    ],
)
def test_a_refusal_in_staging_means_what_happens_next(
    tmp_path: Path, method: str, path: str, status: int, body: Any, error: type[PublishError], words: str
) -> None:
    answer = instead(example.Server(), method, path, status, body, location="https://new.example.gov/")
    with pytest.raises(error, match=words) as caught:
        stage(answer, replace(POST, media=(picture(tmp_path),)))
    assert type(caught.value) is error


def test_a_contributor_is_told_which_role_is_needed() -> None:
    server = example.Server()
    variant = stage(server)
    answer = instead(server, "POST", f"/{variant.staged['id']}", 403, refusal("rest_cannot_publish", 403))
    with pytest.raises(Unauthorized) as caught:
        call(lambda http: PLATFORM.publish(variant, CHANNEL, http), answer)
    assert "Author or Editor" in caught.value.tip and "channel resume press`" in caught.value.tip


def test_a_firewall_that_answers_in_place_of_the_site_settles_nothing() -> None:
    server = example.Server()
    variant = stage(server)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text="<html>Are you human?</html>")

    with pytest.raises(Uncertain, match="not JSON"):
        call(lambda http: PLATFORM.publish(variant, CHANNEL, http), answer)
    with pytest.raises(Unavailable, match="not JSON"):
        stage(answer)
    with pytest.raises(Unavailable, match="not JSON"):
        confirm(answer)


def test_without_a_password_nothing_is_sent() -> None:
    with pytest.raises(Unauthorized, match="no application password") as caught:
        stage(example.Server(), channel=replace(CHANNEL, secrets={}))
    assert "channel login press`" in caught.value.tip


@pytest.mark.parametrize(
    ("said", "tip"),
    [
        ("template is not one of wide.php, narrow.php.", "it has: wide.php, narrow.php"),
        ("template is not one of .", "leave the option template out"),
        ("template est invalide.", "leave the option template out"),
    ],
)
def test_an_unknown_template_is_told_in_one_sentence(said: str, tip: str) -> None:
    server = example.Server()
    wrong = refusal("rest_invalid_param", 400, "Invalid parameter(s): template", params={"template": said})
    answer = instead(server, "POST", f"/{stage(server).staged['id']}", 400, wrong)
    with pytest.raises(Rejected) as caught:
        stage(answer, replace(POST, options={"template": "x.php"}))
    assert (str(caught.value), caught.value.tip) == ("the site's theme has no such template", tip)


def test_other_refusals_are_told_in_the_site_s_own_words() -> None:
    server = example.Server()
    path = f"/{stage(server).staged['id']}"
    params = {"sticky": "sticky is not of type boolean.", "tags": "tags is wrong."}
    for body, words in (
        (
            refusal("rest_invalid_param", 400, "Invalid parameter(s): sticky, tags", params=params),
            "the site refuses it (400): sticky is not of type boolean; tags is wrong",
        ),
        (
            refusal("rest_comment_closed", 403, "<strong>Sorry</strong>, comments &amp; all are closed."),
            "the site refuses it (403): Sorry, comments & all are closed.",
        ),
    ):
        with pytest.raises(Rejected) as caught:
            stage(instead(server, "POST", path, body["data"]["status"], body))
        assert str(caught.value) == words


def test_a_site_without_pretty_addresses_is_asked_by_its_query() -> None:
    server = example.Server()

    def plain(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/"
        route = request.url.params["rest_route"]
        query = request.url.params.remove("rest_route")
        url = httpx2.URL(f"{example.SITE}/wp-json{route}", params=query)
        content = request.read()
        return server(httpx2.Request(request.method, url, headers=request.headers, content=content))

    channel = replace(CHANNEL, limits={"api": f"{example.SITE}/?rest_route=/"})
    assert publish(plain, channel=channel).url == f"{example.SITE}/{SLUG}/"
