"""A post that is accepted: its receipt, its key, its words."""

from __future__ import annotations

import copy
from dataclasses import replace

from govpost.domain import Action, Variant
from govpost.evidence import strings
from govpost.testing.bench import Bench
from govpost.testing.calls import Said, demand, receipt_of, skip
from govpost.testing.parts.suite import Suite
from govpost.testing.words import approved, leaves, readable, stranger, words_of


class Posting(Suite):
    """A post and its words"""

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
            first, again = bench.publish(variant), bench.afresh().publish(variant)
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
                skip("this platform does not say that repeats are safe")
            variant = bench.variant()
            other = replace(variant, key="01920000-0000-7000-8000-00000000beef")
            one, two = (
                [tuple(leaves(r)) for r in bench.afresh().publish(v).writes] for v in (variant, other)
            )
            demand(one != two, "idempotent_for is set, but the request does not depend on variant.key")

    def test_a_repeat_makes_no_second_post(self) -> None:
        with self._bench() as bench:
            if bench.remembering().capabilities.idempotent_for is None:
                skip("this platform does not say that repeats are safe")
            variant = bench.variant()
            with bench.shows(1, "the same publish twice"):
                first, again = receipt_of(bench.publish(variant)), receipt_of(bench.publish(variant))
            demand(
                first.remote_id == again.remote_id,
                f"idempotent_for is set, but a repeat made {again.remote_id!r} besides {first.remote_id!r}",
            )

    # The words

    def test_every_word_arrives_and_no_other_does(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire()
            publish = [bench.with_staging(bench.variant(seed)) for seed in (1, 2)]
            _compare(bench, publish[0], publish[1])
            _compare(bench, publish[1], publish[0])

    def test_people_can_read_every_word(self) -> None:
        with self._bench() as bench:
            variant = bench.remembering().needs("public").variant()
            with bench.shows(1, "a publish"):
                receipt_of(bench.publish(variant))
            for word in words_of(variant):
                demand(bench.reads(word), f"these words are not public as they are: {word!r}")

    def test_a_description_arrives_in_every_script(self) -> None:
        with self._bench() as bench:
            if not bench.capabilities.max_media:
                skip("this platform takes no pictures")
            variant, said = bench.with_staging(bench.variant())
            receipt_of(said)
            alt = variant.media[0].alt
            sent = [text for request in said.requests for _, text in leaves(request) if isinstance(text, str)]
            arrived = not sent or any(alt in readable(text) for text in sent)
            demand(arrived and bench.reads(alt), f"this description did not arrive as it is: {alt!r}")

    def test_a_correction_carries_the_words_of_the_correction(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire("amend")
            receipt = receipt_of(bench.publish(bench.variant()))
            variants = [replace(bench.variant(seed), action=Action.AMEND) for seed in (3, 4)]
            first, second = ((variant, bench.amend(receipt, variant)) for variant in variants)
            _compare(bench, first, second, known=[receipt.remote_id])

    def test_a_reply_names_the_post_it_replies_to(self) -> None:
        with self._bench() as bench:
            if not bench.on_the_wire().capabilities.threads:
                skip("this platform has no threads")
            alone = bench.afresh().publish(bench.variant(2))
            parent = receipt_of(bench.afresh().publish(bench.variant())).remote_id
            reply = bench.publish(replace(bench.variant(2), reply_to=parent))
            receipt_of(reply)
            demand(
                names(parent, reply, alone),
                "variant.reply_to was not sent on, though capabilities.threads says that it can be",
            )

    def test_a_thread_is_public_part_by_part(self) -> None:
        with self._bench() as bench:
            if not bench.remembering().capabilities.threads:
                skip("this platform has no threads")
            parent: str | None = None
            with bench.shows(4, "a thread of four"):
                for seed in range(1, 5):
                    part = replace(bench.variant(seed), reply_to=parent)
                    receipt = receipt_of(bench.publish(part))
                    demand(receipt.remote_id != parent, "each part of a thread must be a post of its own")
                    demand(bench.reads(part.text), f"part {seed} of a thread is not public as it is")
                    parent = receipt.remote_id


def names(parent: str, reply: Said, alone: Said) -> bool:
    """Return whether a reply names its parent in something that the same post alone does not say."""
    new = {leaf for r in reply.requests for leaf in leaves(r)} - {
        leaf for r in alone.requests for leaf in leaves(r)
    }
    return any(isinstance(text, str) and text and (parent in text or text in parent) for _, text in new)


def _compare(
    bench: Bench, mine: tuple[Variant, Said], other: tuple[Variant, Said], known: list[str] | None = None
) -> None:
    """Demand that what was sent holds each word of the post and no word that nobody approved."""
    variant, said = mine
    receipt_of(said)
    found = [list(leaves(request)) for request in said.requests]
    texts = [readable(text) for request in found for _, text in request if isinstance(text, str)]
    for word in words_of(variant):
        demand(any(word in text for text in texts), f"these words did not arrive as they are: {word!r}")
    elsewhere = {leaf for request in other[1].requests for leaf in leaves(request)}
    given = [*(known or []), *strings(bench.example.answer[1]), *strings(bench.channel.limits)]
    for request, heard in zip(found, said.heard, strict=True):
        allowed = approved(variant, bench.channel, bench.example.words, [*given, *heard])
        for place, text in request:
            extra = stranger(text, variant, allowed, same_elsewhere=(place, text) in elsewhere)
            demand(
                extra is None,
                f"{place} says {extra!r}, which nobody approved: fixed words belong in example.words",
            )
