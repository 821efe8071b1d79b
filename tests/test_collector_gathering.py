"""Counts and replies of a channel, gathered and kept; whatever a platform or its plugin does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from govpost.cli import attention_gathered
from govpost.collector import calls, keeping, turns
from govpost.collector.keeping import Gathered
from govpost.domain import Account, Capabilities, Channel, Metrics, Receipt, Reply
from govpost.editorial import freezing, resolving, switching
from govpost.errors import RateLimited, Unauthorized, Unavailable, Uncertain
from govpost.states import PilotState, Role
from govpost.store import accounts, channels, gathered, meta, pilots
from govpost.store.gathered_rows import READING, GatheringRecord, ReadingRecord, ReplyRecord, SampleRecord
from govpost.store.rows import DELIVERY
from govpost.times import uuid7
from office import NOON, Office, Scripted, Sociable

PLAIN = Capabilities(title=True, link=True, measure_batch=2)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


@pytest.fixture
def hub() -> Sociable:
    return Sociable("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Sociable) -> Office:
    office = Office(tmp_path, {"hub": hub})
    office.start()
    return office


def publish(office: Office, *slugs: str) -> None:
    for slug in slugs:
        office.release(slug)
    office.work()


def samples(office: Office, slug: str = "road") -> list[SampleRecord]:
    row = office.one(slug, "hub")
    with office.store.read() as conn:
        return gathered.samples(conn, [row.id]).get(row.id, [])


def views(office: Office, slug: str = "road") -> list[int | None]:
    return [each.views for each in samples(office, slug)]


def plan(office: Office, slug: str = "road") -> ReadingRecord:
    with office.store.read() as conn:
        found = gathered.reading(conn, office.one(slug, "hub").id)
    assert found is not None
    return found


def stands(office: Office) -> GatheringRecord:
    with office.store.read() as conn:
        return gathered.gathering(conn, "hub")


def replies(office: Office, slug: str = "road") -> list[ReplyRecord]:
    with office.store.read() as conn:
        return gathered.replies_to(conn, office.one(slug, "hub").id)


def reply(n: int, text: str = "Thanks!", **values: Any) -> Reply:
    fields: dict[str, Any] = {"to": "hub-1", "cursor": f"{n:04d}", "at": NOON + timedelta(seconds=n)}
    return Reply(remote_id=f"r{n}", text=text, author="@sam", **(fields | values))


def served(http: httpx2.Client, status: int, headers: dict[str, str] | None = None) -> None:
    """Let a server that is not there answer."""
    answer = httpx2.MockTransport(lambda _: httpx2.Response(status, headers=headers))
    http._recorder._given = answer  # type: ignore[attr-defined]


# --- counts ------------------------------------------------------------------------------------------------------


def test_a_live_post_is_counted_at_its_ages(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    live_at = office.one("road").live_at
    hub.counts = {"hub-1": Metrics(views=3, likes=0)}
    office.gather()
    assert samples(office) == []
    for age in (QUARTER, HOUR, 4 * HOUR):
        office.now = live_at + age
        office.gather()
    assert [each.at - live_at for each in samples(office)] == [QUARTER, HOUR, 4 * HOUR]
    first = samples(office)[0]
    assert (first.views, first.likes, first.shares) == (3, 0, None)
    assert plan(office).next_at == live_at + timedelta(days=1)


def test_an_age_that_was_missed_is_not_made_up_for(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.counts = {"hub-1": Metrics(views=3)}
    office.wait(2 * HOUR)
    office.gather()
    assert views(office) == [3]
    assert plan(office).next_at == office.one("road").live_at + 4 * HOUR


def test_counting_ends_with_the_last_age(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.counts = {"hub-1": Metrics(views=3)}
    for days in range(40):
        office.wait(timedelta(days=1))
        office.gather()
        assert len(samples(office)) <= days + 1
    assert plan(office).next_at is None
    assert len(samples(office)) <= 8


def test_posts_are_counted_in_batches(office: Office, hub: Sociable) -> None:
    publish(office, "road", "water", "storm")
    hub.counts = {f"hub-{n}": Metrics(views=n) for n in (1, 2, 3)}
    office.wait(HOUR)
    office.gather()
    assert sorted(map(len, hub.asked)) == [1, 2]
    assert [views(office, slug) for slug in ("road", "water", "storm")] == [[1], [2], [3]]


def test_an_old_post_is_not_begun(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    office.wait(timedelta(days=31))
    office.gather()
    office.gather()
    assert hub.asked == []
    with office.store.read() as conn:
        assert gathered.reading(conn, office.one("road").id) is None


def many(office: Office, number: int) -> None:
    """Let posts have gone live on hub and be measured to the end, an hour before now."""
    row = office.one("road").model_dump() | {"live_at": office.now - HOUR}
    ids = [uuid7(office.now) for _ in range(number)]
    with office.tx("test") as tx:
        tx.conn.execute(insert(DELIVERY), [row | {"id": each, "remote_id": each} for each in ids])
        tx.conn.execute(insert(READING), [{"delivery_id": each, "channel": "hub"} for each in ids])


def steps(office: Office) -> int:
    """Return how much work for SQLite it is to find that nothing is due, in hundreds of its instructions."""
    counted: list[int] = []
    with office.store.read() as conn:
        raw = conn.connection.dbapi_connection
        assert raw is not None
        raw.set_progress_handler(lambda: counted.append(1), 100)
        assert not turns.is_due(conn, office.fitted["hub"], office.config, office.now)
        raw.set_progress_handler(None, 0)
    return len(counted)


def test_an_idle_turn_costs_the_same_however_many_posts_there_were(office: Office) -> None:
    publish(office, "road")
    office.gather()
    few = steps(office)
    many(office, 3000)
    assert steps(office) <= few + 5


def test_a_post_from_before_the_clock_was_set_back_is_planned_and_so_is_one_from_after(
    office: Office,
) -> None:
    office.wait(timedelta(days=1))
    publish(office, "road")
    office.gather()
    assert stands(office).planned_to == office.one("road").live_at
    office.wait(-timedelta(days=1))
    publish(office, "water")
    office.gather()
    assert plan(office, "water").next_at == office.one("water").live_at + QUARTER


def test_posts_that_went_live_at_once_are_all_planned_some_at_a_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathered.fresh, "__defaults__", (2,))
    publish(office, "road", "water", "storm", "park", "pool")
    by_hand(office)
    assert all(plan(office, slug).next_at for slug in ("road", "water", "storm", "park", "pool"))


def test_by_hand_every_post_is_asked_about_once_whatever_becomes_due_meanwhile(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road", "water", "storm", "park", "pool")
    hub.counts = {f"hub-{n}": Metrics(views=n) for n in range(1, 6)}
    office.wait(HOUR)
    assert sum(each.measured for each in by_hand(office)) == 5
    assert [len(each) for each in hub.asked] == [2, 2, 1]
    assert sorted(name for each in hub.asked for name in each) == [f"hub-{n}" for n in range(1, 6)]


def test_counts_are_listed_some_at_a_time_the_newest_post_first(
    office: Office, hub: Sociable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("road", "water", "storm"):
        publish(office, slug)
        office.wait(1)
    hub.counts = {f"hub-{n}": Metrics(views=n) for n in (1, 2, 3)}
    by_hand(office)
    monkeypatch.setattr(gathered, "_AT_ONCE", 2)
    with office.store.read() as conn:
        pages = list(gathered.measured(conn))
    assert [[each.samples[0].views for each in page] for page in pages] == [[3, 2], [1]]


def test_unknown_is_not_zero_and_nothing_known_is_no_sample(office: Office, hub: Sociable) -> None:
    publish(office, "road", "water")
    hub.counts = {"hub-1": Metrics(), "hub-2": Metrics(likes=0)}
    office.wait(HOUR)
    office.gather()
    assert samples(office, "road") == []
    assert [(each.views, each.likes) for each in samples(office, "water")] == [(None, 0)]
    assert plan(office, "road").gone_at is None


def test_planned_samples_are_kept_though_nothing_changed(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.counts = {"hub-1": Metrics(views=3)}
    for wait in (QUARTER, HOUR):
        office.wait(wait)
        office.gather()
    assert views(office) == [3, 3]


def by_hand(office: Office) -> list[Gathered]:
    return list(office.collector().everything(office.fitted["hub"], office.config))


def test_samples_by_hand_are_kept_only_when_they_say_something_new(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    for count in (3, 3, 4):
        hub.counts = {"hub-1": Metrics(views=count)}
        office.wait(1)
        assert by_hand(office)[0] == Gathered(measured=1)
    assert views(office) == [3, 4]
    assert plan(office).next_at == office.one("road").live_at + QUARTER


def test_a_post_that_was_withdrawn_is_counted_no_more(office: Office, hub: Sociable) -> None:
    publish(office, "road", "water")
    office.gather()
    with office.tx() as tx:
        tx.conn.exec_driver_sql("UPDATE delivery SET state = 'withdrawn' WHERE remote_id = 'hub-1'")
    hub.counts = {"hub-2": Metrics(views=1)}
    office.wait(HOUR)
    office.gather()
    assert hub.asked == [["hub-2"]]
    assert (plan(office).next_at, plan(office).gone_at) == (None, None)


def test_a_post_that_was_not_found_and_then_withdrawn_is_not_gone(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    office.gather()
    with office.tx() as tx:
        tx.conn.exec_driver_sql("UPDATE delivery SET state = 'withdrawn'")
    office.wait(HOUR)
    office.gather()
    assert (plan(office).next_at, plan(office).gone_at) == (None, None)
    assert office.events("delivery.gone") == []


def test_two_who_gather_at_once_plan_a_post_once(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    first = {office.one("road").id: office.now}
    with office.tx() as tx:
        gathered.plan(tx, "hub", first)
        gathered.plan(tx, "hub", {office.one("road").id: None})
    assert plan(office).next_at == office.now


def test_a_server_that_refuses_one_post_keeps_nobody_from_the_others(
    office: Office, hub: Sociable, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: httpx2.Client) -> Any:
            names = [each.remote_id for each in receipts]
            served(http, 422 if "hub-1" in names else 200)
            http.get("https://hub.example/posts").raise_for_status()
            return {name: Metrics(views=5) for name in names}

    publish(office, "road", "water")
    hub.__class__ = Refusing
    office.wait(QUARTER + timedelta(seconds=1))
    office.gather()
    assert (views(office, "road"), views(office, "water")) == ([], [5])
    assert "channel hub, measuring: GET https://hub.example/posts answered 422" in caplog.text


@pytest.mark.parametrize("status", [401, 408, 425, 429, 500, 503])
def test_a_server_in_trouble_is_asked_again_about_the_whole_batch(
    office: Office, hub: Sociable, status: int
) -> None:
    class Troubled(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: httpx2.Client) -> Any:
            self.asked.append([each.remote_id for each in receipts])
            served(http, status)
            http.get("https://hub.example/posts").raise_for_status()

    publish(office, "road", "water")
    hub.__class__ = Troubled
    office.wait(QUARTER + timedelta(seconds=1))
    office.gather()
    assert hub.asked == [["hub-1", "hub-2"]]


def test_a_post_settled_by_hand_is_counted_by_the_id_the_person_gave(office: Office, hub: Sociable) -> None:
    hub.script = [Uncertain("lost")]
    publish(office, "road")
    url = "https://hub.example/found"
    resolving.resolve_live(office.store, office.person("ben"), office.one("road").id, url, "found-7")
    hub.counts = {"found-7": Metrics(views=2)}
    office.wait(HOUR)
    office.gather()
    assert views(office) == [2]


def test_a_channel_without_posts_or_with_a_mute_platform_is_not_asked(tmp_path: Path) -> None:
    office = Office(tmp_path, {"mute": Scripted("mute", PLAIN)})
    office.start()
    publish(office, "road")
    office.wait(HOUR)
    assert office.gather() == 0
    assert list(office.collector().everything(office.fitted["mute"], office.config)) == []


# --- posts that are gone -----------------------------------------------------------------------------------------


def test_a_post_left_out_twice_an_hour_apart_is_gone_and_its_state_is_a_persons_to_change(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    office.gather()
    first = plan(office)
    assert (first.gone_at, first.next_at) == (office.now, office.now + HOUR)
    assert office.events("delivery.gone") == []
    office.wait(HOUR)
    office.gather()
    (event,) = office.events("delivery.gone")
    assert event.subject == f"delivery:{office.one('road').id}"
    assert (plan(office).next_at, office.one("road").state) == (None, "live")
    office.wait(timedelta(days=1))
    office.gather()
    by_hand(office)
    assert len(office.events("delivery.gone")) == 1


def test_a_post_that_was_only_away_goes_on_without_a_word(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    office.gather()
    hub.counts = {"hub-1": Metrics(views=9)}
    office.wait(HOUR)
    office.gather()
    assert (views(office), plan(office).gone_at) == ([9], None)
    assert not office.events("delivery.gone") + office.events("delivery.back")


def test_a_post_that_comes_back_is_found_by_hand(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    for wait in (QUARTER, HOUR):
        office.wait(wait)
        office.gather()
    hub.counts = {"hub-1": Metrics(views=9)}
    by_hand(office)
    assert len(office.events("delivery.back")) == 1
    assert plan(office).next_at == office.one("road").live_at + 4 * HOUR


def test_no_post_is_gone_because_a_plugin_swallowed_a_failing_server(office: Office, hub: Sociable) -> None:
    class Broken(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: httpx2.Client) -> Any:
            served(http, 500)
            http.get("https://hub.example/posts")
            return {}

    publish(office, "road")
    hub.__class__ = Broken
    office.wait(QUARTER)
    office.gather()
    assert plan(office).gone_at is None
    assert "left posts out although GET https://hub.example/posts failed" in stands(office).why


# --- trouble -----------------------------------------------------------------------------------------------------


def test_a_failure_is_asked_again_later_and_stops_no_replies(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    hub.answers = [Unavailable("busy")]
    hub.counts = {"hub-1": Metrics(views=1)}
    hub.said = [reply(1)]
    office.gather()
    assert (samples(office), len(replies(office))) == ([], 1)
    assert stands(office).why == "measuring: busy"
    assert plan(office).next_at == office.now + timedelta(minutes=1)
    office.wait(timedelta(minutes=1))
    office.gather()
    assert (views(office), stands(office).why, stands(office).failures) == ([1], "", 0)


def test_a_batch_that_is_refused_is_asked_one_by_one_and_the_bad_one_waits_for_its_next_age(
    office: Office, hub: Sociable
) -> None:
    class Picky(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: Any) -> Any:
            self.asked.append([each.remote_id for each in receipts])
            if "hub-1" in self.asked[-1]:
                raise KeyError("hub-1")
            return {name: Metrics(views=5) for name in self.asked[-1]}

    publish(office, "road", "water")
    hub.__class__ = Picky
    office.wait(QUARTER + timedelta(seconds=1))
    office.gather()
    assert (views(office, "road"), views(office, "water")) == ([], [5])
    assert plan(office, "road").next_at == office.one("road").live_at + HOUR


def test_a_refused_batch_is_taken_apart_only_as_long_as_one_call_may_last(
    office: Office, hub: Sociable
) -> None:
    class Slow(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: Any) -> Any:
            self.asked.append([each.remote_id for each in receipts])
            office.wait(61)
            raise KeyError

    publish(office, "road", "water")
    hub.__class__ = Slow
    office.wait(HOUR)
    office.gather()
    assert [len(each) for each in hub.asked[:2]] == [2, 1]


def test_a_server_that_wants_a_wait_is_not_asked_for_the_rest_of_a_batch(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road", "water")
    hub.answers = [KeyError(), RateLimited(retry_after=HOUR), KeyError()]
    office.wait(HOUR)
    office.gather()
    assert len(hub.asked) == 2


def test_by_hand_too_the_second_half_of_a_rate_limit_is_left_to_deliveries(
    office: Office, hub: Sociable
) -> None:
    class Narrow(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: httpx2.Client) -> Any:
            served(http, 200, {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "20"})
            http.get("https://hub.example/posts")
            return {each.remote_id: Metrics(views=1) for each in receipts}

    publish(office, "road", "water", "storm")
    hub.__class__ = Narrow
    first, second = by_hand(office)
    assert (first.measured, first.why) == (2, "")
    assert "is to be left alone until" in second.why
    assert hub.since == []


def test_a_broken_plugin_is_named_in_one_short_line_and_a_person_is_told_once(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    hub.hearings = [ValueError("x" * 5000)] * 30
    hub.counts = {"hub-1": Metrics(views=1)}
    for _ in range(30):
        office.wait(timedelta(hours=7))
        hub.answers = [Unavailable("busy")] if plan_is_due(office) else []
        office.gather()
    assert len(stands(office).why) <= 500
    (event,) = office.events("channel.gathering-fails")
    assert "5 times" in event.why


def plan_is_due(office: Office) -> bool:
    with office.store.read() as conn:
        due = gathered.next_reading(conn, "hub")
    return due is not None and due <= office.now


class Evil(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "failure", [SystemExit(3), KeyboardInterrupt(), RecursionError(), MemoryError(), Evil()]
)
def test_nothing_that_a_plugin_raises_gets_out(office: Office, hub: Sociable, failure: BaseException) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    hub.answers, hub.hearings = [failure], [failure]
    office.gather()
    assert stands(office).failures == 2


@pytest.mark.parametrize("garbage", [None, 7, [("hub-1", Metrics(views=1))], "hub-1"])
def test_what_are_no_counts_is_a_failure(office: Office, hub: Sociable, garbage: Any) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    hub.answers = [lambda _: garbage]
    office.gather()
    assert (samples(office), plan(office).gone_at) == ([], None)
    assert "not counts by remote_id" in stands(office).why


def test_a_count_that_is_no_metrics_makes_a_post_neither_known_nor_gone(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    hub.answers = [lambda _: {"hub-1": {"views": 3}}]
    office.gather()
    assert (samples(office), plan(office).gone_at) == ([], None)
    assert plan(office).next_at == office.one("road").live_at + HOUR


def test_being_told_to_wait_moves_gathering_alone(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    hub.answers = [RateLimited(retry_after=timedelta(minutes=40))]
    office.gather()
    assert stands(office).not_before == office.now + timedelta(minutes=40)
    assert stands(office).failures == 0
    assert hub.since == []
    with office.store.read() as conn:
        assert channels.get(conn, "hub").next_allowed_at is None
    publish(office, "water")
    assert office.state("water") == "published"
    office.wait(timedelta(minutes=41))
    hub.counts = {"hub-1": Metrics(views=1), "hub-2": Metrics(views=2)}
    office.gather()
    assert (views(office), hub.since) == ([1], [None])


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, timedelta(minutes=15)), (timedelta(), timedelta(minutes=1))]
)
def test_a_wait_without_a_length_has_one(
    office: Office, hub: Sociable, asked: timedelta | None, wait: timedelta
) -> None:
    hub.hearings = [RateLimited(retry_after=asked)]
    office.gather()
    assert stands(office).not_before == office.now + wait


def test_missing_secrets_and_locked_doors_rest_the_channels_gathering(office: Office, hub: Sociable) -> None:
    hub.hearings = [Unauthorized("who are you")]
    office.gather()
    assert (stands(office).why, stands(office).not_before) == ("replies: who are you", office.now + QUARTER)
    office.edit_config(
        'settings = { room = "hub" }', 'settings = { room = "hub" }\nsecrets = { key = "env:NOBODY" }'
    )
    office.wait(HOUR)
    office.gather()
    assert "the environment variable NOBODY is not set" in stands(office).why
    assert len(hub.since) == 1


def test_credentials_that_expired_are_renewed_once_and_it_goes_on(office: Office, hub: Sociable) -> None:
    class Renewing(Sociable):
        def refresh(self, channel: Channel, http: Any) -> dict[str, str]:
            return {"token": "fresh-token"}

        def measure(self, receipts: Any, channel: Channel, http: Any) -> Any:
            if channel.secrets.get("token") != "fresh-token":
                raise Unauthorized("expired")
            return {"hub-1": Metrics(views=4)}

    publish(office, "road")
    hub.__class__ = Renewing
    office.wait(QUARTER)
    office.gather()
    assert (views(office), stands(office).why) == ([4], "")


def test_credentials_that_nobody_can_renew_are_said(office: Office, hub: Sociable) -> None:
    class Lapsed(Sociable):
        def refresh(self, channel: Channel, http: Any) -> dict[str, str]:
            raise Unauthorized("log in again")

    hub.__class__ = Lapsed
    hub.hearings = [Unauthorized("expired")]
    office.gather()
    assert "log in again" in stands(office).why


def test_a_failure_that_lasts_is_asked_about_ever_more_rarely_though_replies_come(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    hub.answers = [Unavailable("busy")] * 1000
    for _ in range(12 * 12):
        office.wait(timedelta(minutes=5))
        office.gather()
    assert len(hub.asked) < 9
    assert len(office.events("channel.gathering-fails")) == 1
    assert len(hub.since) > 100


def test_what_never_succeeds_is_given_up_a_week_after_the_last_age(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.answers = [Unavailable("busy")] * 1000
    for _ in range(40):
        office.wait(timedelta(days=1))
        office.gather()
    assert plan(office).next_at is None


# --- whose turn it is --------------------------------------------------------------------------------------------


def test_a_delivery_that_is_due_goes_first_for_ten_minutes(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    office.wait(QUARTER)
    office.release("water")
    assert office.gather() == 0
    office.wait(turns.YIELDS)
    assert office.gather() > 0


def test_a_delivery_that_waits_for_its_gap_or_a_pause_keeps_nobody_back(
    office: Office, hub: Sociable
) -> None:
    office.release("road")
    with office.tx() as tx:
        channels.put(tx, "hub", gap_until=office.now + HOUR)
    assert office.gather() == 1
    with office.tx() as tx:
        channels.put(tx, "hub", gap_until=None, paused_until=office.now + HOUR)
    office.wait(timedelta(minutes=6))
    assert office.gather() == 1


def test_nothing_is_gathered_while_the_platform_wants_the_channel_to_wait(office: Office) -> None:
    with office.tx() as tx:
        channels.put(tx, "hub", next_allowed_at=office.now + HOUR)
    assert office.gather() == 0
    office.wait(HOUR)
    assert office.gather() == 1


def answers_with(headers: dict[str, str]) -> type[Sociable]:
    """Make a platform that hears nothing, from a server that says how much room there is."""

    class Counting(Sociable):
        def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Any:
            served(http, 200, headers)
            http.get("https://hub.example/notifications")
            return []

    return Counting


@pytest.mark.parametrize(("left", "rests"), [("200", False), ("149", True), ("0", True)])
def test_the_second_half_of_a_rate_limit_is_left_to_deliveries(
    office: Office, hub: Sociable, left: str, rests: bool
) -> None:
    hub.__class__ = answers_with(
        {"x-ratelimit-limit": "300", "x-ratelimit-remaining": left, "x-ratelimit-reset": "240"}
    )
    office.gather()
    assert stands(office).not_before == (office.now + timedelta(seconds=240) if rests else None)
    assert stands(office).why == ""


@pytest.mark.parametrize("stop", ["freeze", "pause", "suspend"])
def test_reading_goes_on_while_nothing_is_published(office: Office, hub: Sociable, stop: str) -> None:
    publish(office, "road")
    if stop == "freeze":
        freezing.freeze(office.store, office.config, office.person("ben"), "a crisis")
    elif stop == "pause":
        switching.pause_channel(office.store, office.config, office.person("ben"), "hub", "quiet", None)
    else:
        move_pilot(office, PilotState.SUSPENDED)
    hub.counts, hub.said = {"hub-1": Metrics(views=1)}, [reply(1)]
    office.wait(QUARTER)
    office.gather()
    assert (views(office), len(replies(office))) == ([1], 1)


def move_pilot(office: Office, state: PilotState) -> None:
    with office.tx() as tx:
        pilot = pilots.get(tx.conn, "hub")
        assert pilot is not None
        pilots.move(tx, pilot, state, frozenset({Role.ADMIN}), "by order")


def test_a_retired_channel_is_counted_to_the_end_and_listened_to_no_more(
    office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    move_pilot(office, PilotState.RETIRED)
    hub.counts = {"hub-1": Metrics(views=1)}
    office.wait(QUARTER)
    office.gather()
    assert (views(office), hub.since) == ([1], [])


def test_a_channel_never_started_is_left_alone(tmp_path: Path, hub: Sociable) -> None:
    office = Office(tmp_path, {"hub": hub})
    office.keep_house()
    assert office.gather() == 0


def test_a_disabled_plugin_is_not_called(office: Office, hub: Sociable) -> None:
    with office.tx() as tx:
        meta.put(tx.conn, "disabled-plugins", {"office": {"reason": "why", "platforms": ["hub"]}})
    assert office.gather() == 0


@pytest.mark.parametrize("more", ["enabled = false", 'replies = "never"\nmeasure_at = []'])
def test_what_is_switched_off_is_not_gathered(tmp_path: Path, hub: Sociable, more: str) -> None:
    office = Office(tmp_path, {"hub": hub}, more=f"[collector]\n{more}")
    office.start()
    publish(office, "road")
    office.wait(HOUR)
    assert office.gather() == 0
    with office.store.read() as conn:
        assert not turns.is_due(conn, office.fitted["hub"], office.config, office.now)


def test_nothing_is_begun_once_it_has_to_stop(office: Office, hub: Sociable) -> None:
    collector = office.collector()
    collector.stop = lambda: True
    assert not collector.work("hub")
    assert not office.collector().work("nobody")


def test_a_post_that_nobody_has_planned_yet_is_something_to_do(office: Office) -> None:
    with office.store.read() as conn:
        assert turns.is_due(conn, office.fitted["hub"], office.config, office.now)
    office.gather()
    publish(office, "road")
    with office.store.read() as conn:
        assert turns.is_due(conn, office.fitted["hub"], office.config, office.now)
    assert office.gather() == 0
    with office.store.read() as conn:
        assert not turns.is_due(conn, office.fitted["hub"], office.config, office.now)


# --- replies -----------------------------------------------------------------------------------------------------


def test_replies_are_kept_once_and_linked_to_what_they_answer(office: Office, hub: Sociable) -> None:
    publish(office, "road", "water")
    hub.said = [reply(1), reply(2, to="hub-2"), reply(3, to="somebody-else"), reply(4, to=None)]
    office.gather()
    office.wait(timedelta(minutes=5))
    hub.said.append(reply(5))
    office.gather()
    assert hub.since == [None, "0004"]
    assert [each.remote_id for each in replies(office, "road")] == ["r5", "r1"]
    assert [each.remote_id for each in replies(office, "water")] == ["r2"]
    assert stands(office).cursor == "0005"


def test_an_edit_and_a_verdict_of_moderation_are_followed(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.hearings = [[reply(1, "Thnaks")], [reply(1, "Thanks"), reply(1, "Thanks", state="spam")]]
    office.gather()
    first = replies(office)[0]
    office.wait(timedelta(minutes=5))
    office.gather()
    (kept,) = replies(office)
    assert (kept.text, kept.state, kept.id, kept.seen_at) == ("Thanks", "spam", first.id, first.seen_at)


def test_a_reply_that_came_before_our_receipt_is_linked_afterwards(office: Office, hub: Sociable) -> None:
    hub.script = [Uncertain("lost")]
    publish(office, "road")
    hub.said = [reply(1, to="found-7")]
    office.gather()
    assert replies(office) == []
    url = "https://hub.example/found"
    resolving.resolve_live(office.store, office.person("ben"), office.one("road").id, url, "found-7")
    office.wait(timedelta(minutes=5))
    office.gather()
    assert [each.remote_id for each in replies(office)] == ["r1"]


def test_replies_are_asked_for_every_so_often(tmp_path: Path, hub: Sociable) -> None:
    office = Office(tmp_path, {"hub": hub}, more='[collector]\nreplies = "30m"')
    office.start()
    for _ in range(7):
        office.gather()
        office.wait(timedelta(minutes=10))
    assert len(hub.since) == 3


def test_a_plugin_that_never_ends_is_cut_and_goes_on_later(office: Office, hub: Sociable) -> None:
    publish(office, "road")

    def forever(since: str | None) -> Iterator[Reply]:
        n = int(since or 0)
        while True:
            n += 1
            yield reply(n)

    hub.hearings = [forever, forever]
    office.gather()
    assert len(replies(office)) == calls.MOST_REPLIES
    assert stands(office).replies_at == office.now + timedelta(seconds=10)
    office.wait(10)
    office.gather()
    assert len(replies(office)) == 2 * calls.MOST_REPLIES


def test_garbage_is_passed_over_counted_and_cut(office: Office, hub: Sociable) -> None:
    publish(office, "road")

    def garbage(since: str | None) -> Iterator[Any]:
        yield reply(1)
        while True:
            yield {"text": "no reply"}

    hub.hearings = [garbage]
    office.gather()
    assert len(replies(office)) == 1
    assert stands(office).why == "replies: the plugin gave 50 replies that are none"
    assert stands(office).replies_at == office.now + timedelta(minutes=5)


def test_a_plugin_that_takes_too_long_between_two_replies_is_cut(office: Office, hub: Sociable) -> None:
    publish(office, "road")

    def slow(since: str | None) -> Iterator[Reply]:
        for n in range(1, 100):
            office.seconds += 25
            yield reply(n)

    hub.hearings = [slow]
    office.gather()
    assert len(replies(office)) == 3


def test_what_came_before_a_failure_is_kept_and_the_cursor_with_it(office: Office, hub: Sociable) -> None:
    publish(office, "road")

    def breaks(since: str | None) -> Iterator[Reply]:
        yield reply(1)
        yield reply(2)
        raise Unavailable("busy")

    hub.hearings = [breaks]
    office.gather()
    assert (len(replies(office)), stands(office).cursor) == (2, "0002")
    assert stands(office).why == "replies: busy"


def test_the_cursor_does_not_move_when_the_replies_could_not_be_kept(
    office: Office, hub: Sociable, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(office, "road")
    hub.said = [reply(1)]
    monkeypatch.setattr("govpost.store.gathered.link_replies", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        office.gather()
    assert (stands(office).cursor, replies(office)) == (None, [])


def test_a_cursor_that_is_never_taken_is_given_up(office: Office, hub: Sociable) -> None:
    hub.said = [reply(1)]
    office.gather()
    hub.hearings = [KeyError("no such cursor")] * 5
    for _ in range(5):
        office.wait(timedelta(hours=6))
        office.gather()
    assert stands(office).cursor is None
    office.wait(timedelta(hours=6))
    office.gather()
    assert hub.since[-1] is None
    assert stands(office).cursor == "0001"


def test_replies_write_no_events(office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.said = [reply(n) for n in range(1, 100)]
    before = len(office.events())
    office.gather()
    assert len(replies(office)) == 99
    assert len(office.events()) == before


def test_a_plugin_cannot_write_while_it_reads(office: Office, hub: Sociable) -> None:
    class Posting(Sociable):
        def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Any:
            http.post("http://127.0.0.1:9/posts")

    hub.__class__ = Posting
    office.gather()
    assert "only reading is allowed here: POST was not sent" in stands(office).why


# --- who we are --------------------------------------------------------------------------------------------------


class Named(Scripted):
    """A platform that says who we are; it neither counts nor listens."""

    found: Any = Account(remote_id="7", name="@hub@example.social", limits={"max": 300})

    def verify(self, channel: Channel, http: Any) -> Account:
        self.calls.append(None)  # type: ignore[arg-type]
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def test_a_channel_is_verified_once_a_day(tmp_path: Path) -> None:
    hub = Named("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub})
    office.start()
    assert (office.gather(), office.gather()) == (1, 0)
    with office.store.read() as conn:
        assert accounts.get(conn, "hub").name == "@hub@example.social"
    office.wait(timedelta(hours=25))
    assert office.gather() == 1


def test_a_verification_that_fails_rests_for_an_hour(tmp_path: Path) -> None:
    hub = Named("hub", PLAIN)
    hub.found = Unavailable("busy")
    office = Office(tmp_path, {"hub": hub})
    office.start()
    assert (office.gather(), office.gather()) == (1, 0)
    office.wait(HOUR)
    hub.found = Named.found
    assert office.gather() == 1
    assert turns.gathers(office.fitted["hub"])


def test_another_account_than_before_pauses_the_channel_and_gathering_goes_on(tmp_path: Path) -> None:
    hub = Named("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub})
    office.start()
    office.gather()
    hub.found = Account(remote_id="8", name="@other@example.social")
    office.wait(timedelta(hours=25))
    office.gather()
    with office.store.read() as conn:
        assert channels.is_paused(channels.get(conn, "hub"), office.now)


def test_a_fault_of_our_own_is_something_to_look_at_until_a_channel_is_asked_again(
    office: Office, hub: Sociable
) -> None:
    def look() -> list[str]:
        with office.store.read() as conn:
            return [why for _, why in attention_gathered.failing(conn)]

    for _ in range(2):
        with office.tx("daemon") as tx:
            keeping.broken(tx, "hub", ZeroDivisionError("a secret"))
    assert look() == ["a fault of govpost's own (ZeroDivisionError); the daemon's log has more"]
    assert len(office.events("channel.gathering-fails")) == 1
    hub.hearings = [Unavailable("busy")]
    office.gather()
    assert (look(), stands(office).failures) == ([], 1)
    office.wait(HOUR)
    office.gather()
    assert (stands(office).why, stands(office).failures) == ("", 0)


def test_a_channel_that_is_only_verified_is_well_again_when_that_succeeds(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Named("hub", PLAIN)})
    office.start()
    with office.tx("daemon") as tx:
        keeping.broken(tx, "hub", ZeroDivisionError())
    office.gather()
    assert (stands(office).why, stands(office).failures) == ("", 0)


def test_a_verification_hides_no_trouble_of_measuring(office: Office) -> None:
    with office.tx("daemon") as tx:
        gathered.put_gathering(tx, "hub", why="measuring: busy", failures=5)
        keeping.well(tx, "hub")
    assert (stands(office).why, stands(office).failures) == ("measuring: busy", 5)


def test_receipts_say_what_the_platform_said(office: Office, hub: Sociable) -> None:
    seen: list[Receipt] = []

    class Reading(Sociable):
        def measure(self, receipts: Any, channel: Channel, http: Any) -> Any:
            seen.extend(receipts)
            return {"hub-1": Metrics(views=1)}

    hub.script = [Receipt(remote_id="hub-1", url="https://hub.example/1", raw={"cid": "bafy"})]
    publish(office, "road")
    hub.__class__ = Reading
    office.wait(QUARTER)
    office.gather()
    assert [(each.remote_id, each.url, each.raw) for each in seen] == [
        ("hub-1", "https://hub.example/1", {"cid": "bafy"})
    ]
