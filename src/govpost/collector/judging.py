"""What plugins bring from outside, made fit to keep: counts that are counts, words that only show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from govpost import characters
from govpost.domain import Metrics, Reply
from govpost.evidence import Redactor, bounded, is_address, storable
from govpost.store.gathered import COUNTS
from govpost.store.gathered_rows import ReplyRecord
from govpost.times import uuid7

LONGEST_TEXT = 20_000
LONGEST_NAME = 200
LONGEST_ID = 1_000
_LONGEST_BYTES = 2_000
"""What PostgreSQL takes into an index beside a channel's name."""

_LARGEST = 2**63 - 1
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
_KNOWN = {"kind": ("reply", "mention", "quote"), "state": ("shown", "held", "spam")}
_SHOWN = "\N{REPLACEMENT CHARACTER}"


def metrics(found: object) -> Metrics | None:
    """Return counts with whatever is no count unknown; None when these are no metrics at all."""
    if not isinstance(found, Metrics):
        return None
    return Metrics(**{name: _count(getattr(found, name)) for name in COUNTS})


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
    return int(value) if is_count else None  # type: ignore[call-overload]


def reply(found: object, channel: str, now: datetime, clean: Redactor) -> ReplyRecord | None:
    """Return a reply as it is kept; None when it is none, or has no id to know it by."""
    if not isinstance(found, Reply) or identity(found.remote_id) is None or clean.gives_away(found.remote_id):
        return None
    return ReplyRecord(
        id=uuid7(now),
        channel=channel,
        remote_id=found.remote_id,
        kind=_one_of("kind", found.kind),
        state=_one_of("state", found.state),
        author=name(clean(name(found.author))) or "?",
        author_url=_address(found.author_url, clean),
        text=clean(words(found.text)),
        language=found.language if _is_language(found.language) else None,
        url=_address(found.url, clean),
        to=identity(found.to, clean),
        at=_instant(found.at, now),
        seen_at=now,
        raw=_raw(found.raw, clean),
    )


def identity(value: object, clean: Redactor | None = None) -> str | None:
    """Return an id or a cursor that can be kept, else None; by `clean` one that is no secret."""
    whole = isinstance(value, str) and value.strip() and _fits(value) and storable(value)
    return str(value) if whole and not (clean and clean.gives_away(str(value))) else None


def _fits(name: str) -> bool:
    return len(name) <= LONGEST_ID and len(name.encode("utf-8", "replace")) <= _LONGEST_BYTES


def words(value: object) -> str:
    """Return text of at most `LONGEST_TEXT` characters with nothing in it that could steer a terminal."""
    if not isinstance(value, str):
        return ""
    text = value[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    bad = {offset for offset, _ in characters.forbidden(text)}
    shown = "".join(_SHOWN if place in bad else sign for place, sign in enumerate(text)) if bad else text
    return shown.strip() + ("…" if len(value) > LONGEST_TEXT else "")


def name(value: object) -> str:
    """Return a name on one line."""
    return " ".join(words(value).split())[:LONGEST_NAME]


def _one_of(field: str, value: object) -> str:
    known = _KNOWN[field]
    return value if isinstance(value, str) and value in known else known[0]


def _address(value: object, clean: Redactor) -> str | None:
    return clean(str(value)) if is_address(value) and storable(str(value)) else None


def _is_language(value: object) -> bool:
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def _instant(value: object, now: datetime) -> datetime:
    """Return when it was said, in UTC; never later than now, whatever the other side's clock says."""
    if not isinstance(value, datetime):
        return now
    try:
        return min((value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC), now)
    except (OverflowError, ValueError):
        return now


def _raw(value: object, clean: Redactor) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    try:
        kept: dict[str, Any] = bounded(json.loads(json.dumps(clean.tree(value)), parse_constant=str))
    except RecursionError:
        return {}
    return kept
