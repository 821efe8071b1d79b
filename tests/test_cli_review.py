"""`govpost review`: a second person approves word for word, or returns, or releases in an emergency."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli_city import ON_TERMINAL, SOURCES, City, city, day, read_until
from riverton import png


@pytest.fixture
def riverton(tmp_path: Path) -> City:
    return city(tmp_path)


def test_nobody_approves_their_own_post(riverton: City) -> None:
    riverton.change('roles = ["author"]', 'roles = ["author", "reviewer"]\ndiscipline = "communications"')
    riverton.submit("alpha")
    said = riverton.run("review", "approve", "alpha", by="ana")
    assert said.code == 1
    assert "Ana Ruiz wrote alpha and may not approve it" in said.err


def test_who_may_not_review_is_told_so_before_anything_is_shown(riverton: City) -> None:
    riverton.change('roles = ["author"]', 'roles = ["author", "publisher"]')
    riverton.submit("alpha")
    said = riverton.run("review", "approve", "alpha", by="ana")
    assert (said.code, said.out) == (1, "")


def test_off_a_terminal_approve_prints_what_was_never_shown_and_records_it(riverton: City) -> None:
    riverton.submit("alpha", "The library opens on Sunday.")
    said = riverton.ok("review", "approve", "alpha", by="cleo").out
    assert "The library opens on Sunday." in said
    assert "alpha is scheduled" in said


def test_an_approval_is_refused_when_the_post_changed_since_it_was_shown(riverton: City) -> None:
    riverton.submit("alpha", "First words.")
    riverton.ok("review", "show", "alpha", by="cleo")
    riverton.submit("alpha", "Second words.")
    said = riverton.run("review", "approve", "alpha", by="cleo")
    assert said.code == 1
    assert "has changed since it was shown" in said.err
    assert riverton.run("review", "approve", "alpha", "--digest", "00", by="cleo").code == 1


def test_review_show_leads_with_what_changed_since_the_last_approved_version(riverton: City) -> None:
    one, two = day(20), day(30)
    riverton.schedule("alpha", "Open from 9 to 5.", more=f"at: {one} 09:00\n")
    riverton.submit("alpha", "Open from 10 to 5.", more=f"at: {two} 09:00\n")
    said = riverton.ok("review", "show", "alpha", by="cleo").out
    assert said.index("changed since version 1") < said.index("website (website)")
    assert "[-9-]{+10+}" in said
    assert f"at: [-{one}T09:00-]{{+{two}T09:00+}} America/Chicago" in said
    assert "still wanting: communications: 1 more approval from communications" in said
    assert f" {two} 09:00 C" in said.split("slot on website:")[1]
    found = riverton.ask("review", "show", "alpha", by="cleo")
    assert found["changed_since_version"] == 1
    assert found["digest"] in said
    assert found["slots"]["website"].startswith(two)
    riverton.submit("alpha", "Open from 9 to 5.", more=f"at: {one} 09:00\n")
    assert "nothing has changed since version 1" in riverton.ok("review", "show", "alpha", by="cleo").out


def test_a_picture_and_its_description_are_part_of_what_changed(riverton: City) -> None:
    (riverton.root / "content").mkdir(exist_ok=True)
    (riverton.root / "content" / "a.png").write_bytes(png())
    more = "media:\n  - file: a.png\n    alt: {}\n"
    riverton.schedule("alpha", "Words.", more=more.format("A red barrier"))
    riverton.submit("alpha", "Words.", more=more.format("A blue barrier"))
    assert "[-red-]{+blue+}" in riverton.ok("review", "show", "alpha", by="cleo").out


def test_dissent_and_remarks_are_kept(riverton: City) -> None:
    riverton.submit("alpha")
    assert (
        "is a draft again"
        in riverton.ok("review", "return", "alpha", "--remark", "name the day", by="cleo").out
    )
    riverton.submit("alpha", "On Monday.")
    riverton.ok("review", "approve", "alpha", "--dissent", "too late", by="cleo")
    post = riverton.ask("post", "show", "alpha")
    assert post["remarks"][0]["text"] == "name the day"
    assert post["approvals"][0]["dissent"] == "too late"
    said = riverton.ok("post", "show", "alpha").out
    assert "dissent: too late" in said
    assert "remark by cleo on version 1: name the day" in said
    riverton.submit("beta")
    assert riverton.ask("review", "return", "beta", "--remark", "x", by="cleo")["state"] == "draft"


def test_an_emergency_release_is_reviewed_afterwards_by_another(riverton: City) -> None:
    riverton.submit("alpha")
    said = riverton.ok("review", "release", "alpha", "--reason", "main break", by="cleo").out
    assert "alpha is scheduled" in said
    assert "another person has to review it afterwards" in said
    assert "a later review of the emergency release" in riverton.ok("review", "list").out
    assert "released in an emergency" in riverton.ok("post", "show", "alpha").out
    status = riverton.run("status")
    assert status.code == 1
    assert "later review: alpha" in status.out
    assert riverton.run("review", "release", "alpha", "--reason", "x", by="ben").code == 1
    assert "later review" in riverton.ok("review", "show", "alpha").out
    riverton.ok("review", "approve", "alpha")
    assert riverton.ask("review", "list") == []


def test_the_review_list_names_what_is_wanting(riverton: City) -> None:
    assert riverton.ok("review", "list").out == "nothing waits for review\n"
    riverton.submit("alpha")
    (waiting,) = riverton.ask("review", "list")
    assert waiting["wanting"] == ["communications: 1 more approval from communications"]


def test_a_second_stage_still_wants_its_approval(riverton: City) -> None:
    riverton.change("approvals = 1", "approvals = 2")
    riverton.submit("alpha")
    said = riverton.ok("review", "approve", "alpha", by="cleo").out
    assert "still wanting: communications: 1 more approval" in said


def answer_until_it_ends(running: subprocess.Popen[bytes], terminal: int, answer: str) -> str:
    """Answer as a person does: press again when nothing happens.

    Between the question and the read that waits for its answer CPython notes a Ctrl-C and goes on to wait, so
    that the first one can be swallowed when it comes within that moment.
    """
    said, end = "", time.monotonic() + 60
    while running.poll() is None and time.monotonic() < end:
        os.write(terminal, answer.encode())
        said += read_until(terminal, "never said", 2)
    if running.poll() is None:
        running.kill()
    return said


@pytest.mark.parametrize(
    ("answer", "code", "state"),
    [("y\n", 0, "scheduled"), ("n\n", 0, "submitted"), ("\x03", 130, "submitted")],
)
def test_on_a_terminal_approve_shows_the_words_and_asks(
    riverton: City, answer: str, code: int, state: str
) -> None:
    riverton.submit("alpha", "The library opens on Sunday.")
    main, terminal = pty.openpty()
    line = ["-C", str(riverton.root), "--as", "cleo", "review", "approve", "alpha"]
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *line],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": SOURCES},
        start_new_session=True,
    ) as running:
        os.close(terminal)
        said = read_until(main, "[y/N]")
        rest = answer_until_it_ends(running, main, answer)
    os.close(main)
    assert "The library opens on Sunday." in said
    assert running.returncode == code
    assert "Traceback" not in rest
    assert riverton.ask("post", "show", "alpha")["state"] == state
