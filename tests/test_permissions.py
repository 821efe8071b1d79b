"""What govpost makes is for its own user alone, and what others may read they may never write, whatever the umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

UMASKS = (0o000, 0o022, 0o077)
GOVPOST = (sys.executable, "-c", "from govpost.cli import main; main()")


@pytest.fixture(params=UMASKS, ids=lambda umask: f"umask {umask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Run the test under a umask."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture(scope="module", params=UMASKS, ids=lambda umask: f"umask {umask:03o}")
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tell the whole demo in a process under a umask; return its workspace."""
    folder = tmp_path_factory.mktemp("permissions") / "city"
    code = f"import os; os.umask({request.param}); from govpost.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "demo", "--dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return folder


def modes(folder: Path) -> dict[str, int]:
    """Return the rights of a folder and of all in it."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def govpost(*line: str) -> str:
    return subprocess.run([*GOVPOST, *line], check=True, capture_output=True, text=True, timeout=60).stdout


def test_the_store_with_all_it_keeps_is_for_its_user_alone(city: Path) -> None:
    kept = city / ".govpost"
    assert {path.name for path in kept.iterdir()} >= {
        "govpost.db",
        "media",
        "config.last.toml",
        "daemon.lock",
    }
    wrong = {
        name: oct(mode)
        for name, mode in modes(kept).items()
        if mode != (0o700 if (kept / name).is_dir() else 0o600)
    }
    assert wrong == {}


def test_the_site_is_for_everybody_to_read_and_for_nobody_else_to_write(city: Path) -> None:
    site = city / "public"
    assert (site / "index.html").is_file()
    wrong = {
        name: oct(mode)
        for name, mode in modes(site).items()
        if mode != (0o755 if (site / name).is_dir() else 0o644)
    }
    wrong.pop(".work/lock", None)  # no reader needs it
    assert wrong == {}


def test_nobody_else_can_write_anything_in_a_workspace(city: Path) -> None:
    assert [name for name, mode in modes(city).items() if mode & 0o022] == []
    assert stat.S_IMODE(city.stat().st_mode) == 0o700


def test_a_new_workspace_and_a_new_plugin_are_written_by_their_owner_alone(
    umask: int, tmp_path: Path
) -> None:
    root = tmp_path / "new" / "workspace"
    govpost("init", str(root))
    govpost("-C", str(root), "plugin", "new", "board")
    found = modes(tmp_path / "new")
    assert found["workspace/config.toml"] == 0o644 & ~umask
    assert found["workspace/plugins/board.py"] == 0o644 & ~umask
    assert found["workspace/.govpost"] == 0o700
    assert [name for name, mode in found.items() if mode & 0o022] == []
    listed = govpost("-C", str(root), "plugin", "list")
    assert "board" in listed
    assert "write" not in listed


def test_a_fault_is_written_down_for_its_user_alone(umask: int, tmp_path: Path) -> None:
    govpost("init", str(tmp_path / "city"))
    code = (
        "import sys; from govpost import workspace; workspace.open_workspace = lambda *a, **k: 1 / 0;"
        f"sys.argv = ['govpost', '-C', {str(tmp_path / 'city')!r}, 'status']; from govpost.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert stat.S_IMODE((tmp_path / "city/.govpost/crash.log").stat().st_mode) == 0o600
