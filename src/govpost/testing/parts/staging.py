"""Files that go up before the post."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from govpost.errors import Processing, Rejected, Unauthorized, Unavailable
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of, skip
from govpost.testing.fakes import Fake
from govpost.testing.parts.suite import Suite
from govpost.testing.words import leaves

_LONGEST = 60.0


class Staging(Suite):
    """Files before the post"""

    def test_staging_lets_errors_out(self) -> None:
        with self._bench() as bench:
            for answer, expected in (
                (422, Rejected),
                (401, Unauthorized),
                (500, Unavailable),
                (Fake.SILENT, Unavailable),
            ):
                if not bench.on_the_wire("stage").stage(bench.variant()).writes:
                    skip("this platform stages without the wire")
                outcome = bench.stage(bench.variant(), answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"stage after {answer} must be {expected.__name__}, not {outcome!r}",
                )

    def test_staging_makes_nothing_public(self) -> None:
        with self._bench() as bench:
            variant = bench.remembering("stage").variant()
            with bench.shows(0, "stage"):
                _staged(bench, variant)
            if hasattr(self.platform, "confirm"):
                found = bench.confirm(variant, None).outcome
                demand(found is None, f"nothing is published after stage, but confirm says {found!r}")

    def test_staging_twice_is_fine(self) -> None:
        with self._bench() as bench:
            bench.require("stage")
            variant = bench.variant()
            with bench.shows(1, "staging twice and one publish"):
                for _ in range(2):
                    staged = _staged(bench, variant)
                variant = replace(variant, staged=staged)
                said = bench.run(lambda p, c, http: p.publish(variant, c, http), judged=True)
                receipt_of(said)

    def test_a_big_picture_goes_through(self) -> None:
        with self._bench() as bench:
            if not bench.capabilities.max_media:
                skip("this platform takes no pictures")
            variant = bench.with_big_picture(bench.variant())
            size = variant.media[0].path.stat().st_size
            outcome = bench.publish(variant).outcome
            demand(
                not isinstance(outcome, Exception),
                f"a picture of {size:,} bytes must go out (max_media_bytes), but it failed: {outcome!r}",
            )

    def test_an_upload_that_takes_long_is_kept(self) -> None:
        with self._bench() as bench:
            variant = bench.remembering("stage").needs("busy").variant()
            bench.side.busy(still=True)
            with _no_sleep_of_its_own():
                first = bench.stage(variant)
            slow = first.outcome
            demand(isinstance(slow, Processing), f"stage must raise Processing, not {slow!r}")
            demand(bool(slow.staged), "Processing must carry what was staged so far")
            bench.side.busy(still=False)
            again = bench.stage(replace(variant, staged=slow.staged))
            demand(
                isinstance(again.outcome, Mapping),
                f"stage must go on after Processing, not {again.outcome!r}",
            )
            sent = {tuple(leaves(request)) for request in first.writes}
            twice = [request for request in again.writes if tuple(leaves(request)) in sent]
            demand(not twice, "what was staged stands in variant.staged: it must not be uploaded again")

    def test_polling_ends_by_the_deadline(self) -> None:
        with self._bench() as bench:
            variant = bench.remembering("stage").needs("busy").variant()
            bench.side.busy(still=True)
            with _no_sleep_of_its_own():
                said = bench.stage(variant)
            demand(said.seconds <= _LONGEST, f"stage polled for {said.seconds:.0f} s: use govpost.polls")
            many = len(said.requests) > 10 * _LONGEST
            demand(not many, f"stage sent {len(said.requests)} requests: use govpost.polls")


def _staged(bench: Bench, variant: Any) -> Mapping[str, Any]:
    said = bench.stage(variant)
    staged = said.outcome
    demand(isinstance(staged, Mapping), f"stage must return a mapping, not {staged!r}")
    demand(_is_json(staged), f"what stage returns must be JSON: {staged!r}")
    mapping: Mapping[str, Any] = staged
    return mapping


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(dict(value))) == dict(value))
    except (TypeError, ValueError):
        return False


@contextmanager
def _no_sleep_of_its_own() -> Iterator[None]:
    """Fail a platform that sleeps, instead of polling as the engine lets it."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise RuntimeError("a plugin must not sleep by itself")

    with mock.patch.object(time, "sleep", sleep):
        yield
    demand(not slept, f"it slept for {slept} s by itself: use govpost.polls")
