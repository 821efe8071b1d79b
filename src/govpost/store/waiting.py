"""What waits for its time, found by time and not by looking at all that waits: a queue may be very long.

SQLite uses a partial index only where a statement has the same literal words, so these stand here beside them.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Index, bindparam, func, literal_column, select, text

from govpost.store.rows import DELIVERY

_WAITS = "state IN ('queued', 'held')"
_EXPIRES, _WAITS_NOW = text(f"{_WAITS} AND expires IS NOT NULL"), text(_WAITS)

INDEXES = (
    Index(
        "waits_by_slot",
        DELIVERY.c.channel,
        DELIVERY.c.slot,
        sqlite_where=_WAITS_NOW,
        postgresql_where=_WAITS_NOW,
    ),
    Index(
        "waits_by_end",
        DELIVERY.c.channel,
        DELIVERY.c.expires,
        sqlite_where=_EXPIRES,
        postgresql_where=_EXPIRES,
    ),
    Index(
        "in_question",
        DELIVERY.c.state,
        DELIVERY.c.channel,
        sqlite_where=text("ambiguous = 1"),
        postgresql_where=text("ambiguous"),
    ),
)


def is_waiting() -> ColumnElement[bool]:
    """Say whether a row is queued or held, in the words of the indexes over these."""
    return DELIVERY.c.state.in_([literal_column("'queued'"), literal_column("'held'")])


_NEXT = select(func.min(DELIVERY.c.channel)).where(
    DELIVERY.c.state == bindparam("state_is"), DELIVERY.c.channel > bindparam("last")
)


def channels(conn: Connection) -> list[str]:
    """Return the channels on which anything waits, sorted; two steps for each, however much waits there."""
    found = set[str]()
    for state in ("queued", "held"):
        last: str | None = ""
        while (last := conn.execute(_NEXT, {"state_is": state, "last": last}).scalar_one()) is not None:
            found.add(last)
    return sorted(found)
