"""Secrets: read when they are used, from where config.toml points, never shown."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
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


def test_marks_that_editors_and_shells_leave_around_a_secret_are_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_KEY", "s3cret\n")
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    assert vault.resolve("env:HUB_KEY", tmp_path) == vault.resolve("file:key", tmp_path) == "s3cret"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody on the machine can enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
@pytest.mark.parametrize("kind", ["file", "credential"])
def test_a_secret_that_everybody_can_read_or_change_is_refused(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, mode: int
) -> None:
    key = open_folder / "key"
    key.write_text("s3cret")
    key.chmod(mode)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(open_folder))
    with pytest.raises(Refused, match="everybody on this machine") as caught:
        vault.resolve(f"{kind}:key", open_folder)
    assert caught.value.tip.startswith(f"chmod 600 {key}")
    key.chmod(0o600)
    assert vault.resolve(f"{kind}:key", open_folder) == "s3cret"


def test_a_link_in_a_closed_folder_does_not_close_the_file_it_leads_to(
    tmp_path: Path, open_folder: Path
) -> None:
    (open_folder / "key").write_text("s3cret")
    (open_folder / "key").chmod(0o644)
    (tmp_path / "key").symlink_to(open_folder / "key")
    with pytest.raises(Refused, match="everybody on this machine"):
        vault.resolve("file:key", tmp_path)


def test_a_secret_in_a_folder_that_is_closed_to_others_is_taken_whatever_its_mode(open_folder: Path) -> None:
    (open_folder / "key").write_text("s3cret")
    (open_folder / "key").chmod(0o644)
    open_folder.chmod(0o750)
    assert vault.resolve("file:key", open_folder) == "s3cret"


def test_what_a_whole_group_can_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "key").write_text("s3cret")
    (tmp_path / "key").chmod(0o640)
    assert vault.read_by_group("file:key", tmp_path) == str(tmp_path / "key")
    others = (
        "credential:key",
        "env:HUB_KEY",
        "file:missing",
        "file:nul\0byte",
        "file:~nobody-of-this-name/key",
    )
    assert [vault.read_by_group(each, tmp_path) for each in others] == [""] * 5
    (tmp_path / "key").chmod(0o600)
    assert vault.read_by_group("file:key", tmp_path) == ""


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NOT_SET", "NOT_SET is not set"),
        ("env:EMPTY", "EMPTY is not set"),
        ("env:LATIN1", "LATIN1 is not text"),
        ("file:missing", "cannot be read"),
        ("file:.", "is no file"),
        ("file:pipe", "is no file"),
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
    monkeypatch.setenv("LATIN1", os.fsdecode(b"sch\xf6n"))
    os.mkfifo(tmp_path / "pipe", 0o600)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfesecret")
    (tmp_path / "long").write_text("x" * 70_000)
    with pytest.raises(Refused, match=said) as caught:
        vault.resolve(reference, tmp_path)
    assert caught.value.tip
