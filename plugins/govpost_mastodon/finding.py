"""Is our post there? The account's own posts are listed; text, time and application must all fit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from govpost import Receipt, Unavailable, Variant
from govpost_mastodon.api import Api, checked, rows, said, table
from govpost_mastodon.settings import options_of
from govpost_mastodon.statuses import PATH, receipt_of
from govpost_mastodon.words import alike, same, text_of

_PAGE = 40
_PAGES = 10
_MARGIN = timedelta(minutes=15)
"""How much earlier than its due time a post may seem to have been made."""


def known(api: Api, held: Receipt) -> Receipt | None:
    """Return the post of a receipt as it stands now, None when it is gone."""
    status = api.look(f"{PATH}/{held.remote_id}")
    return receipt_of(status) if status else None


def search(api: Api, variant: Variant) -> Receipt | None:
    """Return the one post that is the variant, None when there is none; `Unavailable` when it cannot be told."""
    listed = [status for status in _since(api, variant.at) if _candidate(api, status, variant)]
    ours = [status for status in listed if _is(api, status, variant)]
    if len(ours) > 1:
        raise Unavailable(
            f"{len(ours)} posts have these very words: {', '.join(str(each.get('url')) for each in ours)}",
            tip="look at both, then settle it with govpost delivery resolve",
        )
    # Asked for once more by its id, so that the receipt is of a post that is there now.
    return known(api, receipt_of(ours[0])) if ours else None


def account_id(api: Api) -> str:
    """Return our own account's id, kept by `verify` or asked for now."""
    kept = api.channel.limits.get("account_id")
    return str(kept or table(api.ask("/api/v1/accounts/verify_credentials")).get("id", ""))


def _since(api: Api, at: datetime | None) -> list[Mapping[str, Any]]:
    """Return our posts that may have been made at or after `at`, newest first."""
    path = f"/api/v1/accounts/{account_id(api)}/statuses"
    last: object = None
    found: list[Mapping[str, Any]] = []
    for _ in range(_PAGES):
        more: dict[str, Any] = {"max_id": last} if last else {}
        answer = checked(api.send("GET", path, params={"limit": _PAGE, "exclude_reblogs": "true", **more}))
        page = rows(said(answer))
        after = at + _ahead(answer.headers.get("date")) - _MARGIN if at else None
        found += [status for status in page if after is None or _made(status) >= after]
        # A pinned post may stand at the top of the list though it is old: the last of the page decides.
        if not page or page[-1].get("id") == last or (after is not None and _made(page[-1]) < after):
            return found
        last = page[-1].get("id")
    raise Unavailable(
        f"the account has made more than {_PAGE * _PAGES} posts since, too many to look through"
    )


def _candidate(api: Api, status: Mapping[str, Any], variant: Variant) -> bool:
    """Say whether a listed post may be ours by all that is shown of it except its words."""
    application, ours = table(status.get("application")).get("name"), api.channel.limits.get("application")
    return (
        not status.get("reblog")
        and (not application or not ours or application == ours)
        and len(rows(status.get("media_attachments"))) == len(variant.media)
        and (variant.reply_to is None or str(status.get("in_reply_to_id")) == variant.reply_to)
        and alike(str(status.get("spoiler_text") or ""), options_of(variant).warning)
    )


def _is(api: Api, status: Mapping[str, Any], variant: Variant) -> bool:
    """Compare the words exactly as they were sent, or where the server does not tell, as it shows them."""
    source = table(api.look(f"{PATH}/{status.get('id')}/source"))
    if isinstance(source.get("text"), str):
        return same(source["text"], variant.text)
    shown = text_of(str(status.get("content") or ""))
    if same(shown, variant.text):
        return True
    if alike(shown, variant.text):
        raise Unavailable(
            f"{status.get('url')} may be it, but its words are shown differently",
            tip="look at it, then settle it with govpost delivery resolve",
        )
    return False


def _made(status: Mapping[str, Any]) -> datetime:
    try:
        made = datetime.fromisoformat(str(status.get("created_at")))
    except ValueError as error:
        raise Unavailable(f"a post was made at {status.get('created_at')!r}, which is no time") from error
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _ahead(date: str | None) -> timedelta:
    """Return how far the server's clock is ahead of ours, by the ``Date`` of its answer (RFC 9110, section 6.6.1)."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return timedelta(0)
    return min(timedelta(0), theirs.astimezone(UTC) - datetime.now(UTC))
