"""`govpost vault`: what is stored, under which key, until when; and never a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cli_city import City
from govpost.sealing import Sealer
from square import Square, city_with, open_square


@pytest.fixture
def square() -> Iterator[Square]:
    with open_square() as found:
        yield found


@pytest.fixture
def riverton(square: Square, tmp_path: Path) -> City:
    made = city_with(square, tmp_path)
    assert made.run("channel", "login", "square", typed=f"{square.code}\n").code == 0
    return made


def test_the_stored_secrets_are_shown_with_their_key_and_never_themselves(riverton: City) -> None:
    said = riverton.ok("vault", "show", by=None)
    assert said.out.splitlines()[0] == "keys: 1, in .govpost/vault.key"
    assert said.out.splitlines()[1].split() == ["CHANNEL", "KEY", "CHANGED", "RENEWED", "ENDS"]
    assert said.out.splitlines()[2].split()[:2] == ["square", "1"]
    told = riverton.ask("vault", "show")
    assert (told["ok"], told["keys"], told["where"]) == (True, 1, ".govpost/vault.key")
    (channel,) = told["channels"]
    assert channel.pop("changed_at")
    assert channel == {"channel": "square", "key": 1, "renewed": 0, "expires_at": None, "renewing": False}
    key = Sealer(root=riverton.root).path.read_text().strip()
    assert "canary" not in said.out + str(told)
    assert key not in said.out + str(told)


def test_without_a_log_in_nothing_is_stored(square: Square, tmp_path: Path) -> None:
    made = city_with(square, tmp_path)
    assert made.ok("vault", "show").out == "keys: none yet\nno log-in has left any secrets\n"


def test_secrets_that_no_key_opens_are_told_with_what_to_do(riverton: City) -> None:
    Sealer(root=riverton.root).path.write_text(Fernet.generate_key().decode())
    said = riverton.run("vault", "show")
    assert said.code == 1
    assert "NONE" in said.out
    assert "bring the right key back, or log in again: govpost channel login square" in said.out
    assert riverton.ask("vault", "show")["channels"][0]["key"] is None
    rotated = riverton.ok("vault", "rotate")
    assert "square: no key opens its secrets; log in again: govpost channel login square" in rotated.out
    assert riverton.ask("vault", "rotate")["closed"] == ["square"]


def test_a_key_file_that_is_no_key_is_told_in_one_line(riverton: City) -> None:
    Sealer(root=riverton.root).path.write_text("canary")
    said = riverton.run("vault", "show")
    assert (said.code, said.out) == (1, "")
    assert "holds no Fernet key" in said.err
    assert "canary" not in said.err


def test_the_keys_are_exchanged_and_the_channel_works_on(riverton: City) -> None:
    said = riverton.ok("vault", "rotate")
    assert said.out == "sealed anew: square\n2 keys are in force\n"
    told = riverton.ask("vault", "rotate", "--drop-old")
    assert told == {"keys": 1, "dropped": 1, "resealed": ["square"], "closed": []}
    riverton.ok("channel", "verify", "square")
    verbs = [each["verb"] for each in riverton.ask("audit", "log")]
    assert [verb for verb in verbs if verb.startswith("vault.")] == [
        "vault.rotated",
        "vault.rotated",
        "vault.dropped",
    ]


def test_where_config_points_to_the_keys_only_the_sealing_is_done_anew(
    riverton: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Sealer(root=riverton.root).path.read_text().strip()
    riverton.change("impersonation = true", 'impersonation = true\nvault_key = "env:VAULT_KEY"')
    monkeypatch.setenv("VAULT_KEY", f"{Fernet.generate_key().decode()},{old}")
    assert riverton.ok("vault", "show").out.startswith("keys: 2, in env:VAULT_KEY\n")
    assert riverton.ask("vault", "show")["channels"][0]["key"] == 2
    assert riverton.ok("vault", "rotate").out.startswith("sealed anew: square\n")
    said = riverton.ok("vault", "rotate")
    assert said.out.startswith("nothing had to be sealed anew\n")
    assert riverton.run("vault", "rotate", "--drop-old").code == 1


def checks(riverton: City, name: str) -> list[tuple[bool | None, str]]:
    return [
        (each["ok"], each["detail"]) for each in riverton.ask("doctor")["checks"] if each["check"] == name
    ]


def test_doctor_says_whether_stored_secrets_can_be_opened(riverton: City) -> None:
    assert checks(riverton, "stored secrets") == [(True, "1 key, 1 channel")]
    riverton.ok("vault", "rotate")
    key = Sealer(root=riverton.root).path
    newer, older = key.read_text().split()
    key.write_text(f"{older}\n{newer}\n")
    assert checks(riverton, "stored secrets") == [(True, "2 keys, 1 channel, 1 under an older key")]
    key.write_text(older)
    assert (False, "no key opens those of square") in checks(riverton, "stored secrets")
    key.chmod(0o644)
    ((ok, detail),) = checks(riverton, "stored secrets")
    assert (ok, "can be read by others" in detail) == (False, True)


def test_doctor_tries_every_secret_that_config_points_to(
    riverton: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = 'impersonation = true\nvault_key = "file:key.txt"\n[store]\npassword = "env:CANARY_STORE"'
    riverton.change("impersonation = true", more)
    monkeypatch.setenv("CANARY_STORE", "canary")
    (riverton.root / "key.txt").write_text(Sealer(root=riverton.root).path.read_text())
    (riverton.root / "key.txt").chmod(0o640)
    found = checks(riverton, "secret")
    assert (True, "[store] password can be resolved") in found
    assert (True, "[security] vault_key can be resolved") in found
    assert [detail for ok, detail in found if ok is None] == [
        f"[security] vault_key: the whole group of {riverton.root}/key.txt can read or change it;"
        " mode 0600 keeps it to one account"
    ]
    (riverton.root / "key.txt").chmod(0o600)
    assert [ok for ok, _ in checks(riverton, "secret")] == [True, True]


def test_a_password_of_the_store_that_is_not_there_is_told_in_one_line(
    riverton: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    riverton.change("impersonation = true", 'impersonation = true\n[store]\npassword = "env:CANARY_STORE"')
    monkeypatch.delenv("CANARY_STORE", raising=False)
    said = riverton.run("status")
    assert (said.code, said.out) == (1, "")
    assert "the environment variable CANARY_STORE is not set" in said.err


def test_only_an_admin_exchanges_keys(riverton: City) -> None:
    said = riverton.run("vault", "rotate", by="cleo")
    assert (said.code, "that needs the role admin" in said.err) == (1, True)
