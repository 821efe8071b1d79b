"""The verdict: what the platform truly holds against what govpost believes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.faults import BY_NAME
from chaos.ledger import Ledger
from govpost.domain import Action
from govpost.store import chain, deliveries, posts
from govpost.store.engine import Store
from govpost.store.rows import DeliveryRecord

SETTLED = ("live", "withdrawn", "failed", "cancelled", "missed", "uncertain")
"""States in which nothing is left to do, or a person is asked."""
PUBLIC = ("live", "withdrawn")
NOT_SENT = ("failed", "cancelled", "missed")


@dataclass
class Verdict:
    """What was counted, per temperament, and every breach of the promises in words."""

    table: dict[str, Counter[str]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    unapproved: list[str] = field(default_factory=list)
    chain: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    def breaches(self) -> dict[str, list[str]]:
        """Return what was broken, by promise."""
        names = ("twice", "unsafe", "lost", "false", "unapproved", "chain", "other")
        return {name: getattr(self, name) for name in names}

    @property
    def good(self) -> bool:
        """Say whether nothing was broken."""
        return not any(self.breaches().values())


@dataclass
class Case:
    """One delivery of a post, what it was approved to say, and what the ledger says of it."""

    row: DeliveryRecord
    slug: str
    approved: str | None
    requests: list[dict[str, Any]]
    posts: list[dict[str, Any]]
    gone: bool

    @property
    def own(self) -> list[dict[str, Any]]:
        """Return the posts that came of our requests, without what the platform stored twice by itself."""
        return [post for post in self.posts if not post["own"]]

    def __str__(self) -> str:
        said = ", ".join(f"{each['fault']}#{each['nth']}" for each in self.requests)
        return (
            f"{self.slug} on {self.row.channel} is {self.row.state} ({self.row.reason or 'no reason'});"
            f" requests: {said or 'none'}; posts: {len(self.own)}; delivery {self.row.id}"
        )


def judge(store: Store, ledger: Ledger, approved: Mapping[tuple[str, str], str]) -> Verdict:
    """Hold the ledger against the database."""
    verdict = Verdict()
    with store.read() as conn:
        rows = deliveries.find(conn)
        slugs = {post.id: post.slug for post in posts.every(conn)}
        verdict.chain += chain.verify(conn)[1]
    cases = [case for row in rows if (case := _case(row, slugs, ledger, approved))]
    for case in cases:
        _judge(verdict, case)
    _twice_by_other_keys(verdict, cases)
    known = {(case.row.channel, case.row.id) for case in cases}
    verdict.unapproved += [f"a key nobody gave: {place}" for place in ledger.requests if place not in known]
    if ledger.traps:
        verdict.other.append(f"{ledger.traps} redirects were followed")
    return verdict


def _case(
    row: DeliveryRecord, slugs: Mapping[str, str], ledger: Ledger, approved: Mapping[tuple[str, str], str]
) -> Case | None:
    if row.action != Action.PUBLISH:
        return None
    place, slug = (row.channel, row.id), slugs[row.post_id]
    found = ledger.posts.get(place, [])
    return Case(
        row=row,
        slug=slug,
        approved=approved.get((slug, row.channel)),
        requests=ledger.requests.get(place, []),
        posts=found,
        gone=bool(found)
        and all((row.channel, post["id"]) in ledger.gone for post in found if not post["own"]),
    )


def _judge(verdict: Verdict, case: Case) -> None:
    counts = verdict.table.setdefault(case.row.channel.partition("-")[0], Counter())
    counts["deliveries"] += 1
    counts[case.row.state] += 1
    counts["requests"] += len(case.requests)
    counts["posts"] += len(case.own)
    counts["stored twice by the platform"] += len(case.posts) - len(case.own)
    counts["unknown answers"] += sum(_unknown(each) for each in case.requests)
    counts["uncertain, there"] += case.row.state == "uncertain" and bool(case.own)
    if len(case.own) > 1:
        verdict.twice.append(str(case))
    verdict.unsafe += [f"{case}: {why}" for why in _unsafe(case)]
    if case.row.state not in SETTLED:
        verdict.lost.append(str(case))
    if bool(case.own) != (case.row.state in PUBLIC) and case.row.state != "uncertain":
        (verdict.lost if case.own else verdict.false).append(str(case))
    if case.row.state == "withdrawn" and not case.gone:
        verdict.false.append(f"{case}: it is still there")
    said = {each["text"] for each in (*case.requests, *case.posts)}
    if said - {case.approved}:
        verdict.unapproved.append(f"{case}: {said}")


def _unknown(request: Mapping[str, Any]) -> bool:
    fault = BY_NAME.get(request["fault"])
    return fault is not None and fault.unknown


def _unsafe(case: Case) -> Iterator[str]:
    """Say where a platform that knows no keys was asked again though the answer before was unknown."""
    if case.row.channel.partition("-")[0] in ("none", "calm"):
        for before in case.requests[:-1]:
            if _unknown(before) or before["fault"] in ("ok", "twice"):
                yield f"asked again after {before['fault']}#{before['nth']}"


def _twice_by_other_keys(verdict: Verdict, cases: list[Case]) -> None:
    """Find posts that went out under two deliveries."""
    held = Counter((case.slug, case.row.channel) for case in cases if case.own)
    verdict.twice += [f"{slug} on {channel} under two keys" for (slug, channel), n in held.items() if n > 1]
