"""Moving a whole store to another engine: every row copied and read back, then the old place takes no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from govpost.errors import Refused
from govpost.store import bare, chain, copying, media, meta, rows, schema
from govpost.store.chain_rows import EVENT, HEAD
from govpost.store.copying import Progress, quiet
from govpost.store.engine import Store, Tx
from govpost.store.rows import META, POST
from govpost.times import rfc3339

VERB = "store.move"
_OF_THE_MOVE = (META, EVENT, HEAD)
"""Where a finished copy differs from the store: by what was written down of the move itself."""
ANY = 1 << 30
"""A need that no daemon meets: whichever runs is in the way."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What was moved where: rows by table, media seen, and the head of the chain there."""

    source: str
    target: str
    counts: dict[str, int]
    media: int
    head: str


def move(store: Store, target: Store, actor: str, kept_media: Path, progress: Progress = quiet) -> Moved:
    """Copy a store into an empty one, prove that both hold the same, and mark the old one as moved.

    All or nothing: until the old store is closed, the new one takes no writes. If this ends before its end, call it
    again. `Refused` while a daemon runs or a delivery is under way, when the target holds anything, and when a medium
    that rows name is not there.
    """
    if not bare.is_there(store):
        raise Refused(
            f"there is no store at {store.name} yet", "set [store] database; a new store is made on first use"
        )
    if store.name == target.name:
        raise Refused(f"the store is at {target.name} already", "name another database")
    with bare.alone(store, actor) as tx:
        names = _media_there(tx.conn, kept_media)
        with _empty(target) as there:
            if not _is_closed(tx.conn, there, target):
                _copy(tx, there, store, target, progress)
                _close(tx, target)
    return _open(store, target, len(names))


def refuse_reopening(conn: Connection) -> None:
    """Refuse to bring a store to life again whose rows went elsewhere: both would send what is planned."""
    moved = None
    with suppress(SQLAlchemyError, ValueError, TypeError), conn.begin_nested():  # a ruin says nothing
        moved = meta.get(conn, schema.MOVED_KEY)
    if moved:
        raise Refused(
            f"this store was moved to {moved['to']} at {moved['at']}; with both at work, posts go out twice",
            "set [store] database in config.toml to that one and restore there;"
            " or, if it will never be used again: --reopen",
        )


def _is_closed(source: Connection, target: Connection, place: Store) -> bool:
    """Say whether only the last step of a move to this very place is left to do."""
    moved, arriving = (
        schema.facts(source).get(schema.MOVED_KEY),
        schema.facts(target).get(schema.ARRIVING_KEY),
    )
    return bool(moved and arriving and moved["to"] == place.name)


def _copy(tx: Tx, there: Connection, store: Store, target: Store, progress: Progress) -> None:
    schema.refuse_moved(tx.conn)
    schema.check(tx.conn)
    bare.refuse_daemons(tx.conn, tx.now, ANY, "move again")
    bare.refuse_claims(tx.conn, tx.now, ANY, "move again")
    if not _is_there(tx.conn, there, progress):
        _fill(tx, there, store, target, progress)


def _close(tx: Tx, target: Store) -> None:
    fact = {"to": target.name, "at": rfc3339(tx.now), "by": tx.actor}
    schema.put(tx.conn, schema.MOVED_KEY, fact)
    # A daemon of an older version that stood still all the while finds the gate shut.
    schema.put(tx.conn, meta.FREEZE, {**fact, "reason": f"the store was moved to {target.name}"})


def _open(store: Store, target: Store, media: int) -> Moved:
    with bare.alone(target, "store") as tx:
        meta.drop(tx.conn, schema.ARRIVING_KEY)
        counts = {table.name: copying.count(tx.conn, table) for table in schema.ordered()}
        head = str(chain.head(tx.conn))
    return Moved(source=store.name, target=target.name, counts=counts, media=media, head=head)


def _media_there(conn: Connection, folder: Path) -> dict[str, str]:
    names = media.named(conn)
    for sha256, slug in names.items():
        wrong = media.trouble(folder, sha256)
        if wrong is not None:
            raise Refused(
                f"the file {folder / sha256}, of the post {slug}, {wrong}",
                "mend it first: govpost store check names every such file",
            )
    return names


@contextmanager
def _empty(target: Store) -> Iterator[Connection]:
    """Open a transaction on a store that has its tables and nothing else, or is the copy that was made before."""
    target.backend.make()
    with target.translated(), target.backend.writing() as conn:
        with conn.begin():
            tables = {table.name for table in schema.TABLES} & set(inspect(conn).get_table_names())
        facts = target.backend.facts(conn) if not tables else {}
        with conn.begin():
            bare.take(target, conn)
            if not tables:
                target.backend.check(conn, facts)
                schema.create(conn, facts)
            yield conn


def _is_there(source: Connection, target: Connection, progress: Progress) -> bool:
    """Say whether the target holds the whole copy already; `Refused` when it holds anything else."""
    if schema.numbers(target)[0] != rows.SCHEMA:
        raise Refused("the database to move to holds a store of another schema", "name an empty database")
    end = chain.head(target)
    if end.event_id == 0 and target.execute(select(func.count()).select_from(POST)).scalar_one() == 0:
        return False
    if schema.ARRIVING_KEY not in schema.facts(target):
        raise Refused("the database to move to is not empty", "name an empty database")
    prev = target.execute(select(EVENT.c.prev).where(EVENT.c.id == end.event_id)).scalar_one_or_none()
    same = prev == chain.head(source).hash
    if not same or copying.differing(source, target, _OF_THE_MOVE, progress) is not None:
        raise Refused(
            "the database to move to holds what a move that did not end left there, and the store went on since",
            "empty that database, then move again",
        )
    return True


def _fill(tx: Tx, there: Connection, store: Store, target: Store, progress: Progress) -> None:
    counts = copying.copy(tx.conn, there, progress)
    copying.compare(tx.conn, there, progress)
    end, troubles = chain.verify(there)
    if troubles:
        raise Refused(
            f"the event chain is broken, so nothing was moved: {troubles[0]}",
            "govpost audit verify shows all of it",
        )
    schema.put(there, schema.ARRIVING_KEY, {"from": store.name, "at": rfc3339(tx.now), "by": tx.actor})
    why = f"moved from {store.name}, {end.event_id} events and {sum(counts.values())} rows"
    detail = {"config": tx.config_hash[:16], "from": store.name, "to": target.name}
    chain.append(
        there, tx.now, tx.actor, [chain.Happening(VERB, "store", store.name, target.name, why, detail)]
    )
