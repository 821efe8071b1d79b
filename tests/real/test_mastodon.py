"""A server of the Mastodon family through the command line: what it then says is what was approved."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from live import until
from real.servers.mastodon import Mastodon, MastodonAccount
from real.town import ALTS, Seat, Town, town

BODY = (
    "The bridge is closed on **Friday** – “Danke!” 👩🏽‍🚒\n\nTake Oak Street & allow <time>.\n\n- one\n- two"
)
PARTS = tuple(f"Part {number} of the storm guide – “Sturm” 🌪️ <{number}>" for number in range(1, 5))
POLL = "{ options: [In the park, By the river], expires_in: 3600, hide_totals: true }"


@dataclass(frozen=True, kw_only=True)
class Square:
    """A town with an account on the server."""

    town: Town
    account: MastodonAccount
    server: Mastodon
    before: frozenset[str]

    def posts(self) -> list[dict[str, Any]]:
        """Return what the server lists of the account and this test made, oldest first."""
        return [post for post in reversed(self.account.statuses()) if post["id"] not in self.before]

    def source(self, post: dict[str, Any]) -> str:
        """Return the words of a post as the server keeps them."""
        with self.account.client() as client:
            answer = client.get(f"/api/v1/statuses/{post['id']}/source").raise_for_status()
        return str(answer.json()["text"])

    def release(self, slug: str, text: str, more: str = "", pictures: int = 0) -> None:
        """Publish a post on the website and the square."""
        self.town.release(slug, text, channels="website, square", more=more, pictures=pictures)
        self.town.deliver()
        assert set(self.town.states(slug, "square")) == {"live"}


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, *_: Any) -> None:
        pass


def seat(server: Mastodon, account: MastodonAccount, url: str = "", more: str = "") -> Seat:
    """Return the channel of an account."""
    settings = f'{{ url = "{url or server.url}"{more} }}'
    return Seat(
        name="square", platform="mastodon", settings=settings, secrets={"access_token": account.token}
    )


def ids(account: MastodonAccount) -> frozenset[str]:
    """Return what stands on an account that other tests may have used as well."""
    return frozenset(post["id"] for post in account.statuses())


def options(asked: str) -> str:
    """Write what a post asks of the square."""
    return f"options:\n  square: {asked}\n"


@pytest.fixture
def square(tmp_path: Path, mastodon: Mastodon) -> Square:
    account = mastodon.account()
    made = town(tmp_path, seat(mastodon, account))
    made.ok("channel", "verify", "square")
    return Square(town=made, account=account, server=mastodon, before=ids(account))


def test_the_server_holds_what_the_preview_promised(square: Square) -> None:
    asked = options("{ warning: Road works & delays, sensitive: true, visibility: unlisted }")
    square.release("bridge", BODY, more=asked, pictures=2)
    (promise,) = square.town.promised("bridge", "square")
    (post,) = square.posts()
    assert square.source(post) == promise["text"]
    assert "**" not in promise["text"] and "https://riverton.example.gov/bridge" in promise["text"]
    assert tuple(each["description"] for each in post["media_attachments"]) == ALTS
    assert [each["alt"] for each in promise["media"]] == list(ALTS)
    assert post["spoiler_text"] == "Road works & delays"
    assert (post["visibility"], post["sensitive"]) == ("unlisted", True)
    assert post["language"] == "en" or square.server.outside
    (delivery,) = square.town.deliveries("bridge", "square")
    assert (delivery["remote_id"], delivery["url"]) == (post["id"], post["url"])


def test_the_pictures_are_the_bytes_that_were_approved(square: Square) -> None:
    square.server.ours()
    square.release("bridge", BODY, pictures=2)
    (post,) = square.posts()
    for number, shown in enumerate(post["media_attachments"]):
        original = (square.town.root / "content" / "bridge" / f"picture-{number}.png").read_bytes()
        with square.account.client() as client:
            assert client.get(shown["url"]).raise_for_status().content == original


def test_a_thread_of_four_hangs_together(square: Square) -> None:
    wording = "wording:\n  square:\n" + "".join(f"    - {part!r}\n" for part in PARTS)
    square.release("storm", "Be ready for the storm.", more=wording)
    posts = square.posts()
    assert [square.source(post) for post in posts] == list(PARTS)
    assert [part["text"] for part in square.town.promised("storm", "square")] == list(PARTS)
    assert [post["in_reply_to_id"] for post in posts] == [None, *(post["id"] for post in posts[:-1])]


def test_a_link_can_be_followed(square: Square) -> None:
    square.release("roads", "All roads are open.")
    (post,) = square.posts()
    assert 'href="https://riverton.example.gov/roads"' in html.unescape(post["content"])


def test_a_poll_asks_once(square: Square) -> None:
    wording = "wording:\n  square:\n    - Where do we meet?\n    - More tomorrow.\n"
    square.release("fair", "Where do we meet?", more=options(f"{{ poll: {POLL} }}") + wording)
    first, second = square.posts()
    assert [each["title"] for each in first["poll"]["options"]] == ["In the park", "By the river"]
    assert second["poll"] is None


def test_what_the_platform_does_not_know_is_refused_before_anybody_approves(square: Square) -> None:
    path = square.town.write("fair", channels="square", more=options("{ warnung: Road works }"))
    said = square.town.run("post", "check", str(path.relative_to(square.town.root)), by="ana")
    assert said.code == 1
    assert "did you mean 'warning'?" in said.out + said.err


def test_a_correction_changes_the_post_where_it_is(square: Square) -> None:
    square.release("fair", "The fair is on Friday.", pictures=1)
    (before,) = square.posts()
    square.release("fair-again", "The fair is on Saturday.", more="corrects: fair\n", pictures=1)
    (after,) = square.posts()
    assert after["id"] == before["id"] and after["url"] == before["url"]
    assert after["edited_at"] and not before["edited_at"]
    assert square.source(after) == square.town.promised("fair-again", "square")[0]["text"]
    assert [each["description"] for each in after["media_attachments"]] == [ALTS[0]]


def test_a_correction_of_a_thread_answers_it_and_is_seen_by_no_more(square: Square) -> None:
    wording = "wording:\n  square:\n" + "".join(f"    - {part!r}\n" for part in PARTS[:2])
    quiet = options("{ visibility: unlisted }")
    square.release("storm", "Be ready for the storm.", more=wording + quiet)
    first, _ = square.posts()
    new = "wording:\n  square:\n    - The storm comes on Friday.\n    - Stay at home.\n"
    square.release("storm-again", "The storm comes on Friday.", more=f"corrects: storm\n{new}")
    *_, correction, rest = square.posts()
    assert [correction["in_reply_to_id"], rest["in_reply_to_id"]] == [first["id"], correction["id"]]
    assert [correction["visibility"], rest["visibility"]] == ["unlisted", "unlisted"]


def test_a_correction_of_a_thread_that_is_gone_stands_alone(square: Square) -> None:
    wording = "wording:\n  square:\n" + "".join(f"    - {part!r}\n" for part in PARTS[:2])
    square.release("storm", "Be ready for the storm.", more=wording)
    with square.account.client() as client:
        for post in square.posts():
            client.delete(f"/api/v1/statuses/{post['id']}").raise_for_status()
    square.release("storm-again", "The storm comes on Friday.", more="corrects: storm\n")
    (correction,) = square.posts()
    assert correction["in_reply_to_id"] is None


def test_what_the_server_will_not_take_is_said_before_anybody_approves(square: Square) -> None:
    path = square.town.write(
        "fair", channels="square", more=options("{ poll: { options: [a, b, c, d, e] } }")
    )
    said = square.town.run("post", "check", str(path.relative_to(square.town.root)), by="ana")
    assert said.code == 1
    assert "square will not take it: the poll has 5 answers" in said.out + said.err


def test_what_is_withdrawn_is_gone_with_every_part(square: Square) -> None:
    wording = "wording:\n  square:\n" + "".join(f"    - {part!r}\n" for part in PARTS)
    square.release("storm", "Be ready for the storm.", more=wording)
    square.town.run("post", "withdraw", "storm", "--reason", "error")
    square.town.deliver()
    assert square.posts() == []


def test_a_post_that_somebody_deleted_there_can_be_withdrawn(square: Square) -> None:
    square.release("fair", "The fair is on Friday.")
    (post,) = square.posts()
    with square.account.client() as client:
        client.delete(f"/api/v1/statuses/{post['id']}").raise_for_status()
    square.town.run("post", "withdraw", "fair", "--reason", "error")
    square.town.deliver()
    assert "withdrawn" in square.town.states("fair", "square")


def test_verify_says_who_we_are_and_keeps_the_server_s_limits(square: Square) -> None:
    said = square.town.ask("channel", "verify", "square")
    account = said["account"]
    assert said["ok"] and account["missing"] == []
    if not square.server.outside:
        assert account["name"] == f"@{square.account.name}"
        assert account["server"] == "Mastodon 4.6.0"
    path = square.town.write("long", channels="square", more=options(f"{{ warning: '{'w' * 600}' }}"))
    checked = square.town.run("post", "check", str(path.relative_to(square.town.root)), by="ana")
    assert checked.code == 1


def test_a_log_in_by_hand_replaces_a_bad_token(tmp_path: Path, mastodon: Mastodon) -> None:
    mastodon.ours()
    account = mastodon.account()
    bad = MastodonAccount(url=account.url, name=account.name, token="of-nobody")
    made = town(tmp_path, seat(mastodon, bad))
    refused = made.run("channel", "verify", "square")
    assert refused.code == 1
    assert "does not accept the access token" in refused.out
    assert "tip: govpost channel login square" in refused.out
    # The mock shows this code to whoever chooses the account on its page.
    said = made.run("channel", "login", "square", "--no-browser", typed=f"mockcode_{account.name}\n")
    assert said.code == 0, said
    assert "code_challenge_method=S256" in said.out and "mockcode" not in said.out
    made.release("fair", "The fair is on Friday.", channels="website, square")
    made.deliver()
    assert made.states("fair", "square") == ["live"]
    assert len(account.statuses()) == 1


def test_the_agency_s_web_site_is_no_server_to_log_in_to(tmp_path: Path, mastodon: Mastodon) -> None:
    def site(environ: Any, start: Any) -> list[bytes]:
        start("404 Not Found", [("Content-Type", "text/html")])
        return [b"<html><h1>City of Riverton</h1></html>"]

    with make_server("127.0.0.1", 0, site, handler_class=Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        made = town(tmp_path, seat(mastodon, mastodon.account(), url=url))
        for command in (("login", "square", "--no-browser"), ("verify", "square")):
            said = made.run("channel", *command, typed="\n")
            words = said.out + said.err
            assert said.code == 1
            assert "there is no server here that speaks the Mastodon API" in words
            assert "settings.url of square" in words and "<html>" not in words
        server.shutdown()


def heard(square: Square, slug: str) -> list[dict[str, Any]]:
    """Ask now, and return what is kept of the public's answers to a post."""
    square.town.ok("metrics", "collect", "--channel", "square")
    (delivery,) = square.town.deliveries(slug, "square")
    replies: list[dict[str, Any]] = delivery["replies"]
    return replies


def test_what_the_public_does_is_counted_read_and_answered(square: Square) -> None:
    square.release("fair", "The fair is on Friday.")
    (post,) = square.posts()
    with square.server.citizen.client() as client:
        for what in ("favourite", "reblog"):
            client.post(f"/api/v1/statuses/{post['id']}/{what}").raise_for_status()
        words = {"status": f"@{square.account.name} Where do I park?", "in_reply_to_id": post["id"]}
        asked = client.post("/api/v1/statuses", json=words).raise_for_status().json()
    until(lambda: heard(square, "fair"), 60)
    (counted,) = square.town.ask("metrics", "list", "--channel", "square", by=None)
    assert (counted["likes"], counted["shares"], counted["replies"]) == (1, 1, 1)
    (reply,) = heard(square, "fair")
    assert "Where do I park?" in reply["text"] and reply["author"].startswith("@citizen")
    text = "@citizen By the river."
    square.town.release("parking", text, channels="square", more=f"answers: {reply['id']}\n")
    square.town.deliver()
    answer = square.posts()[-1]
    assert answer["in_reply_to_id"] == asked["id"]
    assert square.source(answer) == square.town.promised("parking", "square")[0]["text"]
