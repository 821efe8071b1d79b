"""Who we are on a site, how it is found, and how a person logs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from govpost import Account, Rejected, Unauthorized, Unavailable
from govpost.wire import read_error
from govpost_wordpress import example
from govpost_wordpress.test_common import CHANNEL, PLATFORM, Answer, Talk, call, instead, refusal

BACK = {"site_url": example.SITE, "user_login": example.USER, "password": example.PASSWORD}


def verify(server: Answer) -> Account:
    account: Account = call(lambda http: PLATFORM.verify(CHANNEL, http), server, read_error, read_only=True)
    return account


def login(talk: Talk, server: Answer | None = None) -> Mapping[str, str]:
    channel = replace(CHANNEL, secrets={})
    said: Mapping[str, str] = call(
        lambda http: PLATFORM.login(channel, talk, http), server or example.Server()
    )
    return said


def with_index(**changed: Any) -> Answer:
    """Make a site whose index says something else; None leaves a word out."""
    index = {key: value for key, value in {**example._INDEX, **changed}.items() if value is not None}
    return instead(example.Server(), "GET", "/wp-json", 200, index)


def front(answer: httpx2.Response, server: Answer | None = None) -> Answer:
    """Make a site with another front page."""
    rest = server or example.Server()
    return lambda request: answer if request.url.path == "/" and not request.url.query else rest(request)


def test_verify_says_who_we_are_and_what_the_site_is() -> None:
    account = verify(example.Server())
    assert (account.remote_id, account.name, account.url) == (
        "7",
        "Communications on City of Example",
        f"{example.SITE}/author/govpost/",
    )
    assert account.server == "WordPress 7.0" and account.missing == () and account.notes == ()
    assert account.links == (example.SITE, f"{example.SITE}/contact")
    assert account.limits == {
        "api": f"{example.SITE}/wp-json/",
        "user_id": 7,
        "language": "en-US",
        "timezone": "America/Chicago",
        "sticky": True,
        "pages": True,
        "thumbnails": True,
    }


def test_what_the_user_may_not_do_is_missing() -> None:
    writer = {**example._ME, "capabilities": {"upload_files": True, "edit_others_posts": True}}
    account = verify(instead(example.Server(), "GET", "/users/me", 200, writer))
    assert account.missing == ("publish posts", "correct posts", "withdraw posts")
    assert account.notes == (
        "the user may not read held comments",
        "the user may not make new categories",
    )


def test_an_author_lacks_nothing() -> None:
    rights = ("publish_posts", "edit_published_posts", "delete_published_posts", "upload_files")
    author = {**example._ME, "capabilities": dict.fromkeys(rights, True)}
    account = verify(instead(example.Server(), "GET", "/users/me", 200, author))
    assert account.missing == () and "the user may not read held comments" in account.notes
    assert (account.limits["sticky"], account.limits["pages"]) == (False, False)


def test_a_subscriber_is_told_which_rights_are_missing() -> None:
    reader = {**example._ME, "capabilities": {"read": True}}
    server = instead(example.Server(), "GET", "/users/me", 200, reader)
    account = verify(instead(server, "GET", "/themes", 403, refusal("rest_cannot_view_active_theme", 403)))
    assert account.missing == ("publish posts", "correct posts", "withdraw posts", "upload pictures")
    assert "thumbnails" not in account.limits


def test_what_the_frame_of_the_site_links_to_counts_and_what_its_posts_link_to_does_not() -> None:
    page = """<head><link href="https://fonts.example/"></head>
        <header class="x"><nav><a class="y" href='https://riverton.example.gov/?a=1&amp;b=2'>Home</a></nav></header>
        <main><a href="https://news.example/">A post</a></main>
        <footer><a href="https://riverton.example.gov/?a=1&amp;b=2">Home</a><a href="/about">About</a></footer>"""
    account = verify(front(httpx2.Response(200, text=page)))
    assert account.links == (example.SITE, "https://riverton.example.gov/?a=1&b=2")


def test_a_wrong_password_and_a_server_that_keeps_the_header_look_alike_and_the_tip_says_so() -> None:
    answer = instead(example.Server(), "GET", "/users/me", 401, refusal("rest_not_logged_in", 401))
    with pytest.raises(Unauthorized, match="does not accept") as caught:
        verify(answer)
    assert "channel login press`" in caught.value.tip and "Authorization header" in caught.value.tip


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ({"timezone_string": "Europe/Stockholm"}, "Europe/Stockholm"),
        ({"timezone_string": "", "gmt_offset": 2}, "Etc/GMT-2"),
        ({"timezone_string": "", "gmt_offset": "-5"}, "Etc/GMT+5"),
        ({"timezone_string": None, "gmt_offset": 5.5}, "UTC"),
        ({"timezone_string": None}, "UTC"),
    ],
)
def test_the_zone_of_the_site_has_a_name(said: Mapping[str, Any], zone: str) -> None:
    assert verify(with_index(**said)).limits["timezone"] == zone


def test_the_api_is_found_where_the_front_page_says() -> None:
    link = f'<{example.SITE}/?rest_route=/>; rel="https://api.w.org/"'
    rest = example.Server()

    def plain(request: httpx2.Request) -> httpx2.Response:
        route = request.url.params.get("rest_route")
        if route is None:
            return rest(request)
        url = httpx2.URL(f"{example.SITE}/wp-json{route}", params=request.url.params.remove("rest_route"))
        return rest(httpx2.Request(request.method, url, headers=request.headers, content=request.read()))

    page = httpx2.Response(200, text="", headers={"link": link})
    account = verify(front(page, plain))
    assert account.limits["api"] == f"{example.SITE}/?rest_route=/"
    # Without a Link header, the usual places are tried in turn.
    hidden = front(httpx2.Response(200), instead(plain, "GET", "/wp-json", 404))
    assert verify(hidden).limits["api"] == f"{example.SITE}/?rest_route=/"


def test_a_password_never_goes_where_the_front_page_points_to_another_site() -> None:
    page = httpx2.Response(
        200, headers={"link": '<http://www.example.gov/wp-json/>; rel="https://api.w.org/"'}
    )
    assert verify(front(page)).limits["api"] == f"{example.SITE}/wp-json/"


def test_a_site_that_speaks_to_each_in_their_language_is_followed_and_one_that_moved_is_not() -> None:
    there = httpx2.Response(302, headers={"location": "/en/"})
    english = instead(example.Server(), "GET", "/en", 200, "")
    assert verify(front(there, english)).remote_id == "7"
    gone = httpx2.Response(301, headers={"location": "https://new.example.gov/"})
    with pytest.raises(Unavailable, match=r"has moved to https://new\.example\.gov/"):
        verify(front(gone))


@pytest.mark.parametrize(
    ("page", "error", "words"),
    [
        (httpx2.Response(401), Unauthorized, "not open to the public"),
        (httpx2.Response(502), Unavailable, "502"),
    ],
)
def test_a_front_page_that_cannot_be_seen_is_told(page: httpx2.Response, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        verify(front(page))


@pytest.mark.parametrize("body", ["<html>", ["a list"], {"namespaces": ["oembed/1.0"]}])
def test_a_site_that_is_no_wordpress_is_told(body: Any) -> None:
    page = httpx2.Response(200, text=body) if isinstance(body, str) else httpx2.Response(200, json=body)
    with pytest.raises(Unavailable, match="no WordPress REST API"):
        verify(lambda _request: page)


# --- Logging in ------------------------------------------------------------------------------------------------


def test_a_browser_brings_the_password_back() -> None:
    talk = Talk(came=BACK)
    assert login(talk) == {"password": example.PASSWORD}
    asked = parse_qs(urlsplit(talk.visited[0]).query)
    assert talk.visited[0].startswith(f"{example.SITE}/wp-admin/authorize-application.php?")
    assert asked["app_name"] == ["govpost press"] and asked["success_url"] == ["http://127.0.0.1:8123/"]


def test_an_older_site_shows_the_password_and_a_person_types_it() -> None:
    def old(request: httpx2.Request) -> httpx2.Response:
        feed = "<generator>https://wordpress.org/?v=6.5.5</generator>"
        return httpx2.Response(200, text=feed) if "feed" in request.url.params else example.Server()(request)

    talk = Talk(came={}, typed=f" {example.PASSWORD}\n")
    assert login(talk, old) == {"password": example.PASSWORD}
    assert "success_url" not in talk.visited[0]


def test_without_a_browser_the_password_is_typed() -> None:
    talk = Talk()
    assert login(talk) == {"password": example.PASSWORD}
    assert "success_url" not in talk.visited[0]
    assert any("Communications" in words for words in talk.asked)


def test_a_password_that_does_not_work_is_not_kept() -> None:
    with pytest.raises(Unauthorized, match="does not accept"):
        login(Talk(typed="wrong"))


def test_somebody_else_s_password_is_not_taken() -> None:
    with pytest.raises(Unauthorized, match="for ann, not for govpost") as caught:
        login(Talk(came={**BACK, "user_login": "ann"}))
    assert "log out" in caught.value.tip


def test_a_refused_connection_is_told() -> None:
    with pytest.raises(Unauthorized, match="refused"):
        login(Talk(came={"success": "false"}))


@pytest.mark.parametrize("offered", [None, [], {}, {"application-passwords": {"endpoints": {}}}])
def test_a_site_that_gives_out_no_passwords_is_told(offered: Any) -> None:
    with pytest.raises(Rejected, match="gives out no application passwords") as caught:
        login(Talk(), with_index(authentication=offered))
    assert "https" in caught.value.tip
