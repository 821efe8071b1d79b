"""`govpost metrics` and what `delivery show` says of what came back."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli_city import City, finish, process, read_until
from govpost.domain import Capabilities, Metrics, Reply
from govpost.errors import RateLimited, Unavailable
from govpost.store import gathered
from govpost.times import utcnow
from office import Office, Scripted, Sociable

PLAIN = Capabilities(title=True, link=True)


@pytest.fixture
def hub() -> Sociable:
    return Sociable("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Sociable, monkeypatch: pytest.MonkeyPatch) -> Office:
    return open_office(tmp_path, monkeypatch, hub)


def open_office(root: Path, monkeypatch: pytest.MonkeyPatch, *platforms: Scripted) -> Office:
    """Return an office whose command line has the office's own platforms."""
    office = Office(root, {each.name: each for each in platforms}, now=utcnow() - timedelta(hours=5))
    office.start()
    monkeypatch.setattr("govpost.workspace.Workspace.bench", lambda _self: office.bench)
    return office


@pytest.fixture
def city(office: Office) -> City:
    return City(office.root)


def publish(office: Office, *slugs: str) -> None:
    for slug in slugs:
        office.release(slug)
    office.work()


def count(office: Office, hub: Sociable, **counts: Any) -> None:
    """Let time pass until the first post is counted again."""
    hub.counts["hub-1"] = Metrics(**counts)
    office.wait(timedelta(hours=1))
    office.gather()


def said(n: int, text: str, **values: Any) -> Reply:
    fields: dict[str, Any] = {"to": "hub-1", "author": "@sam@example.social", "at": utcnow()}
    return Reply(remote_id=f"r{n}", text=text, **(fields | values))


# --- list --------------------------------------------------------------------------------------------------------


def test_before_anything_was_counted_it_says_so(city: City) -> None:
    assert city.ok("metrics", "list").out == "nothing has been measured yet\n"
    assert city.ask("metrics", "list") == []
    assert city.ok("metrics", "list", "--csv").out.splitlines() == [
        "post,channel,platform,part,parts,url,live_at,gone_at,at,views,likes,shares,replies,quotes,clicks,"
        "views_growth,likes_growth,shares_growth,replies_growth,quotes_growth,clicks_growth"
    ]


def test_counts_stand_at_their_right_edge_with_what_they_grew_by_and_unknown_is_a_dash(
    city: City, office: Office, hub: Sociable
) -> None:
    publish(office, "road", "water")
    hub.counts["hub-2"] = Metrics(views=2, likes=0)
    count(office, hub, views=3, likes=1)
    hub.counts["hub-2"] = Metrics(views=2, likes=0)
    office.wait(timedelta(hours=2))
    count(office, hub, views=1003, likes=1)
    head, first, second = city.ok("metrics", "list").out.splitlines()
    columns = "POST CHANNEL MEASURED VIEWS +/- LIKES SHARES REPLIES QUOTES CLICKS"
    assert " ".join(head.split()) == columns
    rows = {line.split()[0]: line for line in (first, second)}
    assert rows["road"].split()[-7:] == ["1003", "+1000", "1", "–", "–", "–", "–"]
    assert rows["water"].split()[-6:] == ["2", "0", "–", "–", "–", "–"]
    for line in rows.values():
        assert len(line) == len(head)
        assert line[head.index("VIEWS") + len("VIEWS")] == " "


def test_json_has_the_latest_sample_and_its_growth(city: City, office: Office, hub: Sociable) -> None:
    publish(office, "road")
    count(office, hub, views=3)
    office.wait(timedelta(hours=2))
    count(office, hub, views=2, likes=4)
    (row,) = city.ask("metrics", "list")
    assert (row["post"], row["channel"], row["delivery"]) == ("road", "hub", office.one("road").id)
    assert (row["views"], row["likes"], row["shares"], row["samples"]) == (2, 4, None, 2)
    assert (row["growth"]["views"], row["growth"]["likes"]) == (-1, None)
    assert row["since"] < row["at"]


@pytest.mark.parametrize(
    ("options", "slugs"),
    [
        ((), {"road", "water"}),
        (("--post", "road"), {"road"}),
        (("--channel", "hub"), {"road", "water"}),
        (("--since", "1d"), {"road", "water"}),
        (("--since", "1m"), set()),
        (("--since", "2020-01-01"), {"road", "water"}),
        (("--since", "2999-01-01T00:00:00Z"), set()),
    ],
)
def test_the_list_is_narrowed(
    city: City, office: Office, hub: Sociable, options: tuple[str, ...], slugs: set[str]
) -> None:
    publish(office, "road", "water")
    hub.counts["hub-2"] = Metrics(views=2)
    count(office, hub, views=3)
    assert {row["post"] for row in city.ask("metrics", "list", *options)} == slugs


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--channel", "hob"), "did you mean 'hub'"),
        (("--since", "soon"), "not a duration"),
        (("--since", "2026-99-99"), "not a time"),
        (("--post", "nothing"), "nothing"),
    ],
)
def test_what_is_not_there_is_said(city: City, options: tuple[str, ...], words: str) -> None:
    refused = city.run("metrics", "list", *options)
    assert refused.code in (1, 2)
    assert words in refused.err


def test_csv_is_for_spreadsheets_and_no_cell_is_a_formula(city: City, office: Office, hub: Sociable) -> None:
    publish(office, "road")
    count(office, hub, views=9)
    office.wait(timedelta(hours=2))
    count(office, hub, views=3)
    with office.tx() as tx:
        url = '=HYPERLINK("http://evil.example","x")\x1b[2J'
        tx.conn.exec_driver_sql("UPDATE delivery SET url = ?", (url,))
    (row,) = csv.DictReader(io.StringIO(city.ok("metrics", "list", "--csv").out))
    assert (row["views"], row["views_growth"], row["likes"]) == ("3", "-6", "")
    assert row["url"].startswith("'=HYPERLINK")
    assert "\x1b" not in row["url"]


def test_each_part_of_a_thread_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Sociable("hub", Capabilities(max_chars=80, threads=True))
    office = open_office(tmp_path, monkeypatch, hub)
    office.release("road", "The road is closed on Friday. " * 4)
    office.work()
    hub.counts = {f"hub-{n}": Metrics(views=n) for n in range(1, 9)}
    office.wait(timedelta(hours=1))
    office.gather()
    listed = City(office.root).ok("metrics", "list").out
    parts = len(office.deliveries("road"))
    assert parts > 1
    assert all(f"road {n}/{parts}" in listed for n in range(1, parts + 1))


# --- collect -----------------------------------------------------------------------------------------------------


def test_collect_asks_now_and_says_what_came(city: City, office: Office, hub: Sociable) -> None:
    publish(office, "road", "water")
    hub.counts = {"hub-1": Metrics(views=1), "hub-2": Metrics(views=2)}
    hub.said = [said(1, "Thanks!")]
    assert city.ok("metrics", "collect").out == "hub: 2 posts measured, 1 new reply\n"
    hub.counts = {"hub-1": Metrics(views=1)}
    hub.said = [said(1, "Thank you!")]
    assert city.ok("metrics", "collect").out == "hub: 1 post measured, 0 new replies, 1 changed\n"
    assert {row["post"] for row in city.ask("metrics", "list")} == {"road", "water"}


def test_collect_finds_what_is_gone(city: City, office: Office, hub: Sociable) -> None:
    publish(office, "road")
    city.ok("metrics", "collect")
    with office.tx() as tx:
        gathered.put_reading(tx, office.one("road").id, gone_at=utcnow() - timedelta(hours=2))
    assert city.ok("metrics", "collect").out == "hub: 0 posts measured, 0 new replies, 1 gone\n"
    shown = city.ok("delivery", "show", office.one("road").id)
    assert "gone: the platform has not known it since" in shown.out
    assert "never; gone since" in city.ok("metrics", "list").out
    (row,) = city.ask("metrics", "list")
    assert row["gone_at"] is not None
    assert (row["at"], row["views"], row["samples"]) == (None, None, 0)


def test_collect_exits_1_when_a_channel_failed_and_goes_on_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, board = Sociable("hub", PLAIN), Sociable("board", PLAIN)
    office = open_office(tmp_path, monkeypatch, hub, board, Scripted("mute", PLAIN))
    publish(office, "road")
    hub.answers = [Unavailable("the server is down\x1b[2J")]
    board.counts = {"board-1": Metrics(views=1)}
    board.hearings = [Unavailable("busy")]
    failed = City(office.root).run("metrics", "collect")
    assert failed.code == 1
    assert failed.out.splitlines() == [
        "hub: failed: the server is down\N{REPLACEMENT CHARACTER}[2J",
        "board: 1 post measured, 0 new replies; then failed: busy",
    ]
    assert [each["ok"] for each in City(office.root).ask("metrics", "collect")] == [True, True, None]


def test_collect_leaves_a_channel_alone_that_was_told_to_wait(
    city: City, office: Office, hub: Sociable
) -> None:
    office.now = utcnow()
    hub.hearings = [RateLimited(retry_after=timedelta(hours=1))]
    assert city.run("metrics", "collect").code == 1
    asked = city.run("metrics", "collect", "--channel", "hub")
    assert (asked.code, len(hub.since)) == (1, 1)
    assert asked.out.startswith("hub: not asked: hub is to be left alone until")
    assert city.ok("metrics", "collect").out.startswith("no channel has a platform")


def test_collect_of_one_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = open_office(tmp_path, monkeypatch, Sociable("hub", PLAIN), Scripted("mute", PLAIN))
    city = City(office.root)
    assert city.ok("metrics", "collect", "--channel", "hub").out == "hub: 0 posts measured, 0 new replies\n"
    mute = city.run("metrics", "collect", "--channel", "mute")
    assert (mute.code, mute.out) == (1, "mute: not asked: the platform mute neither counts nor listens\n")
    assert city.run("metrics", "collect", "--channel", "mutt").code == 2


def test_collect_says_that_a_platform_is_not_loaded(city: City, office: Office) -> None:
    office.bench = type(office.bench)(
        registry=office.registry, fitted={}, missing={"hub": "no plugin brings it"}
    )
    refused = city.run("metrics", "collect")
    assert (refused.code, refused.out) == (1, "hub: failed: no plugin brings it\n")


def test_somebody_who_is_nobody_here_may_not_collect(city: City, office: Office) -> None:
    refused = city.run("metrics", "collect", by=None)
    assert refused.code == 1
    assert "may only read" in refused.err


# --- delivery show -----------------------------------------------------------------------------------------------


def test_delivery_show_has_samples_and_replies(city: City, office: Office, hub: Sociable) -> None:
    publish(office, "road")
    hub.said = [
        said(1, "Thanks!", at=utcnow() - timedelta(days=2)),
        said(
            2,
            "First line.\n\nattempt 9 at noon: live " + "and a long story " * 30,
            state="held",
            kind="quote",
            url="https://example.social/@sam/2",
        ),
    ]
    count(office, hub, views=3)
    office.wait(timedelta(hours=2))
    count(office, hub, views=5, likes=0)
    shown = city.ok("delivery", "show", office.one("road").id).out
    assert "2 samples, newest first:" in shown
    assert "views 5 (+2), likes 0\n" in shown
    assert "2 replies, newest first:" in shown
    assert shown.index("(quote, held)") < shown.index("(reply)")
    assert "    at: https://example.social/@sam/2\n" in shown
    words = shown[shown.index("2 replies") : shown.index("\nattempt 1 at")].splitlines()
    assert all(
        line.startswith("    | ") or line == "    |" for line in words if "story" in line or "attempt" in line
    )
    assert max(map(len, words)) <= 100
    asked = city.ask("delivery", "show", office.one("road").id)
    assert all(f"    id: {each['id']}\n" in shown for each in asked["replies"])
    assert [each["views"] for each in asked["samples"]] == [3, 5]
    assert [each["remote_id"] for each in asked["replies"]] == ["r2", "r1"]
    assert asked["measured_next"] is not None
    assert asked["gone_at"] is None


def test_delivery_show_is_short_of_many_replies_and_of_long_ones(
    city: City, office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    hub.said = [said(n, "so long " * 1000) for n in range(12)]
    office.gather()
    shown = city.ok("delivery", "show", office.one("road").id).out
    assert "… and 2 older; --json shows all" in shown
    assert len(shown) < 20_000
    assert len(city.ask("delivery", "show", office.one("road").id)["replies"]) == 12


def test_delivery_show_says_that_a_post_was_not_found_and_is_asked_for_again(
    city: City, office: Office, hub: Sociable
) -> None:
    publish(office, "road")
    office.wait(timedelta(hours=1))
    office.gather()
    shown = city.ok("delivery", "show", office.one("road").id).out
    assert "not found on" in shown
    assert "then believed" in shown


def test_a_delivery_of_which_nothing_came_back_says_nothing_of_it(city: City, office: Office) -> None:
    publish(office, "road")
    shown = city.ok("delivery", "show", office.one("road").id).out
    assert "sample" not in shown
    asked = city.ask("delivery", "show", office.one("road").id)
    assert (asked["samples"], asked["replies"], asked["measured_next"]) == ([], [], None)


# --- on a terminal -----------------------------------------------------------------------------------------------

PLUGIN = """
from govpost import Capabilities, Metrics, Receipt, hookimpl

class Board:
    name = "board"
    capabilities = Capabilities(title=True, link=True)
    def publish(self, variant, channel, http):
        return Receipt(remote_id="1", url="https://board.example/1")
    def measure(self, receipts, channel, http):
        return {each.remote_id: Metrics(views=3) for each in receipts}

@hookimpl
def govpost_platforms():
    return [Board()]
"""


def test_collect_shows_how_far_it_is_on_a_terminal_and_leaves_one_line(tmp_path: Path) -> None:
    from cli_city import city as build

    riverton = build(tmp_path, start=False)
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins" / "board.py").write_text(PLUGIN)
    riverton.change(
        'platform = "webhook"\nsettings = { url = "https://hub.example.gov/notices" }', 'platform = "board"'
    )
    riverton.ok("pilot", "start", "hub")
    riverton.schedule("alpha", channels="hub")
    riverton.deliver()
    master, slave = pty.openpty()
    running = process("-C", str(tmp_path), "--as", "ben", "metrics", "collect", stderr=slave)
    os.close(slave)
    progress = read_until(master, "1 post measured …")
    ended = finish(running)
    os.close(master)
    assert ended.out == "hub: 1 post measured, 0 new replies\n"
    assert "hub: asking …" in progress
    assert json.loads(riverton.ok("--json", "metrics", "list").out)[0]["views"] == 3
