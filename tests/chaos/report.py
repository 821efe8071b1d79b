"""What a run says at its end: for people as a table, for scripts as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.run import Report

PROMISES = {
    "twice": "published twice",
    "unsafe": "asked again without knowing",
    "lost": "lost",
    "false": "believed falsely",
    "unapproved": "approval violated",
    "chain": "hash chain broken",
    "other": "anything else",
}
COLUMNS = (
    "deliveries",
    "live",
    "uncertain",
    "failed",
    "cancelled",
    "withdrawn",
    "missed",
    "requests",
    "posts",
)


def text(report: Report) -> str:
    """Write the report for people."""
    wish = report.wish
    lines = [f"{wish.store}, {wish.daemons} daemon(s); CHAOS_SEED={wish.seed} replays it"]
    lines += ["", *_table(report), ""]
    lines.append("done: " + _counted(report.done))
    lines.append("faults of the platform: " + _counted(report.faults))
    lines += [f"not done: {what}: {why}" for what, why in report.skipped.items()]
    lines.append("seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in report.seconds.items()))
    lines.append(
        "the calm channel's lag: " + ", ".join(f"{name} {value:.2f} s" for name, value in report.lag.items())
    )
    lines.append("")
    breaches = report.verdict.breaches() | {"other": report.verdict.other + report.breaches}
    for name, said in PROMISES.items():
        lines.append(f"{said:<30} {len(breaches[name])}")
        lines += [f"    {each}" for each in breaches[name][:20]]
    lines.append("every promise was kept" if report.good else "A PROMISE WAS BROKEN")
    return "\n".join(lines)


def _table(report: Report) -> list[str]:
    table = report.verdict.table
    rows: list[tuple[str, ...]] = [("temperament", *COLUMNS)]
    rows += [(name, *(str(counts[column]) for column in COLUMNS)) for name, counts in sorted(table.items())]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def as_json(report: Report) -> str:
    """Write the report for scripts."""
    return json.dumps(
        {
            "good": report.good,
            "seed": report.wish.seed,
            "store": report.wish.store,
            "daemons": report.wish.daemons,
            "deliveries": report.wish.deliveries,
            "table": report.verdict.table,
            "done": report.done,
            "faults": report.faults,
            "not done": report.skipped,
            "seconds": report.seconds,
            "lag": report.lag,
            "story": report.story,
            "breaches": report.verdict.breaches() | {"acts": report.breaches},
        },
        indent=2,
    )
