"""Secrets: read when they are used, from where config.toml points, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from govpost import vault
from govpost.errors import Refused


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_KEY", "s3cret")
    assert vault.resolve_all({"key": "env:HUB_KEY"}, tmp_path) == {"key": "s3cret"}


def test_a_secret_comes_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"s3 cret \r\n")
    assert vault.resolve("file:key", tmp_path) == "s3 cret "
    assert vault.resolve(f"file:{tmp_path}/key", Path("/elsewhere")) == "s3 cret "


def test_a_secret_file_may_stand_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text("s3cret")
    assert vault.resolve("file:~/key", Path("/elsewhere")) == "s3cret"


def test_a_secret_comes_from_systemd_and_only_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "key").write_text("s3cret")
    assert vault.resolve("credential:key", Path("/elsewhere")) == "s3cret"
    assert vault.resolve("credential:../../key", Path("/elsewhere")) == "s3cret"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NOT_SET", "NOT_SET is not set"),
        ("env:EMPTY", "EMPTY is not set"),
        ("file:missing", "cannot be read"),
        ("file:.", "cannot be read"),
        ("file:~nobody-of-this-name/key", "cannot be read"),
        ("file:nul\0byte", "cannot be read"),
        ("file:empty", "is empty"),
        ("file:binary", "is not text"),
        ("file:long", "is longer than"),
        ("credential:key", "no systemd credentials"),
    ],
)
def test_a_secret_that_is_not_there_is_refused_with_a_tip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, said: str
) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfesecret")
    (tmp_path / "long").write_text("x" * 70_000)
    with pytest.raises(Refused, match=said) as caught:
        vault.resolve(reference, tmp_path)
    assert caught.value.tip
