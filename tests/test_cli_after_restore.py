"""What `status`, `thaw` and the daemon say of a store that was put back, or moved away: first things first."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cli_city import ON_TERMINAL, SOURCES, City, city, read_until


@pytest.fixture
def restored(tmp_path: Path) -> City:
    """A city put back from a backup that knows nothing of a post's going out, with one uncertain delivery."""
    made = city(tmp_path)
    made.schedule("street-closure")
    path = made.root / "copy.db"
    made.ok("store", "backup", str(path))
    made.deliver()
    made.ok("store", "restore", str(path))
    assert [row["state"] for row in made.ask("delivery", "list")] == ["uncertain"]
    return made


def test_status_names_what_is_uncertain_before_the_thaw(restored: City) -> None:
    kinds = [item["kind"] for item in restored.ask("status")["attention"]]
    assert kinds[:2] == ["uncertain", "frozen"]


def test_thaw_says_what_is_uncertain_before_it_thaws(restored: City) -> None:
    said = restored.ok("thaw", "--reason", "all well")
    assert "since the restore 1 delivery is uncertain: public or not, nobody has looked" in said.err
    assert "tip: settle them before the thaw" in said.err
    restored.ok("freeze", "--reason", "another matter")
    assert "since the restore" not in restored.ok("thaw", "--reason", "over").err
    assert "uncertain" in [item["kind"] for item in restored.ask("status")["attention"]]


@pytest.mark.parametrize(("typed", "code"), [("n", 1), ("y", 0)])
def test_on_a_terminal_thaw_asks_while_something_is_uncertain_after_a_restore(
    restored: City, typed: str, code: int
) -> None:
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, "-C", str(restored.root), "--as", "ben", "thaw", "--reason", "x"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": SOURCES},
        start_new_session=True,
    ) as running:
        os.close(terminal)
        said = read_until(main, "Thaw all the same?")
        os.write(main, f"{typed}\n".encode())
        said += read_until(main, "never said")
    os.close(main)
    assert running.returncode == code, said
    assert bool(restored.ask("status")["frozen"]) is bool(code)


def test_status_of_a_store_that_was_moved_says_where_to_and_not_to_thaw_it(tmp_path: Path) -> None:
    town = city(tmp_path)
    town.schedule("street-closure")
    town.ok("store", "move", "sqlite:///.govpost/other.db")
    (item,) = town.ask("status")["attention"]
    assert (item["kind"], "it was moved to " in item["why"]) == ("moved", True)
    assert "other.db" in item["why"]
    assert item["command"] == "set [store] database in config.toml to the new address"
    said = town.run("status")
    assert (said.code, "thaw" in said.out) == (1, False)


def test_a_folder_of_backups_is_checked_by_its_newest(tmp_path: Path) -> None:
    town = city(tmp_path)
    town.schedule("street-closure")
    town.ok("store", "backup", f"{tmp_path / 'copies'}/")
    (made,) = (tmp_path / "copies").glob("govpost-*.db")
    said = town.ok("store", "check", f"{tmp_path / 'copies'}/")
    assert f"{made} is whole" in said.out


def test_a_file_named_on_the_line_that_is_no_backup_is_named_and_config_toml_is_not(tmp_path: Path) -> None:
    town = city(tmp_path)
    town.schedule("street-closure")
    empty, absent, bare = tmp_path / "empty.db", tmp_path / "absent.db", tmp_path / "bare"
    empty.touch()
    bare.mkdir()
    for place in (empty, absent, bare):
        for word in ("check", "restore"):
            said = town.run("store", word, str(place))
            assert (said.code, str(place) in said.err) == (1, True)
            assert "tip: name a file, or a folder that govpost store backup wrote" in said.err
            assert "config.toml" not in said.err
