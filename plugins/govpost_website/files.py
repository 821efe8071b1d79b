"""Files that are whole at every moment, and one writer at a time.

Temporary files, the lock and the catalog lie in ``.work`` inside the site's folder: the same file system, so
that a rename is atomic, and out of the way of a web server.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WORK = ".work"
_PAUSE = 0.02


@contextmanager
def locked(root: Path, patience: float = 30.0) -> Iterator[None]:
    """Hold the site alone, among threads and processes; TimeoutError after `patience` seconds of waiting.

    What a dead writer left half-written is removed: with the lock held, every temporary file is one.
    """
    folder(root / WORK)
    handle = os.open(root / WORK / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(handle, time.monotonic() + patience)
        for left in (root / WORK).glob("*.tmp"):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, give_up: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise TimeoutError(
                    "another process is writing the site and does not come to an end"
                ) from None
            time.sleep(_PAUSE)
        else:
            return


def folder(path: Path) -> None:
    """Make a folder that a web server may read, whatever the umask, and those above it."""
    if path.is_dir():
        return
    folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
        path.chmod(0o755)
        sync(path.parent)


def write(root: Path, path: Path, data: bytes) -> None:
    """Replace a file as a whole, safe against a kill and a power cut; leave one with these bytes alone."""
    if _holds(path, data):
        return
    folder(path.parent)
    handle, name = tempfile.mkstemp(suffix=".tmp", dir=root / WORK)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file for good; one that is gone already is fine."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync(path.parent)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except (FileNotFoundError, NotADirectoryError):
        return False


def sync(path: Path) -> None:
    """Make the names in a folder safe against a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
