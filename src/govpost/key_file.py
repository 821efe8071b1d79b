"""The file that holds the keys of stored secrets: one a line, for this user alone, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Sequence
from pathlib import Path

_READ_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_open_to_others(path: Path) -> bool:
    """Say whether anybody but its owner may use the file; OSError when it is not there."""
    return bool(path.stat().st_mode & _READ_BY_OTHERS)


def make(path: Path, key: str) -> None:
    """Make the file with its first key, whatever the umask; one that came meanwhile stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        _write(beside, [key])
        os.link(beside, path)
    except FileExistsError:
        return
    finally:
        beside.unlink(missing_ok=True)


def replace(path: Path, keys: Sequence[str]) -> None:
    """Put `keys` in place of what the file held, for the same owner; OSError leaves the old file as it is.

    Only one may do so at a time: call it inside a write transaction.
    """
    path = path.resolve()
    about, beside = path.stat(), path.with_name(f"{path.name}.next")
    beside.unlink(missing_ok=True)
    _write(beside, keys)
    if (about.st_uid, about.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(beside, about.st_uid, about.st_gid)
    beside.replace(path)
    _sync(path.parent)


def _write(path: Path, keys: Sequence[str]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write("".join(f"{key}\n" for key in keys))
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
