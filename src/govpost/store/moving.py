"""Moving a whole store to another engine: every row copied and read back, then the old place takes no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select

from govpost.errors import Refused
from govpost.store import bare, chain, copying, media, meta, rows, schema
from govpost.store.chain_rows import EVENT
from govpost.store.copying import Progress, quiet
from govpost.store.engine import Store, Tx
from govpost.store.rows import POST
from govpost.times import rfc3339

VERB = "store.move"
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

    All or nothing, but for one gap: if this ends between the two commits, call it again, and it only marks the old.
    `Refused` while a daemon runs, when the target holds anything, and when a medium that rows name is not there.
    """
    if not bare.is_there(store):
        raise Refused(
            f"there is no store at {store.name} yet", "set [store] database; a new store is made on first use"
        )
    if store.name == target.name:
        raise Refused(f"the store is at {target.name} already", "name another database")
    with bare.alone(store, actor) as tx:
        schema.refuse_moved(tx.conn)
        schema.check(tx.conn)
        bare.refuse_daemons(tx.conn, tx.now, ANY, "move again")
        names = _media_there(tx.conn, kept_media)
        with _empty(target) as there:
            if _is_done(tx.conn, there):
                counts = {table.name: copying.count(there, table) for table in schema.ordered()}
            else:
                counts = _fill(tx, there, store, target, progress)
            head = str(chain.head(there))
        fact = {"to": target.name, "at": rfc3339(tx.now), "by": actor}
        schema.put(tx.conn, schema.MOVED_KEY, fact)
        # A daemon that stood still all the while finds the gate shut.
        schema.put(tx.conn, meta.FREEZE, {**fact, "reason": f"the store was moved to {target.name}"})
    return Moved(source=store.name, target=target.name, counts=counts, media=len(names), head=head)


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
            target.backend.begin(conn, shared=False)
            bare.be_patient(conn)
            if not tables:
                target.backend.check(conn, facts)
                schema.create(conn, facts)
            yield conn


def _is_done(source: Connection, target: Connection) -> bool:
    """Say whether the target holds the finished copy already; `Refused` when it holds anything else."""
    if schema.numbers(target)[0] != rows.SCHEMA:
        raise Refused("the database to move to holds a store of another schema", "name an empty database")
    end = chain.head(target)
    if end.event_id == 0 and target.execute(select(func.count()).select_from(POST)).scalar_one() == 0:
        return False
    last = target.execute(select(EVENT.c.verb, EVENT.c.prev).where(EVENT.c.id == end.event_id)).one_or_none()
    if last is None or last.verb != VERB or last.prev != chain.head(source).hash:
        raise Refused("the database to move to is not empty", "name an empty database")
    return True


def _fill(tx: Tx, there: Connection, store: Store, target: Store, progress: Progress) -> dict[str, int]:
    counts = copying.copy(tx.conn, there, progress)
    copying.compare(tx.conn, there, progress)
    end, troubles = chain.verify(there)
    if troubles:
        raise Refused(
            f"the event chain is broken, so nothing was moved: {troubles[0]}",
            "govpost audit verify shows all of it",
        )
    why = f"moved from {store.name}, {end.event_id} events and {sum(counts.values())} rows"
    detail = {"config": tx.config_hash[:16], "from": store.name, "to": target.name}
    chain.append(
        there, tx.now, tx.actor, [chain.Happening(VERB, "store", store.name, target.name, why, detail)]
    )
    return counts
