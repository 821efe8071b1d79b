"""What came back, for people and for scripts: samples with their growth, and the public's replies."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from govpost.cli import out, shapes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from govpost.store.gathered import Measured
    from govpost.store.gathered_rows import ReadingRecord, ReplyRecord, SampleRecord
    from govpost.store.rows import DeliveryRecord

COUNTS = ("views", "likes", "shares", "replies", "quotes", "clicks")
UNKNOWN = "–"
FEW_SAMPLES = 5
FEW_REPLIES = 10

_LONGEST_SHOWN = 1_000
_REPLY = ("kind", "state", "author", "author_url", "text", "language", "url", "remote_id", "to")


def numbers(row: SampleRecord | None) -> dict[str, int | None]:
    """Return the counts of a sample; None is unknown."""
    return {name: getattr(row, name) if row else None for name in COUNTS}


def sample(row: SampleRecord) -> dict[str, Any]:
    """Return a sample for scripts."""
    return {"at": shapes.time(row.at), **numbers(row)}


def growth(now: SampleRecord | None, before: SampleRecord | None) -> dict[str, int | None]:
    """Return by how much each count changed; None where one of the two is unknown."""
    return {name: _grown(numbers(now)[name], numbers(before)[name]) for name in COUNTS}


def _grown(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def measured(found: Measured, slug: str) -> dict[str, Any]:
    """Return a post's latest sample for scripts; `samples` is how many there are."""
    row, samples = found.delivery, found.samples
    now = samples[-1] if samples else None
    before = samples[-2] if len(samples) > 1 else None
    names = ("channel", "platform", "part", "parts", "state", "url")
    return {
        "delivery": row.id,
        "post": slug,
        **{name: getattr(row, name) for name in names},
        "live_at": shapes.time(row.live_at),
        "at": shapes.time(now.at) if now else None,
        **numbers(now),
        "growth": growth(now, before),
        "since": shapes.time(before.at) if before else None,
        "samples": len(samples),
        "gone_at": shapes.time(found.gone_at),
    }


def reply(row: ReplyRecord) -> dict[str, Any]:
    """Return a reply for scripts."""
    fields = {name: getattr(row, name) for name in _REPLY}
    return {"id": row.id, **fields, "at": shapes.time(row.at), "seen_at": shapes.time(row.seen_at)}


def count(value: int | None) -> str:
    """Write a count; unknown is a dash."""
    return UNKNOWN if value is None else str(value)


@dataclass(frozen=True, kw_only=True)
class Back:
    """All that came back of one delivery."""

    row: DeliveryRecord
    plan: ReadingRecord | None
    samples: Sequence[SampleRecord]
    replies: Sequence[ReplyRecord]

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts, samples oldest first and replies newest first."""
        return {
            "samples": [sample(each) for each in self.samples],
            "replies": [reply(each) for each in self.replies],
            "measured_next": shapes.time(self.plan.next_at) if self.plan else None,
            "gone_at": shapes.time(self.plan.gone_at) if self.plan else None,
        }

    def lines(self) -> Iterator[str]:
        """Say it for people: the newest few samples and replies."""
        yield from self._gone()
        if self.samples:
            yield f"{out.counted(len(self.samples), 'sample')}, newest first:"
            yield from _sample_lines(self.row, self.samples)
        if self.replies:
            yield f"{out.counted(len(self.replies), 'reply', 'replies')}, newest first:"
        for each in self.replies[:FEW_REPLIES]:
            yield from _reply_lines(each, self.row.zone)
        if len(self.replies) > FEW_REPLIES:
            yield f"  … and {len(self.replies) - FEW_REPLIES} older; --json shows all"

    def _gone(self) -> Iterator[str]:
        if self.plan is None or self.plan.gone_at is None:
            return
        since, zone = out.local(self.plan.gone_at, self.row.zone), self.row.zone
        if self.plan.next_at is None:
            yield f"gone: the platform has not known it since {since}"
        else:
            yield f"not found on {since}; asked again on {out.local(self.plan.next_at, zone)}, then believed"


def of(conn: Connection, row: DeliveryRecord) -> Back:
    """Read what came back of a delivery."""
    from govpost.store import gathered

    return Back(
        row=row,
        plan=gathered.reading(conn, row.id),
        samples=gathered.samples(conn, [row.id]).get(row.id, []),
        replies=gathered.replies_to(conn, row.id),
    )


def _sample_lines(row: DeliveryRecord, samples: Sequence[SampleRecord]) -> Iterator[str]:
    before: list[SampleRecord | None] = [None, *samples[:-1]]
    newest = list(zip(samples, before, strict=True))[::-1][:FEW_SAMPLES]
    for now, old in newest:
        grown: Mapping[str, int | None] = growth(now, old)
        said = ", ".join(
            f"{name} {value}" + (f" ({grown[name]:+d})" if grown[name] else "")
            for name, value in numbers(now).items()
            if value is not None
        )
        yield f"  {out.local(now.at, row.zone)}: {said}"


def _reply_lines(row: ReplyRecord, zone: str) -> Iterator[str]:
    state = "" if row.state == "shown" else f", {row.state}"
    yield f"  {row.author}, {out.local(row.at, zone)} ({row.kind}{state}):"
    width = max(20, min(shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100, 100) - 6)
    text = row.text if len(row.text) <= _LONGEST_SHOWN else f"{row.text[:_LONGEST_SHOWN]}…"
    for paragraph in text.splitlines() or [""]:
        # The bar tells the public's words from ours, whatever they say.
        for line in textwrap.wrap(paragraph, width) or [""]:
            yield f"    | {line}".rstrip()
    yield from (f"    {name}: {value}" for name, value in (("at", row.url), ("id", row.id)) if value)
