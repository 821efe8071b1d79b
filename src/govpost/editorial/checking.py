"""Checking a draft: how it would go out on each channel, and what the rules say of that. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from govpost import planning
from govpost.config import Config
from govpost.contract import Rule, RuleContext
from govpost.domain import Action, Capabilities, Draft, Finding, Severity, Variant
from govpost.editorial import answering, stopping
from govpost.errors import Mistake, Mistakes, Refused, did_you_mean
from govpost.fitted import Fitted
from govpost.render import render
from govpost.rules.engine import run
from govpost.states import PilotState
from govpost.store import deliveries, pilots, posts
from govpost.store.engine import Tx
from govpost.store.rows import PostRecord

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
    draft = _with_options(desk, _with_reply(tx.conn, desk, draft))
    original = _original(tx.conn, draft, desk.config.root)
    variants, targets = _render(tx.conn, desk, draft, original)
    own = posts.by_slug(tx.conn, draft.slug)
    related = [post.id for post in (own, original) if post is not None]
    findings = run(desk.rules, _context(tx.conn, desk, draft, variants, related, tx.now))
    findings += _not_loaded(desk, draft) + _retired(tx.conn, draft)
    findings += _no_slot(tx, desk, draft, variants, targets, own)
    return Checked(draft=draft, variants=variants, targets=targets, findings=findings)


def _with_reply(conn: Connection, desk: Desk, draft: Draft) -> Draft:
    try:
        return answering.resolved(conn, desk.fitted, draft)
    except Refused as wrong:
        line = draft.lines.get("answers")
        message, file = f"answers: {wrong.message}", _named(draft, desk.config.root)
        raise Mistakes([Mistake(message=message, file=file, line=line, tip=wrong.tip)]) from None


def _with_options(desk: Desk, draft: Draft) -> Draft:
    """Return the draft with its options as the platforms understand them; `Mistakes` names all that are wrong."""
    checked: dict[str, Mapping[str, Any]] = dict(draft.options)
    mistakes: list[Mistake] = []
    for name in set(draft.channels) & set(desk.fitted):
        checked[name], wrong = desk.fitted[name].options(draft.options.get(name, {}))
        mistakes += [_wrong_option(desk, draft, name, key, why) for key, why in wrong]
    if mistakes:
        raise Mistakes(sorted(mistakes, key=lambda mistake: mistake.line or 0))
    return replace(draft, options={name: options for name, options in checked.items() if options})


def _wrong_option(desk: Desk, draft: Draft, name: str, key: str, why: str) -> Mistake:
    full = f"options.{name}" + (f".{key}" if key else "")
    line = draft.lines.get(full) or draft.lines.get(f"options.{name}") or draft.lines.get("options")
    tip = f"the README of the platform {desk.fitted[name].platform.name} lists its options"
    return Mistake(message=f"{full}: {why}", file=_named(draft, desk.config.root), line=line, tip=tip)


def _original(conn: Connection, draft: Draft, root: Path) -> PostRecord | None:
    if draft.corrects is None:
        return None
    original = posts.by_slug(conn, draft.corrects)
    line = draft.lines.get("corrects")
    if original is None:
        near = did_you_mean(draft.corrects, posts.slugs(conn))
        message = f"corrects: there is no post {draft.corrects!r}{near}"
        tip = "write the slug of the post that is corrected; govpost post list shows them"
        raise Mistakes([Mistake(message=message, file=_named(draft, root), line=line, tip=tip)])
    rows = deliveries.of_post(conn, original.id, original.version)
    if original.state not in ("published", "failed") and not any(map(stopping.passed_the_gate, rows)):
        message = f"corrects: {original.slug} is {original.state}, so there is nothing public to correct"
        tip = f"change the post itself and run govpost post add again for {original.slug}"
        raise Mistakes([Mistake(message=message, file=_named(draft, root), line=line, tip=tip)])
    return original


def _named(draft: Draft, root: Path) -> str:
    """Return a draft's file as people know it: relative to the workspace."""
    return str(draft.path.relative_to(root)) if draft.path.is_relative_to(root) else str(draft.path)


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
            amended = render(draft, name, fitted.capabilities, action=Action.AMEND)
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
    earliest = max([now, *(moment.utc for moment in (draft.at, draft.not_before) if moment)])
    latest = draft.at.utc + REPEAT_WITHIN if draft.at else None
    repeats: dict[str, str] = {}
    for name, parts in variants.items():
        digest = planning.text_hash(parts[0].text)
        found = posts.repeats(conn, name, digest, related, earliest - REPEAT_WITHIN, latest)
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
        refusals={name: _refusals(desk.fitted[name], parts) for name, parts in variants.items()},
    )


def _refusals(fitted: Fitted, parts: Sequence[Variant]) -> list[str]:
    """Say once what the platform refuses of any part."""
    return list(dict.fromkeys(why for part in parts for why in fitted.refusals(part)))


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


def _retired(conn: Connection, draft: Draft) -> tuple[Finding, ...]:
    """Say before the review that nothing goes out on a channel any more."""
    known = pilots.every(conn)
    return tuple(
        Finding(
            rule="U09",
            severity=Severity.BLOCKS,
            message=f"the pilot of {name} was retired: nothing goes out there any more",
            tip=f"take {name} out of 'channels'",
            file=str(draft.path),
            line=draft.lines.get("channels"),
            channel=name,
        )
        for name in draft.channels
        if name in known and known[name].state == PilotState.RETIRED
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
