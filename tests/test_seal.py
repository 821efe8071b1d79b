"""At the gate a delivery is held against its approval: words, bytes, settings, times and aim."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost import seal
from govpost.domain import Capabilities, Variant
from govpost.draft_json import variant_from_dict
from govpost.errors import Uncertain
from office import Changing, Confirming, Office, Scripted
from riverton import png

PLAIN = Capabilities(title=True, link=True)
PICTURE = "media:\n  - file: bridge.png\n    alt: Barriers on the bridge\n    focus: [0.1, 0.2]"


@pytest.fixture
def hub() -> Changing:
    return Changing("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Changing) -> Office:
    office = Office(tmp_path, {"hub": hub})
    office.start()
    return office


def with_picture(office: Office) -> Path:
    office.write("road", more=PICTURE)
    (office.root / "content/road/bridge.png").write_bytes(png())
    assert office.take_in("road").post is not None
    office.approve("road")
    (stored,) = (office.root / ".govpost/media").iterdir()
    return stored


def verdict(office: Office, change: Callable[[Variant], Variant] = lambda variant: variant) -> str | None:
    """Hold the post's delivery against its approval, as the gate does."""
    row = office.one("road")
    variant = change(variant_from_dict(row.variant, office.root / office.config.store.media, key=row.id))
    with office.store.read() as conn:
        return seal.broken(conn, row, variant, seal.media_hashes(variant.media), office.config)


def test_what_was_approved_passes(office: Office, hub: Changing) -> None:
    with_picture(office)
    assert verdict(office) is None
    office.work()
    assert (office.state("road"), hub.calls[0].media[0].alt) == ("published", "Barriers on the bridge")


@pytest.mark.parametrize("field", ["text", "title", "link", "language", "corrects"])
def test_any_changed_word_or_link_is_stopped(office: Office, field: str) -> None:
    office.release("road")
    said = verdict(office, lambda variant: replace(variant, **{field: "x"}))
    assert said == "the stored words differ from those that were approved"


@pytest.mark.parametrize(
    ("field", "value"), [("alt", "x"), ("captions", "x"), ("focus", (0.5, 0.5)), ("mime", "x")]
)
def test_any_change_around_a_picture_is_stopped(office: Office, field: str, value: Any) -> None:
    with_picture(office)
    said = verdict(office, lambda v: replace(v, media=(replace(v.media[0], **{field: value}),)))
    assert said == "the stored words differ from those that were approved"


def test_a_changed_byte_of_a_stored_file_stops_the_delivery(office: Office, hub: Changing) -> None:
    stored = with_picture(office)
    stored.write_bytes(stored.read_bytes() + b"x")
    office.work()
    assert hub.calls == []
    assert office.one("road").state == "failed"
    assert "changed since the approval" in office.one("road").reason


def test_a_stored_file_that_is_gone_stops_the_delivery(office: Office, hub: Changing) -> None:
    with_picture(office).unlink()
    office.work()
    assert hub.calls == []
    assert "is gone since the approval" in office.one("road").reason


def test_a_changed_file_in_content_changes_nothing_that_goes_out(office: Office, hub: Changing) -> None:
    with_picture(office)
    (office.root / "content/road/bridge.png").write_bytes(b"rubbish")
    (office.root / "content/road/post.md").unlink()
    office.work()
    assert office.state("road") == "published"


def changed(office: Office, statement: str, *values: Any) -> str | None:
    with office.tx() as tx:
        tx.conn.exec_driver_sql(statement, values)
    return verdict(office)


def test_a_row_pointing_to_a_channel_part_or_version_never_approved_is_stopped(office: Office) -> None:
    office.release("road")
    assert changed(office, "UPDATE delivery SET part = 2") == "this channel or part was never approved"
    assert changed(office, "UPDATE delivery SET channel = 'x'") == "this channel or part was never approved"
    assert "version 1 was approved, the post is at version 2" in str(
        changed(office, "UPDATE post SET version = 2")
    )


def test_changed_times_in_the_stored_version_are_stopped(office: Office) -> None:
    office.release("road", more="expires: 2026-12-20 18:00")
    with office.store.read() as conn:
        draft = json.loads(conn.exec_driver_sql("SELECT draft FROM version").scalar_one())
    draft["expires"]["wall"] = "2026-12-30T18:00"
    said = changed(office, "UPDATE version SET draft = json(?)", json.dumps(draft))
    assert said == "the stored times or channels differ from those that were approved"


@pytest.mark.parametrize("change", ["expires = NULL", "not_before = NULL", "due = created_at"])
def test_changed_times_in_the_stored_delivery_are_stopped(office: Office, hub: Changing, change: str) -> None:
    office.release("road", more="not_before: 2026-11-25 12:30\nexpires: 2026-11-25 13:00")
    assert verdict(office) is None
    with office.tx() as tx:
        tx.conn.exec_driver_sql(f"UPDATE delivery SET {change}")
    office.wait(1)
    assert "not_before" in (verdict(office) or "")
    office.wait(timedelta(minutes=45))
    office.work()
    assert (office.one("road").state, hub.calls) == ("failed", [])


def test_a_post_whose_digest_was_exchanged_is_stopped(office: Office) -> None:
    office.release("road")
    assert changed(office, "UPDATE post SET digest = 'other'") == "no approval stands for what would go out"


def test_an_approval_given_before_the_last_submission_does_not_count(office: Office) -> None:
    office.release("road")
    said = changed(office, "UPDATE approval SET at = '2020-01-01 00:00:00.000000'")
    assert said == "no approval stands for what would go out"


def test_a_channel_taken_out_of_the_config_is_stopped(tmp_path: Path) -> None:
    office = Office(tmp_path, {"main": Scripted("main", PLAIN), "hub": Scripted("hub", PLAIN)})
    office.start()
    office.release("road", channels=["hub"])
    config = office.config.model_copy(update={"channels": {"main": office.config.channels["main"]}})
    office.config = config
    assert verdict(office) == "the channel hub is no longer in config.toml"


def test_one_channels_changed_settings_do_not_stop_the_others(tmp_path: Path) -> None:
    one, two = Scripted("one", PLAIN), Scripted("two", PLAIN)
    office = Office(tmp_path, {"one": one, "two": two})
    office.start()
    office.release("road")
    office.edit_config('room = "two"', 'room = "elsewhere"')
    office.work()
    assert (office.one("road", "one").state, office.one("road", "two").state) == ("live", "failed")


def test_a_withdrawal_says_only_words_that_stand_in_the_config(office: Office, hub: Changing) -> None:
    office.release("road")
    office.work()
    office.withdraw("road")
    with office.tx() as tx:
        tx.conn.exec_driver_sql("UPDATE delivery SET notice = 'Never mind' WHERE action = 'withdraw'")
    office.work()
    assert hub.withdrawn == []
    (order,) = [row for row in office.deliveries("road") if row.action == "withdraw"]
    assert (order.state, "no longer in config.toml" in order.reason) == ("failed", True)


def test_a_withdrawal_or_amendment_aimed_at_another_post_is_stopped(office: Office, hub: Changing) -> None:
    office.release("road")
    office.release("water")
    office.work()
    office.withdraw("road")
    other = office.one("water").id
    with office.tx() as tx:
        tx.conn.exec_driver_sql(f"UPDATE delivery SET target = '{other}' WHERE action = 'withdraw'")
    office.work()
    assert hub.withdrawn == []
    assert {row.state for row in office.deliveries("water")} == {"live"}
    office.write("fix", "The water is fine.", more="corrects: water")
    assert office.take_in("fix").post is not None
    office.approve("fix")
    (road,) = [row.id for row in office.deliveries("road") if row.action == "publish"]
    with office.tx() as tx:
        tx.conn.exec_driver_sql(f"UPDATE delivery SET target = '{road}' WHERE action = 'amend'")
    office.work()
    assert hub.amended == []
    assert "aimed at another post" in office.one("fix").reason


def test_the_digest_does_not_cover_slots(office: Office) -> None:
    office.write("road")
    first = office.take_in("road").post
    office.write("water")
    office.take_in("water")
    assert first is not None
    office.approve("road")
    with office.tx() as tx:
        tx.conn.exec_driver_sql("UPDATE delivery SET slot = '2026-12-01 00:00:00.000000'")
    assert verdict(office) is None


def test_a_file_that_nobody_approved_is_not_even_uploaded(tmp_path: Path) -> None:
    class Uploading(Scripted):
        uploads = 0

        def stage(self, variant: Variant, channel: Any, http: Any) -> dict[str, Any]:
            self.uploads += 1
            return {}

    hub = Uploading("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub})
    office.start()
    with_picture(office).unlink()
    office.work()
    assert (office.one("road").state, hub.uploads, hub.calls) == ("failed", 0, [])
    assert "is gone since the approval" in office.one("road").reason


def test_not_there_is_not_believed_of_another_place_than_it_was_sent_to(tmp_path: Path) -> None:
    hub = Confirming("hub", replace(PLAIN, settles_after=timedelta(minutes=5)))
    office = Office(tmp_path, {"hub": hub})
    office.start()
    hub.script = [hub.accept_then(Uncertain("no answer"))]
    hub.answers = [None] * 9
    office.release("road")
    office.work()
    office.edit_config('room = "hub"', 'room = "elsewhere"')
    for _ in range(3):
        office.wait(timedelta(hours=1))
        office.work()
    assert office.one("road").state == "uncertain"
    assert "settings of hub changed" in office.one("road").reason
    assert len(hub.calls) == 1
