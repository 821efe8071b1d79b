"""Copies of media, kept by the digest of their bytes, so that what was approved is what is sent."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from govpost.digest import file_sha256
from govpost.domain import Draft, Media
from govpost.errors import Refused, StoreUnavailable

_CHUNK = 1 << 20


def keep(draft: Draft, folder: Path) -> Draft:
    """Copy a draft's media into `folder` and return the draft pointing there.

    `Refused` when a file changed meanwhile or is gone, `StoreUnavailable` when the folder takes nothing.
    """
    if not draft.media:
        return draft
    try:
        _make(folder)
        return replace(draft, media=tuple(_keep_one(medium, folder) for medium in draft.media))
    except OSError as error:
        raise StoreUnavailable(
            f"pictures cannot be kept in {folder}: {error.strerror or error}",
            "see that the disk has room and that this user may write there, then run the command again",
        ) from error


def _make(folder: Path) -> None:
    # The folder around it may be the store's, which nobody else may read; mkdir's parents=True would open it.
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _keep_one(medium: Media, folder: Path) -> Media:
    target = folder / medium.sha256
    if not _is_whole(target, medium.sha256):
        _copy(medium, target)
    return replace(medium, path=target)


def _is_whole(target: Path, sha256: str) -> bool:
    try:
        return file_sha256(target) == sha256
    except FileNotFoundError:
        return False


def _copy(medium: Media, target: Path) -> None:
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, _open(medium.path) as source:
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


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(
            f"{path} cannot be read: {error.strerror}",
            "see that the file is there, then run the command again",
        ) from error
