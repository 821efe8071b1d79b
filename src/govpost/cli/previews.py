"""Showing just what would go out: every part, its count against the limit, its files and their descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from govpost.cli import out, shapes
from govpost.cli.context import Session
from govpost.errors import Refused, UsageFault, did_you_mean

if TYPE_CHECKING:
    from govpost.domain import Media, Variant

Variants = Mapping[str, Sequence["Variant"]]


def preview(session: Session, name: str, channel: str | None) -> int:
    """Preview a draft, or a post as it was taken in; 1 when the draft is blocked."""
    from govpost.cli import taking

    blocked, findings = False, []
    if session.path(name).exists():
        (draft, *more) = taking.load(session, [name])
        if more:
            raise UsageFault(f"{name} holds {len(more) + 1} posts", "name one of them")
        checked = taking.check(session, draft)
        variants: Variants = checked.variants
        blocked, findings = checked.blocked, shapes.findings(checked.findings, session.workspace.root)
        slug = draft.slug
    else:
        slug, variants = _stored(session, name)
    shown = as_json(session, _only(variants, channel))
    if session.as_json:
        out.document({"slug": slug, "blocked": blocked, "findings": findings, "channels": shown})
        return int(blocked)
    say(shown)
    for line in out.finding_lines(findings):
        out.say(line)
    return int(blocked)


def _stored(session: Session, name: str) -> tuple[str, Variants]:
    from govpost.store import posts

    with session.store.read() as conn:
        try:
            post = posts.find(conn, name)
        except Refused as error:
            tip = "name a post's file or folder, or a post that was taken in: govpost post list"
            raise UsageFault(f"{error.message}, and no such file", tip) from None
        return post.slug, of_version(session, posts.version(conn, post.id, post.version).channels)


def of_version(session: Session, channels: Mapping[str, Any]) -> dict[str, list[Variant]]:
    """Return the variants of a version as it is stored."""
    from govpost.draft_json import variant_from_dict

    media = session.workspace.root / session.config.store.media
    return {
        name: [variant_from_dict(part["variant"], media) for part in sealed["parts"]]
        for name, sealed in channels.items()
    }


def _only(variants: Variants, channel: str | None) -> Variants:
    if channel is None:
        return variants
    if channel not in variants:
        near = did_you_mean(channel, variants)
        raise UsageFault(
            f"the post does not go to a channel {channel!r}{near}", f"it goes to: {', '.join(variants)}"
        )
    return {channel: variants[channel]}


def as_json(session: Session, variants: Variants) -> list[dict[str, Any]]:
    """Return each channel with its parts."""
    from govpost.render import counted

    found = []
    for name, parts in variants.items():
        fitted = session.bench.fitted.get(name)
        carries = fitted.capabilities if fitted else None
        found.append(
            {
                "channel": name,
                "platform": session.config.channels[name].platform
                if name in session.config.channels
                else None,
                "limit": carries.max_chars if carries else None,
                "unit": carries.count if carries else None,
                "parts": [
                    {
                        "part": number,
                        "count": counted(part, carries) if carries else len(part.text),
                        **_words(session, part),
                    }
                    for number, part in enumerate(parts, start=1)
                ],
            }
        )
    return found


def _words(session: Session, part: Variant) -> dict[str, Any]:
    from govpost.store import answered

    names = ("text", "title", "link", "language", "corrects")
    return {
        **{name: getattr(part, name) for name in names},
        "action": str(part.action),
        "answers": answered.id_of(part.answers) if part.answers else None,
        "answered": _answered(session, part),
        "options": dict(part.options),
        "media": [_medium(each) for each in part.media],
    }


def _answered(session: Session, part: Variant) -> dict[str, Any] | None:
    """Return whom an answer is for and what they said."""
    if part.answers is None:
        return None
    from govpost.store import gathered

    with session.store.read() as conn:
        reply = gathered.kept_reply(conn, part.answers)
    return {"author": reply.author, "text": reply.text, "url": reply.url} if reply else None


def _medium(medium: Media) -> dict[str, Any]:
    focus = list(medium.focus) if medium.focus else None
    about = {
        "file": medium.path.name,
        "path": str(medium.path),
        "mime": medium.mime,
        "alt": medium.alt,
        "captions": medium.captions,
    }
    return {**about, "focus": focus, "sha256": medium.sha256}


def say(shown: Sequence[Mapping[str, Any]]) -> None:
    """Print each channel with its parts."""
    for channel in shown:
        out.head(
            f"{channel['channel']} ({channel['platform']}), {out.counted(len(channel['parts']), 'part')}"
        )
        for part in channel["parts"]:
            out.say("\n".join(_part_lines(channel, part)))
        out.say()


def _part_lines(channel: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[str]:
    limit = f" of {channel['limit']}" if channel["limit"] is not None else ""
    noun = "character" if part["count"] == 1 and not limit else "characters"
    unit = f" ({channel['unit']})" if channel["unit"] not in (None, "graphemes") else ""
    yield f"  part {part['part']} of {len(channel['parts'])}: {part['count']}{limit} {noun}{unit}"
    for name in ("action", "title", "link", "language", "corrects", "answers"):
        if part[name] and part[name] != "publish":
            yield f"  {name}: {part[name]}"
    if part["answers"] and not part["answered"]:
        yield "  what it answers has changed since, or is no longer kept"
    if part["answered"]:
        yield f"  to {part['answered']['author']}, who wrote:"
        yield out.indented(part["answered"]["text"], "    > ")
    for name, value in part["options"].items():
        yield f"  {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
    for medium in part["media"]:
        alt = medium["alt"] or "(no description)"
        yield f"  picture: {medium['path']} ({medium['mime']}), described as: {alt}"
        if medium["captions"]:
            yield f"  captions: {out.counted(len(medium['captions'].splitlines()), 'line')}"
    yield "  text:"
    yield out.indented(part["text"], "    ")
