"""Drafts and variants as JSON and back, exactly; media stand for themselves by their SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from govpost.domain import Action, Draft, Media, Priority, Variant
from govpost.times import Moment

_DRAFT_WORDS = (
    "slug",
    "title",
    "body",
    "author",
    "goal",
    "audience",
    "topic",
    "link",
    "language",
    "corrects",
    "answers",
)
_VARIANT_WORDS = ("text", "title", "link", "language", "corrects", "answers")


def to_dict(draft: Draft) -> dict[str, Any]:
    """Write a draft as a JSON value."""
    return {
        **{name: getattr(draft, name) for name in _DRAFT_WORDS},
        "at": _moment(draft.at),
        "not_before": _moment(draft.not_before),
        "expires": _moment(draft.expires),
        "path": str(draft.path),
        "channels": list(draft.channels),
        "priority": draft.priority.value,
        "media": [_medium(medium) for medium in draft.media],
        "wording": {channel: list(parts) for channel, parts in draft.wording.items()},
        "options": {channel: dict(options) for channel, options in draft.options.items()},
        "lines": dict(draft.lines),
    }


def from_dict(value: Mapping[str, Any], media_dir: Path) -> Draft:
    """Read a draft; its media lie in `media_dir`, each under the name of its SHA-256."""
    return Draft(
        **{name: value[name] for name in _DRAFT_WORDS},
        at=_moment_of(value["at"]),
        not_before=_moment_of(value["not_before"]),
        expires=_moment_of(value["expires"]),
        path=Path(value["path"]),
        channels=tuple(value["channels"]),
        priority=Priority(value["priority"]),
        media=tuple(_medium_of(medium, media_dir) for medium in value["media"]),
        wording={channel: tuple(parts) for channel, parts in value["wording"].items()},
        options={channel: dict(options) for channel, options in value["options"].items()},
        lines=dict(value["lines"]),
    )


def variant_to_dict(variant: Variant) -> dict[str, Any]:
    """Write what was approved of a variant as a JSON value: without key, at, reply_to, recipient and staged."""
    words = {name: getattr(variant, name) for name in _VARIANT_WORDS}
    return {
        **words,
        "action": variant.action.value,
        "media": [_medium(medium) for medium in variant.media],
        "options": dict(variant.options),
    }


def variant_from_dict(
    value: Mapping[str, Any],
    media_dir: Path,
    *,
    key: str = "",
    at: datetime | None = None,
    reply_to: str | None = None,
    recipient: str | None = None,
    staged: Mapping[str, Any] | None = None,
) -> Variant:
    """Read a variant, and add what its delivery knows."""
    return Variant(
        **{name: value[name] for name in _VARIANT_WORDS},
        key=key,
        action=Action(value["action"]),
        media=tuple(_medium_of(medium, media_dir) for medium in value["media"]),
        options=dict(value["options"]),
        reply_to=reply_to,
        recipient=recipient,
        staged=dict(staged or {}),
        at=at,
    )


def _moment(moment: Moment | None) -> dict[str, str] | None:
    if moment is None:
        return None
    return {"wall": moment.wall, "zone": moment.zone, "utc": moment.utc.isoformat()}


def _moment_of(value: Mapping[str, str] | None) -> Moment | None:
    if value is None:
        return None
    return Moment(wall=value["wall"], zone=value["zone"], utc=datetime.fromisoformat(value["utc"]))


def _medium(medium: Media) -> dict[str, Any]:
    focus = list(medium.focus) if medium.focus else None
    return {
        "sha256": medium.sha256,
        "mime": medium.mime,
        "alt": medium.alt,
        "captions": medium.captions,
        "focus": focus,
    }


def _medium_of(value: Mapping[str, Any], media_dir: Path) -> Media:
    x_and_y = value["focus"]
    return Media(
        path=media_dir / value["sha256"],
        mime=value["mime"],
        alt=value["alt"],
        captions=value["captions"],
        focus=(x_and_y[0], x_and_y[1]) if x_and_y else None,
        sha256=value["sha256"],
    )
