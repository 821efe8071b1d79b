"""One daemon per database: an flock that the kernel frees when the process dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from govpost.errors import Refused

NAME = "daemon.lock"
_TRIES = 5


class Lock:
    """Holds `daemon.lock` in `folder` from `take` until `free`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock; `Refused` when another daemon has it, OSError when the folder cannot be used."""
        handle = _open(self.path)
        if not _locked(handle):
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


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _locked(handle: int) -> bool:
    """Lock for this process alone; somebody who only looks (`is_held`) is waited for."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


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
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
