"""Reads for people: whole pictures put together from several tables, with as few statements as can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from govpost.domain import Event
from govpost.store import chain, conditions, deliveries, pilots, posts
from govpost.store.chain_rows import EVENT
from govpost.store.rows import (
    APPROVAL,
    ATTEMPT,
    DELIVERY,
    POST,
    REMARK,
    VERSION,
    ApprovalRecord,
    AttemptRecord,
    DeliveryRecord,
    PilotRecord,
    PostRecord,
    RemarkRecord,
    VersionRecord,
)

WAITING = ("held", "queued", "publishing", "pending")
OPEN = ("uncertain", "missed")

_OfPost = TypeVar("_OfPost", ApprovalRecord, RemarkRecord, DeliveryRecord)


@dataclass(frozen=True, kw_only=True)
class Card:
    """A post with all that belongs to its current version; `corrects` is the slug of the post it corrects."""

    post: PostRecord
    source: str
    source_sha256: str
    strategy_hash: str
    corrects: str | None
    approvals: Sequence[ApprovalRecord]
    remarks: Sequence[RemarkRecord]
    deliveries: Sequence[DeliveryRecord]

    @property
    def partly_published(self) -> bool:
        """Say whether some of its deliveries are live and others are not."""
        states = {row.state for row in self.deliveries if row.action != "withdraw"}
        return "live" in states and states != {"live"}

    @property
    def approvals_in_force(self) -> list[ApprovalRecord]:
        """Return the approvals of exactly this digest since it was last submitted."""
        since = self.post.submitted_at
        return [
            each for each in self.approvals if each.digest == self.post.digest and since and each.at >= since
        ]


def cards(conn: Connection, found: Sequence[PostRecord]) -> list[Card]:
    """Return the cards of posts, in their order."""
    ids = [post.id for post in found]
    versions = _versions(conn, ids)
    slugs = slugs_of(conn, [post.corrects for post in found if post.corrects])
    given = _by_post(ApprovalRecord.model_construct(**row) for row in _rows_of(conn, APPROVAL, ids))
    remarks = _by_post(RemarkRecord.model_construct(**row) for row in _rows_of(conn, REMARK, ids))
    sent = _by_post(deliveries.find(conn, DELIVERY.c.post_id.in_(ids)))
    return [
        Card(
            post=post,
            **versions[post.id],
            corrects=slugs.get(post.corrects or ""),
            approvals=given.get(post.id, []),
            remarks=remarks.get(post.id, []),
            deliveries=[row for row in sent.get(post.id, []) if row.version == post.version],
        )
        for post in found
    ]


def card(conn: Connection, name: str) -> Card:
    """Return the card of the post a person means; `Refused` when there is none."""
    return cards(conn, [posts.find(conn, name)])[0]


def _versions(conn: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    names = ("source", "source_sha256", "strategy_hash")
    rows = conn.execute(
        select(VERSION.c.post_id, *(VERSION.c[name] for name in names))
        .join(POST, (POST.c.id == VERSION.c.post_id) & (POST.c.version == VERSION.c.n))
        .where(POST.c.id.in_(ids))
    )
    return {row.post_id: {name: getattr(row, name) for name in names} for row in rows}


def _rows_of(conn: Connection, table: Table, ids: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    found = conn.execute(select(table).where(table.c.post_id.in_(ids)).order_by(table.c.id))
    return [dict(row._mapping) for row in found]


def _by_post(rows: Iterable[_OfPost]) -> dict[str, list[_OfPost]]:
    found: dict[str, list[_OfPost]] = {}
    for row in rows:
        found.setdefault(row.post_id, []).append(row)
    return found


def slugs_of(conn: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return the slug of each post id."""
    rows = conn.execute(select(POST.c.id, POST.c.slug).where(POST.c.id.in_(set(ids))))
    return {row.id: row.slug for row in rows}


Sent = tuple[DeliveryRecord, str]
"""A delivery, and the slug of its post."""


def sent(conn: Connection, *tests: ColumnElement[bool]) -> list[Sent]:
    """Return the deliveries that pass the tests, each with its post's slug, in order of their time."""
    rows = deliveries.find(conn, *tests)
    slugs = slugs_of(conn, [row.post_id for row in rows])
    return [(row, slugs[row.post_id]) for row in rows]


def queue(conn: Connection, channel: str | None = None, until: datetime | None = None) -> list[Sent]:
    """Return what is waiting, by its slot, and whatever its time what is missed or uncertain."""
    waits: ColumnElement[bool] = DELIVERY.c.state.in_(WAITING)
    if until is not None:
        waits = and_(waits, DELIVERY.c.slot < until)
    tests = [or_(waits, DELIVERY.c.state.in_(OPEN))]
    if channel is not None:
        tests.append(DELIVERY.c.channel == channel)
    return sorted(sent(conn, *tests), key=lambda each: (each[0].slot, each[0].channel, each[0].part))


def attempts(conn: Connection, delivery_id: str) -> list[AttemptRecord]:
    """Return every try at a delivery, oldest first."""
    rows = conn.execute(select(ATTEMPT).where(ATTEMPT.c.delivery_id == delivery_id).order_by(ATTEMPT.c.n))
    return [AttemptRecord.model_construct(**row._mapping) for row in rows]


def last_approved(conn: Connection, post: PostRecord) -> VersionRecord | None:
    """Return the latest earlier version that somebody approved, None when there is none."""
    n = conn.execute(
        select(func.max(APPROVAL.c.version)).where(
            APPROVAL.c.post_id == post.id, APPROVAL.c.version < post.version
        )
    ).scalar_one_or_none()
    return None if n is None else posts.version(conn, post.id, n)


def waiting_for_review(conn: Connection) -> list[PostRecord]:
    """Return what waits for a second person, oldest first, then what was released in an emergency."""
    submitted = [post for post in posts.every(conn, state="submitted") if not post.review_later]
    return [
        *sorted(submitted, key=lambda post: post.submitted_at or post.created_at),
        *posts.later_reviews(conn),
    ]


def counts(conn: Connection, table: Table) -> dict[str, int]:
    """Count the rows of a table by state."""
    found = conn.execute(
        select(table.c.state, func.count().label("n")).group_by(table.c.state).order_by(table.c.state)
    )
    return {row.state: row.n for row in found}


def counts_by_channel(conn: Connection) -> dict[str, dict[str, int]]:
    """Count every channel's deliveries by state."""
    channel, state = DELIVERY.c.channel, DELIVERY.c.state
    found: dict[str, dict[str, int]] = {}
    for row in conn.execute(
        select(channel, state, func.count().label("n")).group_by(channel, state).order_by(state)
    ):
        found.setdefault(row.channel, {})[row.state] = row.n
    return found


def next_due(conn: Connection) -> datetime | None:
    """Return when the next queued delivery is due, None when none is queued."""
    return conn.execute(
        select(func.min(DELIVERY.c.due)).where(DELIVERY.c.state == "queued")
    ).scalar_one_or_none()


def pilot(conn: Connection, channel: str, platform: str) -> PilotRecord:
    """Return a channel's pilot; one never entered is proposed."""
    found = pilots.get(conn, channel)
    return found or PilotRecord(channel=channel, platform=platform, state="proposed")


def lags(conn: Connection, channel: str) -> list[timedelta]:
    """Return how long after its slot each post of a channel went live, shortest first."""
    rows = conn.execute(
        select(DELIVERY.c.slot, DELIVERY.c.live_at).where(
            DELIVERY.c.channel == channel, DELIVERY.c.live_at.is_not(None), conditions.opens_slot()
        )
    )
    return sorted(max(timedelta(), row.live_at - row.slot) for row in rows)


def events(conn: Connection, verb: str, since: datetime) -> list[Event]:
    """Return the events of one verb since an instant, in order."""
    rows = conn.execute(select(EVENT).where(EVENT.c.verb == verb, EVENT.c.at >= since).order_by(EVENT.c.id))
    return [chain.to_event(row) for row in rows]


def last_event(conn: Connection, verb: str, subject: str) -> Event | None:
    """Return the latest event of one verb about one subject."""
    row = conn.execute(
        select(EVENT)
        .where(EVENT.c.verb == verb, EVENT.c.subject == subject)
        .order_by(EVENT.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else chain.to_event(row)


def among(ids: Iterable[str]) -> ColumnElement[bool]:
    """Say of a delivery's row whether it is one of these."""
    return DELIVERY.c.id.in_(list(ids))
