"""How far a long order has come is shown on a terminal, and only there."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from govpost.cli.progress import WORTH_IT, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def shown(total: int, *, quiet: bool = False, to: io.StringIO | None = None, step: float = 1.0) -> str:
    """Return what is written while so many pieces are done, the clock going on by a step at each look."""
    seconds = 0.0

    def clock() -> float:
        nonlocal seconds
        seconds += step
        return seconds

    side = to or Terminal()
    with redirect_stderr(side), progress(total, "taken in", quiet=quiet, monotonic=clock) as count:
        assert [count(piece) for piece in range(total)] == list(range(total))
    return side.getvalue()


def test_a_terminal_is_told_how_far_it_is_and_left_clean() -> None:
    lines = shown(1_000).split("\r\x1b[K")
    assert (lines[1], lines[-2], lines[-1]) == ("1 of 1,000 taken in", "1,000 of 1,000 taken in", "")


def test_pieces_that_go_fast_are_told_of_together() -> None:
    assert shown(1_000, step=0.0) == "\r\x1b[K1 of 1,000 taken in\r\x1b[K"


def test_few_pieces_a_script_a_dumb_terminal_and_a_pipe_are_told_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert shown(WORTH_IT - 1) == ""
    assert shown(1_000, quiet=True) == ""
    assert shown(1_000, to=io.StringIO()) == ""
    monkeypatch.setenv("TERM", "dumb")
    assert shown(1_000) == ""
