"""Copies of media, kept by the digest of their bytes, so that what was approved is what is sent."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from govpost.domain import Draft, Media
from govpost.errors import Refused

_CHUNK = 1 << 20


def keep(draft: Draft, folder: Path) -> Draft:
    """Copy a draft's media into `folder` and return the draft pointing there; `Refused` when a file changed meanwhile."""
    if not draft.media:
        return draft
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return replace(draft, media=tuple(_keep_one(medium, folder) for medium in draft.media))


def _keep_one(medium: Media, folder: Path) -> Media:
    target = folder / medium.sha256
    if not target.exists():
        _copy(medium, target)
    return replace(medium, path=target)


def _copy(medium: Media, target: Path) -> None:
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, medium.path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != medium.sha256:
            raise Refused(f"{medium.path} changed while it was read", "run the command again")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
