"""The calls of the conformance suite into a platform, each made as the engine makes it."""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NoReturn

import httpx2

from govpost.dialogue import Dialogue
from govpost.domain import Action, Channel, Receipt, Reply, Variant
from govpost.errors import PublishError
from govpost.testing.fakes import Fake, FakeWire, response
from govpost.testing.sides import Answering, Clock, Side
from govpost.testing.words import heard
from govpost.wire import Attempt, judge, publish_error, read_error, stage_error

_SECONDS = 60.0
_MOST = 10_000
_PER_REQUEST = 0.05

Meaning = Callable[[BaseException, Attempt], PublishError]


def demand(condition: bool, message: str) -> None:
    """Fail the test with `message` unless `condition` holds; ``python -O`` leaves a bare assert out."""
    if not condition:
        raise AssertionError(message)


def skip(why: str) -> NoReturn:
    """End the test as one that does not apply."""
    raise unittest.SkipTest(why)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of one call, and the requests it made.

    `raw` is what the plugin itself returned, `heard` the strings that the other side had said before each request,
    `seconds` how long it took.
    """

    outcome: Any
    raw: Any
    requests: list[httpx2.Request]
    writes: list[httpx2.Request]
    heard: list[list[str]] = field(default_factory=list)
    seconds: float = 0.0


def receipt_of(said: Said) -> Receipt:
    """Return the receipt of a call that must have given one."""
    demand(isinstance(said.outcome, Receipt), f"an accepted post must give a Receipt, not {said.outcome!r}")
    receipt: Receipt = said.outcome
    return receipt


class Calls:
    """A platform, the channel it is called with, and who answers; time passes by `clock`."""

    def __init__(self, platform: Any, clock: Callable[[], float]) -> None:
        self.platform = platform
        self.clock = clock
        self.made: list[Receipt] = []
        self.side: Side
        self.channel: Channel

    def publish(self, variant: Variant, answer: Any = None) -> Said:
        """Publish as the engine does, after staging what has to be staged; judge what comes of it."""
        return self.with_staging(variant, answer)[1]

    def with_staging(self, variant: Variant, answer: Any = None) -> tuple[Variant, Said]:
        """Publish, and return the variant as it was published; without `answer`, with the requests of both steps."""
        staged, first = self.staged(variant)
        said = self.run(lambda p, c, http: p.publish(staged, c, http), answer, judged=True)
        return staged, said if answer is not None else _after(first, said)

    def staged(self, variant: Variant) -> tuple[Variant, Said | None]:
        """Return the variant with what had to be staged, and what was said for that."""
        if not hasattr(self.platform, "stage"):
            return variant, None
        said = self.stage(variant)
        demand(isinstance(said.outcome, Mapping), f"stage must return a mapping, not {said.outcome!r}")
        return replace(variant, staged=said.outcome), said

    def stage(self, variant: Variant, answer: Any = None) -> Said:
        """Call the platform's stage."""
        return self.run(lambda p, c, http: p.stage(variant, c, http), answer, stage_error)

    def amend(self, receipt: Receipt, variant: Variant, answer: Any = None) -> Said:
        """Call the platform's amend with `variant` as the new words."""
        staged, first = self.staged(replace(variant, action=Action.AMEND))
        said = self.run(lambda p, c, http: p.amend(receipt, staged, c, http), answer, judged=True)
        return said if answer is not None else _after(first, said)

    def withdraw(self, receipt: Receipt, answer: Any = None) -> Said:
        """Call the platform's withdraw."""
        return self.run(lambda p, c, http: p.withdraw(receipt, "Published in error.", c, http), answer)

    def confirm(self, variant: Variant, receipt: Receipt | None, answer: Any = None) -> Said:
        """Call the platform's confirm."""
        return self.run(lambda p, c, http: p.confirm(variant, receipt, c, http), answer, read_error)

    def measure(self, receipts: Sequence[Receipt], answer: Any = None) -> Said:
        """Call the platform's measure."""
        return self.run(lambda p, c, http: p.measure(receipts, c, http), answer, read_error)

    def replies(self, since: str | None, answer: Any = None) -> Said:
        """Call the platform's replies, and take them all."""
        return self.run(lambda p, c, http: list(islice(p.replies(c, since, http), _MOST)), answer, read_error)

    def answering(self, reply: Reply, variant: Variant, answer: Any = None) -> Said:
        """Call the platform's answer."""
        staged, _ = self.staged(variant)
        return self.run(lambda p, c, http: p.answer(reply, staged, c, http), answer, judged=True)

    def addresses(self, answer: Any = None) -> Said:
        """Call the platform's recipients, and take them all."""
        return self.run(lambda p, c, http: list(islice(p.recipients(c, http), _MOST)), answer, read_error)

    def verify(self, answer: Any = None) -> Said:
        """Call the platform's verify."""
        return self.run(lambda p, c, http: p.verify(c, http), answer, read_error)

    def refresh(self, answer: Any = None) -> Said:
        """Call the platform's refresh."""
        return self.run(lambda p, c, http: p.refresh(c, http), answer)

    def login(self, talk: Dialogue) -> Said:
        """Call the platform's login."""
        return self.run(lambda p, c, http: p.login(c, talk, http), None)

    def run(
        self,
        call: Callable[[Any, Channel, httpx2.Client], Any],
        answer: Any = None,
        meaning: Meaning = publish_error,
        *,
        judged: bool = False,
    ) -> Said:
        """Make one call; `answer` is what requests that write get (or all, where only reading is due)."""
        before: list[list[str]] = []
        accept = _listening(self.side, before, self.clock)
        everything = meaning is read_error
        wire = FakeWire(accept if answer is None else _instead(answer, accept, everything=everything))
        raw: Any = None
        began = self.clock()
        sleep = self.clock.sleep if isinstance(self.clock, Clock) else time.sleep
        attempt = Attempt(
            self.channel, deadline=began + _SECONDS, monotonic=self.clock, transport=wire, sleep=sleep
        )
        with attempt:
            try:
                raw = call(self.platform, self.channel, attempt.client)
                outcome = judge(raw, attempt) if judged else raw
            except unittest.SkipTest:
                raise
            except Exception as error:
                outcome = meaning(error, attempt)
        if isinstance(outcome, Receipt) and outcome not in self.made:
            self.made.append(outcome)
        return Said(
            outcome=outcome,
            raw=raw,
            requests=wire.requests,
            writes=wire.writes,
            heard=before,
            seconds=self.clock() - began,
        )


def _after(first: Said | None, said: Said) -> Said:
    """Return what was said, with the requests of an earlier step."""
    if first is None:
        return said
    earlier = [text for texts in first.heard[-1:] for text in texts]
    later = [[*earlier, *texts] for texts in said.heard]
    return replace(said, requests=[*first.requests, *said.requests], heard=[*first.heard, *later])


def _listening(side: Side, before: list[list[str]], clock: Callable[[], float]) -> Answering:
    """Note for each request what the other side had said until then: only that may a plugin hand back."""
    known: list[str] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        before.append(list(known))
        if isinstance(clock, Clock):
            clock.sleep(_PER_REQUEST)
        answer = side(request)
        known.extend(heard(answer))
        return answer

    return reply


def _instead(answer: Any, accept: Answering, *, everything: bool) -> Answering:
    """Give `answer` to each request that matters and accept the others."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        if not everything and request.method in ("GET", "HEAD", "OPTIONS"):
            return accept(request)
        if isinstance(answer, Fake):
            if answer in (Fake.LOST_AFTER, Fake.SILENT):
                accept(request)
            raise answer.failure(request)
        return response(answer)

    return reply
