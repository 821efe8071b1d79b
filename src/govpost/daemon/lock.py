"""Locks that the kernel frees when a process dies: one for the only daemon, or one for each of several."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from govpost.errors import Refused

NAME = "daemon.lock"
EACH = "daemons"
"""The folder in which each of several daemons holds a lock named after its id."""
_LOOKS_PASS = 2.0
"""Seconds for which those who only look are waited for: a look takes microseconds, unless its process is held up."""
_PAUSE = 0.002


class Lock:
    """Holds `daemon.lock` in `folder` from `take` until `free`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock; `Refused` when another daemon has it, OSError when it cannot be taken now."""
        handle = _open(self.path)
        try:
            taken = _taken(handle)
        except OSError:
            os.close(handle)
            raise
        if not taken:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "?"
            os.close(handle)
            tip = "govpost status shows it; stop it first, or let it work"
            raise Refused(f"a daemon is already running on this database (process {holder})", tip)
        self._handle = handle
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return  # on a full or read-only disk the lock still holds; only its note of the process is missing

    def free(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class OwnLock:
    """The lock of one of several daemons: while it is held, the others on this machine know that it lives."""

    def __init__(self, folder: Path, daemon: str) -> None:
        self.path = folder / EACH / f"{daemon}.lock"
        self._handle: int | None = None

    def take(self) -> None:
        """Take it; OSError when the folder cannot be used."""
        fresh = self.path.with_suffix(".new")
        handle = _open(fresh)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # It gets its name when it is held already: nobody may find it free before.
        fresh.rename(self.path)
        self._handle = handle

    def free(self) -> None:
        """Give it back; its file goes, for no other daemon has this name."""
        if self._handle is not None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _taken(handle: int) -> bool:
    """Lock for this process alone. A daemon in its way ends it at once; those who only look are waited for.

    BlockingIOError when a look does not end: that is no daemon, and whoever starts may try again.
    """
    until = time.monotonic() + _LOOKS_PASS
    while not _locked(handle, fcntl.LOCK_EX):
        if not _locked(handle, fcntl.LOCK_SH):
            return False
        if time.monotonic() > until:
            raise BlockingIOError(errno.EAGAIN, f"{NAME} is held by a process that only looks at it")
        fcntl.flock(handle, fcntl.LOCK_UN)
        time.sleep(_PAUSE)
    return True


def _locked(handle: int, how: int) -> bool:
    """Lock at once, shared with others who share it (LOCK_SH) or alone (LOCK_EX), or say that it cannot be."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def freed(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the ids of daemons whose own locks the kernel has freed, each with its file, locked until the next one."""
    for path in sorted((folder / EACH).glob("*.lock")):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if _locked(handle, fcntl.LOCK_EX):
                yield path.stem, path
        finally:
            os.close(handle)


def is_held(folder: Path) -> bool:
    """Say whether a daemon holds the lock now."""
    probe = Lock(folder)
    if not probe.path.exists():
        return False
    try:
        handle = os.open(probe.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _locked(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def is_freed(folder: Path, daemon: str) -> bool:
    """Say whether the kernel has freed a daemon's own lock; False where that lock is not on this machine."""
    return any(name == daemon for name, _ in freed(folder))
