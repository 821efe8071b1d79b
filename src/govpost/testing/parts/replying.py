"""The public's words, and our answers to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from govpost.domain import Receipt, Reply
from govpost.errors import PublishError, Rejected, Unauthorized, Uncertain
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of, skip
from govpost.testing.fakes import Fake
from govpost.testing.parts.posting import names
from govpost.testing.parts.suite import Suite
from govpost.testing.words import leaves

_WORDS = ("When does it reopen? 👩🏽‍🚒", "Thank you, “Ñandú” & <all>", "Who pays for this?")
_ROUNDS = 5
_ENDLESS = 10_000


class Replying(Suite):
    """Replies and answers"""

    def test_what_the_public_says_is_read_oldest_first(self) -> None:
        with self._bench() as bench:
            receipt, found = _conversation(bench)
            ours = [reply for reply in found if reply.text in _WORDS]
            said = [reply.text for reply in ours]
            demand(
                said == list(_WORDS[:2]), f"the replies must come oldest first, as plain text, not {said!r}"
            )
            times = [reply.at for reply in ours]
            demand(times == sorted(times), "the times of the replies must rise")
            for reply in ours:
                demand(
                    reply.to == receipt.remote_id, f"Reply.to must be {receipt.remote_id!r}, not {reply.to!r}"
                )
            ids = [reply.remote_id for reply in found]
            demand(len(set(ids)) == len(ids), "one call gave the same reply twice")

    def test_reading_goes_on_where_it_ended(self) -> None:
        with self._bench() as bench:
            receipt, found = _conversation(bench)
            since = _cursor(found)
            bench.side.reply(receipt.remote_id, _WORDS[2])
            more = _read(bench, since)
            demand(_WORDS[2] in [reply.text for reply in more], "what came after the cursor was not read")

    def test_reading_comes_to_an_end(self) -> None:
        with self._bench() as bench:
            _, found = _conversation(bench)
            seen, since = {reply.remote_id for reply in found}, _cursor(found)
            for _ in range(_ROUNDS):
                again = _read(bench, since)
                new = {reply.remote_id for reply in again} - seen
                demand(not new, f"nobody said more, but reading on from the last cursor gives {sorted(new)}")
                since = _cursor(again) if again else since

    def test_our_own_words_are_no_reply(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("replies").having("replies")
            if not bench.capabilities.threads:
                skip("this platform has no threads")
            part = replace(bench.variant(2), reply_to=receipt.remote_id)
            own = {receipt.remote_id, receipt_of(bench.publish(part)).remote_id}
            found = [reply.remote_id for reply in _read(bench, None) if reply.remote_id in own]
            demand(not found, f"replies gives a part of our own thread as the public's words: {found}")

    def test_reading_replies_changes_nothing(self) -> None:
        with self._bench() as bench:
            bench.having("replies")
            with bench.shows(0, "replies"):
                said = bench.replies(None)
            demand(not said.writes, "replies is read only, but sent a request that writes")

    def test_reading_replies_raises_when_it_cannot_tell(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire("replies").having("replies")
            if not bench.replies(None).requests:
                skip("this platform reads replies without the wire")
            for answer, expected in _CANNOT:
                outcome = bench.replies(None, answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"replies after {answer} must raise {expected.__name__}, not say {outcome!r}",
                )

    def test_an_answer_is_one_post_that_names_what_it_answers(self) -> None:
        with self._bench() as bench:
            bench.require("answer")
            _, found = _conversation(bench)
            reply, variant = found[0], bench.variant(5)
            with bench.shows(1, "one answer"):
                said = bench.answering(reply, variant)
                receipt = receipt_of(said)
            demand(
                receipt.remote_id != reply.remote_id, "the receipt of an answer must name the answer itself"
            )
            demand(bench.reads(variant.text), "the words of the answer are not public")
            sent = [tuple(leaves(request)) for request in said.writes]
            demand(len(sent) == len(set(sent)), "the same request was sent twice")
            if sent and not bench.live:
                alone = bench.afresh().publish(variant)
                demand(names(reply.remote_id, said, alone), "the answer does not name what it answers")

    def test_a_failed_answer_is_not_hidden(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire("answer")
            _, found = _conversation(bench)
            for answer, expected in (
                (422, Rejected),
                (401, Unauthorized),
                (500, Uncertain),
                (Fake.SILENT, Uncertain),
            ):
                outcome = bench.answering(found[0], bench.variant(5), answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"answer after {answer} must be {expected.__name__}, not {outcome!r}",
                )


_CANNOT: tuple[tuple[Any, type[PublishError]], ...] = (
    (500, PublishError),
    (401, Unauthorized),
    (Fake.REFUSED, PublishError),
    (Fake.SILENT, PublishError),
)


def _conversation(bench: Bench) -> tuple[Receipt, list[Reply]]:
    """Publish, let the public say two things, and read them."""
    bench.remembering("replies").needs("reply")
    receipt = bench.having("replies")
    for words in _WORDS[:2]:
        bench.side.reply(receipt.remote_id, words)
    found = _read(bench, None)
    demand(bool(found), "the public said something, but replies gives nothing")
    return receipt, found


def _read(bench: Bench, since: str | None) -> list[Reply]:
    found = bench.replies(since).outcome
    demand(isinstance(found, list), f"replies must give Replies, but failed: {found!r}")
    demand(len(found) < _ENDLESS, "replies never comes to an end")
    wrong = [reply for reply in found if not isinstance(reply, Reply)]
    demand(not wrong, f"replies must give Replies, not {wrong[:1]}")
    for reply in found:
        whole = reply.remote_id and reply.author and isinstance(reply.at, datetime) and reply.at.tzinfo
        demand(bool(whole), f"a Reply needs a remote_id, an author and a time with its zone: {reply!r}")
    replies: list[Reply] = found
    return replies


def _cursor(found: Sequence[Reply]) -> str:
    since = found[-1].cursor
    demand(bool(since), "the last Reply needs a cursor, or nothing after it is ever read")
    return str(since)
