"""Taking a draft in: render it, check it against the policy, seal it, and submit it for review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, update

from govpost import media_store, planning, seal
from govpost.config import Config
from govpost.contract import Rule, RuleContext
from govpost.digest import file_sha256
from govpost.domain import Action, Capabilities, Draft, Finding, Severity, Variant
from govpost.draft_json import to_dict
from govpost.editorial import stopping
from govpost.errors import Mistake, Mistakes, Refused
from govpost.fitted import Fitted
from govpost.people import Actor
from govpost.render import render
from govpost.rules.engine import run
from govpost.states import PostState, Role
from govpost.store import deliveries, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import POST, PostRecord, VersionRecord
from govpost.times import uuid7

REPEAT_WITHIN = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What editors work with: the config in force, the channels fitted out, and the rules."""

    config: Config
    fitted: Mapping[str, Fitted]
    rules: Sequence[Rule]
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A draft as it would go out, and what the rules found."""

    draft: Draft
    variants: Mapping[str, tuple[Variant, ...]]
    targets: Mapping[str, str]
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """Say whether a finding stops the post."""
        return any(finding.severity == Severity.BLOCKS for finding in self.findings)


def check(tx: Tx, desk: Desk, draft: Draft) -> Checked:
    """Render a draft for its channels and run every rule over it; changes nothing."""
    original = _original(tx.conn, draft)
    variants, targets = _render(tx.conn, desk, draft, original)
    own = posts.by_slug(tx.conn, draft.slug)
    related = [post.id for post in (own, original) if post is not None]
    findings = run(desk.rules, _context(tx.conn, desk, draft, variants, related, tx.now))
    findings += _not_loaded(desk, draft) + _no_slot(tx, desk, draft, variants, targets, own)
    return Checked(draft=draft, variants=variants, targets=targets, findings=findings)


def _original(conn: Connection, draft: Draft) -> PostRecord | None:
    if draft.corrects is None:
        return None
    original = posts.by_slug(conn, draft.corrects)
    line = draft.lines.get("corrects")
    if original is None:
        raise Mistakes(
            [
                Mistake(
                    message=f"corrects: there is no post {draft.corrects!r}", file=str(draft.path), line=line
                )
            ]
        )
    if original.state not in ("published", "failed", "scheduled"):
        message = f"corrects: {original.slug} is {original.state}, so there is nothing public to correct"
        tip = f"change the post itself and run govpost post add again for {original.slug}"
        raise Mistakes([Mistake(message=message, file=str(draft.path), line=line, tip=tip)])
    return original


def _render(
    conn: Connection, desk: Desk, draft: Draft, original: PostRecord | None
) -> tuple[dict[str, tuple[Variant, ...]], dict[str, str]]:
    variants: dict[str, tuple[Variant, ...]] = {}
    targets: dict[str, str] = {}
    live = _live(conn, original)
    for name in draft.channels:
        fitted = desk.fitted.get(name)
        if fitted is None:
            continue
        first = live.get(name)
        if first is not None and first.parts == 1 and fitted.amends:
            amended = render(
                draft, name, fitted.capabilities, action=Action.AMEND, corrects=first.url or first.remote_id
            )
            if len(amended) == 1:
                variants[name], targets[name] = amended, first.id
                continue
        corrects = (first.url or first.remote_id) if first is not None else None
        variants[name] = render(draft, name, fitted.capabilities, corrects=corrects)
    return variants, targets


def _live(conn: Connection, original: PostRecord | None) -> dict[str, Any]:
    if original is None:
        return {}
    rows = deliveries.of_post(conn, original.id, original.version)
    return {
        row.channel: row
        for row in rows
        if row.state == "live" and row.part == 1 and row.action == Action.PUBLISH
    }


def _context(
    conn: Connection,
    desk: Desk,
    draft: Draft,
    variants: Mapping[str, tuple[Variant, ...]],
    related: Sequence[str],
    now: datetime,
) -> RuleContext:
    config = desk.config
    reference = draft.at.utc if draft.at else now
    repeats: dict[str, str] = {}
    for name, parts in variants.items():
        digest = planning.text_hash(parts[0].text)
        found = posts.repeats(conn, name, digest, related, reference - REPEAT_WITHIN)
        if found is not None:
            repeats[name] = found
    capabilities: dict[str, Capabilities] = {name: desk.fitted[name].capabilities for name in variants}
    topics = config.strategy.topics
    return RuleContext(
        draft=draft,
        variants=variants,
        capabilities=capabilities,
        channels=frozenset(config.channels),
        main_channel=config.main_channel,
        goals=frozenset(config.strategy.goals),
        audiences=frozenset(config.strategy.audiences),
        topics=frozenset(topics) if topics is not None else None,
        now=now,
        repeats=repeats,
    )


def _not_loaded(desk: Desk, draft: Draft) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule="U09",
            severity=Severity.BLOCKS,
            message=f"{name} cannot be written for: {desk.missing.get(name, 'its platform is not loaded')}",
            tip="govpost plugin list shows what is wrong",
            file=str(draft.path),
            line=draft.lines.get("channels"),
            channel=name,
        )
        for name in draft.channels
        if name in desk.config.channels and name not in desk.fitted
    )


def _no_slot(
    tx: Tx,
    desk: Desk,
    draft: Draft,
    variants: Mapping[str, tuple[Variant, ...]],
    targets: Mapping[str, str],
    own: PostRecord | None,
) -> tuple[Finding, ...]:
    names = [name for name in variants if name not in targets]
    if draft.expires is not None and draft.expires.utc <= tx.now:
        return ()
    refused = planning.trial(tx, desk.config, draft, names, own.id if own else None)
    return tuple(
        Finding(
            rule="S01",
            severity=Severity.BLOCKS,
            message=f"{name} has no free time for it: {why}",
            tip="change `at` or `expires`, or leave `at` out and let the planner choose",
            file=str(draft.path),
            line=draft.lines.get("at") or draft.lines.get("expires"),
            channel=name,
        )
        for name, why in refused.items()
    )


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of taking a draft in: the post (None when it was blocked) and what the rules found."""

    post: PostRecord | None
    checked: Checked
    unchanged: bool = False


def take_in(
    store: Store, desk: Desk, actor: Actor, draft: Draft, *, submit: bool, acks: Sequence[str] = ()
) -> Taken:
    """Take a draft in as a version of its post, and submit it unless told not to; a blocked one is not submitted."""
    actor.need(Role.AUTHOR, to="take posts in")
    draft = replace(draft, author=draft.author or actor.id)
    with store.write(actor.id) as tx:
        checked = check(tx, desk, draft)
    if checked.blocked and submit:
        return Taken(post=None, checked=checked)
    kept = media_store.keep(draft, desk.config.root / desk.config.store.media)
    with store.write(actor.id) as tx:
        checked = check(tx, desk, kept)
        if checked.blocked and submit:
            return Taken(post=None, checked=checked)
        sealed = seal.seal(kept, checked.variants, checked.targets, desk.config)
        post = posts.by_slug(tx.conn, draft.slug)
        if post is not None and post.digest == sealed.digest and _same(tx.conn, post, kept):
            if submit and post.state == PostState.DRAFT:
                post = _submit(tx, actor, post, acks)
            return Taken(post=post, checked=checked, unchanged=True)
        post = _enter(tx, desk, actor, checked, sealed, post)
        if submit:
            post = _submit(tx, actor, post, acks)
        return Taken(post=post, checked=checked)


def _same(conn: Connection, post: PostRecord, draft: Draft) -> bool:
    return bool(posts.version(conn, post.id, post.version).draft == to_dict(draft))


def _enter(
    tx: Tx, desk: Desk, actor: Actor, checked: Checked, sealed: seal.Sealed, post: PostRecord | None
) -> PostRecord:
    draft = checked.draft
    number = post.version + 1 if post else 1
    if post is None:
        original = posts.by_slug(tx.conn, draft.corrects) if draft.corrects else None
        post = PostRecord(
            id=uuid7(tx.now),
            slug=draft.slug,
            version=1,
            state=PostState.DRAFT,
            title=draft.title,
            digest=sealed.digest,
            author=draft.author or actor.id,
            corrects=original.id if original else None,
            created_at=tx.now,
            updated_at=tx.now,
        )
        posts.add(tx, post)
    else:
        post = _reopen(tx, actor, post)
        values = {
            "version": number,
            "digest": sealed.digest,
            "title": draft.title,
            "author": draft.author or actor.id,
        }
        tx.conn.execute(update(POST).where(POST.c.id == post.id).values(values))
        tx.event(
            "post.version",
            f"post:{post.id}",
            old=str(number - 1),
            new=str(number),
            post=post.id,
            digest=sealed.digest,
        )
    posts.add_version(tx, _version(tx, desk, actor, checked, sealed, post.id, number))
    return posts.by_id(tx.conn, post.id)


def _version(
    tx: Tx, desk: Desk, actor: Actor, checked: Checked, sealed: seal.Sealed, post_id: str, number: int
) -> VersionRecord:
    config = desk.config
    path = checked.draft.path
    source = str(path.relative_to(config.root)) if path.is_relative_to(config.root) else str(path)
    return VersionRecord(
        post_id=post_id,
        n=number,
        digest=sealed.digest,
        taken_by=actor.id,
        taken_at=tx.now,
        source=source,
        source_sha256=file_sha256(path),
        config_hash=config.hash,
        strategy_hash=config.strategy_hash,
        draft=to_dict(checked.draft),
        channels=sealed.channels,
        findings=[asdict(finding) for finding in checked.findings],
    )


def _reopen(tx: Tx, actor: Actor, post: PostRecord) -> PostRecord:
    """Make room for a new version: cancel what was planned, as long as nothing has passed the gate."""
    if post.state == PostState.DRAFT:
        return posts.move(tx, post, PostState.DRAFT, actor.roles, "a new version")
    if post.state not in ("submitted", "approved", "scheduled"):
        raise Refused(
            f"{post.slug} is {post.state}; it cannot get a new version",
            f"govpost post correct {post.slug} PATH publishes a correction; a new post needs a new slug",
        )
    gone = [
        row for row in deliveries.of_post(tx.conn, post.id, post.version) if stopping.passed_the_gate(row)
    ]
    if gone:
        names = ", ".join(sorted({row.channel for row in gone}))
        raise Refused(
            f"{post.slug} is already on its way out on {names}; it cannot get a new version",
            f"govpost post correct {post.slug} PATH publishes a correction",
        )
    stopping.cancel_deliveries(tx, post, "a new version was taken in")
    return posts.move(tx, posts.by_id(tx.conn, post.id), PostState.SUBMITTED, actor.roles, "a new version")


def _submit(tx: Tx, actor: Actor, post: PostRecord, acks: Sequence[str]) -> PostRecord:
    why = "submitted" + (f", acknowledging {', '.join(sorted(acks))}" if acks else "")
    return posts.move(tx, post, PostState.SUBMITTED, actor.roles, why, submitted_at=tx.now)


def submit(
    store: Store, desk: Desk, actor: Actor, post: PostRecord, draft: Draft, acks: Sequence[str]
) -> Taken:
    """Submit a draft that was taken in before, after checking it again as it is stored."""
    actor.need(Role.AUTHOR, to="submit posts")
    with store.write(actor.id) as tx:
        current = posts.by_id(tx.conn, post.id)
        checked = check(tx, desk, draft)
        if checked.blocked:
            return Taken(post=None, checked=checked)
        if seal.seal(draft, checked.variants, checked.targets, desk.config).digest != current.digest:
            raise Refused(
                f"{post.slug} would go out differently now than when it was taken in",
                "the config or a plugin has changed: run govpost post add again",
            )
        return Taken(post=_submit(tx, actor, current, acks), checked=checked)
