"""What enemies wrote is shown, never obeyed: by terminals, by collectors of logs, by spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import unicodedata
from contextlib import redirect_stdout

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from govpost.cli import metrics, out
from govpost.cli.daemon import JsonLines, Lines
from govpost.cli.root import cli
from hostile import FUZZ, JSON, PROSE

STEERING = (
    "\x1b]0;t\x07",
    "\x1b[2J",
    "\x9b31m",
    "\x90q\x9c",
    "\u202eevil",
    "\u2066x",
    "\u2028",
    "\x7f",
    "\b\b",
    "\0",
    "\r",
)
WORDS = st.one_of(PROSE, st.sampled_from(STEERING), st.text())
ALLOWED = {"\n", "\t"}


def is_harmless(text: str) -> bool:
    """Say whether a terminal only shows a text: no control, no override of direction, nothing that cannot be sent."""
    overrides = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B"}
    return all(
        sign in ALLOWED
        or (
            unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp")
            and unicodedata.bidirectional(sign) not in overrides
        )
        for sign in text
    )


@FUZZ
@given(WORDS)
@example("".join(map(chr, range(0x2100))))
def test_no_words_steer_a_terminal(text):
    assert is_harmless(out.plain(text))
    assert out.plain(out.plain(text)) == out.plain(text)


@FUZZ
@given(st.lists(st.tuples(WORDS, WORDS), max_size=4))
def test_no_words_break_out_of_their_row_of_a_table(capsys_rows, rows):
    shown = capsys_rows(rows)
    assert is_harmless(shown)
    assert len(shown.split("\n")) == (len(rows) + 2 if rows else 2)


@pytest.fixture(name="capsys_rows")
def _capsys_rows(capsys):
    def show(rows):
        out.table(("A", "B"), rows, empty="none")
        return capsys.readouterr().out

    return show


@FUZZ
@given(st.one_of(JSON, WORDS, st.dictionaries(WORDS, WORDS)))
@example({"\x9b2J": "\u202e\u2028\x7f\x85"})
def test_json_for_scripts_holds_every_word_and_steers_no_terminal(value):
    written = out.as_json(value)
    assert is_harmless(written)
    halves = re.compile("[\ud800-\udfff]")
    expected = json.loads(halves.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
    assert str(json.loads(written)) == str(expected)


@FUZZ
@given(WORDS)
@example("one\n2026-11-21 08:00:00 approved by ben\x1b[2J")
def test_a_line_of_the_log_is_one_line(text):
    record = logging.LogRecord("govpost", logging.WARNING, "f.py", 1, "said %s", (text,), None)
    for written in (Lines().format(record), JsonLines().format(record)):
        assert is_harmless(written)
        assert "\n" not in written


@pytest.mark.parametrize("steers", [word for word in STEERING if "\0" not in word])
def test_no_argument_that_a_person_was_made_to_paste_steers_the_terminal(tmp_path, steers):
    for line in (
        ["post", "add", f"{steers}.md"],
        ["explain", steers],
        ["--json", "explain", steers],
        [f"a{steers}"],
    ):
        shown = CliRunner().invoke(cli, ["-C", str(tmp_path), *line])
        assert is_harmless(shown.output), (line, shown.output)
        assert shown.exit_code in (1, 2)


@FUZZ
@given(WORDS)
@example("=1+1")
@example("\t\r\n =cmd|' /C calc'!A0")
@example("＝HYPERLINK(1)")
@example("a;=1+1")
@example('";=1+1;"')
def test_no_cell_of_a_sheet_is_a_formula_whatever_separates_its_cells(text):
    sheet = io.StringIO()
    empty = dict.fromkeys((*metrics._CSV, "growth"), None) | {"growth": dict.fromkeys(metrics.shown.COUNTS)}
    with redirect_stdout(sheet):
        metrics._write_csv([empty | {"post": text, "views": -3}])
    for separator in ",;\t":
        rows = list(csv.reader(io.StringIO(sheet.getvalue(), newline=""), delimiter=separator))
        assert len(rows) == 2
        assert not any(re.match(r"\s*[=+@|＝＋－＠]|\s*-(?!3$)", cell) for cell in rows[1])
