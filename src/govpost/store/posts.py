"""The rows of posts: versions, approvals, remarks, and the one way a post moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from govpost.errors import Refused, did_you_mean
from govpost.states import POST as MACHINE
from govpost.states import PostState, Role, post_state_of
from govpost.store.engine import Tx
from govpost.store.rows import (
    APPROVAL,
    DELIVERY,
    POST,
    REMARK,
    SHOWN,
    VERSION,
    ApprovalRecord,
    PostRecord,
    RemarkRecord,
    VersionRecord,
)

SHORTEST_PREFIX = 4
_DERIVED = ("scheduled", "published", "failed", "withdrawn", "cancelled")
"""States that follow from the deliveries; in the others a person decides."""

_ADD, _ADD_VERSION = insert(POST), insert(VERSION)
_BY_SLUG = select(POST).where(POST.c.slug == bindparam("slug"))
_POST = select(POST).where(POST.c.id == bindparam("id"))
# Of two claims that end at the gate each refers to the post already: a stronger lock would wait for the other for ever.
_POST_FOR_ME = _POST.with_for_update(key_share=True)
_VERSION = select(VERSION).where(VERSION.c.post_id == bindparam("post"), VERSION.c.n == bindparam("n"))
_APPROVALS = select(APPROVAL).where(APPROVAL.c.post_id == bindparam("post")).order_by(APPROVAL.c.id)
_APPROVALS_OF_DIGEST = _APPROVALS.where(APPROVAL.c.digest == bindparam("digest"))
_MOVE = update(POST).where(POST.c.id == bindparam("this"), POST.c.state == bindparam("was"))
_STATES = (
    select(DELIVERY.c.state)
    .distinct()
    .where(DELIVERY.c.post_id == bindparam("post"), DELIVERY.c.version == bindparam("n"))
    .where(DELIVERY.c.action != "withdraw")
)


_REPEATS = (
    select(POST.c.slug)
    .join(DELIVERY, DELIVERY.c.post_id == POST.c.id)
    .where(
        DELIVERY.c.text_hash == bindparam("words"),
        DELIVERY.c.channel == bindparam("on"),
        DELIVERY.c.slot > bindparam("since"),
        DELIVERY.c.state.not_in(("failed", "cancelled", "withdrawn", "missed")),
        POST.c.id.not_in(bindparam("own", expanding=True)),
    )
    .limit(1)
)
_REPEATS_UNTIL = _REPEATS.where(DELIVERY.c.slot < bindparam("until"))


def by_slug(conn: Connection, slug: str) -> PostRecord | None:
    """Return the post with this slug, None when there is none."""
    row = conn.execute(_BY_SLUG, {"slug": slug}).one_or_none()
    return None if row is None else PostRecord.model_construct(**row._mapping)


def by_id(conn: Connection, post_id: str, *, lock: bool = False) -> PostRecord:
    """Return the post with this id; with `lock`, nobody else changes it until the transaction ends."""
    row = conn.execute(_POST_FOR_ME if lock else _POST, {"id": post_id}).one()
    return PostRecord.model_construct(**row._mapping)


def find(conn: Connection, name: str) -> PostRecord:
    """Return the post a person means: a slug, an id, or a unique prefix of an id."""
    exact = conn.execute(select(POST).where((POST.c.slug == name) | (POST.c.id == name))).first()
    if exact is not None:
        return PostRecord.model_construct(**exact._mapping)
    rows: Sequence[Any] = ()
    if len(name) >= SHORTEST_PREFIX:
        rows = conn.execute(select(POST).where(POST.c.id.startswith(name, autoescape=True)).limit(2)).all()
    if len(rows) == 1:
        return PostRecord.model_construct(**rows[0]._mapping)
    if rows:
        raise Refused(f"more than one post begins with {name!r}", "write more of the id, or the slug")
    raise Refused(
        f"there is no post {name!r}{did_you_mean(name, slugs(conn))}", "govpost post list shows them all"
    )


def slugs(conn: Connection) -> list[str]:
    """Return every post's slug."""
    return list(conn.execute(select(POST.c.slug)).scalars())


def every(conn: Connection, *, state: str | None = None, limit: int | None = None) -> list[PostRecord]:
    """List posts, newest first."""
    statement = select(POST).order_by(POST.c.created_at.desc(), POST.c.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(POST.c.state == state)
    return [PostRecord.model_construct(**row._mapping) for row in conn.execute(statement)]


def add(tx: Tx, post: PostRecord) -> None:
    """Enter a new post."""
    tx.conn.execute(_ADD, post.model_dump())
    tx.event("post.add", f"post:{post.id}", new=post.state, post=post.id, slug=post.slug, digest=post.digest)


def add_version(tx: Tx, version: VersionRecord) -> None:
    """Keep one version of a post."""
    tx.conn.execute(_ADD_VERSION, version.model_dump())


def version(conn: Connection, post_id: str, n: int) -> VersionRecord:
    """Return one version of a post."""
    row = conn.execute(_VERSION, {"post": post_id, "n": n}).one()
    return VersionRecord.model_construct(**row._mapping)


def takers(conn: Connection, post_id: str) -> set[str]:
    """Return everybody who took in a version of the post."""
    return set(conn.execute(select(VERSION.c.taken_by).where(VERSION.c.post_id == post_id)).scalars())


def move(
    tx: Tx, post: PostRecord, new: PostState, roles: Iterable[Role], why: str, **values: Any
) -> PostRecord:
    """Move a post if it still stands where `post` says; its event goes with it."""
    MACHINE.check(post.state, new, roles)
    row = {"this": post.id, "was": post.state, "state": str(new), "updated_at": tx.now, **values}
    changed = tx.conn.execute(_MOVE, row)
    if changed.rowcount == 0:
        raise Refused(
            f"{post.slug} has changed meanwhile", "look at it again: govpost post show " + post.slug
        )
    digest = values.get("digest", post.digest)
    tx.event(
        f"post.{new}",
        f"post:{post.id}",
        old=post.state,
        new=str(new),
        why=why,
        post=post.id,
        slug=post.slug,
        digest=digest,
    )
    return by_id(tx.conn, post.id)


def settle(tx: Tx, post_id: str, role: Role = Role.DAEMON) -> None:
    """Work out anew where a post stands from its deliveries, in their transaction."""
    # Two of its deliveries may end at once; each has to see what the other came to.
    post = by_id(tx.conn, post_id, lock=True)
    if post.state not in _DERIVED:
        return
    states = tx.conn.execute(_STATES, {"post": post_id, "n": post.version}).scalars().all()
    if not states:
        return
    new = post_state_of(states)
    if new != post.state and MACHINE.find(post.state, new) is not None:
        move(tx, post, new, {role, Role.DAEMON}, "worked out from its deliveries")


def shown(tx: Tx, post_id: str, person: str, digest: str) -> None:
    """Note which digest a reviewer was shown."""
    tx.conn.execute(delete(SHOWN).where(SHOWN.c.post_id == post_id, SHOWN.c.person == person))
    tx.conn.execute(insert(SHOWN), {"post_id": post_id, "person": person, "digest": digest, "at": tx.now})


def last_shown(conn: Connection, post_id: str, person: str) -> str | None:
    """Return the digest this reviewer was last shown, None when it was never shown."""
    statement = select(SHOWN.c.digest).where(SHOWN.c.post_id == post_id, SHOWN.c.person == person)
    return conn.execute(statement).scalar_one_or_none()


def approve(tx: Tx, approval: ApprovalRecord) -> None:
    """Keep one person's approval."""
    tx.conn.execute(insert(APPROVAL), approval.model_dump(exclude={"id"}))


def approvals(conn: Connection, post_id: str, *, digest: str | None = None) -> list[ApprovalRecord]:
    """Return the approvals of a post, oldest first; with `digest`, only those of exactly that."""
    statement = _APPROVALS if digest is None else _APPROVALS_OF_DIGEST
    rows = conn.execute(statement, {"post": post_id, "digest": digest})
    return [ApprovalRecord.model_construct(**row._mapping) for row in rows]


def remark(tx: Tx, post: PostRecord, text: str) -> None:
    """Keep a reviewer's reason."""
    values = {"post_id": post.id, "version": post.version, "person": tx.actor, "at": tx.now, "text": text}
    tx.conn.execute(insert(REMARK), values)


def remarks(conn: Connection, post_id: str) -> list[RemarkRecord]:
    """Return the remarks on a post, oldest first."""
    rows = conn.execute(select(REMARK).where(REMARK.c.post_id == post_id).order_by(REMARK.c.id))
    return [RemarkRecord.model_construct(**row._mapping) for row in rows]


def later_reviews(conn: Connection) -> list[PostRecord]:
    """List posts released in an emergency that nobody else has reviewed yet."""
    rows = conn.execute(select(POST).where(POST.c.review_later))
    return [PostRecord.model_construct(**row._mapping) for row in rows]


def void_release(tx: Tx, post: PostRecord) -> None:
    """Take a release back: no approval given so far lets anything more of the post through the gate."""
    tx.conn.execute(update(POST).where(POST.c.id == post.id).values(submitted_at=None))


def repeats(
    conn: Connection,
    channel: str,
    text_hash: str,
    own: Iterable[str],
    since: datetime,
    until: datetime | None = None,
) -> str | None:
    """Return the slug of another post with the same text on the channel, queued or sent in `since`..`until`."""
    asked = {"words": text_hash, "on": channel, "own": list(own), "since": since}
    if until is None:
        return conn.execute(_REPEATS, asked).scalar_one_or_none()
    return conn.execute(_REPEATS_UNTIL, asked | {"until": until}).scalar_one_or_none()
