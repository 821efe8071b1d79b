"""`govpost daemon` as a process: signals, exit codes, logs; and output on a terminal."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli_city import ON_TERMINAL, SOURCES, City, city, finish, process, read_until
from govpost.cli import out
from govpost.cli.daemon import JsonLines, Lines

BEGUN = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "print('begun', file=sys.stderr)\n"
)
"""Says that govpost's own code begins: what Ctrl-C does to a Python that is starting is not ours."""


def wait_for_line(running: subprocess.Popen[str], words: str) -> list[str]:
    assert running.stderr is not None
    lines: list[str] = []
    while not lines or words not in lines[-1]:
        lines.append(running.stderr.readline())
        assert lines[-1], lines
    return lines


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_daemon_stops_cleanly_and_its_exit_code_says_who_asked(
    tmp_path: Path, number: int, code: int
) -> None:
    riverton = city(tmp_path)
    running = process("-C", str(tmp_path), "daemon")
    wait_for_line(running, "the head of the event chain")
    assert riverton.ask("status")["daemon"]["running"]
    running.send_signal(number)
    said = finish(running)
    assert said.code == code
    daemon = riverton.ask("status")["daemon"]
    assert (daemon["running"], daemon["state"]) == (False, "stopped")


def test_one_pass_that_could_not_be_made_does_not_end_well(tmp_path: Path) -> None:
    """What starts it every minute, say cron, is told."""
    riverton = city(tmp_path)
    riverton.schedule("alpha")
    with sqlite3.connect(tmp_path / ".govpost" / "govpost.db") as store:
        moved = json.dumps({"to": "db.example.gov", "at": "2026-11-27T06:00:00Z"})
        store.execute("INSERT INTO meta (key, value) VALUES ('moved-to', ?)", (moved,))
    said = finish(process("-C", str(tmp_path), "daemon", "--once"))
    assert said.code == 1
    assert "this store was moved to db.example.gov" in said.err


def test_off_a_terminal_the_daemon_logs_json_lines(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.schedule("alpha")
    said = finish(process("-C", str(tmp_path), "daemon", "--until-idle"))
    assert said.code == 0
    for line in said.err.splitlines():
        assert {"at", "level", "logger", "message"} <= json.loads(line).keys()
    assert riverton.ask("post", "show", "alpha")["state"] == "published"


def test_the_daemon_needs_no_person(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.change("impersonation = true", "impersonation = false")
    assert riverton.run("daemon", "--once", by=None).code == 0


def test_sighup_reads_the_config_again(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    running = process("-C", str(tmp_path), "daemon")
    wait_for_line(running, "the head of the event chain")
    running.send_signal(signal.SIGHUP)
    wait_for_line(running, "config.toml is read again")
    running.terminate()
    assert finish(running).code == 0
    assert riverton.run("status").code == 0


def test_ctrl_c_in_any_command_is_one_line_and_130(tmp_path: Path) -> None:
    city(tmp_path)
    (tmp_path / "content").mkdir()
    for number in range(30):
        (tmp_path / "content" / f"news-{number}.md").write_text("---\ntitle: News\n---\nNews.\n")
    for wait in (0.05, 0.15, 0.3, 0.6):
        running = process("-C", str(tmp_path), "--as", "ana", "post", "check", "content", begin=BEGUN)
        wait_for_line(running, "begun")
        time.sleep(wait)
        running.send_signal(signal.SIGINT)
        said = finish(running)
        if said.code == 130:
            assert [line for line in said.err.splitlines() if line] == ["govpost: interrupted"]
        else:
            assert said.code == 1


def on_terminal(*line: str, columns: int = 60, more: dict[str, str] | None = None) -> str:
    """Run a command on a terminal and return all it printed there."""
    main, terminal = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": SOURCES,
        "COLUMNS": str(columns),
        "TERM": "xterm",
        **(more or {}),
    }
    environment.pop("NO_COLOR", None) if not more else None
    running = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *line],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        start_new_session=True,
    )
    os.close(terminal)
    said = read_until(main, "never said", 60)
    assert running.wait(60) in (0, 1)
    os.close(main)
    return said


def test_on_a_terminal_tables_fold_and_headings_are_bold_unless_no_color(tmp_path: Path) -> None:
    riverton: City = city(tmp_path)
    riverton.schedule("alpha")
    place = ("-C", str(tmp_path), "--as", "ben")
    wide = on_terminal(*place, "delivery", "list", columns=80)
    assert all(len(re.sub("\x1b\\[[0-9;]*m", "", line)) <= 80 for line in wide.splitlines())
    riverton.deliver()
    url = riverton.ask("delivery", "list")[0]["url"]
    assert f"\n    {url}\n" in on_terminal(*place, "delivery", "list", columns=90).replace("\r", "")
    assert "queued" in re.sub("\x1b\\[[0-9;]*m", "", wide)
    assert "\x1b[1m" in on_terminal(*place, "channel", "list", columns=200)
    assert "\x1b" not in on_terminal(*place, "channel", "list", columns=200, more={"NO_COLOR": "1"})


def test_on_a_terminal_the_daemon_writes_lines_for_people_and_its_progress(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.schedule("alpha")
    said = on_terminal("-C", str(tmp_path), "daemon", "--until-idle", columns=200)
    assert "deliveries: 1 live" in said
    assert "the head of the event chain is" in said
    assert '{"at"' not in said


def test_log_lines_never_steer_a_terminal() -> None:
    record = logging.LogRecord("govpost", logging.ERROR, "x", 1, "bad \x1b[2J %s", ("news",), None)
    assert "error: bad \ufffd[2J news" in Lines().format(record)
    try:
        int("x")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "(ValueError)" in Lines().format(record)
    assert "ValueError" in json.loads(JsonLines().format(record))["trace"]


def test_columns_line_up_whatever_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    out.table(("A", "B"), [("日本", 1), ("e\u0301a", 2), ("word", 3)], empty="none")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "A     B",
        "日本  1",
        "e\u0301a    2",
        "word  3",
    ]
