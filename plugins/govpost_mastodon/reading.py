"""What became of our posts: counts, and what people answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from govpost import Channel, Metrics, Receipt, Reply, Variant
from govpost_mastodon.api import Api, rows, table
from govpost_mastodon.ours import account_id
from govpost_mastodon.settings import options_of, settings_of
from govpost_mastodon.statuses import PATH
from govpost_mastodon.words import text_of

_PAGE = 40
_PAGES = 5
_BATCHES_FROM = 2
"""The Mastodon API version that can give several statuses at once (4.3)."""


def measure(api: Api, receipts: Sequence[Receipt]) -> dict[str, Metrics]:
    """Count each post; several in one request where the server can."""
    names = [receipt.remote_id for receipt in receipts]
    if not names:
        return {}
    if api.channel.limits.get("software") == "mastodon" and api.channel.limits.get("api", 0) >= _BATCHES_FROM:
        found = rows(api.ask(PATH, **{"id[]": names}))
    else:
        found = [status for name in names if (status := api.look(f"{PATH}/{name}"))]
    return {str(status["id"]): _counts(status) for status in found}


def replies(api: Api, since: str | None) -> list[Reply]:
    """Return who mentioned, answered or quoted us after the notification `since`, oldest first."""
    ours = account_id(api)
    found: dict[str, Mapping[str, Any]] = {}
    for _ in range(_PAGES):
        after = {"min_id": since} if since else {}
        kinds = {"types[]": ["mention", "quote"]}
        page = rows(api.ask("/api/v1/notifications", limit=_PAGE, **kinds, **after))
        new = {str(each["id"]): each for each in page if str(each["id"]) not in found}
        found |= new
        if not new or since is None or len(page) < _PAGE:
            break
        since = max(new, key=lambda name: (len(name), name))
    given = [reply for each in found.values() if (reply := _reply(each, ours))]
    return sorted(given, key=lambda reply: reply.at)


def respond(reply: Reply, variant: Variant, channel: Channel) -> dict[str, str]:
    """Return what the body of an answer says besides the variant."""
    asked = reply.raw.get("visibility")
    ours = options_of(variant).visibility or settings_of(channel).visibility
    # What was said in private is not answered in public.
    return {
        "in_reply_to_id": reply.remote_id,
        "visibility": asked if asked in ("private", "direct") else ours,
    }


def _counts(status: Mapping[str, Any]) -> Metrics:
    return Metrics(
        likes=status.get("favourites_count"),
        shares=status.get("reblogs_count"),
        replies=status.get("replies_count"),
        quotes=status.get("quotes_count"),
    )


def _reply(notification: Mapping[str, Any], ours: str) -> Reply | None:
    status, writer = table(notification.get("status")), table(notification.get("account"))
    if notification.get("type") not in ("mention", "quote") or not status.get("id"):
        return None
    kind, to = _about(notification, status, ours)
    return Reply(
        remote_id=str(status["id"]),
        text=text_of(str(status.get("content") or "")),
        author=f"@{writer.get('acct', '')}",
        at=_instant(str(status.get("created_at"))),
        kind=kind,
        author_url=writer.get("url"),
        url=status.get("url") or status.get("uri"),
        to=to,
        language=status.get("language"),
        cursor=str(notification["id"]),
        raw={"visibility": status.get("visibility"), "warning": status.get("spoiler_text") or ""},
    )


def _about(
    notification: Mapping[str, Any], status: Mapping[str, Any], ours: str
) -> tuple[Literal["reply", "mention", "quote"], str | None]:
    if notification.get("type") == "quote":
        quote = table(status.get("quote"))
        quoted = table(quote.get("quoted_status")).get("id") or quote.get("quoted_status_id")
        return "quote", str(quoted) if quoted else None
    if status.get("in_reply_to_id") and str(status.get("in_reply_to_account_id")) == ours:
        return "reply", str(status["in_reply_to_id"])
    return "mention", None


def _instant(text: str) -> datetime:
    made = datetime.fromisoformat(text)
    return made if made.tzinfo else made.replace(tzinfo=UTC)
