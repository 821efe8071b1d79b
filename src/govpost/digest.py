"""What an approval is bound to: a tree of SHA-256 digests over the exact words, files and settings.

Leaves are parts, a channel's digest covers its parts, the post's covers its channels; so one channel can be checked
at the gate without the others, and changing another channel's settings does not stop this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from govpost.domain import Draft, Media, Variant


def canonical(value: Any) -> bytes:
    """Write a JSON value so that equal values give equal bytes: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def sha256(value: Any) -> str:
    """Return the hex digest of a JSON value in canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the hex digest of a file's bytes; OSError when it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _medium(medium: Media, sha: str) -> dict[str, Any]:
    focus = list(medium.focus) if medium.focus else None
    return {
        "sha256": sha,
        "mime": medium.mime,
        "alt": medium.alt,
        "captions": medium.captions,
        "focus": focus,
    }


def part_digest(variant: Variant, media_hashes: Sequence[str] | None = None) -> str:
    """Digest one part: everything but key, reply_to, recipient, staged and at.

    `media_hashes` are the digests of the files as they are now; without them the recorded ones are taken.
    """
    hashes = media_hashes if media_hashes is not None else [medium.sha256 for medium in variant.media]
    return sha256(
        {
            "action": variant.action.value,
            "text": variant.text,
            "title": variant.title,
            "link": variant.link,
            "language": variant.language,
            "corrects": variant.corrects,
            "answers": variant.answers,
            "options": dict(variant.options),
            "media": [_medium(medium, sha) for medium, sha in zip(variant.media, hashes, strict=True)],
        }
    )


def channel_digest(name: str, platform: str, settings: Mapping[str, Any], parts: Sequence[str]) -> str:
    """Digest one channel: its name, platform, settings without secrets, and its parts in order."""
    return sha256({"name": name, "platform": platform, "settings": dict(settings), "parts": list(parts)})


def timing(draft: Draft) -> dict[str, Any]:
    """Return the times and priority that a reviewer approves along with the words."""
    return {
        "at": str(draft.at) if draft.at else None,
        "not_before": str(draft.not_before) if draft.not_before else None,
        "expires": str(draft.expires) if draft.expires else None,
        "priority": draft.priority.value,
    }


def post_digest(times: Mapping[str, Any], channels: Mapping[str, str]) -> str:
    """Digest a post: its `timing` and the digest of each channel."""
    return sha256({"timing": dict(times), "channels": dict(channels)})
