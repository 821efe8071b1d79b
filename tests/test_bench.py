"""The measurements do not rot: each script runs in a tiny form and answers. What it finds is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
SCRIPTS = sorted(path.stem for path in BENCH.glob("*.py") if "goals.run(" in path.read_text(encoding="utf-8"))


def answers(script: str) -> list[dict[str, object]]:
    line = [sys.executable, str(BENCH / f"{script}.py"), "--size", "tiny", "--json"]
    said = subprocess.run(line, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    found: list[dict[str, object]] = json.loads(said.stdout)
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_measurement_answers_each_of_its_questions(script: str) -> None:
    found = answers(script)
    assert found
    for each in found:
        assert each["what"]
        assert each["found"]
        assert each["ok"] is None or each["goal"], "a verdict needs a goal"


def test_the_run_over_all_measurements_forgets_none() -> None:
    said = (BENCH / "run.py").read_text(encoding="utf-8")
    listed = said.split("SCRIPTS = (")[1].split(")")[0]
    assert sorted(name.strip(' "\n') for name in listed.split(",") if name.strip()) == SCRIPTS
