"""Is our post there? The account's own posts are listed; text, time and application must all fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from govpost import Receipt, Unavailable, Variant
from govpost_mastodon import servers
from govpost_mastodon.api import Api, rows, table
from govpost_mastodon.ours import PAGE, PAGES, corrected, page
from govpost_mastodon.settings import options_of
from govpost_mastodon.statuses import PATH, receipt_of
from govpost_mastodon.words import alike, close, same, text_of

_TIP = "look at it, then settle it with govpost delivery resolve"
_SKEW = timedelta(minutes=15)
_WIDEST = timedelta(hours=3)
"""How much earlier than its due time a post may seem to have been made: without a doubt, and at all."""


def known(api: Api, held: Receipt) -> Receipt | None:
    """Return the post of a receipt as it stands now, None when it is gone."""
    status = api.look(f"{PATH}/{held.remote_id}")
    return receipt_of(status) if status else None


def search(api: Api, variant: Variant) -> Receipt | None:
    """Return the one post that is the variant, None when there is none; `Unavailable` when it cannot be told."""
    looks = [(status, _looks(api, status, variant)) for status in _since(api, variant.at)]
    found = [status for status, look in looks if look == "same"]
    like = [status for status, look in looks if look == "like"]
    if not found and like:
        raise Unavailable(f"{_addresses(like)} may be it, but its words are shown differently", tip=_TIP)
    if not found:
        return None
    if len(found) > 1:
        raise Unavailable(f"{len(found)} posts have these very words: {_addresses(found)}", tip=_TIP)
    if other := _differs(api, found[0], variant):
        raise Unavailable(f"{_addresses(found)} has these very words, but {other}", tip=_TIP)
    # Asked for once more by its id, so that the receipt is of a post that is there now.
    return known(api, receipt_of(found[0]))


def _since(api: Api, at: datetime | None) -> list[Mapping[str, Any]]:
    """Return our posts that may have been made at or after `at`, newest first."""
    after = at - _WIDEST if at else None
    last: object = None
    found: dict[str, Mapping[str, Any]] = {}
    for _ in range(PAGES):
        new = page(api, last)
        found |= {str(status.get("id")): status for status in new if after is None or _made(status) >= after}
        # A pinned post may stand at the top of the list though it is old: the last of the page decides.
        if not new or new[-1].get("id") == last or (after is not None and _made(new[-1]) < after):
            return list(found.values())
        last = new[-1].get("id")
    raise Unavailable(f"the account has made more than {PAGE * PAGES} posts since, too many to look through")


def _looks(api: Api, status: Mapping[str, Any], variant: Variant) -> Literal["same", "like", "other"]:
    """Compare the words exactly as they were sent, or where the server does not tell them, as it shows them.

    Where only something like them is shown, it cannot be told: a server may add a footer, turn a mention into a link or
    take marks away, and to call ours absent then would be to post it twice.
    """
    if status.get("reblog"):
        return "other"
    told = table(api.look(f"{PATH}/{status.get('id')}/source")).get("text")
    shown = text_of(str(status.get("content") or ""))
    software = servers.known(api.channel.limits)
    if isinstance(told, str) and software and software.exact:
        return "same" if same(told, variant.text) else "other"
    texts = [text for text in (told, shown) if isinstance(text, str)]
    if any(same(text, variant.text) for text in texts):
        return "same"
    return "like" if any(close(text, variant.text) for text in texts) else "other"


def _differs(api: Api, status: Mapping[str, Any], variant: Variant) -> str | None:
    """Say in what a post with the same words is not as ours must be; to call it ours would be a guess."""
    made = _made(status)
    if variant.at and made < min(variant.at, datetime.now(UTC)) - _SKEW:
        return f"was made {made:%Y-%m-%d %H:%M} UTC, before this one was due"
    by, ours = table(status.get("application")).get("name"), api.channel.limits.get("application")
    if by and ours and by != ours:
        return f"was made with {by}"
    if len(rows(status.get("media_attachments"))) != len(variant.media):
        return "has not the same pictures"
    if missed := _misses(api, str(status.get("in_reply_to_id")), variant):
        return f"does not answer {missed}"
    if not alike(str(status.get("spoiler_text") or ""), options_of(variant).warning):
        return "has another warning"
    return None


def _misses(api: Api, answered: str, variant: Variant) -> str | None:
    """Name what a post must answer to be ours and does not."""
    if variant.reply_to is not None:
        return None if answered == variant.reply_to else "the part before"
    # What was staged is not kept when an answer is lost, so the corrected post is looked for again.
    to = corrected(api, variant).get("id")
    return None if to in (None, answered) else "the post that it corrects"


def _addresses(statuses: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(str(status.get("url") or status.get("uri")) for status in statuses)


def _made(status: Mapping[str, Any]) -> datetime:
    try:
        made = datetime.fromisoformat(str(status.get("created_at")))
    except ValueError as error:
        raise Unavailable(f"a post was made at {status.get('created_at')!r}, which is no time") from error
    return made if made.tzinfo else made.replace(tzinfo=UTC)
