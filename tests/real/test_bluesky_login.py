"""Logging in on a real PDS: with an app password, with the account's own, at the wrong address; and after a leak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2

from real.servers.pds import BlueskyAccount, Pds
from real.test_bluesky import Sky, seat
from real.town import Seat, town


def app_password(account: BlueskyAccount) -> tuple[str, Callable[[], None]]:
    """Make an app password; return it and what deletes it again."""
    with account.client() as client:
        made = client.post("com.atproto.server.createAppPassword", json={"name": "govpost"})

    def delete() -> None:
        with account.client() as client:
            client.post("com.atproto.server.revokeAppPassword", json={"name": "govpost"}).raise_for_status()

    return made.raise_for_status().json()["password"], delete


def log_in(account: BlueskyAccount, password: str) -> dict[str, str]:
    """Log in as a thief does who found the app password."""
    asked = {"identifier": account.handle, "password": password}
    where = f"{account.url}/xrpc/com.atproto.server.createSession"
    session: dict[str, str] = httpx2.post(where, json=asked, timeout=30, trust_env=False).json()
    return session


def renewed(account: BlueskyAccount, session: dict[str, str]) -> httpx2.Response:
    """Try to go on with a session."""
    where = f"{account.url}/xrpc/com.atproto.server.refreshSession"
    headers = {"authorization": f"Bearer {session['refreshJwt']}"}
    return httpx2.post(where, headers=headers, timeout=30, trust_env=False)


def test_a_person_logs_in_with_an_app_password(tmp_path: Path, pds: Pds) -> None:
    account = pds.account()
    password, _ = app_password(account)
    made_town = town(tmp_path, Seat(**{**seat(account, pds).__dict__, "secrets": {}}))
    refused = made_town.run("channel", "login", "bsky", "--no-browser", typed="abcd-efgh-ijkl-mnop\n")
    assert refused.code == 1
    assert "does not take this password" in refused.err
    done = made_town.run("channel", "login", "bsky", "--no-browser", typed=f"{password}\n")
    assert done.code == 0, done
    assert password not in done.out + done.err
    sky = Sky(made_town, account)
    sky.publish("hello", "Hello from the city.")
    assert password not in (tmp_path / ".govpost" / "govpost.db").read_bytes().decode("latin-1")


def test_the_account_s_own_password_is_noted_and_an_app_password_is_not(tmp_path: Path, pds: Pds) -> None:
    account = pds.account()
    made_town = town(tmp_path, Seat(**{**seat(account, pds).__dict__, "secrets": {}}))
    done = made_town.run("channel", "login", "bsky", "--no-browser", typed=f"{account.password}\n")
    assert "Note: this is the account's own password" in done.out
    assert "the account's own password" in made_town.run("channel", "verify", "bsky").out
    password, _ = app_password(account)
    again = made_town.run("channel", "login", "bsky", "--no-browser", typed=f"{password}\n")
    assert again.code == 0, again
    assert "own password" not in again.out + made_town.run("channel", "verify", "bsky").out


def test_where_something_else_answers_one_sentence_says_so(tmp_path: Path, pds: Pds) -> None:
    place = Seat(**{**seat(pds.account(), pds, url=pds.plc.url).__dict__, "secrets": {}})
    said = town(tmp_path, place).run("channel", "login", "bsky", "--no-browser", typed="x\n")
    assert said.code == 1
    assert f"what answers at {pds.plc.url} is not a server of Bluesky" in said.err
    assert "lives on" not in said.out
    assert "password" not in said.out


def test_a_deleted_app_password_stops_nothing_while_the_session_lives(tmp_path: Path, pds: Pds) -> None:
    account = pds.account()
    password, delete = app_password(account)
    made_town = town(tmp_path, Seat(**{**seat(account, pds).__dict__, "secrets": {}}))
    assert made_town.run("channel", "login", "bsky", "--no-browser", typed=f"{password}\n").code == 0
    sky = Sky(made_town, account)
    session = log_in(account, password)
    delete()
    assert renewed(account, session).status_code in (400, 401)
    sky.publish("after", "The app password is gone, and the session lives.")
    assert len(sky.values()) == 1
    made_town.ok("channel", "pause", "bsky", "--reason", "the app password leaked")
    made_town.release("held", "This stays at home.", channels="bsky")
    made_town.deliver()
    assert len(sky.values()) == 1
