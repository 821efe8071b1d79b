"""`govpost channel login`, `verify` and `logout`: a person logs a channel in, and sees who we are there."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_city import ON_TERMINAL, SOURCES, City, Said, finish, process, read_until
from govpost.cli.dialogue import Listener, Terminal, has_browser
from govpost.errors import Refused
from govpost.store import accounts
from govpost.workspace import open_workspace
from postgres import Server
from square import Square, city_with, open_square

BROWSER = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1]) as answer:
    open(sys.argv[2], "wb").write(answer.read())
"""


@pytest.fixture
def square() -> Iterator[Square]:
    with open_square() as found:
        found.account |= {
            "url": "https://square.example/@riverton",
            "server": "Square 4.1",
            "links": ["https://riverton.example.gov/"],
        }
        yield found


@pytest.fixture
def riverton(square: Square, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.delenv("BROWSER", raising=False)
    return city_with(square, tmp_path)


def log_in(riverton: City, square: Square, *more: str, by: str | None = "ben") -> Said:
    return riverton.run("channel", "login", "square", *more, by=by, typed=f"{square.code}\n")


def listed(riverton: City) -> dict[str, Any]:
    return next(each for each in riverton.ask("channel", "list") if each["name"] == "square")


def written(root: Path) -> bytes:
    """Return every byte that the program keeps."""
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".py")


def test_a_log_in_off_a_terminal_takes_its_answers_from_lines_and_says_who_logged_in(
    riverton: City, square: Square
) -> None:
    said = log_in(riverton, square)
    assert said.code == 0, said
    assert f"{square.url}/authorize?state=s1&redirect_uri=none" in said.out
    assert "The square has let us in." in said.out
    assert "square is logged in; stored: access_token, refresh_token" in said.out
    assert "square: @riverton" in said.out
    assert "limits:     longest 40" in said.out
    assert "links back: yes" in said.out
    found = listed(riverton)
    assert (found["account"], found["account_url"]) == ("@riverton", "https://square.example/@riverton")
    assert found["verified_at"]
    assert found["logged_in_at"]
    assert "@riverton" in riverton.ok("channel", "list").out


def test_a_machine_without_the_key_of_the_others_makes_none_of_its_own(
    riverton: City, square: Square, postgresql: Server
) -> None:
    url = postgresql.fresh()
    riverton.ok("store", "move", url)
    riverton.change("[security]", f'[store]\ndatabase = "{url}"\n\n[security]')
    assert log_in(riverton, square).code == 0
    key = riverton.root / ".govpost" / "vault.key"
    elsewhere = key.rename(riverton.root / "on-the-first-machine.key")
    issued = square.issued
    refused = log_in(riverton, square)
    assert refused.code == 1
    assert "is not on this machine" in refused.err
    assert "copy it from the machine that has it" in refused.err
    assert (square.issued, key.exists()) == (issued, False)
    elsewhere.rename(key)
    assert log_in(riverton, square).code == 0


def test_nothing_that_is_printed_or_kept_holds_a_secret(riverton: City, square: Square) -> None:
    told = [log_in(riverton, square), log_in(riverton, square, "--json")]
    told += [riverton.run("channel", "verify", "square", *more) for more in ((), ("--json",))]
    square.expire()
    told += [riverton.run("channel", "verify", "square"), riverton.run("--json", "audit", "log")]
    told += [riverton.run("--json", "channel", "list"), riverton.run("channel", "logout", "square")]
    assert [each.code for each in told] == [0] * 8
    assert square.issued == 3
    assert not [each for each in told if "canary" in each.out + each.err]
    assert b"canary" not in written(riverton.root)


def test_a_browser_comes_back_to_a_loopback_address_that_takes_one_visit(
    riverton: City, square: Square, tmp_path: Path
) -> None:
    script, page = tmp_path / "browser.txt", tmp_path / "page.html"
    script.write_text(BROWSER)
    running = process(
        "-C", str(riverton.root), "--as", "ben", "channel", "login", "square",
        env={"BROWSER": f"{sys.executable} {script} %s {page}"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = finish(running)
    assert said.code == 0, said
    assert "redirect_uri=http://127.0.0.1:" in said.out
    assert "You can close this window" in page.read_text()
    assert square.code not in said.out + said.err + page.read_text()
    assert listed(riverton)["account"] == "@riverton"


def test_without_a_browser_the_code_is_typed_even_where_there_is_one(
    riverton: City, square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "/no/such/browser %s")
    assert log_in(riverton, square, "--no-browser").code == 0


def test_on_a_terminal_a_secret_is_not_shown_while_it_is_typed(riverton: City, square: Square) -> None:
    main, terminal = pty.openpty()
    line = ["-C", str(riverton.root), "--as", "ben", "channel", "login", "square", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *line],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": SOURCES},
        start_new_session=True,
    ) as running:
        os.close(terminal)
        said = read_until(main, "The code that the page shows:")
        os.write(main, f"{square.code}\n".encode())
        said += read_until(main, "links back")
        said += read_until(main, "never said")
    os.close(main)
    assert running.returncode == 0, said
    assert "square is logged in" in said
    assert square.code not in said


def test_ctrl_c_at_the_question_ends_the_log_in_and_keeps_nothing(riverton: City) -> None:
    main, terminal = pty.openpty()
    line = ["-C", str(riverton.root), "--as", "ben", "channel", "login", "square", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *line],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": SOURCES},
        start_new_session=True,
    ) as running:
        os.close(terminal)
        said = read_until(main, "The code that the page shows:")
        while running.poll() is None:
            with contextlib.suppress(OSError):
                os.write(main, b"\x04")
            said += read_until(main, "interrupted", 1)
    os.close(main)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert listed(riverton)["logged_in_at"] is None


def test_a_log_in_that_fails_keeps_nothing_and_says_how_to_go_on(riverton: City, square: Square) -> None:
    said = riverton.run("channel", "login", "square", typed="wrong-code-canary\n")
    assert said.code == 1
    assert "the log-in of square failed" in said.err
    assert "govpost channel login square" in said.err
    said = riverton.run("channel", "login", "square", typed="")
    assert said.code == 1
    assert "nobody answers: The code that the page shows" in said.err
    square.steps = ["break"]
    said = log_in(riverton, square)
    assert "the plugin gave a secret 'access_token' that is no text of a usable length" in said.err
    assert listed(riverton)["logged_in_at"] is None
    assert b"wrong-code-canary" not in written(riverton.root)


def test_a_log_in_to_another_account_is_refused_and_the_one_before_stays(
    riverton: City, square: Square
) -> None:
    log_in(riverton, square)
    with_first = square.access
    square.account |= {"remote_id": "8", "name": "@mallory"}
    said = log_in(riverton, square)
    assert said.code == 1
    assert "belong to @mallory, another account than @riverton" in said.err
    space = open_workspace(riverton.root)
    with space.store.read() as conn:
        row = accounts.token(conn, "square")
    sealer = space.bench().fitted["square"].sealer
    assert row is not None
    assert sealer.open("square", row.sealed)["access_token"] == with_first
    space.store.close()
    assert log_in(riverton, square, "--accept-account").code == 0
    assert listed(riverton)["account"] == "@mallory"


def test_what_a_log_in_cannot_verify_is_kept_and_said(riverton: City, square: Square) -> None:
    del square.account["remote_id"]
    said = log_in(riverton, square)
    assert said.code == 1
    assert "square is logged in" in said.out
    assert "the plugin failed" in said.out
    assert listed(riverton)["logged_in_at"]
    square.account["remote_id"] = "7"
    assert riverton.run("channel", "verify", "square").code == 0


def test_a_paused_channel_is_named_after_the_log_in(riverton: City, square: Square) -> None:
    riverton.ok("channel", "pause", "square", "--reason", "the token has expired")
    said = log_in(riverton, square)
    assert "still paused: the token has expired" in said.out
    assert "govpost channel resume square" in said.out


def test_only_an_admin_logs_in_and_out(riverton: City, square: Square) -> None:
    for line in (("login",), ("logout",)):
        said = riverton.run("channel", *line, "square", by="cleo", typed=f"{square.code}\n")
        assert said.code == 1
        assert "that needs the role admin" in said.err


def test_a_platform_without_a_log_in_says_where_its_secrets_go(riverton: City) -> None:
    said = riverton.run("channel", "login", "hub", typed="x\n")
    assert said.code == 1
    assert "the platform webhook has no log-in of its own" in said.err
    assert "[channels.hub] secrets" in said.err


def test_a_key_that_cannot_be_used_is_told_before_anybody_types_anything(
    riverton: City, square: Square
) -> None:
    log_in(riverton, square)
    key = riverton.root / ".govpost" / "vault.key"
    key.write_text("no key at all")
    said = log_in(riverton, square)
    assert said.code == 1
    assert "holds no Fernet key" in said.err
    assert "The code" not in said.err
    said = riverton.run("channel", "verify", "square")
    assert said.code == 1
    assert "log in again: govpost channel login square" in said.out


def test_what_config_names_and_nobody_set_may_come_from_the_log_in(
    riverton: City, square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARE_KEY", "key-canary-1")
    secrets = 'secrets = { key = "env:SQUARE_KEY", access_token = "env:NOBODY_SET_THIS" }'
    riverton.change('platform = "square"', f'platform = "square"\n{secrets}')
    said = riverton.run("channel", "verify", "square")
    assert (said.code, "or govpost channel login square" in said.out) == (1, True)
    assert log_in(riverton, square).code == 0
    assert riverton.run("channel", "verify", "square").code == 0


def test_a_platform_that_cannot_be_asked_is_logged_in_all_the_same(riverton: City, square: Square) -> None:
    plugin = riverton.root / "plugins" / "square.py"
    plugin.write_text(plugin.read_text().replace("def verify(", "def never_asked("))
    said = log_in(riverton, square)
    assert (said.code, said.out.splitlines()[-1]) == (
        0,
        "square is logged in; stored: access_token, refresh_token",
    )
    assert listed(riverton)["account"] is None


def test_log_out_forgets_what_was_stored(riverton: City, square: Square) -> None:
    log_in(riverton, square)
    assert "revoke them on the platform too" in riverton.ok("channel", "logout", "square").out
    assert listed(riverton)["logged_in_at"] is None
    said = riverton.run("channel", "logout", "square")
    assert (said.code, "nothing is stored of a log-in of square" in said.err) == (1, True)
    verbs = [each["verb"] for each in riverton.ask("audit", "log")]
    assert [verb for verb in verbs if verb in ("channel.login", "channel.logout")] == [
        "channel.login",
        "channel.logout",
    ]


def test_verify_exits_1_when_something_is_missing_and_warns_when_the_profile_does_not_link_back(
    riverton: City, square: Square
) -> None:
    square.account |= {
        "missing": ["write:media"],
        "links": ["https://elsewhere.example/"],
        "notes": ["no 2FA"],
    }
    assert log_in(riverton, square).code == 1
    said = riverton.run("channel", "verify", "square")
    assert said.code == 1
    assert "missing:    write:media" in said.out
    assert "links back: no; put https://riverton.example.gov/ on the profile" in said.out
    assert "note:       no 2FA" in said.out
    square.account["missing"] = []
    assert riverton.run("channel", "verify", "square").code == 0


def test_verify_all_asks_every_platform_that_can_be_asked_and_tells_each(
    riverton: City, square: Square
) -> None:
    found = riverton.run("channel", "verify", "--all", "--json")
    assert found.code == 1
    (only,) = found.json
    assert (only["channel"], only["ok"], only["account"]) == ("square", False, None)
    assert only["why"]
    log_in(riverton, square)
    found = riverton.run("channel", "verify", "--all", "--json")
    assert found.code == 0
    assert found.json[0]["account"]["limits"] == {"longest": 40}
    assert riverton.ask("channel", "verify", "square")["account"]["links_back"] is True
    riverton.change('platform = "square"', 'platform = "webhook"')
    assert riverton.ok("channel", "verify", "--all").out == "no channel is on a platform that can be asked\n"


@pytest.mark.parametrize("line", [(), ("square", "--all"), ("--all", "--accept-account")])
def test_verify_wants_one_channel_or_all(riverton: City, line: tuple[str, ...]) -> None:
    said = riverton.run("channel", "verify", *line)
    assert (said.code, "name one channel, or say --all" in said.err) == (2, True)


def test_verify_says_what_cannot_be_asked_and_why_a_channel_is_not_there(riverton: City) -> None:
    said = riverton.run("channel", "verify", "hub")
    assert (said.code, "the platform webhook cannot be asked who we are there" in said.out) == (1, True)
    assert riverton.run("channel", "verify", "squar").code == 2
    (riverton.root / "plugins" / "square.py").write_text("broken(")
    said = riverton.run("channel", "verify", "square")
    assert (said.code, "the plugin square is failed" in said.out) == (1, True)


def test_limits_that_were_found_hold_in_previews_and_checks_at_once(riverton: City, square: Square) -> None:
    words = "Main Street is closed on Friday from six to six; detour by Oak Street."
    path = riverton.write("alpha", words, channels="square")
    assert riverton.run("post", "check", str(path)).code == 0
    log_in(riverton, square)
    said = riverton.run("post", "check", str(path))
    assert said.code == 1
    square.account["limits"] = {"longest": 500}
    riverton.ok("channel", "verify", "square")
    assert riverton.run("post", "check", str(path)).code == 0


def test_limits_that_a_newer_plugin_cannot_read_are_found_anew(riverton: City, square: Square) -> None:
    log_in(riverton, square)
    plugin = riverton.root / "plugins" / "square.py"
    before = plugin.read_text()
    plugin.write_text(
        before.replace(
            'channel.limits.get("longest", self.capabilities.max_chars)',
            'channel.limits["widest"] if channel.limits else 5',
        )
    )
    # Until it is asked anew, the channel goes by what its platform says without limits.
    assert (
        "over the limit of 5"
        in riverton.run("post", "check", str(riverton.write("a", channels="square"))).out
    )
    square.account["limits"] = {"widest": 90}
    assert riverton.run("channel", "verify", "square").code == 0
    assert riverton.run("post", "check", str(riverton.write("a", channels="square"))).code == 0


def test_the_daemon_publishes_with_what_the_log_in_left(riverton: City, square: Square) -> None:
    log_in(riverton, square)
    square.account["limits"] = {}
    riverton.ok("channel", "verify", "square")
    riverton.schedule("alpha", "The library opens on Sunday.", channels="square")
    square.expire()
    said = riverton.run("daemon", "--until-idle", by=None)
    assert (said.code, "canary" in said.out + said.err) == (0, False)
    assert square.posts == ["The library opens on Sunday."]
    assert len(square.used) == 1
    assert b"canary" not in written(riverton.root)


@pytest.mark.parametrize(
    ("environment", "system", "typed", "found"),
    [
        ({"BROWSER": "firefox"}, "linux", False, True),
        ({"DISPLAY": ":0"}, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "darwin", True, True),
        ({"DISPLAY": ":0"}, "linux", False, False),
        ({}, "linux", True, False),
    ],
)
def test_a_browser_is_used_where_the_person_has_one(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], system: str, typed: bool, found: bool
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: typed)
    assert has_browser(environment, system) is found


def test_nobody_waits_for_a_browser_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    with Terminal(browser=True, patience=0.05) as talk:
        assert talk.redirect() == talk.redirect()
        with pytest.raises(Refused, match="nobody came back from the browser"):
            talk.visit("https://square.example/authorize")


def test_only_web_addresses_are_given_to_a_browser() -> None:
    with Terminal(browser=True) as talk, pytest.raises(Refused, match="this is no web address"):
        talk.visit("file:///etc/passwd")


def test_any_other_path_of_the_loopback_address_is_not_there() -> None:
    listener = Listener()
    try:
        base = listener.address.rpartition("/")[0]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/favicon.ico")
        with urllib.request.urlopen(f"{listener.address}?code=a%20b&state=") as answer:
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert listener.wait(30) == {"code": "a b", "state": ""}
    finally:
        listener.close()
