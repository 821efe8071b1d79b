"""What can go wrong, named by what happens next.

GovpostError            one line and one tip for a person
├── Refused             the order is not allowed now                 → exit 1
├── UsageFault          the order itself is wrong                    → exit 2
├── Mistakes            what a file says is wrong, all of it at once → exit 1
└── StoreUnavailable    the store cannot be read or written now      → exit 1; the daemon waits

PublishError            a platform's answer, by consequence
├── Rejected            the platform said no to these bytes      → failed; a person edits
├── Unauthorized        our credentials are not accepted         → channel paused, delivery waits
├── Unavailable         nothing was published; ask again later   → queued again, one attempt used
│   └── RateLimited     …and not before `retry_after`            → queued again, no attempt used; the channel waits
└── Uncertain           it may or may not be public              → uncertain; never retried blindly
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


class GovpostError(Exception):
    """Something a person can mend: `message` says what and where, `tip` what to do."""

    exit_code = 1

    def __init__(self, message: str, tip: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.tip = tip


class Refused(GovpostError):
    """The order is understood and not allowed now."""


class UsageFault(GovpostError):
    """The order itself is wrong: an unknown name, an impossible value."""

    exit_code = 2


class StoreUnavailable(GovpostError):
    """The store cannot be read or written now: locked, full, read-only or unreachable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One thing wrong in a file; `line` and `column` count from 1."""

    message: str
    file: str
    line: int | None = None
    column: int | None = None
    tip: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.message}"


class Mistakes(GovpostError):
    """Everything wrong in one file, reported at once."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        lines = "\n".join(str(mistake) for mistake in self.mistakes)
        super().__init__(lines, next((m.tip for m in self.mistakes if m.tip), ""))


class PublishError(Exception):
    """A platform did not give a receipt; the subclass says what that means."""

    def __init__(self, message: str = "", *, tip: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])
        self.tip = tip


class Rejected(PublishError):
    """The platform said no to these bytes."""


class NotWanted(PublishError):
    """Who this copy is for no longer wants it, and nothing was sent."""


class Unauthorized(PublishError):
    """Our credentials are not accepted."""


class Unavailable(PublishError):
    """Nothing was published; ask again later.

    `alone` says that only this post or copy has to wait and its channel is well.
    """

    def __init__(self, message: str = "", *, tip: str = "", alone: bool = False) -> None:
        super().__init__(message, tip=tip)
        self.alone = alone


class RateLimited(Unavailable):
    """The platform asks us to wait: `retry_after` from now, None when it did not say how long."""

    def __init__(self, message: str = "", *, retry_after: timedelta | None = None, tip: str = "") -> None:
        super().__init__(message, tip=tip)
        self.retry_after = retry_after


class Processing(Unavailable):
    """The platform still works on what was uploaded; raised by `stage` alone.

    `staged` is kept and stands in ``variant.staged`` when `stage` is called again, `retry_after` from now.
    """

    def __init__(
        self,
        message: str = "",
        *,
        staged: Mapping[str, Any],
        retry_after: timedelta = timedelta(seconds=30),
        tip: str = "",
    ) -> None:
        super().__init__(message, tip=tip)
        self.staged = staged
        self.retry_after = retry_after


class Uncertain(PublishError):
    """It may or may not be public."""


def said(error: BaseException) -> str:
    """Return the name and words of somebody else's error; one that cannot be read takes nobody with it."""
    kind = type(error).__name__
    try:
        words = str(error)
    except Exception:
        return f"{kind}, which cannot be read"
    return f"{kind}: {words}".encode("utf-8", "replace").decode()


def did_you_mean(word: str, possibilities: Iterable[str]) -> str:
    """Return `` – did you mean 'x'?`` for the nearest possibility, or nothing."""
    near = difflib.get_close_matches(word, list(possibilities), n=1, cutoff=0.6)
    return f" – did you mean '{near[0]}'?" if near else ""
