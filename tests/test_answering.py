"""An answer to the public: a post like any other, approved word for word, sent to whom it was approved for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost.domain import Capabilities, Channel, Receipt, Reply, Variant
from govpost.draft_json import from_dict
from govpost.editorial import intake
from govpost.errors import Mistakes, Refused, Uncertain
from govpost.store import answered, gathered, posts
from govpost.store.gathered_rows import ReplyRecord
from govpost.times import uuid7
from office import Confirming, Office, Scripted


class Talking(Confirming):
    """It can be answered on; `answered` holds what went to whom."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Capabilities())
        self.answered: list[tuple[Reply, Variant]] = []

    def answer(self, reply: Reply, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.answered.append((reply, variant))
        return self.publish(variant, channel, http)


def office_of(tmp_path: Path, *more: Scripted) -> tuple[Office, Talking]:
    hub = Talking("hub")
    office = Office(tmp_path, {"hub": hub, **{each.name: each for each in more}})
    office.start()
    return office, hub


def heard(
    office: Office, channel: str = "hub", text: str = "When does the bridge open?", remote_id: str = ""
) -> str:
    """Let a reply come in; returns its id."""
    reply = ReplyRecord(
        id=uuid7(office.now),
        channel=channel,
        remote_id=remote_id or f"their-{office.now.timestamp()}",
        kind="reply",
        state="shown",
        author="@resident@social.example",
        text=text,
        at=office.now,
        seen_at=office.now,
        raw={"n": 1},
    )
    with office.tx("daemon") as tx:
        gathered.keep_replies(tx, [reply])
    return reply.id


def test_an_answer_goes_to_the_reply_it_was_approved_for_exactly_once(tmp_path: Path) -> None:
    office, hub = office_of(tmp_path)
    reply = heard(office)
    office.release("answer", "It opens on Monday.", more=f"answers: {reply}")
    office.work()
    office.work()
    ((to, variant),) = hub.answered
    assert (to.remote_id, to.author, to.raw) == (
        hub.answered[0][0].remote_id,
        "@resident@social.example",
        {"n": 1},
    )
    assert variant.text.startswith("It opens on Monday.")
    assert office.one("answer").state == "live"
    assert len(hub.texts()) == 1


def test_the_beginning_of_the_id_is_enough_and_the_channel_follows_the_reply(tmp_path: Path) -> None:
    office, hub = office_of(tmp_path, Scripted("board", Capabilities()))
    reply = heard(office)
    path = office.write("answer", more=f"answers: {reply[:13]}")
    path.write_text(path.read_text().replace("channels: [hub, board]\n", ""))
    taken = office.take_in("answer")
    assert taken.post is not None
    office.approve("answer")
    office.work()
    (row,) = office.deliveries("answer")
    assert (row.channel, answered.id_of(row.variant["answers"])) == ("hub", reply)
    assert len(hub.answered) == 1


def test_whom_it_answers_is_part_of_what_is_approved(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path)
    one = heard(office)
    office.wait(timedelta(minutes=5))
    two = heard(office, text="And the road?")
    office.write("answer", "Monday.", more=f"answers: {one}")
    first = office.take_in("answer").post
    office.write("answer", "Monday.", more=f"answers: {two}")
    second = office.take_in("answer").post
    assert first and second
    assert first.digest != second.digest


def test_a_lost_answer_is_looked_for_and_never_sent_blindly(tmp_path: Path) -> None:
    office, hub = office_of(tmp_path)
    hub.script = [hub.accept_then(Uncertain("lost"))]
    office.release("answer", more=f"answers: {heard(office)}")
    office.work()
    office.wait(timedelta(minutes=10))
    office.work()
    assert office.one("answer").state == "live"
    assert len(hub.answered) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("answers: nothing", "answers: there is no reply 'nothing'"),
        ("answers: '%'", "answers: there is no reply '%'"),
        ("answers: 0", "'answers' must be text"),
    ],
)
def test_an_answer_to_nobody_is_refused_with_its_line(tmp_path: Path, more: str, said: str) -> None:
    office, _ = office_of(tmp_path)
    heard(office)
    office.write("answer", more=more)
    with pytest.raises(Mistakes) as caught:
        office.take_in("answer")
    (mistake,) = caught.value.mistakes
    assert said in mistake.message
    assert mistake.line == 8


def test_an_answer_goes_nowhere_but_where_the_question_stands(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path, Scripted("board", Capabilities()))
    office.write("answer", channels=["board"], more=f"answers: {heard(office)}")
    with pytest.raises(Mistakes, match="an answer goes where the question stands: on hub"):
        office.take_in("answer")


def test_a_platform_that_cannot_answer_says_so(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path, Scripted("board", Capabilities()))
    office.write("answer", channels=["board"], more=f"answers: {heard(office, 'board')}")
    with pytest.raises(Mistakes, match="on board nobody can be answered"):
        office.take_in("answer")


def test_a_post_corrects_or_answers_but_not_both(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path)
    office.write("answer", more=f"answers: {heard(office)}\ncorrects: other")
    with pytest.raises(Mistakes, match="a post corrects or answers, not both"):
        office.take_in("answer")


def test_a_reply_that_is_no_longer_kept_is_not_answered(tmp_path: Path) -> None:
    office, hub = office_of(tmp_path)
    office.release("answer", more=f"answers: {heard(office)}")
    with office.tx("test") as tx:
        tx.conn.exec_driver_sql("DELETE FROM reply")
    office.work()
    assert (office.states("answer"), hub.answered) == (["failed"], [])
    assert "no longer kept" in office.one("answer").reason


def test_two_replies_that_begin_alike_have_to_be_told_apart(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path)
    first = heard(office)
    office.wait(timedelta(seconds=1))
    heard(office)
    with office.store.read() as conn, pytest.raises(Refused, match="more than one reply begins with"):
        gathered.find_reply(conn, first[:4])


def test_an_answer_is_not_sent_when_the_question_was_changed_after_the_approval(tmp_path: Path) -> None:
    office, hub = office_of(tmp_path)
    reply = heard(office, remote_id="q1")
    office.release("answer", "Yes, it does.", more=f"answers: {reply}")
    heard(office, text="Does the mayor take bribes?", remote_id="q1")
    office.work()
    assert (office.states("answer"), hub.answered, hub.calls) == (["failed"], [], [])


def test_what_is_sealed_is_who_said_what_and_nothing_that_moves_by_itself(tmp_path: Path) -> None:
    office, hub = office_of(tmp_path)
    reply = heard(office, remote_id="q1")
    office.release("answer", more=f"answers: {reply}")
    (row,) = office.deliveries("answer")
    with office.tx("daemon") as tx:
        tx.conn.exec_driver_sql("UPDATE reply SET state = 'held', language = 'en', raw = '{}'")
        assert answered.changed(tx.conn, row.variant["answers"]) is None
    office.work()
    assert len(hub.answered) == 1
    for column in ("author", "text"):
        with office.tx("daemon") as tx:
            tx.conn.exec_driver_sql(f"UPDATE reply SET {column} = {column} || '!'")
            said = answered.changed(tx.conn, row.variant["answers"])
            tx.conn.exec_driver_sql(f"UPDATE reply SET {column} = rtrim({column}, '!')")
        assert said == "the question changed since it was approved; look at it and submit the answer again"


def test_an_answer_to_changed_words_is_not_approved_and_goes_its_way_when_it_is_taken_in_anew(
    tmp_path: Path,
) -> None:
    office, hub = office_of(tmp_path)
    reply = heard(office, remote_id="q1")
    office.write("answer", "It opens on Monday.", more=f"answers: {reply}")
    office.take_in("answer")
    heard(office, text="And the road?", remote_id="q1")
    office.wait(1)
    with pytest.raises(Mistakes, match="changed what the post answers since"):
        office.approve("answer")
    again = office.take_in("answer")
    assert again.post is not None
    assert (again.unchanged, again.post.version) == (False, 2)
    office.approve("answer")
    office.work()
    assert [to.text for to, _ in hub.answered] == ["And the road?"]


def test_changed_words_leave_an_event_without_the_words_where_a_post_answers_them(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path)
    reply = heard(office, remote_id="q1")
    heard(office, remote_id="q2")
    office.write("answer", more=f"answers: {reply}")
    taken = office.take_in("answer")
    assert taken.post is not None
    for remote_id in ("q1", "q2"):
        heard(office, text="Something rude", remote_id=remote_id)
        heard(office, text="Something rude", remote_id=remote_id)
    (event,) = office.events("reply.changed")
    assert (event.subject, event.detail["post"]) == (f"reply:{reply}", taken.post.id)
    assert event.old != event.new
    assert "rude" not in str(event)


def test_a_draft_that_answers_changed_words_is_not_submitted_as_it_was(tmp_path: Path) -> None:
    office, _ = office_of(tmp_path)
    office.write("answer", more=f"answers: {heard(office, remote_id='q1')}")
    office.take_in("answer", submit=False)
    heard(office, text="And the road?", remote_id="q1")
    post = office.post("answer")
    with office.store.read() as conn:
        stored = posts.version(conn, post.id, 1).draft
    draft = from_dict(stored, office.root)
    with pytest.raises(Mistakes, match="changed what the post answers"):
        intake.submit(office.store, office.desk, office.person("ana"), post, draft, ())
