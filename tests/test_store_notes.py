"""What the store notes of channels and of the whole agency, and what stops a channel in words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost.domain import Capabilities
from govpost.store import chain, channels, meta, obstacles, rescue
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, {"hub": Scripted("hub", PLAIN)}, cap=1)


def obstacle(office: Office) -> str | None:
    with office.store.read() as conn:
        return obstacles.obstacle(conn, "hub", "hub", office.now)


def last_event(office: Office) -> tuple[str, str]:
    with office.store.read() as conn:
        event = chain.find(conn)[-1]
    return event.verb, event.why


def test_what_stops_a_channel_is_said_in_words(office: Office) -> None:
    assert obstacle(office) == "the pilot of hub is proposed"
    office.start()
    assert obstacle(office) is None
    with office.tx() as tx:
        channels.pause(tx, "hub", office.now + timedelta(hours=1), "trouble")
    assert obstacle(office) == "hub is paused: trouble"
    with office.tx() as tx:
        meta.put(tx.conn, obstacles.DISABLED, {"hub": {"reason": "too loud", "platforms": ["hub"]}})
        meta.put(tx.conn, meta.FREEZE, {"by": "cleo", "reason": "a mistake"})
    assert obstacle(office) == "everything is frozen by cleo: a mistake"
    with office.tx() as tx:
        meta.drop(tx.conn, meta.FREEZE)
    assert obstacle(office) == "the plugin hub is disabled: too loud"
    with office.tx() as tx:
        meta.put(tx.conn, obstacles.DISABLED, {"other": {"reason": "x", "platforms": ["other"]}})
        channels.resume(tx, "hub", "mended")
    assert obstacle(office) is None


def test_a_pause_and_its_end_are_events_and_end_by_themselves(office: Office) -> None:
    with office.tx() as tx:
        channels.pause(tx, "hub", office.now + timedelta(hours=1), "trouble")
    with office.store.read() as conn:
        about = channels.every(conn)["hub"]
    assert channels.is_paused(about, office.now)
    assert not channels.is_paused(about, office.now + timedelta(hours=1))
    assert last_event(office) == ("channel.pause", "trouble")
    with office.tx() as tx:
        channels.resume(tx, "hub", "mended")
    assert last_event(office) == ("channel.resume", "mended")


def test_a_cap_that_is_used_up_is_said(office: Office) -> None:
    office.start()
    office.release("road")
    with office.store.read() as conn:
        assert obstacles.cap_reached(conn, "hub") is None
    office.work()
    with office.store.read() as conn:
        assert obstacles.cap_reached(conn, "hub") == "the pilot of hub has used up its cap of 1 posts"


def test_a_receipt_that_comes_late_is_always_recorded_and_a_second_one_is_an_alarm(office: Office) -> None:
    office.start()
    office.release("road")
    office.work()
    row = office.one("road")
    for remote_id, verb in (("hub-1", "delivery.late-receipt"), ("hub-9", "delivery.duplicate")):
        with office.tx() as tx:
            rescue.late_receipt(tx, row, {"remote_id": remote_id, "url": None})
        assert last_event(office)[0] == verb
    assert office.one("road").remote_id == "hub-1"


def test_a_late_receipt_settles_what_was_uncertain(office: Office) -> None:
    office.start()
    office.release("road")
    office.platforms["hub"].script = [RuntimeError("lost")]
    office.work()
    row = office.one("road")
    assert row.state == "uncertain"
    with office.tx() as tx:
        rescue.late_receipt(tx, row, {"remote_id": "hub-1", "url": None})
    assert (office.one("road").state, office.one("road").remote_id) == ("live", "hub-1")
