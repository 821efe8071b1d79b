"""Who we are on a platform is asked, kept within bounds, and never exchanged for another account without a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost import accounts, pilots
from govpost.domain import Account, Capabilities, Channel, Event
from govpost.errors import PublishError, Refused, Rejected, Unauthorized, Unavailable
from govpost.sessions import Sessions
from govpost.store import accounts as rows
from govpost.store import channels
from govpost.store.account_rows import AccountRecord
from live import living, until
from office import Office, Scripted

CANARY = "canary-9931-secret"


class Known(Scripted):
    """It says who we are; `found` is what it says next."""

    def __init__(self, name: str = "hub") -> None:
        super().__init__(name, Capabilities(max_chars=500))
        self.found: Any = Account(remote_id="7", name="@riverton", limits={"longest": 40})
        self.asked = 0

    def adapted(self, channel: Channel) -> Capabilities:
        return replace(self.capabilities, max_chars=int(channel.limits.get("longest", 500)))

    def verify(self, channel: Channel, http: Any) -> Account:
        self.asked += 1
        if isinstance(self.found, BaseException):
            raise self.found
        found: Account = self.found(channel) if callable(self.found) else self.found
        return found


class Renewing(Known):
    """Its token runs out."""

    good = "t1"

    def verify(self, channel: Channel, http: Any) -> Account:
        if channel.secrets.get("token") != self.good:
            raise Unauthorized("the token has expired")
        return super().verify(channel, http)

    def refresh(self, channel: Channel, http: Any) -> dict[str, str]:
        return {"token": self.good}


def agency(root: Path, hub: Scripted | None = None) -> Office:
    return Office(root, {"hub": hub or Known(), "plain": Scripted("plain", Capabilities())})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = agency(tmp_path)
    found.start()
    yield found
    found.store.close()


def sessions(office: Office) -> Sessions:
    return Sessions(store=office.store, owner="o", monotonic=lambda: office.seconds, sleep=office.wait)


def verify(
    office: Office, name: str = "hub", by: str | None = None, *, accept: bool = False
) -> AccountRecord:
    actor = office.person(by) if by else None
    return accounts.verify(sessions(office), office.config, office.fitted[name], actor=actor, accept=accept)


def hub(office: Office) -> Known:
    found = office.platforms["hub"]
    assert isinstance(found, Known)
    return found


def last(office: Office) -> Event:
    return office.events("channel.verified")[-1]


def test_what_the_server_says_of_us_is_kept_with_its_limits(office: Office) -> None:
    hub(office).found = Account(
        remote_id="7",
        name="@riverton",
        url="https://square.example/@riverton",
        server="Square 4.1",
        limits={"longest": 40, "ratio": 1.5, "types": ("image/png",)},
        missing=("write:media",),
        links=("https://riverton.example.gov/",),
        notes=("two-factor is off",),
    )
    verify(office)
    with office.store.read() as conn:
        found = rows.get(conn, "hub")
    assert found is not None
    assert found.model_dump() == {
        "channel": "hub",
        "platform": "hub",
        "checked_at": office.now,
        "remote_id": "7",
        "name": "@riverton",
        "url": "https://square.example/@riverton",
        "server": "Square 4.1",
        "limits": {"longest": 40, "ratio": 1.5, "types": ["image/png"]},
        "missing": ["write:media"],
        "links": ["https://riverton.example.gov/"],
        "notes": ["two-factor is off"],
        "links_back": True,
        "expires_at": None,
    }


def test_a_persons_verification_is_always_on_the_record_and_the_daemons_when_something_changed(
    office: Office,
) -> None:
    verify(office)
    assert (last(office).actor, last(office).detail["changed"]) == ("daemon", ["verified for the first time"])
    verify(office)
    assert len(office.events("channel.verified")) == 1
    verify(office, by="ben")
    assert (last(office).actor, last(office).detail["changed"]) == ("ben", [])
    hub(office).found = Account(remote_id="7", name="@city", limits={"longest": 50, "new": "x" * 1000})
    verify(office)
    changed = last(office).detail["changed"]
    assert changed[:2] == ["name: @riverton → @city", "limits.longest: 40 → 50"]
    assert len(changed[2]) <= 300


def test_another_account_is_refused_and_stops_the_channel_until_an_admin_accepts_it(office: Office) -> None:
    verify(office)
    hub(office).found = Account(remote_id="8", name="@mallory", limits={"longest": 9})
    with pytest.raises(Refused, match="belong to @mallory, another account than @riverton") as caught:
        verify(office)
    assert "say the same again with --accept-account" in caught.value.tip
    with office.store.read() as conn:
        kept = rows.get(conn, "hub")
        assert kept is not None
        assert (kept.remote_id, kept.limits) == ("7", {"longest": 40})
        assert channels.get(conn, "hub").paused_until == channels.FOR_GOOD
    with pytest.raises(Refused, match="may not verify accounts"):
        verify(office, by="cleo", accept=True)
    assert verify(office, by="ben", accept=True).remote_id == "8"
    assert "remote_id: 7 → 8" in last(office).detail["changed"]


def test_the_same_id_on_another_server_is_another_account(office: Office) -> None:
    for address, same in (
        ("https://one.example/@city", True),
        ("https://one.example/@riverton", True),
        ("https://two.example/@riverton", False),
    ):
        hub(office).found = Account(remote_id="7", name="@riverton", url=address)
        if same:
            assert verify(office).url == address
        else:
            with pytest.raises(Refused, match="another account"):
                verify(office)


def test_who_may_neither_publish_nor_administer_may_not_verify(office: Office) -> None:
    with pytest.raises(Refused, match="may not verify accounts"):
        verify(office, by="ana")


def test_a_platform_that_cannot_be_asked_is_refused(office: Office) -> None:
    with pytest.raises(Refused, match="plain: the platform plain cannot be asked who we are there"):
        verify(office, "plain")


def test_credentials_that_ran_out_are_renewed_once_to_ask(tmp_path: Path) -> None:
    platform = Renewing()
    office = agency(tmp_path, platform)
    assert verify(office).name == "@riverton"
    assert len(office.events("channel.refreshed")) == 1
    platform.found = Unauthorized("no scope")
    with pytest.raises(Unauthorized):
        verify(office)


def test_without_a_renewal_unauthorized_comes_out(office: Office) -> None:
    hub(office).found = Unauthorized("who are you?")
    with pytest.raises(Unauthorized, match="who are you"):
        verify(office)


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (None, Rejected),
        ({"remote_id": "7"}, Rejected),
        (Account(remote_id=" ", name="x"), Rejected),
        (Account(remote_id="7", name="x", limits={"a": float("nan"), (1, 2): 3}), PublishError),  # type: ignore[dict-item]
        (Account(remote_id="7", name="x", links=5), PublishError),  # type: ignore[arg-type]
        (KeyError(CANARY), Unavailable),
        (SystemExit(3), Unavailable),
    ],
)
def test_an_answer_that_says_nothing_is_an_error_and_not_a_record(
    office: Office, found: object, error: type[PublishError]
) -> None:
    hub(office).found = found
    with pytest.raises(error):
        verify(office)
    with office.store.read() as conn:
        assert rows.get(conn, "hub") is None


def test_what_is_kept_of_an_account_is_bounded(office: Office) -> None:
    hub(office).found = Account(
        remote_id="7",
        name="n" * 5000,
        limits={"much": "x" * 100_000},
        links=tuple(f"https://example.org/{number}" for number in range(500)),
        notes=("y" * 5000,),
    )
    found = verify(office)
    assert found.limits == {}
    assert (len(found.links), len(found.name), len(found.notes[0])) == (20, 300, 300)


def test_limits_that_their_own_plugin_cannot_read_are_not_kept(office: Office) -> None:
    hub(office).found = Account(remote_id="7", name="x", limits={"longest": "many"})
    with pytest.raises(Rejected, match="cannot read the limits"):
        verify(office)


def test_secrets_do_not_stand_in_what_is_kept_of_an_account(tmp_path: Path) -> None:
    office = agency(tmp_path, Renewing())
    Renewing.good = CANARY
    try:
        hub(office).found = lambda channel: Account(
            remote_id="7",
            name="@riverton",
            url=f"https://square.example/?key={channel.secrets['token']}",
            limits={channel.secrets["token"]: channel.secrets["token"]},
            notes=(f"your token is {channel.secrets['token']}",),
        )
        found = verify(office)
    finally:
        Renewing.good = "t1"
    assert CANARY not in found.model_dump_json()
    assert CANARY not in json.dumps([str(each) for each in office.events()])
    assert found.notes == ["your token is [secret]"]


def test_a_name_is_shown_even_where_it_is_kept_with_the_secrets() -> None:
    channel = Channel(name="x", platform="x", secrets={"user": "riverton", "password": "riverton-pass"})
    found = accounts.cleaned(Account(remote_id="riverton", name="riverton riverton-pass"), channel)
    assert (found.remote_id, found.name) == ("riverton", "riverton [secret]")


@pytest.mark.parametrize(
    ("link", "back"),
    [
        ("https://riverton.example.gov/", True),
        ("https://www.riverton.example.gov/about", True),
        ("riverton.example.gov", True),
        ("https://news.riverton.example.gov/x", True),
        ("https://RIVERTON.example.gov", True),
        ("https://notriverton.example.gov/", False),
        ("https://riverton.example.gov.evil.example/", False),
        ("https://evil.example/riverton.example.gov", False),
        ("https://riverton.example.gov@evil.example/", False),
        ("mailto:clerk@riverton.example.gov", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_a_profile_links_back_when_it_leads_to_the_agencys_own_site(link: str, back: bool) -> None:
    assert accounts.links_back([link], "https://www.riverton.example.gov/home") is back


def due(office: Office) -> list[str]:
    with office.store.read() as conn:
        return accounts.due_for_verify(conn, office.fitted, office.now)


def test_the_daemon_verifies_what_was_never_asked_and_then_once_a_day(office: Office) -> None:
    assert due(office) == ["hub"]
    verify(office)
    assert due(office) == []
    office.wait(timedelta(hours=23))
    assert due(office) == []
    office.wait(timedelta(hours=2))
    assert due(office) == ["hub"]


def test_a_channel_that_does_not_publish_is_left_alone(tmp_path: Path) -> None:
    office = agency(tmp_path)
    assert due(office) == []
    office.start("hub")
    with office.tx() as tx:
        channels.pause(tx, "hub", channels.FOR_GOOD, "trouble")
    assert due(office) == []
    with office.tx() as tx:
        channels.resume(tx, "hub", "well")
        channels.put(tx, "hub", next_allowed_at=office.now + timedelta(hours=1))
    assert due(office) == []
    office.wait(timedelta(hours=2))
    assert due(office) == ["hub"]
    pilots.suspend(office.store, office.config, office.person("ben"), "hub", "stop")
    assert due(office) == []


def test_limits_reach_the_bench_and_leave_it_alone_while_nothing_changes(office: Office) -> None:
    bench = office.space.with_limits(office.bench)
    assert bench is office.bench
    verify(office)
    bench = office.space.with_limits(office.bench)
    assert bench.fitted["hub"].capabilities.max_chars == 40
    assert bench.fitted["hub"].channel.limits == {"longest": 40}
    assert bench.fitted["hub"].with_secrets().limits == {"longest": 40}
    assert office.space.with_limits(bench) is bench


def test_a_running_daemon_takes_new_limits_over(tmp_path: Path) -> None:
    office = agency(tmp_path)
    with living(office) as live:
        space = live.daemon.workspace
        work = Sessions(store=space.store, owner="o")
        accounts.verify(work, office.config, office.fitted["hub"])
        until(lambda: live.daemon.publisher.setup.fitted["hub"].capabilities.max_chars == 40, 60)


def test_limits_found_on_another_platform_are_not_a_channels_any_more(office: Office) -> None:
    verify(office)
    with office.store.read() as conn:
        assert rows.limits(conn, {"hub": "hub"}) == {"hub": {"longest": 40}}
        assert rows.limits(conn, {"hub": "other"}) == {}


def test_a_channel_that_moved_to_another_platform_is_verified_at_once(office: Office) -> None:
    verify(office)
    assert due(office) == []
    moved = office.fitted["hub"].config.model_copy(update={"platform": "square"})
    office.fitted["hub"] = replace(office.fitted["hub"], config=moved)
    assert due(office) == ["hub"]


class Upgraded(Known):
    """It reads the limits of its newer version alone."""

    newer = False

    def adapted(self, channel: Channel) -> Capabilities:
        if channel.limits and self.newer:
            return Capabilities(max_chars=channel.limits["longest_v2"])
        return super().adapted(channel)


def test_a_plugin_that_cannot_read_the_limits_of_before_goes_without_them_until_it_verified_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    platform = Upgraded()
    office = agency(tmp_path, platform)
    office.start("hub")
    verify(office)
    platform.newer = True
    platform.found = Account(remote_id="7", name="@riverton", limits={"longest_v2": 50})
    office.bench = office.space.with_limits(office.bench)
    office.fitted = dict(office.bench.fitted)
    assert (office.fitted["hub"].channel.limits, dict(office.bench.missing)) == ({}, {})
    assert "channel hub: its plugin cannot read the limits found at the last verify (KeyError" in caplog.text
    assert due(office) == []
    office.wait(timedelta(hours=1))
    assert due(office) == ["hub"]
    assert office.gather() == 1
    healed = office.space.with_limits(office.bench).fitted["hub"]
    assert (healed.capabilities.max_chars, healed.unread) == (50, False)


def test_a_plugin_that_breaks_without_limits_too_is_left_out_and_named(tmp_path: Path) -> None:
    platform = Upgraded()
    office = agency(tmp_path, platform)
    office.start("hub")
    verify(office)
    platform.adapted = None  # type: ignore[assignment, method-assign]
    bench = office.space.with_limits(office.bench)
    assert list(bench.fitted) == ["plain"]
    assert "the plugin of hub breaks at its settings: TypeError" in bench.missing["hub"]


def test_hiding_secrets_damages_no_number_and_no_id() -> None:
    channel = Channel(name="x", platform="x", secrets={"token": "5000"})
    limits = {"longest": 5000, "share": 0.5000, "kinds": ["a", True, None], "said": "5000"}
    found = accounts.cleaned(Account(remote_id="id-5000", name="r 5000", limits=limits), channel)
    assert found.limits == {"longest": 5000, "share": 0.5, "kinds": ["a", True, None], "said": "[secret]"}
    assert (found.remote_id, found.name) == ("id-5000", "r [secret]")


@pytest.mark.parametrize(
    ("secret", "remote_id"), [("riverton", "riverton"), (CANARY * 2, f"https://a.example/{CANARY * 2}")]
)
def test_an_id_that_is_a_secret_is_refused_and_not_kept(secret: str, remote_id: str) -> None:
    channel = Channel(name="x", platform="x", secrets={"password": secret})
    with pytest.raises(Rejected, match="gives a secret of the channel as the id") as caught:
        accounts.cleaned(Account(remote_id=remote_id, name="x"), channel)
    assert secret not in str(caught.value)
