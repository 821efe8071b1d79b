"""What a reviewer reads: what changed since the last approved version, the exact words, findings, slots, digest."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from govpost import planning
from govpost.cli import out, previews, shapes, telling
from govpost.cli.context import Session
from govpost.draft_json import from_dict
from govpost.editorial import reviewing
from govpost.people import Actor
from govpost.store import views
from govpost.store.rows import VersionRecord
from govpost.store.views import Card
from govpost.times import rfc3339

_WORD = re.compile(r"\s+|\S+")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One post as a reviewer is shown it."""

    card: Card
    variants: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    since: int | None
    findings: list[dict[str, Any]]
    wanting: list[str]
    slots: Mapping[str, datetime]


def read(session: Session, actor: Actor, name: str) -> Reading:
    """Gather what a reviewer needs, and note which digest this one was shown."""
    post, version = reviewing.show(session.store, actor, name)
    with session.store.read() as conn:
        card = views.cards(conn, [post])[0]
        before = views.last_approved(conn, post)
    return Reading(
        card=card,
        variants=previews.as_json(session, previews.of_version(session, version.channels)),
        changes=_changes(before, version),
        since=before.n if before else None,
        findings=shapes.findings(version.findings, session.workspace.root),
        wanting=_wanting(session, card),
        slots=_slots(session, actor, card, version),
    )


def _wanting(session: Session, card: Card) -> list[str]:
    if card.post.review_later:
        return ["a later review of the emergency release"]
    return (
        reviewing.wanting(session.config, card.approvals_in_force) if card.post.state == "submitted" else []
    )


def _slots(session: Session, actor: Actor, card: Card, version: VersionRecord) -> Mapping[str, datetime]:
    """Return the slots given, or those that an approval now would give."""
    if card.post.state != "submitted":
        return {row.channel: row.slot for row in card.deliveries if row.part == 1 and row.action == "publish"}
    draft = from_dict(version.draft, session.workspace.root / session.config.store.media)
    names = [
        name
        for name, sealed in version.channels.items()
        if sealed["target"] is None and name in session.config.channels
    ]
    with session.store.write(actor.id) as tx:
        return planning.preview(tx, session.config, draft, names)


def _changes(before: VersionRecord | None, version: VersionRecord) -> list[dict[str, Any]]:
    """Compare a version with the last approved one, channel by channel and part by part."""
    if before is None:
        return []
    found = []
    for name in [*version.channels, *(name for name in before.channels if name not in version.channels)]:
        old, new = _words(before, name), _words(version, name)
        for number in range(max(len(old), len(new))):
            one, other = (texts[number] if number < len(texts) else "" for texts in (old, new))
            if one != other:
                found.append({"channel": name, "part": number + 1, "diff": word_diff(one, other)})
    times = {
        key: (before.draft[key], version.draft[key]) for key in ("at", "not_before", "expires", "priority")
    }
    found += [
        {"channel": None, "part": None, "diff": f"{key}: {word_diff(_shown(one), _shown(other))}"}
        for key, (one, other) in times.items()
        if one != other
    ]
    return found


def _shown(value: Any) -> str:
    return f"{value['wall']} {value['zone']}" if isinstance(value, dict) else str(value or "not set")


def _words(version: VersionRecord, channel: str) -> list[str]:
    """Return all that is approved of each part, as one text."""
    return [_all_words(part["variant"]) for part in version.channels.get(channel, {"parts": ()})["parts"]]


def _all_words(variant: Mapping[str, Any]) -> str:
    lines = [f"{name}: {variant[name]}" for name in ("title", "link", "language") if variant[name]]
    lines += [f"{name}: {value}" for name, value in sorted(variant["options"].items())]
    lines += [f"picture {each['sha256'][:12]}: {each['alt']}" for each in variant["media"]]
    lines += [f"captions: {each['captions']}" for each in variant["media"] if each["captions"]]
    return "\n".join([*lines, variant["text"]])


def word_diff(old: str, new: str) -> str:
    """Write the changes word by word: ``[-gone-]`` and ``{+new+}``."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    pieces = []
    for tag, start, end, start2, end2 in matcher.get_opcodes():
        if tag == "equal":
            pieces.append("".join(before[start:end]))
            continue
        gone, come = "".join(before[start:end]), "".join(after[start2:end2])
        pieces.append((f"[-{gone}-]" if gone else "") + (f"{{+{come}+}}" if come else ""))
    return "".join(pieces)


def as_json(session: Session, found: Reading) -> dict[str, Any]:
    """Return the post with what a reviewer sees besides."""
    return {
        **shapes.post(found.card, session.workspace.root),
        "changes": found.changes,
        "changed_since_version": found.since,
        "variants": found.variants,
        "findings": found.findings,
        "wanting": found.wanting,
        "slots": {name: rfc3339(when) for name, when in found.slots.items()},
    }


def say(session: Session, found: Reading) -> None:
    """Print what a reviewer sees."""
    post = found.card.post
    out.head(f"{post.slug}: {post.title}")
    out.say(f"version {post.version} by {post.author}, {post.state}")
    for line in _change_lines(found):
        out.say(line)
    out.say()
    previews.say(found.variants)
    for line in out.finding_lines(found.findings):
        out.say(line)
    for line in telling.approval_lines(found.card, session.config.agency.timezone):
        out.say(line)
    for wish in found.wanting:
        out.say(f"still wanting: {wish}")
    for name, when in found.slots.items():
        zone = session.config.zone(name) if name in session.config.channels else "UTC"
        out.say(f"slot on {name}: {out.local(when, zone)}")
    out.say(f"digest: {post.digest}")


def _change_lines(found: Reading) -> Iterator[str]:
    if found.since is None:
        yield "no version of it was approved before"
        return
    if not found.changes:
        yield f"nothing has changed since version {found.since}, which was approved"
        return
    yield f"changed since version {found.since}, the last approved ([-gone-] {{+new+}}):"
    for change in found.changes:
        where = f"{change['channel']}, part {change['part']}:" if change["channel"] else "times:"
        yield f"  {where}"
        yield out.indented(change["diff"], "    ")
