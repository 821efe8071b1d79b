"""What the public says under our posts: counted, read with its moderation state, and answered."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from govpost import Channel, Metrics, Receipt, Rejected, Reply, Uncertain, Variant, plain
from govpost_wordpress.api import Api, code_of, said

_PAGE = 100
_MOST_PAGES = 20
_STATES: Mapping[str, Literal["shown", "held", "spam"]] = {
    "approved": "shown",
    "hold": "held",
    "spam": "spam",
}
_KEPT = ("id", "parent", "post", "status", "type")
_TAKEN_DOWN = frozenset({"trash", "spam"})
LONGEST = 65_525
"""What the site's database has room for, in bytes (`wp_get_comment_fields_max_lengths`)."""

Comment = dict[str, Any]


def count(api: Api, receipts: Sequence[Receipt]) -> dict[str, Metrics]:
    """Count the comments that are shown under each post; WordPress itself counts nothing else."""
    found: dict[str, Metrics] = {}
    for kind in ("posts", "pages"):
        numbers = [r.remote_id.partition("/")[2] for r in receipts if r.remote_id.startswith(f"{kind}/")]
        if not numbers:
            continue
        asked = {"include": ",".join(numbers), "per_page": _PAGE, "_fields": "id"}
        for post in said(api.get(f"wp/v2/{kind}", **asked)):
            answer = api.get("wp/v2/comments", post=post["id"], per_page=1, _fields="id")
            found[f"{kind}/{post['id']}"] = Metrics(replies=int(answer.headers["x-wp-total"]))
    return found


def since(api: Api, channel: Channel, cursor: str | None) -> Iterator[Reply]:
    """Return the comments after a cursor, oldest first, held ones too; not our own answers."""
    own = channel.limits.get("user_id")
    for comment in _newest(api) if cursor is None else _after(api, cursor):
        if comment["status"] in _STATES and (own is None or comment["author"] != own):
            yield _reply(comment)


def _newest(api: Api) -> list[Comment]:
    found: list[Comment] = said(api.get("wp/v2/comments", status="any", order="desc", per_page=_PAGE))
    return sorted(found, key=_cursor)


def _after(api: Api, cursor: str) -> Iterator[Comment]:
    moment = datetime.fromisoformat(cursor.partition("/")[0])
    # The site compares whole seconds, and leaves the given one out.
    asked = {"status": "any", "after": (moment - timedelta(seconds=1)).isoformat(), "order": "asc"}
    for page in range(1, _MOST_PAGES + 1):
        answer = api.get("wp/v2/comments", orderby="date_gmt", per_page=_PAGE, page=page, **asked)
        yield from sorted((each for each in said(answer) if _cursor(each) > cursor), key=_cursor)
        # A page may be short: what the user may not read is left out of it.
        if page >= int(answer.headers.get("x-wp-totalpages", 0)):
            return


def _cursor(comment: Comment) -> str:
    return f"{_moment(comment).isoformat()}/{comment['id']:012d}"


def _moment(comment: Comment) -> datetime:
    return datetime.fromisoformat(comment["date_gmt"]).replace(tzinfo=UTC)


def _reply(comment: Comment) -> Reply:
    kind = "pages" if _post_type(comment) == "page" else "posts"
    return Reply(
        remote_id=f"comments/{comment['id']}",
        text=_plain(comment["content"]["rendered"]),
        author=html.unescape(comment["author_name"]) or "anonymous",
        at=_moment(comment),
        state=_STATES[comment["status"]],
        author_url=comment.get("author_url") or None,
        url=comment["link"],
        to=f"{kind}/{comment['post']}",
        cursor=_cursor(comment),
        raw={name: comment[name] for name in _KEPT if name in comment},
    )


def _post_type(comment: Comment) -> str:
    above = comment.get("_links", {}).get("up", [])
    return next((str(each["post_type"]) for each in above if "post_type" in each), "post")


def _plain(markup: str) -> str:
    """Return what a reader sees of a comment, paragraph by paragraph."""
    lines = re.sub(r"<br\s*/?>\n?", "\n", re.sub(r"</p>\s*<p\b", "</p>\n\n<p", markup))
    return html.unescape(re.sub(r"<[^<>]*>", "", lines)).strip()


def respond(api: Api, reply: Reply, variant: Variant) -> Receipt:
    """Put our answer under a comment; one that is there already is the one."""
    parent = int(reply.remote_id.rpartition("/")[2])
    known = _own_answer(api, parent, plain(variant.text))
    if known is None:
        _see_shown(api, reply)
        post = int((reply.to or "").rpartition("/")[2])
        told = {"post": post, "parent": parent, "content": written(variant)}
        answer = api.send("POST", "wp/v2/comments", json=told)
        if code_of(answer) == "comment_duplicate":
            raise Uncertain("the site says that this answer is there already", tip=f"look at {reply.url}")
        known = said(api.good(answer))
    elif known["status"] in _TAKEN_DOWN:
        tip = "take it out of there, or write the answer in other words"
        raise Rejected(f"somebody took this answer down on the site: {known['status']}", tip=tip)
    return _receipt(known)


def look(api: Api, receipt: Receipt) -> Receipt | None:
    """Return what became of our answer; None when it was taken down."""
    answer = api.send("GET", f"wp/v2/{receipt.remote_id}")
    known = None if answer.status_code == 404 else said(api.good(answer))
    return _receipt(known) if known and known["status"] not in _TAKEN_DOWN else None


def is_answer(receipt: Receipt) -> bool:
    """Say whether a receipt is that of an answer, and not of a post."""
    return receipt.remote_id.startswith("comments/")


def written(variant: Variant) -> str:
    """Return an answer as it is sent: plain words, as HTML."""
    return html.escape(plain(variant.text), quote=False)


def _see_shown(api: Api, reply: Reply) -> None:
    """Raise `Rejected` when readers do not see what we would answer, now: a moderator may have been there."""
    answer = api.send("GET", f"wp/v2/{reply.remote_id}", params={"_fields": "id,status"})
    if answer.status_code == 404:
        raise Rejected("the comment that it answers is gone from the site", tip="cancel this delivery")
    hidden = answer.status_code == 403  # what is held is for moderators alone
    if hidden or said(api.good(answer))["status"] != "approved":
        tip = f"approve the comment first: {reply.url}"
        raise Rejected("the comment that it answers is not shown on the site", tip=tip)


def _receipt(known: Comment) -> Receipt:
    return Receipt(
        remote_id=f"comments/{known['id']}",
        url=str(known["link"]),
        pending=known["status"] != "approved",
        raw={name: known[name] for name in _KEPT if name in known},
    )


def _own_answer(api: Api, parent: int, words: str) -> Comment | None:
    asked = {"parent": parent, "status": "any", "per_page": _PAGE}
    me = said(api.get("wp/v2/users/me", context="edit", _fields="id"))["id"]
    found = said(api.get("wp/v2/comments", **asked))
    return next(
        (
            each
            for each in found
            if each["author"] == me and _same(_plain(each["content"]["rendered"]), words)
        ),
        None,
    )


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
