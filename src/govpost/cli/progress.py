"""One line on a terminal that says how far a long order has come; nowhere else, and gone at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

WORTH_IT = 20
"""Of fewer pieces nobody needs to be told."""

_CLEAR = "\r\x1b[K"
_SECONDS = 0.1


@contextmanager
def progress(
    total: int, words: str, *, quiet: bool = False, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[T], T]]:
    """Give a function that counts what it is passed and returns it; `words` say what is done to so many."""
    if quiet or total < WORTH_IT or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda piece: piece
        return
    done, shown_at = 0, -_SECONDS

    def count(piece: T) -> T:
        nonlocal done, shown_at
        done += 1
        if monotonic() - shown_at >= _SECONDS:
            shown_at = monotonic()
            sys.stderr.write(f"{_CLEAR}{done:,} of {total:,} {words}")
            sys.stderr.flush()
        return piece

    try:
        yield count
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
