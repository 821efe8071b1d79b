"""The conformance suite without pytest, for `govpost plugin check`."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from govpost.contract import Platform
from govpost.testing.contract_suite import PARTS, PlatformContract


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one test of the suite ended; `part` is the heading it stands under."""

    part: str
    name: str
    ok: bool
    skipped: bool = False
    message: str = ""


def check(platform: Platform, parts: Sequence[type] = PARTS) -> list[Result]:
    """Run the suite, or some parts of it, on a platform without pytest."""
    suite = type("Checked", (PlatformContract,), {"platform": platform})
    return [
        _run(part.__doc__ or "", name, getattr(suite(), name))
        for part in parts
        for name in vars(part)
        if name.startswith("test_")
    ]


def _run(part: str, name: str, test: Callable[[], None]) -> Result:
    title = name.removeprefix("test_").replace("_", " ")
    try:
        test()
    except unittest.SkipTest as reason:
        return Result(part=part, name=title, ok=True, skipped=True, message=str(reason))
    except AssertionError as failure:
        return Result(part=part, name=title, ok=False, message=str(failure))
    except Exception as error:
        return Result(part=part, name=title, ok=False, message=f"{type(error).__name__}: {error}")
    return Result(part=part, name=title, ok=True)
