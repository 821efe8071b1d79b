"""What a daemon brings that stood still through a move or a restore: no receipt of it is lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from govpost.domain import Receipt, Variant
from govpost.errors import Refused
from govpost.store import checking, moving, replacing
from govpost.store.engine import Store
from office import Office, Scripted
from test_restoring import PLAIN, back_up, put_back


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted, store_url: str) -> Iterator[Office]:
    assert store_url
    office = Office(tmp_path, {"hub": hub})
    office.start()
    yield office
    office.store.close()


def test_a_receipt_that_comes_after_the_move_is_in_the_log_in_full(
    office: Office, hub: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    target = Store("sqlite:///elsewhere.db", office.root, lambda: office.now)

    def slow(variant: Variant) -> Receipt:
        with pytest.raises(Refused, match="a delivery is under way"):
            moving.move(office.store, target, "ben", office.root)
        office.wait(timedelta(hours=1))
        moving.move(office.store, target, "ben", office.root)
        return hub.accept(variant)

    hub.script = [slow]
    office.release("road")
    with pytest.raises(Refused, match="was moved to"):
        office.publisher.deliver("hub")
    row = office.one("road")
    assert (row.state, row.remote_id) == ("publishing", None)
    assert (
        f"delivery {row.id} is NOT RECORDED: receipt Receipt(remote_id='hub-1', url='https://hub.example/1'"
        in caplog.text
    )
    assert office.publisher.unrecorded == {}
    target.close()


def test_a_moved_store_is_restored_only_when_that_is_said(office: Office) -> None:
    copy = back_up(office)
    target = Store("sqlite:///elsewhere.db", office.root, lambda: office.now)
    moving.move(office.store, target, "ben", office.root)
    target.close()
    with pytest.raises(Refused, match=r"this store was moved to .*posts go out twice") as refused:
        put_back(office, copy)
    assert "--reopen" in refused.value.tip
    replacing.restore(office.store, "ben", copy, office.root, reopen=True)
    with office.store.write("ben"):
        pass
    assert checking.examine(office.store, None).findings == []


def test_a_copy_of_a_moved_store_is_no_backup_unless_that_is_said(tmp_path: Path, office: Office) -> None:
    closed = Store("sqlite:///closed.db", tmp_path, lambda: office.now)
    moving.move(office.store, closed, "ben", office.root)
    target = Store("sqlite:///elsewhere.db", tmp_path, lambda: office.now)
    moving.move(closed, target, "ben", office.root)
    again = Store("sqlite:///again.db", tmp_path, lambda: office.now)
    with pytest.raises(Refused, match="this store was moved to"):
        replacing.restore(again, "ben", tmp_path / "closed.db", office.root)
    replacing.restore(again, "ben", tmp_path / "closed.db", office.root, reopen=True)
    assert checking.examine(again, None).findings == []
    for each in (closed, target, again):
        each.close()


def test_a_receipt_for_what_a_restored_backup_does_not_know_is_in_the_log_in_full(
    office: Office, hub: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    copy = back_up(office)

    def slow(variant: Variant) -> Receipt:
        put_back(office, copy)
        return hub.accept(variant)

    hub.script = [slow]
    office.release("road")
    name = office.one("road").id
    with pytest.raises(Exception):  # noqa: B017 - whatever the missing row makes of it
        office.publisher.deliver("hub")
    assert (
        f"delivery {name} is NOT RECORDED: receipt Receipt(remote_id='hub-1', url='https://hub.example/1'"
        in caplog.text
    )


def test_a_receipt_for_what_a_restored_backup_knows_is_taken_in(office: Office, hub: Scripted) -> None:
    office.release("road")
    copy = back_up(office)

    def slow(variant: Variant) -> Receipt:
        assert put_back(office, copy).uncertain == 1
        return hub.accept(variant)

    hub.script = [slow]
    office.publisher.deliver("hub")
    assert (office.states("road"), office.one("road").remote_id) == (["live"], "hub-1")
