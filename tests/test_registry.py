"""Plugins: each is loaded alone, a broken one is listed with its reason, and the rest work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from govpost import registry
from govpost.domain import Capabilities, Channel, Event
from govpost.registry import Registry

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
EVENT = Event(
    id=1,
    at=NOW,
    actor="ana",
    verb="v",
    subject="s",
    old=None,
    new=None,
    why="",
    detail={},
    prev="0",
    hash="1",
)
GOOD = """
from govpost import Capabilities, Receipt, hookimpl

class Board:
    name = "{name}"
    capabilities = Capabilities()
    def publish(self, variant, channel, http):
        return Receipt(remote_id="1")

@hookimpl
def govpost_platforms():
    return [Board()]
"""
LISTENER = """
from govpost import hookimpl

heard = []

@hookimpl
def govpost_event(event):
    heard.append(event.id)
    {then}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith("govpost_loose_"):
            del sys.modules[name]


def load(folder: Path, disabled: dict[str, str] | None = None) -> Registry:
    return registry.load(folder, folder.parent, disabled or {})


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    path.chmod(0o644)
    return path


def states(found: Registry) -> dict[str, tuple[str, str]]:
    return {plugin.name: (plugin.state, plugin.reason) for plugin in found.plugins}


def test_the_installed_plugins_are_found_with_version_and_source(folder: Path) -> None:
    found = load(folder)
    webhook = next(plugin for plugin in found.plugins if plugin.name == "webhook")
    assert (webhook.state, webhook.source, webhook.platforms) == ("loaded", "govpost", ("webhook",))
    assert webhook.version[0].isdigit()
    assert "website" in found.platforms


def test_a_loose_file_loads_under_its_own_name(folder: Path) -> None:
    path = write(folder, "board", GOOD.format(name="board"))
    found = load(folder)
    plugin = found.plugins[-1]
    assert (plugin.name, plugin.source, plugin.platforms) == ("board", str(path), ("board",))
    assert found.capabilities(Channel(name="x", platform="board")) == Capabilities()


def test_a_loose_file_is_read_anew_each_time_and_leaves_no_cache_beside_it(folder: Path) -> None:
    write(folder, "board", GOOD.format(name="board"))
    load(folder)
    write(folder, "board", GOOD.format(name="panel"))
    assert "panel" in load(folder).platforms
    assert [path.name for path in folder.iterdir()] == ["board.py"]


def test_without_a_folder_only_installed_plugins_load(folder: Path) -> None:
    write(folder, "board", GOOD.format(name="board"))
    assert "board" not in states(registry.load(None, folder.parent, {}))
    assert "board" not in states(registry.load(folder / "missing", folder.parent, {}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def broken(:", "SyntaxError: invalid syntax (bad.py, line 1)"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise ValueError('first line\\nsecond line')", "first line second line"),
        ("raise RuntimeError", "RuntimeError"),
        ("x = 1", "it implements no hook; mark its functions with @govpost.hookimpl"),
        (
            "from govpost import hookimpl\n@hookimpl\ndef govpost_platform():\n    return []",
            "it implements an unknown hook govpost_platform – did you mean 'govpost_platforms'?",
        ),
        (
            "from govpost import hookimpl\n@hookimpl\ndef govpost_event(event, extra):\n    pass",
            "{'extra'}",
        ),
        (
            "from govpost import hookimpl\n@hookimpl\ndef govpost_platforms():\n    return [object()]",
            "a platform has no name",
        ),
        (GOOD.format(name="").strip(), "a platform has no name"),
        (
            GOOD.format(name="board").replace("= Capabilities()", "= None"),
            "the platform board has no capabilities",
        ),
        (GOOD.format(name="board").replace("def publish", "def send"), "the platform board cannot publish"),
        (GOOD.format(name="webhook"), "the platform webhook is already brought by another plugin"),
        (
            GOOD.format(name="board").replace("[Board()]", "[Board(), Board()]"),
            "the platform board is already brought by another plugin",
        ),
        (GOOD.format(name="board").replace("return [Board()]", "return 7"), "TypeError"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_reason_and_the_rest_load(
    folder: Path, text: str, reason: str
) -> None:
    write(folder, "bad", text)
    write(folder, "good", GOOD.format(name="good"))
    found = load(folder)
    state, said = states(found)["bad"]
    assert state == "failed"
    assert reason in said
    assert states(found)["good"] == ("loaded", "")
    assert set(found.platforms) >= {"good", "website", "webhook"}
    assert said in found.missing("bad")
    assert "govpost_loose_bad" not in sys.modules or not isinstance(said, ImportError)


def test_ctrl_c_while_a_plugin_loads_is_no_fault_of_the_plugin(folder: Path) -> None:
    write(folder, "slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load(folder)


def test_the_second_plugin_of_a_name_is_listed_and_left_out(folder: Path) -> None:
    write(folder, "webhook", GOOD.format(name="board"))
    found = load(folder)
    both = [(plugin.state, plugin.reason) for plugin in found.plugins if plugin.name == "webhook"]
    assert both == [("loaded", ""), ("failed", "another plugin is already called webhook")]
    assert "board" not in found.platforms


def test_a_disabled_plugin_is_not_imported(folder: Path) -> None:
    write(folder, "board", f"open({str(folder / 'ran')!r}, 'w').close()")
    found = load(folder, {"board": "too loud", "webhook": "not now"})
    assert states(found)["board"] == ("disabled", "too loud")
    assert states(found)["webhook"] == ("disabled", "not now")
    assert not (folder / "ran").exists()
    assert found.missing("webhook") == "the plugin webhook is disabled: not now"
    assert found.missing("nowhere") == "no plugin brings the platform nowhere"


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_can_write_is_not_read(folder: Path, what: str, mode: int) -> None:
    path = write(folder, "board", f"open({str(folder / 'ran')!r}, 'w').close()")
    place = path if what == "file" else folder
    place.chmod(place.stat().st_mode | mode)
    state, reason = states(load(folder))["board"]
    assert (state, reason) == ("failed", f"{place} can be written by others; chmod go-w {place}")
    assert not (folder / "ran").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to somebody else")
def test_what_belongs_to_somebody_else_is_not_read(folder: Path) -> None:
    path = write(folder, "board", GOOD.format(name="board"))
    os.chown(path, 12345, 12345)
    assert states(load(folder))["board"] == (
        "failed",
        f"{path} belongs to somebody else than the workspace",
    )
    os.chown(folder.parent, 12345, 12345)
    assert states(load(folder))["board"] == ("loaded", "")


def test_a_cached_copy_beside_a_loose_file_is_never_run(folder: Path) -> None:
    path = write(folder, "board", "raise RuntimeError('the cached copy')")
    about = path.stat()
    script = "import py_compile, sys; py_compile.compile(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, path], check=True)
    good = GOOD.format(name="board")
    write(folder, "board", good[: about.st_size].ljust(about.st_size))
    write(folder, "board", good)
    assert states(load(folder))["board"] == ("loaded", "")


@pytest.mark.parametrize("then", ["raise ValueError('no')", "raise SystemExit(1)", "pass"])
def test_each_listener_is_told_alone(folder: Path, then: str) -> None:
    for name, end in (("a", then), ("b", "pass"), ("c", then)):
        write(folder, name, LISTENER.format(then=end))
    found = load(folder)
    failed: list[str] = []
    found.broadcast(EVENT, lambda name, _error: failed.append(name))
    assert failed == ([] if then == "pass" else ["a", "c"])
    assert [sys.modules[f"govpost_loose_{name}"].heard for name in "abc"] == [[1], [1], [1]]


def test_ctrl_c_while_a_listener_is_told_ends_us(folder: Path) -> None:
    write(folder, "a", LISTENER.format(then="raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        load(folder).broadcast(EVENT, lambda _name, _error: None)


def test_rules_are_taken_in_with_their_plugin(folder: Path) -> None:
    text = """
from govpost import hookimpl
@hookimpl
def govpost_rules():
    return ["a rule"]
"""
    write(folder, "ruling", text)
    assert load(folder).rules == ["a rule"]
