"""Secrets that a log-in left lie in the store only sealed, and a wrong key is told in one line."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from govpost.errors import Refused
from govpost.sealing import MAX_CHARS, MAX_SECRETS, Sealer, Unkept, checked

TOKENS = {"access_token": "canary-4711", "refresh_token": "canary-4712"}


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_what_was_sealed_is_opened_again_and_cannot_be_read_in_between(tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    sealed = sealer.seal("news", TOKENS)
    assert "canary" not in sealed
    assert sealer.open("news", sealed) == TOKENS
    assert Sealer(root=tmp_path).open("news", sealed) == TOKENS


def test_the_key_is_made_for_this_user_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    (tmp_path / ".govpost").mkdir(mode=0o700)
    (tmp_path / ".govpost").chmod(0o700)
    sealer = Sealer(root=tmp_path)
    sealer.seal("news", TOKENS)
    assert sealer.path.stat().st_mode & 0o777 == 0o600, oct(umask)
    assert [each.name for each in sealer.path.parent.iterdir()] == ["vault.key"]


def test_a_key_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".govpost").write_text("a file in the way")
    with pytest.raises(Refused, match="the key of stored secrets cannot be made"):
        Sealer(root=tmp_path).seal("news", TOKENS)


def test_many_who_make_the_key_at_once_agree_on_one(tmp_path: Path) -> None:
    sealed: list[str] = []
    start = threading.Barrier(8)

    def seal() -> None:
        start.wait()
        sealed.append(Sealer(root=tmp_path).seal("news", TOKENS))

    threads = [threading.Thread(target=seal) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Sealer(root=tmp_path).open("news", each) for each in sealed] == [TOKENS] * 8


def test_of_several_keys_the_first_seals_and_all_open(tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    old = sealer.seal("news", TOKENS)
    before = sealer.path.read_text()
    sealer.path.write_text(f"{Fernet.generate_key().decode()}\n\n{before}")
    new = sealer.seal("news", TOKENS)
    assert [sealer.open("news", each) for each in (old, new)] == [TOKENS, TOKENS]
    sealer.path.write_text(before)
    with pytest.raises(Refused):
        sealer.open("news", new)


def test_the_key_may_lie_where_other_secrets_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_KEY", Fernet.generate_key().decode())
    sealer = Sealer(root=tmp_path, reference="env:VAULT_KEY")
    assert sealer.open("news", sealer.seal("news", TOKENS)) == TOKENS
    assert not sealer.path.exists()
    monkeypatch.delenv("VAULT_KEY")
    with pytest.raises(Refused, match="VAULT_KEY is not set"):
        sealer.seal("news", TOKENS)


def test_secrets_of_one_channel_are_not_opened_for_another(tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    with pytest.raises(Refused, match="the key does not open the stored secrets of hub") as caught:
        sealer.open("hub", sealer.seal("news", TOKENS))
    assert caught.value.tip == "log in again: govpost channel login hub"


@pytest.mark.parametrize(
    ("damage", "said", "tip"),
    [
        ("other key", "the key does not open the stored secrets of news", "govpost channel login news"),
        ("no key", "holds no Fernet key", "govpost channel login news"),
        ("not ascii", "holds no Fernet key", "govpost channel login news"),
        ("empty", "holds no Fernet key", "govpost channel login news"),
        ("gone", "cannot be read", "govpost channel login news"),
        ("a folder", "cannot be read", "govpost channel login news"),
        ("readable", "can be read by others", "chmod 600"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_in_one_line_with_what_to_do(
    tmp_path: Path, damage: str, said: str, tip: str
) -> None:
    sealer = Sealer(root=tmp_path)
    sealed = sealer.seal("news", TOKENS)
    words = {"other key": Fernet.generate_key().decode(), "no key": "secret", "not ascii": "ü", "empty": "\n"}
    if damage in words:
        sealer.path.write_text(words[damage], encoding="utf-8")
    elif damage == "readable":
        sealer.path.chmod(0o640)
    else:
        sealer.path.unlink()
        if damage == "a folder":
            sealer.path.mkdir(mode=0o700)
    with pytest.raises(Refused, match=said) as caught:
        sealer.open("news", sealed)
    assert tip in caught.value.tip
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "given",
    [
        None,
        "token",
        {},
        {"token": 5},
        {"token": ""},
        {"token": "x" * MAX_CHARS},
        {f"token{number}": "x" for number in range(MAX_SECRETS + 1)},
    ],
)
def test_what_a_plugin_gives_as_secrets_is_checked(given: object) -> None:
    with pytest.raises(Unkept):
        checked(given)
    assert checked(TOKENS) == TOKENS
