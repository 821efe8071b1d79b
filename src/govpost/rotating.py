"""The keys of stored secrets, exchanged: a new one in front, everything sealed anew, and which key seals what."""

from __future__ import annotations

from dataclasses import dataclass

from govpost.errors import Refused
from govpost.people import Actor
from govpost.sealing import Sealer, number_of, resealed
from govpost.states import Role
from govpost.store import accounts
from govpost.store.account_rows import TokenRecord
from govpost.store.engine import Store, Tx


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """What a rotation did: the channels sealed anew, those that no key opens, and the keys there are now."""

    resealed: tuple[str, ...]
    closed: tuple[str, ...]
    keys: int
    dropped: int = 0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The secrets of one channel as they lie in the store; `key` counts from 1, 0 when none of the keys opens them."""

    row: TokenRecord
    key: int


def kept(store: Store, sealer: Sealer) -> tuple[int, list[Kept]]:
    """Return how many keys there are and with which each channel's secrets are sealed; `Refused` without a key."""
    with store.read() as conn:
        rows = accounts.tokens(conn)
    if not rows and sealer.reference is None and not sealer.path.exists():
        return 0, []
    keys = sealer.keys()
    return len(keys), [Kept(row=row, key=number_of(keys, row.sealed)) for row in rows]


def rotate(store: Store, sealer: Sealer, actor: Actor, *, drop_old: bool = False) -> Rotated:
    """Put a new key in front and seal everything with it, in one transaction; `drop_old` takes the others away.

    Whatever stops it, the keys in the file open all that they opened before. Where ``[security] vault_key`` says where
    the keys lie, a person has put the new one in front there, and all is sealed with that. `Refused` changes nothing.
    """
    actor.need(Role.ADMIN, to="rotate the keys of stored secrets")
    _may(store, sealer, drop_old=drop_old)
    with store.write(actor.id) as tx:
        # The new key is on the disk before anything is sealed with it, and nobody seals while this transaction lasts.
        if sealer.reference is None:
            sealer.renew(row.sealed for row in accounts.tokens(tx.conn))
        done = _reseal(tx, sealer.keys())
    return _dropped(store, sealer, actor, done) if drop_old else done


def _may(store: Store, sealer: Sealer, *, drop_old: bool) -> None:
    if sealer.reference is not None and drop_old:
        tip = "take the old keys away there, on every machine, when `govpost vault show` names key 1 alone"
        raise Refused(f"the keys lie in {sealer.reference}, which is not govpost's to change", tip)
    if sealer.reference is None and getattr(store, "several", False):
        raise Refused(
            "several machines may share this store, and the others would not know a key that is made here",
            "name the keys in [security] vault_key on all of them; docs/how-to/operator.md says how",
        )


def _reseal(tx: Tx, keys: list[str]) -> Rotated:
    rows = [Kept(row=row, key=number_of(keys, row.sealed)) for row in accounts.tokens(tx.conn)]
    older = [each.row for each in rows if each.key > 1]
    for row in older:
        accounts.reseal(tx, row.channel, resealed(keys, row.sealed))
    done = Rotated(
        resealed=tuple(row.channel for row in older),
        closed=tuple(each.row.channel for each in rows if each.key == 0),
        keys=len(keys),
    )
    tx.event("vault.rotated", "vault", keys=done.keys, channels=list(done.resealed), closed=list(done.closed))
    return done


def _dropped(store: Store, sealer: Sealer, actor: Actor, done: Rotated) -> Rotated:
    with store.write(actor.id) as tx:
        went = sealer.drop_old(row.sealed for row in accounts.tokens(tx.conn))
        if went:
            tx.event("vault.dropped", "vault", keys=done.keys - went, dropped=went)
    return Rotated(resealed=done.resealed, closed=done.closed, keys=done.keys - went, dropped=went)
