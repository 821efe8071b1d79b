"""Sites that do not behave: firewalls, warnings of PHP, plugins that change addresses, editors who are quicker.

What they answer is written by hand, after what such sites were seen to say.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from govpost import Rejected, Unavailable
from govpost.wire import read_error
from govpost_wordpress import example
from govpost_wordpress.test_common import (
    CHANNEL,
    PLATFORM,
    POST,
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
