"""When log-ins end is told in time, with the posts that come after it; what renews itself is no alarm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli_city import City
from govpost.accounts import keep
from govpost.domain import Account
from govpost.expiries import Ending, foreseen
from govpost.store import accounts
from govpost.times import moment_of_instant, utcnow
from govpost.workspace import open_workspace
from square import Square, city_with, open_square

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
ENDS = """
    def ends(self, secrets):
        from datetime import datetime, timedelta, timezone
        return SAYS

    def verify("""


def ending(days: float, *, renews: bool = False, stored: bool = True) -> Ending:
    return Ending(channel="news", at=NOW + timedelta(days=days), renews=renews, stored=stored)


@pytest.mark.parametrize(
    ("days", "renews", "posts", "found"),
    [
        (30, False, [], None),
        (30, False, ["a"], "waits"),
        (14, False, [], "pressing"),
        (15, False, [], None),
        (-1, False, [], "pressing"),
        (30, True, ["a"], None),
        (8, True, ["a"], None),
        (7, True, [], "pressing"),
        (-1, True, [], "pressing"),
    ],
)
def test_an_end_is_told_before_it_comes_or_when_posts_come_after_it(
    days: float, renews: bool, posts: list[str], found: str | None
) -> None:
    told = foreseen(ending(days, renews=renews), posts, NOW)
    assert (told and ("pressing" if told.pressing else "waits")) == found


@pytest.mark.parametrize(
    ("posts", "said"),
    [
        ([], "its log-in ends on 2026-12-01 12:00"),
        (
            ["spring-fair"],
            "its log-in ends on 2026-12-01 12:00; 1 queued post falls after that (spring-fair)",
        ),
        (
            ["a", "b", "c", "d"],
            "its log-in ends on 2026-12-01 12:00; 4 queued posts fall after that (a, b, c, …)",
        ),
        (
            ["a"] * 1000,
            "its log-in ends on 2026-12-01 12:00; 1,000 or more queued posts fall after that (a, a, a, …)",
        ),
    ],
)
def test_the_posts_are_named_and_counted(posts: list[str], said: str) -> None:
    told = foreseen(ending(10), posts, NOW)
    assert told is not None
    assert told.words("America/Chicago") == said
    assert told.command == "govpost channel login news"


def test_what_has_ended_is_told_as_past_and_what_config_holds_has_to_be_changed_there() -> None:
    told = foreseen(ending(-1, stored=False), [], NOW)
    assert told is not None
    assert told.words("UTC") == "its log-in ended on 2026-11-20 18:00"
    assert told.command == (
        "put new credentials where [channels.news] secrets points, then govpost channel verify news"
    )


@pytest.fixture
def square() -> Iterator[Square]:
    with open_square() as found:
        yield found


def riverton(square: Square, root: Path, says: str, *, renews: bool = False) -> City:
    """Make a city that is logged in on the square until the instant that `says` gives."""
    made = city_with(square, root)
    plugin = root / "plugins" / "square.py"
    text = plugin.read_text().replace("\n    def verify(", ENDS.replace("SAYS", says))
    plugin.write_text(text if renews else text.replace("def refresh(", "def once("))
    assert made.run("channel", "login", "square", typed=f"{square.code}\n").code == 0
    return made


def until(days: float) -> str:
    return f"datetime.fromtimestamp({(utcnow() + timedelta(days=days)).timestamp()}, timezone.utc)"


def schedule(made: City, slug: str, days: int) -> None:
    at = moment_of_instant(utcnow() + timedelta(days=days), "America/Chicago").wall
    made.schedule(slug, f"Come to the {slug}.", channels="square", more=f'at: "{at}"\n')


def log_ins(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["subject"], each["command"]) for each in told["attention"] if each["kind"] == "log-in"]


def test_status_and_doctor_name_the_posts_that_come_after_the_end(square: Square, tmp_path: Path) -> None:
    made = riverton(square, tmp_path, until(40))
    schedule(made, "autumn-fair", 20)
    assert made.ask("status")["expiries"] == []
    for slug, days in (("winter-fair", 50), ("spring-fair", 45)):
        schedule(made, slug, days)
    said = made.run("status")
    assert (
        "2 queued posts fall after that (spring-fair, winter-fair): govpost channel login square" in said.out
    )
    assert said.out.endswith("nobody has to look at anything\n")
    (told,) = made.ask("status")["expiries"]
    assert {key: told[key] for key in ("channel", "renews", "pressing", "posts", "command")} == {
        "channel": "square",
        "renews": False,
        "pressing": False,
        "posts": 2,
        "command": "govpost channel login square",
    }
    (check,) = [each for each in made.ask("doctor")["checks"] if each["check"] == "log-in"]
    assert check["ok"] is None
    assert "(spring-fair, winter-fair)" in check["detail"]
    assert made.ask("vault", "show")["channels"][0]["expires_at"] == told["expires_at"]


def test_what_is_held_comes_after_the_end_too(square: Square, tmp_path: Path) -> None:
    made = riverton(square, tmp_path, until(40))
    schedule(made, "winter-fair", 50)
    made.ok("channel", "pause", "square", "--reason", "why")
    (told,) = made.ask("status")["expiries"]
    assert told["posts"] == 1


def test_an_end_that_is_near_needs_a_person(square: Square, tmp_path: Path) -> None:
    made = riverton(square, tmp_path, until(5))
    assert log_ins(made.ask("status")) == [("square", "govpost channel login square")]
    assert made.run("status").code == 1
    (check,) = [each for each in made.ask("doctor")["checks"] if each["check"] == "log-in"]
    assert (check["ok"], check["tip"]) == (False, "govpost channel login square")
    made.ok("pilot", "suspend", "square", "--reason", "why")
    assert log_ins(made.ask("status")) == []


def test_what_renews_itself_is_no_alarm_until_its_last_week(square: Square, tmp_path: Path) -> None:
    made = riverton(square, tmp_path, until(10), renews=True)
    schedule(made, "winter-fair", 50)
    assert made.ask("status")["expiries"] == []


def test_what_renews_itself_and_did_not_needs_a_person(square: Square, tmp_path: Path) -> None:
    made = riverton(square, tmp_path, until(6), renews=True)
    assert log_ins(made.ask("status")) == [("square", "govpost channel login square")]
    assert made.ask("status")["expiries"][0]["renews"] is True


def test_a_renewal_moves_the_end(square: Square, tmp_path: Path) -> None:
    made = riverton(square, tmp_path, until(6), renews=True)
    plugin = tmp_path / "plugins" / "square.py"
    later = plugin.read_text().replace("return datetime.from", "return timedelta(30) + datetime.from")
    plugin.write_text(later)
    square.expire()
    made.ok("channel", "verify", "square")
    assert made.ask("status")["expiries"] == []
    assert made.ask("vault", "show")["channels"][0]["renewed"] == 1


@pytest.mark.parametrize(
    "says",
    ["None", "datetime(2020, 1, 1)", "'soon'", "{}['canary-9981']", "(_ for _ in ()).throw(SystemExit)"],
)
def test_a_plugin_that_cannot_say_an_end_knows_none(
    square: Square, tmp_path: Path, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = riverton(square, tmp_path, says)
    assert made.ask("status")["expiries"] == []
    assert made.ask("vault", "show")["channels"][0]["expires_at"] is None
    assert "canary" not in caplog.text


def test_what_the_server_says_of_an_end_counts_until_the_next_log_in(square: Square, tmp_path: Path) -> None:
    made = city_with(square, tmp_path)
    soon, space = utcnow() + timedelta(days=3), open_workspace(tmp_path)
    platforms = {"square": "square"}
    fitted = space.bench().fitted["square"]
    with space.store.write("ben") as tx:
        keep(tx, space.config, fitted, Account(remote_id="7", name="x", expires_at=soon), always=False)
        assert accounts.ends(tx.conn, platforms) == {"square": (soon, False)}
        assert accounts.ends(tx.conn, {"square": "hub"}) == {}
    (told,) = log_ins(made.ask("status"))
    assert "[channels.square] secrets" in told[1]
    with space.store.write("ben") as tx:
        accounts.keep_token(tx, "square", fitted.sealer.seal("square", {"access_token": "x"}))
    space.store.close()
    assert log_ins(made.ask("status")) == []
