"""The conformance suite: what every platform has to keep, as one class to inherit.

    class TestMine(PlatformContract):
        platform = Mine()

It needs nothing but this package: `govpost.testing.check` runs it without pytest.
"""

from __future__ import annotations

import copy
import re
import unittest
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2

from govpost.contract import Platform
from govpost.domain import Action, Capabilities, Receipt, Variant
from govpost.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.evidence import strings
from govpost.testing.bench import Bench, Said, demand, receipt_of
from govpost.testing.fakes import Fake, response
from govpost.testing.words import approved, leaves, stranger, words_of


class PlatformContract:
    """Inherit this and set ``platform``; override `answer` when the platform makes different requests."""

    platform: Platform

    def answer(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002 - for those who override it
        """Answer as a server that accepts."""
        return response(Bench.example_of(self.platform).answer)

    def _bench(self) -> Bench:
        return Bench(self.platform, self.answer)

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

    # Who it is

    def test_it_has_a_name_and_capabilities(self) -> None:
        name, capabilities = self.platform.name, self.platform.capabilities
        demand(
            bool(re.fullmatch(r"[a-z][a-z0-9_]*", name)),
            f"the name {name!r} must be of the form [a-z][a-z0-9_]*",
        )
        demand(isinstance(capabilities, Capabilities), "capabilities must be a govpost.Capabilities")
        limits = (capabilities.max_chars, capabilities.max_alt, capabilities.link_chars)
        demand(all(limit is None or limit > 0 for limit in limits), "a limit is a number above 0, or None")
        demand(
            capabilities.max_media >= 0 and capabilities.max_media_bytes > 0,
            "the limits of media must make sense",
        )
        spans = (capabilities.idempotent_for, capabilities.settles_after)
        demand(all(span is None or span >= timedelta(0) for span in spans), "a duration is positive, or None")

    def test_its_example_fits_its_settings(self) -> None:
        settings = getattr(self.platform, "Settings", None)
        if settings is None:
            raise unittest.SkipTest("this platform checks no settings")
        with self._bench() as bench:
            settings.model_validate(dict(bench.channel.settings))

    # A post that is accepted

    def test_an_accepted_post_gives_a_receipt(self) -> None:
        with self._bench() as bench:
            said = bench.publish(bench.variant())
            receipt_of(said)
            told = [str(said.raw.url), said.raw.remote_id, *strings(said.raw.raw)]
            for secret in bench.channel.secrets.values():
                demand(not any(secret in text for text in told), "a receipt must not hold a secret")

    def test_publishing_changes_neither_variant_nor_channel(self) -> None:
        with self._bench() as bench:
            variant = bench.variant()
            before = copy.deepcopy((variant, bench.channel))
            receipt_of(bench.publish(variant))
            demand(before == (variant, bench.channel), "publish changed its variant or its channel")

    def test_one_publish_sends_no_request_that_writes_twice(self) -> None:
        with self._bench() as bench:
            said = bench.on_the_wire().publish(bench.variant())
            receipt_of(said)
            sent = [tuple(leaves(request)) for request in said.writes]
            demand(
                len(sent) == len(set(sent)),
                "one publish must create one post: the same request was sent twice",
            )

    # The key

    def test_the_same_variant_is_sent_the_same_way_again(self) -> None:
        with self._bench() as bench:
            variant = bench.on_the_wire().variant()
            first, again = bench.publish(variant), bench.publish(variant)
            one, two = ([tuple(leaves(r)) for r in said.writes] for said in (first, again))
            changed = sorted(
                {f"{place}" for was, now in zip(one, two, strict=False) for place, _ in set(was) ^ set(now)}
            )
            demand(
                one == two,
                f"two publishes of one variant differ in {changed}: use variant.key, never a fresh key",
            )

    def test_the_key_is_sent_where_repeats_are_safe(self) -> None:
        with self._bench() as bench:
            if bench.on_the_wire().capabilities.idempotent_for is None:
                raise unittest.SkipTest("this platform does not say that repeats are safe")
            variant = bench.variant()
            other = replace(variant, key="01920000-0000-7000-8000-00000000beef")
            one, two = ([tuple(leaves(r)) for r in bench.publish(v).writes] for v in (variant, other))
            demand(one != two, "idempotent_for is set, but the request does not depend on variant.key")

    # The words

    def test_every_word_arrives_and_no_other_does(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire()
            publish = [bench.with_staging(bench.variant(seed)) for seed in (1, 2)]
            self._compare(bench, publish[0], publish[1])
            self._compare(bench, publish[1], publish[0])

    def test_a_correction_carries_the_words_of_the_correction(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire("amend")
            receipt = receipt_of(bench.publish(bench.variant()))
            pair = [(replace(bench.variant(seed), action=Action.AMEND), receipt) for seed in (3, 4)]
            first, second = (bench.amend(receipt, variant) for variant, receipt in pair)
            self._compare(bench, (pair[0][0], first), (pair[1][0], second), known=[receipt.remote_id])

    def _compare(
        self,
        bench: Bench,
        mine: tuple[Variant, Said],
        other: tuple[Variant, Said],
        known: list[str] | None = None,
    ) -> None:
        variant, said = mine
        receipt_of(said)
        found = [leaf for request in said.requests for leaf in leaves(request)]
        texts = [text for _, text in found if isinstance(text, str)]
        for word in words_of(variant):
            demand(any(word in text for text in texts), f"these words did not arrive as they are: {word!r}")
        elsewhere = {leaf for request in other[1].requests for leaf in leaves(request)}
        heard = [*(known or []), *strings(bench.example.answer[1])]
        allowed = approved(variant, bench.channel, bench.example.words, heard)
        for place, text in found:
            extra = stranger(text, variant, allowed, same_elsewhere=(place, text) in elsewhere)
            demand(
                extra is None,
                f"{place} says {extra!r}, which nobody approved: fixed words belong in example.words",
            )

    def test_a_reply_names_the_post_it_replies_to(self) -> None:
        with self._bench() as bench:
            if not bench.on_the_wire().capabilities.threads:
                raise unittest.SkipTest("this platform has no threads")
            variant = bench.variant()
            first = bench.publish(variant)
            parent = receipt_of(first).remote_id
            reply = bench.publish(replace(variant, reply_to=parent))
            new = {leaf for r in reply.requests for leaf in leaves(r)} - {
                leaf for r in first.requests for leaf in leaves(r)
            }
            named = any(
                isinstance(text, str) and text and (parent in text or text in parent) for _, text in new
            )
            demand(named, "variant.reply_to was not sent on, though capabilities.threads says that it can be")

    # What each failure means

    def test_a_refused_post_is_rejected(self) -> None:
        self._fails_as(Rejected, 400, 413, 422)

    def test_a_moved_address_is_rejected(self) -> None:
        there = {"location": "https://elsewhere.example/"}
        self._fails_as(Rejected, (307, None, there), (308, None, there))

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
        there = {"location": "https://elsewhere.example/"}
        self._fails_as(Uncertain, 500, 502, 504, (301, None, there), (302, None, there), (303, None, there))

    # The optional parts

    def test_staging_lets_errors_out(self) -> None:
        with self._bench() as bench:
            for answer, expected in (
                (422, Rejected),
                (401, Unauthorized),
                (500, Unavailable),
                (Fake.SILENT, Unavailable),
            ):
                if not bench.on_the_wire("stage").stage(bench.variant()).requests:
                    raise unittest.SkipTest("this platform stages without the wire")
                outcome = bench.stage(bench.variant(), answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"stage after {answer} must be {expected.__name__}, not {outcome!r}",
                )

    def test_withdrawing_twice_is_fine(self) -> None:
        with self._bench() as bench:
            receipt = bench.having("withdraw")
            for answer in (None, None, 404, 410):
                error = bench.withdraw(receipt, answer if bench.wired else None).outcome
                demand(
                    error is None, f"withdraw must be at peace with a post that is gone, but raised {error!r}"
                )

    def test_a_failed_withdrawal_is_not_hidden(self) -> None:
        with self._bench() as bench:
            receipt = bench.on_the_wire("withdraw").having("withdraw")
            for answer in (500, 401, Fake.SILENT):
                demand(
                    bench.withdraw(receipt, answer).outcome is not None,
                    f"withdraw hides the failure {answer}",
                )

    def test_amending_twice_is_fine(self) -> None:
        with self._bench() as bench:
            receipt, variant = bench.having("amend"), replace(bench.variant(2), action=Action.AMEND)
            for _ in range(2):
                receipt_of(bench.amend(receipt, variant))

    def test_a_refused_correction_is_not_hidden(self) -> None:
        with self._bench() as bench:
            receipt, variant = (
                bench.on_the_wire("amend").having("amend"),
                replace(bench.variant(2), action=Action.AMEND),
            )
            for answer, expected in ((422, Rejected), (500, Uncertain), (Fake.SILENT, Uncertain)):
                outcome = bench.amend(receipt, variant, answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"amend after {answer} must be {expected.__name__}, not {outcome!r}",
                )

    def test_confirming_changes_nothing(self) -> None:
        with self._bench() as bench:
            receipt = bench.having("confirm")
            for known in (receipt, None):
                said = bench.confirm(bench.variant(), known)
                demand(not said.writes, "confirm is read only, but sent a request that writes")
                fine = said.outcome is None or isinstance(said.outcome, Receipt)
                demand(fine, f"confirm must give a Receipt or None, not {said.outcome!r}")

    def test_confirming_raises_when_it_cannot_tell(self) -> None:
        with self._bench() as bench:
            receipt = bench.on_the_wire("confirm").having("confirm")
            if not bench.confirm(bench.variant(), receipt).requests:
                raise unittest.SkipTest("this platform confirms without the wire")
            for answer in (500, 401, Fake.REFUSED, Fake.SILENT):
                outcome = bench.confirm(bench.variant(), receipt, answer).outcome
                demand(
                    isinstance(outcome, PublishError),
                    f"confirm after {answer} must raise, not say {outcome!r}",
                )
