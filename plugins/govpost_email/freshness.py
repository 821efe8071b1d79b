"""Whether a file that other programs write is whole: an export with ``>`` leaves it empty, then short, for a moment."""

from __future__ import annotations

from pathlib import Path

from govpost import Unavailable

QUIET_SECONDS = 5.0
SURE_SECONDS = 60.0


def settled(path: Path | None, what: str, now: float) -> None:
    """Raise `Unavailable` while a file that is needed whole was written to within the last seconds.

    Within the last minute its last line must be complete, too. `now` is the time in seconds since 1970.
    """
    if path and (_age(path, now) < QUIET_SECONDS or (_age(path, now) < SURE_SECONDS and not _ended(path))):
        raise _moment_ago(what)


def certain(path: Path | None, what: str, now: float) -> None:
    """Raise `Unavailable` when a file changed within the last minute: what it lacks it may lack just now."""
    if path and _age(path, now) < SURE_SECONDS:
        raise _moment_ago(what)


def _moment_ago(what: str) -> Unavailable:
    return Unavailable(
        f"{what} was written to a moment ago", tip="it is read again at the next try", alone=True
    )


def _age(path: Path, now: float) -> float:
    """Return how many seconds ago a file changed; a clock elsewhere may be ahead."""
    try:
        return abs(now - path.stat().st_mtime)
    except FileNotFoundError:
        return SURE_SECONDS


def _ended(path: Path) -> bool:
    return path.read_bytes()[-1:] in (b"\n", b"\r")
