"""Review: show exactly what would go out, approve it, return it, release it in an emergency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import update

from govpost import planning, seal
from govpost.config import Config, Stage
from govpost.digest import channel_digest
from govpost.domain import Finding, Severity
from govpost.draft_json import from_dict
from govpost.editorial.checking import Checked, Desk, check
from govpost.errors import Refused
from govpost.people import Actor
from govpost.states import PostState, Role
from govpost.store import deliveries, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import POST, ApprovalRecord, DeliveryRecord, PostRecord, VersionRecord

SHORTEST_DIGEST = 8
ANYBODY = (Stage(name="review", approvals=1),)


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """Where a post stands after a review: what is still wanting, and the deliveries it led to."""

    post: PostRecord
    wanting: list[str]
    deliveries: list[DeliveryRecord]


def stages(config: Config) -> Sequence[Stage]:
    """Return the review stages; without any in config, one reviewer is enough."""
    return config.review.stages or ANYBODY


def approvals_in_force(tx: Tx, post: PostRecord) -> list[ApprovalRecord]:
    """Return the approvals of exactly this digest since it was last submitted."""
    since = post.submitted_at
    return [
        each for each in posts.approvals(tx.conn, post.id, digest=post.digest) if since and each.at >= since
    ]


def wanting(config: Config, approvals: Sequence[ApprovalRecord]) -> list[str]:
    """Name what each review stage still wants; empty when all are satisfied."""
    disciplines = {
        each.person: config.people[each.person].discipline
        for each in approvals
        if each.person in config.people
    }
    return [text for stage in stages(config) if (text := _wanting(stage, disciplines)) is not None]


def _wanting(stage: Stage, given: Mapping[str, str | None]) -> str | None:
    counted = [d for d in given.values() if not stage.from_ or d in stage.from_]
    if stage.approvals == "all":
        missing = [d for d in stage.from_ if d not in counted]
        return f"{stage.name}: approval from {' and '.join(missing)}" if missing else None
    short = stage.approvals - len(counted)
    if short <= 0:
        return None
    who = f" from {' or '.join(stage.from_)}" if stage.from_ else ""
    return f"{stage.name}: {short} more approval{'s' if short > 1 else ''}{who}"


def show(store: Store, actor: Actor, name: str) -> tuple[PostRecord, VersionRecord]:
    """Return a post for review, and note which digest this reviewer was shown."""
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        if Role.REVIEWER in actor.roles or Role.OFFICER in actor.roles:
            posts.shown(tx, post.id, actor.id, post.digest)
        return post, posts.version(tx.conn, post.id, post.version)


def approve(
    store: Store, desk: Desk, actor: Actor, name: str, *, dissent: str = "", digest: str | None = None
) -> Reviewed:
    """Approve exactly the digest this reviewer was shown; the last approval wanted gives the post its slots."""
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        _refuse_own(tx, actor, post)
        actor.need(Role.REVIEWER, to="approve posts")
        later = post.review_later and post.state != PostState.SUBMITTED
        if post.state != PostState.SUBMITTED and not later:
            raise Refused(f"{post.slug} is {post.state}; only a submitted post can be approved", _look(post))
        _refuse_unseen(tx, actor, post, digest)
        _refuse_twice(tx, actor, post)
        kind = "later review" if later else "approve"
        if not later:
            _refuse_unasked(desk.config, actor)
            _check_again(tx, desk, post)
        _approve(tx, desk.config, actor, post, kind, dissent=dissent)
        if later:
            tx.conn.execute(update(POST).where(POST.c.id == post.id).values(review_later=False))
            return Reviewed(post=posts.by_id(tx.conn, post.id), wanting=[], deliveries=[])
        missing = wanting(desk.config, approvals_in_force(tx, post))
        if missing:
            return Reviewed(post=post, wanting=missing, deliveries=[])
        post = posts.move(tx, post, PostState.APPROVED, actor.roles, "the last approval")
        if desk.config.review.schedule == "by-publisher":
            return Reviewed(post=post, wanting=[], deliveries=[])
        return _schedule(tx, desk, post, actor)


def release(store: Store, desk: Desk, actor: Actor, name: str, reason: str) -> Reviewed:
    """Release a post alone, in an emergency: with a reason, on the record, to be reviewed by another person later."""
    actor.need(Role.OFFICER, to="release posts alone")
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        if post.state != PostState.SUBMITTED:
            raise Refused(f"{post.slug} is {post.state}; only a submitted post can be released", _look(post))
        _refuse_unseen(tx, actor, post, None)
        _check_again(tx, desk, post)
        _approve(tx, desk.config, actor, post, "release", reason=reason)
        post = posts.move(
            tx, post, PostState.APPROVED, actor.roles, f"emergency release: {reason}", review_later=True
        )
        return _schedule(tx, desk, post, actor)


def schedule(store: Store, desk: Desk, actor: Actor, name: str) -> Reviewed:
    """Give an approved post its slots, where the config leaves that to a publisher."""
    actor.need(Role.PUBLISHER, to="schedule posts")
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        if post.state != PostState.APPROVED:
            raise Refused(f"{post.slug} is {post.state}; only an approved post can be scheduled", _look(post))
        return _schedule(tx, desk, post, actor)


def give_back(store: Store, actor: Actor, name: str, remark: str) -> PostRecord:
    """Return a submitted post to its author with a remark; approvals given so far no longer count."""
    actor.need(Role.REVIEWER, to="return posts")
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        if post.state != PostState.SUBMITTED:
            raise Refused(f"{post.slug} is {post.state}; only a submitted post can be returned", _look(post))
        posts.remark(tx, post, remark)
        return posts.move(tx, post, PostState.DRAFT, actor.roles, remark, submitted_at=None)


def _look(post: PostRecord) -> str:
    return f"govpost post show {post.slug} shows where it stands"


def _refuse_own(tx: Tx, actor: Actor, post: PostRecord) -> None:
    version = posts.version(tx.conn, post.id, post.version)
    if actor.id in {post.author, version.draft.get("author")}:
        raise Refused(
            f"{actor.name} wrote {post.slug} and may not approve it", "a second person must approve it"
        )
    if actor.id in posts.takers(tx.conn, post.id):
        raise Refused(
            f"{actor.name} took {post.slug} in and may not approve it", "another person must approve it"
        )
    if post.review_later and any(
        each.person == actor.id for each in posts.approvals(tx.conn, post.id, digest=post.digest)
    ):
        raise Refused(
            f"{actor.name} released {post.slug}; another person must review it", "ask another reviewer"
        )


def _refuse_unseen(tx: Tx, actor: Actor, post: PostRecord, digest: str | None) -> None:
    if digest is not None and (len(digest) < SHORTEST_DIGEST or not post.digest.startswith(digest)):
        raise Refused(
            f"{post.slug} is no longer what digest {digest[:12]} names", f"govpost review show {post.slug}"
        )
    last = posts.last_shown(tx.conn, post.id, actor.id)
    if digest is None and last is not None and last != post.digest:
        raise Refused(
            f"{post.slug} has changed since it was shown to {actor.name}",
            f"look again: govpost review show {post.slug}",
        )


def _refuse_twice(tx: Tx, actor: Actor, post: PostRecord) -> None:
    if any(each.person == actor.id for each in approvals_in_force(tx, post)):
        raise Refused(
            f"{actor.name} has approved {post.slug} already", "; ".join(_open_wishes(tx, post)) or _look(post)
        )


def _open_wishes(tx: Tx, post: PostRecord) -> list[str]:
    return [f"it was approved {len(approvals_in_force(tx, post))} time(s) so far"]


def _refuse_unasked(config: Config, actor: Actor) -> None:
    asked = {discipline for stage in stages(config) for discipline in stage.from_}
    open_to_all = any(not stage.from_ for stage in stages(config))
    if not open_to_all and actor.discipline not in asked:
        raise Refused(
            f"no review stage asks for {actor.name}'s discipline ({actor.discipline or 'none'})",
            f"the stages want: {', '.join(sorted(asked))}",
        )


def _check_again(tx: Tx, desk: Desk, post: PostRecord) -> Checked:
    """Run the rules over the version as it is stored; what blocks now blocks the approval."""
    version = posts.version(tx.conn, post.id, post.version)
    draft = from_dict(version.draft, desk.config.root / desk.config.store.media)
    checked = check(tx, desk, draft)
    blocking = [finding for finding in checked.findings if finding.severity == Severity.BLOCKS]
    if blocking:
        raise Refused(f"{post.slug}: {_said(blocking[0])}", blocking[0].tip or _look(post))
    for name, sealed in version.channels.items():
        about = desk.config.channels[name]
        digests = [part["digest"] for part in sealed["parts"]]
        if channel_digest(name, about.platform, about.settings, digests) != sealed["digest"]:
            raise Refused(
                f"the settings of {name} changed since {post.slug} was taken in",
                f"run govpost post add {version.source}",
            )
    if seal.seal(draft, checked.variants, checked.targets, desk.config).digest != post.digest:
        raise Refused(
            f"{post.slug} would be written differently now than when it was taken in",
            f"run govpost post add {version.source}",
        )
    return checked


def _said(finding: Finding) -> str:
    return f"{finding.rule} {finding.message}"


def _approve(
    tx: Tx, config: Config, actor: Actor, post: PostRecord, kind: str, *, dissent: str = "", reason: str = ""
) -> None:
    approval = ApprovalRecord(
        post_id=post.id,
        version=post.version,
        digest=post.digest,
        person=actor.id,
        kind=kind,
        at=tx.now,
        dissent=dissent,
        reason=reason,
        config_hash=config.hash,
        strategy_hash=config.strategy_hash,
    )
    posts.approve(tx, approval)
    verb = {"approve": "review.approve", "release": "review.release", "later review": "review.later"}[kind]
    tx.event(
        verb,
        f"post:{post.id}",
        why=reason or dissent,
        post=post.id,
        digest=post.digest,
        strategy=config.strategy_hash[:16],
        dissent=bool(dissent) or None,
    )


def _schedule(tx: Tx, desk: Desk, post: PostRecord, actor: Actor) -> Reviewed:
    version = posts.version(tx.conn, post.id, post.version)
    draft = from_dict(version.draft, desk.config.root / desk.config.store.media)
    rows = planning.schedule(tx, desk.config, post, version, draft)
    post = posts.move(tx, post, PostState.SCHEDULED, actor.roles, "slots given")
    return Reviewed(post=post, wanting=[], deliveries=[deliveries.get(tx.conn, row.id) for row in rows])
