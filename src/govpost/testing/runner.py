"""The conformance suite without pytest, for `govpost plugin check`."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import dataclass

from govpost.contract import Platform
from govpost.testing.contract_suite import PlatformContract


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one test of the suite ended."""

    name: str
    ok: bool
    message: str = ""


def check(platform: Platform) -> list[Result]:
    """Run the suite on a platform without pytest."""
    suite = type("Checked", (PlatformContract,), {"platform": platform})()
    names = [name for name in vars(PlatformContract) if name.startswith("test_")]
    return [_run(name, getattr(suite, name)) for name in names]


def _run(name: str, test: Callable[[], None]) -> Result:
    title = name.removeprefix("test_").replace("_", " ")
    try:
        test()
    except unittest.SkipTest as reason:
        return Result(name=title, ok=True, message=f"skipped: {reason}")
    except AssertionError as failure:
        return Result(name=title, ok=False, message=str(failure))
    except Exception as error:
        return Result(name=title, ok=False, message=f"{type(error).__name__}: {error}")
    return Result(name=title, ok=True)
