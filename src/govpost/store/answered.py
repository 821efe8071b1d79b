"""What a post answers: whose words they were when it was taken in, and whether they still are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from govpost.digest import sha256
from govpost.store.engine import Tx
from govpost.store.gathered_rows import REPLY, ReplyRecord


def sealed(reply: ReplyRecord) -> str:
    """Return what stands in an answer for the reply that it answers: its id and the digest of who said what.

    The digest is a whole SHA-256: whoever wrote the question must not be able to find two with the same one.
    """
    return f"{reply.id}:{_digest(reply)}"


def id_of(answers: str) -> str:
    """Return the id of the reply that a post answers."""
    return answers.partition(":")[0]


def _digest(reply: Any) -> str:
    return sha256([reply.author, reply.text])


def find(conn: Connection, answers: str) -> ReplyRecord | None:
    """Return the reply that a post answers as it is kept now, None when it is gone."""
    row = conn.execute(select(REPLY).where(REPLY.c.id == id_of(answers))).one_or_none()
    return None if row is None else ReplyRecord.model_construct(**row._mapping)


def changed(conn: Connection, answers: str | None) -> str | None:
    """Say that the reply a post answers says something else now; None when it is as it was, or gone."""
    reply = find(conn, answers) if answers else None
    if reply is None or answers in (reply.id, sealed(reply)):
        return None
    return "the question changed since it was approved; look at it and submit the answer again"


def note_answer(tx: Tx, answers: str, post_id: str) -> None:
    """Note which post answers a reply."""
    tx.conn.execute(update(REPLY).where(REPLY.c.id == id_of(answers)).values(answered_by=post_id))


def note_change(tx: Tx, known: Any, now: ReplyRecord) -> None:
    """Leave an event when the words change that a post of ours answers; the words themselves stay out of it."""
    old, new = _digest(known), _digest(now)
    if known.answered_by is not None and old != new:
        tx.event(
            "reply.changed",
            f"reply:{known.id}",
            old=old,
            new=new,
            post=known.answered_by,
            channel=known.channel,
        )
