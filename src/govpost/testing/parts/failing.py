"""What each failure of a publish means."""

from __future__ import annotations

from typing import Any

from govpost.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.testing.calls import demand, skip
from govpost.testing.fakes import Fake
from govpost.testing.parts.suite import Suite

_THERE = {"location": "https://elsewhere.example/"}

_TROUBLE: dict[str, type[PublishError]] = {
    "refused": Rejected,
    "unauthorized": Unauthorized,
    "deferred": Unavailable,
    "lost": Uncertain,
}


class Failing(Suite):
    """What a failure means"""

    def _fails_as(
        self, expected: type[PublishError], *answers: Any, never: tuple[type[PublishError], ...] = ()
    ) -> None:
        for answer in answers:
            with self._bench() as bench:
                said = bench.on_the_wire().publish(bench.variant(), answer)
            what = answer.value if isinstance(answer, Fake) else f"an answer {answer}"
            got = type(said.outcome).__name__
            demand(
                isinstance(said.outcome, expected) and not isinstance(said.outcome, never),
                f"after {what} the outcome must be {expected.__name__}, not {got}: let HTTP errors out",
            )
            demand(
                len(said.writes) == 1,
                f"after {what} it sent {len(said.writes)} requests: never retry in a plugin",
            )

    def test_a_refused_post_is_rejected(self) -> None:
        self._fails_as(Rejected, 400, 413, 422)

    def test_a_moved_address_is_rejected(self) -> None:
        self._fails_as(Rejected, (307, None, _THERE), (308, None, _THERE))

    def test_refused_credentials_are_unauthorized(self) -> None:
        self._fails_as(Unauthorized, 401)

    def test_being_asked_to_wait_is_rate_limited(self) -> None:
        self._fails_as(
            RateLimited, 429, (429, None, {"retry-after": "120"}), (503, None, {"retry-after": "120"})
        )

    def test_a_server_that_is_not_there_is_unavailable(self) -> None:
        never = (RateLimited,)
        self._fails_as(Unavailable, 408, 425, 503, Fake.REFUSED, Fake.UNREACHABLE, Fake.NO_POOL, never=never)

    def test_a_lost_answer_is_uncertain(self) -> None:
        self._fails_as(Uncertain, Fake.LOST_BEFORE, Fake.LOST_AFTER, Fake.SILENT)

    def test_an_answer_that_says_neither_yes_nor_no_is_uncertain(self) -> None:
        self._fails_as(
            Uncertain, 500, 502, 504, (301, None, _THERE), (302, None, _THERE), (303, None, _THERE)
        )

    def test_trouble_without_http_means_the_same(self) -> None:
        for kind, expected in _TROUBLE.items():
            with self._bench() as bench:
                if not bench.side.has("trouble") and bench.wired:
                    skip("this platform speaks HTTP")
                bench.remembering().needs("trouble")
                variant, _ = bench.staged(bench.variant())
                bench.side.trouble(kind)
                with bench.shows(1 if kind == "lost" else 0, f"a post that is {kind}"):
                    outcome = bench.run(lambda p, c, http: p.publish(variant, c, http), judged=True).outcome  # noqa: B023
            got = type(outcome)
            demand(got is expected, f"a post that is {kind} must be {expected.__name__}, not {got.__name__}")
