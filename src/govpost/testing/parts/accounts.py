"""Who we are there, and credentials that expire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from govpost.domain import Account, Capabilities
from govpost.errors import PublishError, Unauthorized
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of, skip
from govpost.testing.fakes import Fake
from govpost.testing.parts.suite import Suite

_SHORTEST_SECRET = 4


class Accounts(Suite):
    """Accounts and credentials"""

    def test_it_says_who_we_are(self) -> None:
        with self._bench() as bench:
            bench.remembering("verify")
            account = _verified(bench)
            demand(
                bool(account.remote_id and account.name), f"an Account needs remote_id and name: {account!r}"
            )
            lists = (account.missing, account.links, account.notes)
            demand(all(isinstance(each, tuple) for each in lists), "missing, links and notes are tuples")

    def test_the_limits_of_the_server_are_kept_and_used(self) -> None:
        with self._bench() as bench:
            limits = _verified(bench.remembering("verify")).limits
            demand(_is_json(limits), f"Account.limits must be JSON: {limits!r}")
            bench.require("adapted")
            bench.channel = replace(bench.channel, limits=limits)
            able = bench.capabilities
            demand(isinstance(able, Capabilities), f"adapted(limits) must give Capabilities, not {able!r}")
            receipt_of(bench.publish(bench.variant()))

    def test_what_it_says_of_us_holds_no_secret(self) -> None:
        with self._bench() as bench:
            told = repr(_verified(bench.remembering("verify")))
            for name, secret in bench.channel.secrets.items():
                shown = len(secret) >= _SHORTEST_SECRET and secret in told
                demand(not shown, f"the Account holds the secret {name}")

    def test_verifying_changes_nothing(self) -> None:
        with self._bench() as bench:
            bench.require("verify")
            with bench.shows(0, "verify"):
                said = bench.verify()
            demand(not said.writes, "verify is read only, but sent a request that writes")

    def test_verifying_raises_when_it_cannot_tell(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire("verify")
            if not bench.verify().requests:
                skip("this platform verifies without the wire")
            for answer, expected in _CANNOT:
                outcome = bench.verify(answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"verify after {answer} must raise {expected.__name__}, not say {outcome!r}",
                )

    def test_wrong_credentials_are_found_out(self) -> None:
        with self._bench() as bench:
            bench.remembering("verify")
            if not bench.channel.secrets:
                skip("this platform has no secrets")
            _forget(bench)
            outcome = bench.verify().outcome
            demand(
                isinstance(outcome, Unauthorized),
                f"wrong credentials must be Unauthorized when they are verified, not {outcome!r}",
            )

    def test_a_post_with_wrong_credentials_is_unauthorized(self) -> None:
        with self._bench() as bench:
            if not bench.remembering().channel.secrets:
                skip("this platform has no secrets")
            if not bench.side.remembers or not hasattr(self.platform, "verify"):
                skip("nothing tells wrong credentials from right ones")
            variant, _ = bench.staged(bench.variant())
            _forget(bench)
            with bench.shows(0, "a publish with wrong credentials"):
                outcome = bench.run(lambda p, c, http: p.publish(variant, c, http), judged=True).outcome
            demand(isinstance(outcome, Unauthorized), f"it must be Unauthorized, not {outcome!r}")

    def test_new_credentials_work(self) -> None:
        with self._bench() as bench:
            said = bench.remembering("refresh").refresh()
            fresh = said.outcome
            demand(
                isinstance(fresh, Mapping) and bool(fresh), f"refresh must give new secrets, not {fresh!r}"
            )
            texts = all(isinstance(part, str) for pair in fresh.items() for part in pair)
            demand(texts, "refresh must give strings by name, and nothing else")
            demand(len(said.writes) <= 1, f"refresh is one call, not {len(said.writes)}")
            bench.channel = replace(bench.channel, secrets={**bench.channel.secrets, **fresh})
            receipt_of(bench.publish(bench.variant()))

    def test_credentials_that_cannot_be_renewed_need_a_person(self) -> None:
        with self._bench() as bench:
            bench.remembering("refresh")
            _forget(bench)
            outcome = bench.refresh().outcome
            demand(
                isinstance(outcome, Unauthorized),
                f"refresh with dead credentials must raise Unauthorized, not {outcome!r}",
            )

    def test_renewing_is_never_repeated(self) -> None:
        with self._bench() as bench:
            for answer in (500, 401, Fake.SILENT):
                said = bench.on_the_wire("refresh").refresh(answer)
                demand(
                    isinstance(said.outcome, PublishError),
                    f"refresh after {answer} must raise, not say {type(said.outcome).__name__}",
                )
                demand(len(said.writes) <= 1, f"refresh after {answer} was sent {len(said.writes)} times")


_CANNOT: tuple[tuple[Any, type[PublishError]], ...] = (
    (500, PublishError),
    (401, Unauthorized),
    (Fake.REFUSED, PublishError),
    (Fake.SILENT, PublishError),
)


def _verified(bench: Bench) -> Account:
    account = bench.verify().outcome
    demand(isinstance(account, Account), f"verify must give an Account, not {account!r}")
    found: Account = account
    return found


def _forget(bench: Bench) -> None:
    """Go on with secrets that the other side does not know."""
    wrong = {name: f"wrong{secret[::-1]}" for name, secret in bench.channel.secrets.items()}
    bench.channel = replace(bench.channel, secrets=wrong)


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(dict(value))) == dict(value))
    except (TypeError, ValueError):
        return False
