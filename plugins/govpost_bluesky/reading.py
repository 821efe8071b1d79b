"""What the AppView knows: counts of our posts, and what the public says to us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from govpost import Channel, Metrics, Receipt, Reply, Unavailable
from govpost_bluesky.records import POST, split
from govpost_bluesky.settings import Settings
from govpost_bluesky.xrpc import Session, answered, lacks_appview

if TYPE_CHECKING:
    import httpx2

_PAGE = 100
_KINDS: Mapping[str, Literal["reply", "mention", "quote"]] = {
    "reply": "reply",
    "mention": "mention",
    "quote": "quote",
}

Json = dict[str, Any]


def measure(receipts: Sequence[Receipt], channel: Channel, http: httpx2.Client) -> Mapping[str, Metrics]:
    """Count likes, reposts, replies and quotes; Bluesky counts no views. Posts that are gone are left out."""
    uris = [receipt.remote_id for receipt in receipts]
    posts = ask(channel, http, "app.bsky.feed.getPosts", uris=uris).get("posts", [])
    return {
        post["uri"]: Metrics(
            likes=post.get("likeCount"),
            shares=post.get("repostCount"),
            replies=post.get("replyCount"),
            quotes=post.get("quoteCount"),
        )
        for post in posts
    }


def replies(channel: Channel, since: str | None, http: httpx2.Client) -> Iterable[Reply]:
    """Return replies, mentions and quotes from `since` on, an instant of the AppView's; oldest first."""
    found: list[Json] = []
    cursor: str | None = None
    while True:
        page = _page(channel, cursor, http)
        notes = page.get("notifications", [])
        fresh = [note for note in notes if since is None or note["indexedAt"] >= since]
        found += fresh
        cursor = page.get("cursor")
        if since is None or cursor is None or len(fresh) < len(notes) or not fresh:
            break
    web = Settings.of(channel).web
    return [_reply(note, web) for note in reversed(found) if note.get("reason") in _KINDS]


def ask(channel: Channel, http: httpx2.Client, method: str, **params: Any) -> Json:
    """Ask the AppView through the PDS; `Unavailable` where the PDS knows none."""
    session, appview = Session.of(channel), Settings.of(channel).appview
    answer = session.ask(http, method, proxy=appview, **params)
    if lacks_appview(answer):
        raise Unavailable(
            f"{session.pds} has no AppView, so likes and replies cannot be read",
            tip='name one in the settings: appview = "did:web:api.bsky.app#bsky_appview"',
        )
    return answered(answer)


def _page(channel: Channel, cursor: str | None, http: httpx2.Client) -> Json:
    more = {"cursor": cursor} if cursor else {}
    return ask(
        channel,
        http,
        "app.bsky.notification.listNotifications",
        reasons=list(_KINDS),
        limit=_PAGE,
        **more,
    )


def _reply(note: Json, web: str) -> Reply:
    record, author = note.get("record") or {}, note["author"]
    found = split(note["uri"])
    languages = record.get("langs") or [None]
    return Reply(
        remote_id=note["uri"],
        text=str(record.get("text", "")),
        author=str(author.get("displayName") or author["handle"]),
        at=datetime.fromisoformat(note["indexedAt"]),
        kind=_KINDS[note["reason"]],
        author_url=f"{web}/profile/{author['did']}",
        url=f"{web}/profile/{found[0]}/post/{found[1]}" if found else None,
        to=_answered(note, record),
        language=languages[0],
        cursor=note["indexedAt"],
        raw={"cid": note["cid"], "root": (record.get("reply") or {}).get("root"), "handle": author["handle"]},
    )


def _answered(note: Json, record: Json) -> str | None:
    """Return the post it speaks to: the one it answers, or the one of ours that it quotes."""
    parent = ((record.get("reply") or {}).get("parent") or {}).get("uri")
    subject = note.get("reasonSubject")
    if note["reason"] == "quote" and isinstance(subject, str) and f"/{POST}/" in subject:
        return subject
    return parent or subject
