"""Sites that do not behave: firewalls, warnings of PHP, plugins that change addresses, editors who are quicker.

What they answer is written by hand, after what such sites were seen to say.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from govpost import Rejected, Unavailable, Uncertain
from govpost.wire import read_error
from govpost_wordpress import example
from govpost_wordpress.test_common import (
    CHANNEL,
    NOW,
    PLATFORM,
    POST,
    SLUG,
    Answer,
    call,
    confirm,
    instead,
    picture,
    publish,
    refusal,
    stage,
)

WARNING = "<br />\n<b>Warning</b>:  Undefined array key 0 in <b>/srv/x.php</b> on line <b>3</b><br />\n"
BLOCKED = "<html><body>Request blocked</body></html>"


def page(server: Answer, method: str, path: str, status: int, body: str = BLOCKED) -> Answer:
    """Let a page answer one kind of request in place of the site."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == method and request.url.path.endswith(path):
            return httpx2.Response(status, text=body)
        return server(request)

    return answer


def preceded(server: Answer, words: str) -> Answer:
    """Put words before every answer that is JSON."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        good = server(request)
        html = "json" not in good.headers.get("content-type", "")
        kept = {
            name: good.headers[name] for name in ("x-wp-total", "x-wp-totalpages") if name in good.headers
        }
        return good if html else httpx2.Response(good.status_code, text=words + good.text, headers=kept)

    return answer


# --- Firewalls and warnings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 406])
def test_a_firewall_that_refuses_the_publishing_is_asked_again_later(status: int) -> None:
    server = example.Server()
    variant = stage(server)
    blocked = page(server, "POST", f"/{variant.staged['id']}", status)
    with pytest.raises(Unavailable, match=f"before it said {status}") as caught:
        call(lambda http: PLATFORM.publish(variant, CHANNEL, http), blocked)
    assert "admin" in caught.value.tip and server.public() == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/posts"), ("POST", "/posts"), ("POST", "/tags")])
def test_a_firewall_that_refuses_the_staging_is_asked_again_later(method: str, path: str) -> None:
    with pytest.raises(Unavailable, match="before it said 403"):
        stage(page(example.Server(), method, path, 403), replace(POST, options={"tags": ["water"]}))


def test_a_refusal_of_the_site_itself_stays_one() -> None:
    answer = instead(example.Server(), "POST", "/posts", 403, refusal("rest_cannot_assign_sticky", 403))
    with pytest.raises(Rejected):
        stage(answer)


@pytest.mark.parametrize("words", [WARNING, "[21-Nov-2026] PHP Notice: x\n", "\ufeff", "\n\n  "])
def test_warnings_above_every_answer_change_nothing(tmp_path: Path, words: str) -> None:
    server = example.Server()
    noisy = preceded(server, words)
    account = call(lambda http: PLATFORM.verify(CHANNEL, http), noisy, read_error, read_only=True)
    assert account.remote_id == "7"
    receipt = publish(noisy, replace(POST, media=(picture(tmp_path),), options={"tags": ["water"]}))
    assert confirm(noisy) is not None and len(server.public()) == 1
    assert call(lambda http: PLATFORM.withdraw(receipt, "", CHANNEL, http), noisy) is None


def test_what_the_scripts_of_a_page_hold_is_no_answer(tmp_path: Path) -> None:
    challenge = '<html><script>\n{"id": 1}\n</script>One moment, please</html>'
    for path in ("/posts", "/media"):
        with pytest.raises(Unavailable, match="not JSON"):
            stage(
                page(example.Server(), "GET", path, 200, challenge), replace(POST, media=(picture(tmp_path),))
            )
    with pytest.raises(Unavailable, match="not JSON"):
        stage(page(example.Server(), "GET", "/posts", 200, '<!doctype html>\n{"id": 1}'))


# --- Sites that change addresses -------------------------------------------------------------------------------


class Renaming(example.Server):
    """A site with a plugin that makes other addresses of those it is asked for, and another before it publishes."""

    def __init__(self, public: str = "", longest: int = 200) -> None:
        super().__init__()
        self.named, self.longest = public, longest

    def _fill(self, name: str, row: Any, told: Any) -> None:
        super()._fill(name, row, told)
        if name in ("posts", "pages"):
            row.setdefault("author", 7)
            row["slug"] = row["slug"][: self.longest]
            if row["status"] == "publish" and self.named:
                row["slug"] = f"{row['id']}-{self.named}"
                row["link"] = f"{example.SITE}/{row['slug']}/"

    def states(self) -> list[str]:
        return sorted(row["status"] for row in self.rows["posts"].values())


def losing(server: Answer, **lost: Any) -> Answer:
    """Let the site act on a request that says this, and lose its answer."""
    left = [1]

    def answer(request: httpx2.Request) -> httpx2.Response:
        said = server(request)
        told = json.loads(request.content) if request.content[:1] == b"{" else {}
        if left and lost.items() <= told.items():
            left.clear()
            raise httpx2.ReadError("gone", request=request)
        return said

    return answer


def test_an_address_that_changes_with_the_publishing_is_the_post_s_address() -> None:
    server = Renaming(public="news")
    receipt = publish(server)
    assert receipt.url == f"{example.SITE}/101-news/" and not receipt.pending
    assert confirm(server, receipt) == confirm(server) and server.states() == ["publish"]


@pytest.mark.parametrize("behind", [False, True])
def test_a_post_under_another_address_is_found_when_the_answer_was_lost(behind: bool) -> None:
    server = Renaming(public="news")
    variant = replace(POST, at=NOW + timedelta(minutes=5)) if behind else POST
    with pytest.raises(Uncertain):
        publish(losing(server, status="publish"), variant)
    if behind:
        server.rows["posts"][101]["date_gmt"] = NOW.strftime("%Y-%m-%dT%H:%M:%S")
    again = publish(server, variant)
    assert again.remote_id == "posts/101" and server.states() == ["publish"]


def test_a_post_that_only_looks_like_ours_is_another() -> None:
    server = Renaming(public="news")
    earlier = replace(POST, key="01920000-0000-7000-8000-00000000aaaa", at=NOW - timedelta(hours=3))
    other = replace(earlier, at=POST.at, title="Road closed", text="Open.")
    assert {publish(server, each).remote_id for each in (earlier, other, POST)} == {
        "posts/101",
        "posts/102",
        "posts/103",
    }
    plain = example.Server()
    publish(plain, replace(POST, key=earlier.key))
    assert publish(plain).remote_id == "posts/102"


def test_a_post_without_an_hour_is_known_by_its_key_alone() -> None:
    server = Renaming(public="news")
    variant = replace(POST, at=None)
    assert publish(server, variant).remote_id != publish(server, variant).remote_id


def test_a_site_that_cuts_addresses_gets_a_short_one_with_the_key() -> None:
    server = Renaming(longest=20)
    first, second = stage(server), stage(server)
    assert first.staged == second.staged and server.states() == ["draft"]
    receipt = publish(server)
    assert receipt.url == f"{example.SITE}/gp0123456789ab/" and server.states() == ["publish"]
    assert publish(server) == receipt == confirm(server)


def test_a_lost_answer_leaves_one_draft_on_a_site_that_cuts_addresses() -> None:
    for lost in ({"slug": SLUG}, {"slug": "gp0123456789ab"}):
        server = Renaming(longest=20)
        with pytest.raises(Unavailable):
            stage(losing(server, **lost))
        stage(server)
        assert server.states().count("draft") == 1


def test_a_draft_of_somebody_else_with_the_same_address_stays() -> None:
    server = Renaming(longest=20)
    title, words = {"raw": "Bridge closed"}, {"raw": "By hand."}
    draft = {"id": 900, "slug": SLUG[:20], "status": "draft", "modified_gmt": "2099-01-01T00:00:00"}
    server.rows["posts"][900] = {**draft, "title": title, "content": words}
    server.rows["posts"][901] = {**draft, "id": 901, "title": {"raw": "Other"}}
    publish(server)
    assert server.states() == ["draft", "draft", "publish"]


@pytest.mark.parametrize("known", [True, False])
def test_a_site_where_nothing_could_be_found_again_keeps_no_draft(known: bool) -> None:
    server = Renaming(longest=5 if known else 20)
    channel = CHANNEL if known else replace(CHANNEL, limits={})
    with pytest.raises(Rejected, match="makes 'bridg") as caught:
        stage(server, channel=channel)
    assert "channel verify" in caught.value.tip and server.states() == ["trash"]


# --- Editors ---------------------------------------------------------------------------------------------------


def test_a_repeat_leaves_what_an_editor_mended_meanwhile() -> None:
    server = example.Server()
    with pytest.raises(Uncertain):
        publish(losing(server, status="publish"))
    (row,) = server.rows["posts"].values()
    row |= {"title": {"raw": "Bridge closed till Monday"}, "content": {"raw": "It opens on Monday."}}
    before = dict(row)
    again = publish(server)
    assert again.remote_id == f"posts/{row['id']}" and again.url == before["link"] and row == before


def test_a_repeat_does_not_bring_back_what_an_editor_takes_down() -> None:
    server = example.Server()
    publish(server)
    variant = stage(server)
    for change in ({"status": "trash"}, {"status": "private"}):
        (row,) = server.rows["posts"].values()
        row |= change
        with pytest.raises(Unavailable, match="somebody is changing"):
            call(lambda http: PLATFORM.publish(variant, CHANNEL, http), server)
    server.rows["posts"].clear()
    with pytest.raises(Unavailable, match="somebody is changing"):
        call(lambda http: PLATFORM.publish(variant, CHANNEL, http), server)


def test_a_repeat_says_what_the_site_left_out_the_first_time() -> None:
    server = example.Server()
    variant = replace(POST, options={"tags": ["water"]})
    publish(server, variant)
    (row,) = server.rows["posts"].values()
    row["tags"] = []
    with pytest.raises(Uncertain, match="without its tags"):
        publish(server, variant)
