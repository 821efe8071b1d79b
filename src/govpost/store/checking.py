"""Whether a store is whole: its file or tables, the event chain, states, claims, media, and what numbers new rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, and_, func, inspect, or_, select, text
from sqlalchemy.exc import DBAPIError

from govpost import states
from govpost.errors import Refused
from govpost.store import bare, chain, copying, machine_rows, media, rows, schema
from govpost.store.chain_rows import HEAD
from govpost.store.engine import Store
from govpost.store.rows import DELIVERY, PILOT, POST

A_LEASE = timedelta(days=2)
"""No claim is made for longer than this."""
_RESTORE = (
    "stop the daemon, keep a copy of the store as it is, and restore a backup: govpost store restore FILE"
)
_AUDIT = "keep a copy of the store as it is now, and compare it with a backup"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong with a store, and what to do about it."""

    what: str
    tip: str


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What a look at a whole store found."""

    name: str
    schema: int
    head: str
    counts: dict[str, int]
    media: int
    findings: list[Finding]


def examine(
    store: Store,
    folder: Path | None,
    *,
    closed: bool = True,
    absent: str = "see [store] database in config.toml",
) -> Examined:
    """Look at all of a store; `folder` is where its media lie, None when they are not asked about.

    Unless `closed` is False, it is a finding too that the store takes no writes, since it was moved.
    `Refused` when there is none, with the tip `absent`; a file that is no database comes out as `StoreUnavailable`.
    """
    if not bare.is_there(store):
        raise Refused(f"there is no store at {store.name}", absent)
    with bare.snapshot(store) as conn:
        found = [*_look(conn, _sound), *(_look(conn, _closed) if closed else [])]
        number, needs = schema.numbers(conn)
        if number != rows.SCHEMA and not number > rows.SCHEMA >= needs:
            found.append(_other_schema(number))
            return Examined(
                name=store.name, schema=number, head="", counts={}, media=0, findings=found + _chain(conn)
            )
        for check in (_tables, _orphans, _chain, _states, _claims, _sequences, _journal):
            found += _look(conn, check)
        names: dict[str, str] = {}
        counts: dict[str, int] = {}
        if folder is not None:
            found += _look(conn, lambda conn: names.update(media.named(conn)))
        found += _look(conn, lambda conn: counts.update(_counts(conn)))
        head = _head(conn)
    if folder is not None:
        found += _media(names, folder)
    return Examined(
        name=store.name, schema=number, head=head, counts=counts, media=len(names), findings=found
    )


def _look(conn: Connection, check: Callable[[Connection], list[Finding] | None]) -> list[Finding]:
    try:
        with conn.begin_nested():
            return check(conn) or []
    except (DBAPIError, ValueError, TypeError) as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        return [Finding(what=f"the store cannot be read everywhere: {said}", tip=_RESTORE)]


def _other_schema(number: int) -> Finding:
    if number < rows.SCHEMA:
        tip = "govpost store upgrade brings it to the newest; this check then says more"
        return Finding(what=f"the store has schema {number}, this govpost needs {rows.SCHEMA}", tip=tip)
    tip = "check it with the version of govpost that upgraded it"
    return Finding(what=f"the store has schema {number}, which this govpost does not know", tip=tip)


def _sound(conn: Connection) -> list[Finding]:
    if conn.dialect.name == "sqlite":
        said = conn.execute(text("PRAGMA integrity_check(20)")).scalars().all()
        wrong = [f"the database file is damaged: {line}" for line in said if line != "ok"]
    else:
        unproved = text(
            "SELECT conrelid::regclass || ': ' || conname FROM pg_constraint"
            " WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
        )
        wrong = [f"a constraint was never proved: {line}" for line in conn.execute(unproved).scalars()]
    return [Finding(what=line, tip=_RESTORE) for line in wrong]


def _closed(conn: Connection) -> list[Finding]:
    try:
        schema.refuse_moved(conn)
    except Refused as refused:
        return [Finding(what=refused.message, tip=refused.tip)]
    return []


def _tables(conn: Connection) -> list[Finding]:
    known, wrong = inspect(conn), []
    there = set(known.get_table_names())
    for table in schema.TABLES:
        if table.name not in there:
            wrong.append(f"the table {table.name} is missing")
            continue
        columns = {column["name"] for column in known.get_columns(table.name)}
        wrong += [
            f"{table.name}.{column.name} is missing" for column in table.c if column.name not in columns
        ]
        indexes = {index["name"] for index in known.get_indexes(table.name)}
        wrong += [
            f"the index {index.name} is missing" for index in table.indexes if index.name not in indexes
        ]
    return [Finding(what=line, tip=_RESTORE) for line in wrong]


def _orphans(conn: Connection) -> list[Finding]:
    found = []
    for table in schema.TABLES:
        for key in table.foreign_keys:
            target = key.column
            lost = select(func.count()).where(
                key.parent.is_not(None), ~select(target).where(target == key.parent).exists()
            )
            number = conn.execute(lost).scalar_one()
            if number:
                what = f"{number} rows of {table.name} belong to no {target.table.name}"
                found.append(Finding(what=what, tip=_RESTORE))
    return found


def _chain(conn: Connection) -> list[Finding]:
    _, troubles = chain.verify(conn)
    return [Finding(what=f"the event chain is broken: {trouble}", tip=_AUDIT) for trouble in troubles]


def _states(conn: Connection) -> list[Finding]:
    machines = ((POST, states.PostState), (DELIVERY, states.DeliveryState), (PILOT, states.PilotState))
    found = []
    for table, known in machines:
        for state in conn.execute(select(table.c.state).distinct()).scalars():
            if state not in set(known):
                what = f"a {table.name} has the state {state!r}, which does not exist"
                found.append(Finding(what=what, tip=_AUDIT))
    return found


def _claims(conn: Connection) -> list[Finding]:
    """Find claims without an owner, owners without a claim, and claims without an end."""
    claimed, owner, until = DELIVERY.c.state == "publishing", DELIVERY.c.lease_owner, DELIVERY.c.lease_until
    torn = or_(and_(claimed, or_(owner.is_(None), until.is_(None))), and_(~claimed, owner.is_not(None)))
    wrong = [
        f"the delivery {name} is {state}, and its claim is {'held by ' + holder if holder else 'nobody’s'}"
        for name, state, holder in conn.execute(select(DELIVERY.c.id, DELIVERY.c.state, owner).where(torn))
    ]
    latest = conn.execute(select(func.max(until)).where(claimed)).scalar_one_or_none()
    newest: datetime | None = conn.execute(
        select(func.max(machine_rows.DAEMON.c.heartbeat_at))
    ).scalar_one_or_none()
    if latest is not None and newest is not None and latest > newest + A_LEASE:
        wrong.append(f"a claim lasts until {latest:%Y-%m-%d %H:%M}: a clock was wrong when it was made")
    tip = "start the daemon: it takes back what no running daemon holds"
    return [Finding(what=line, tip=tip) for line in wrong]


def _sequences(conn: Connection) -> list[Finding]:
    return [
        Finding(
            what=f"new rows of {name} would take numbers that are used already",
            tip="govpost store move again",
        )
        for name in copying.late_sequences(conn)
    ]


def _journal(conn: Connection) -> list[Finding]:
    if conn.dialect.name != "sqlite":
        return []
    noted, mode = schema.facts(conn).get("journal"), conn.execute(text("PRAGMA journal_mode")).scalar_one()
    if noted == mode:
        return []
    what = f"the database was made with the journal mode {noted} and now has {mode}"
    return [Finding(what=what, tip=f'set it back: sqlite3 FILE "PRAGMA journal_mode = {noted}"')]


def _media(names: dict[str, str], folder: Path) -> Iterator[Finding]:
    for sha256, slug in names.items():
        wrong = media.trouble(folder, sha256)
        if wrong is not None:
            what = f"the file {folder / sha256}, of the post {slug}, {wrong}"
            yield Finding(
                what=what, tip="copy it from a backup's media folder; the name is the SHA-256 of its bytes"
            )


def _counts(conn: Connection) -> dict[str, int]:
    there = set(inspect(conn).get_table_names())
    return {table.name: copying.count(conn, table) for table in schema.ordered() if table.name in there}


def _head(conn: Connection) -> str:
    row = conn.execute(select(HEAD.c.event_id, HEAD.c.hash)).one_or_none()
    return "" if row is None else f"{row.event_id}:{row.hash}"
