"""`govpost plugin new` writes a plugin that works at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from govpost.errors import Refused, UsageFault
from govpost.scaffold import write

ROOT = Path(__file__).parents[1]


def run(*command, cwd):
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def plugin(tmp_path):
    return write("night_alerts", tmp_path)


def test_it_writes_the_plugin_and_its_test(plugin, tmp_path):
    assert plugin == [tmp_path / "night_alerts.py", tmp_path / "tests" / "test_night_alerts.py"]
    assert "class NightAlerts:" in plugin[0].read_text()


def test_the_plugin_is_about_22_lines(plugin):
    body = plugin[0].read_text().partition("class Settings")[2]
    code = [line for line in body.splitlines() if line.strip()]
    assert len(code) <= 22


def test_the_plugin_passes_the_conformance_suite(plugin, tmp_path):
    run("pytest", "-q", "-p", "no:cacheprovider", plugin[1], cwd=tmp_path)


def test_the_plugin_is_clean_for_linter_and_type_checker(plugin, tmp_path):
    run("ruff", "check", "--no-cache", "--config", ROOT / "pyproject.toml", *plugin, cwd=tmp_path)
    run("ruff", "format", "--no-cache", "--check", "--config", ROOT / "pyproject.toml", *plugin, cwd=tmp_path)
    run("mypy", "--strict", "--cache-dir", tmp_path / "cache", plugin[0], cwd=ROOT)


@pytest.mark.parametrize("name", ["", "Alerts", "9lives", "a-b", "../x", "a.b", "ä", "x/y"])
def test_a_name_that_is_no_module_is_refused(name, tmp_path):
    with pytest.raises(UsageFault, match="cannot be the name"):
        write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "match", "email", "json", "govpost"])
def test_a_name_that_python_needs_is_refused(name, tmp_path):
    with pytest.raises(UsageFault):
        write(name, tmp_path)


def test_nothing_is_ever_written_over(plugin, tmp_path):
    plugin[0].unlink()
    plugin[1].write_text("mine")
    with pytest.raises(Refused, match="is there already"):
        write("night_alerts", tmp_path)
    assert plugin[1].read_text() == "mine"
    assert not plugin[0].exists()


def test_a_folder_that_cannot_be_written_is_a_plain_refusal(tmp_path):
    (tmp_path / "plugins").write_text("a file")
    with pytest.raises(Refused, match="cannot be written"):
        write("alerts", tmp_path / "plugins")
