"""The source itself: the security lint is on everywhere, each exception says why, and known holes stop the build."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import audit

TOP = Path(__file__).parents[1]


def test_the_security_lint_is_on_for_all_that_is_shipped():
    lint = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [code for code in lint["ignore"] if code.startswith("S") and code[1:].isdigit()]
    loosened = {
        files for files, codes in lint["per-file-ignores"].items() if any(c.startswith("S") for c in codes)
    }
    assert all(files.startswith(("tests/", "bench/", "plugins/*/test_")) for files in loosened)


def test_every_exception_from_the_security_lint_says_why():
    shipped = [*(TOP / "src").rglob("*.py"), *(TOP / "plugins").rglob("*.py")]
    lines = [
        f"{path.relative_to(TOP)}:{number}: {line.strip()}"
        for path in shipped
        if not path.name.startswith("test_")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"# noqa: .*\bS\d{3}", line) and not re.search(r"# noqa: [A-Z0-9, ]+ - \w.{8,}", line)
    ]
    assert lines == []


def test_nothing_that_is_shipped_evaluates_unpickles_or_asks_a_shell():
    banned = re.compile(
        r"\b(eval|exec)\(|\bpickle\b|\bmarshal\b|shell=True|os\.system|yaml\.load|verify=False|CERT_NONE|mktemp\("
    )
    shipped = [*(TOP / "src").rglob("*.py"), *(TOP / "plugins").rglob("*.py")]
    found = [
        f"{path.relative_to(TOP)}: {match[0]}"
        for path in shipped
        if not path.name.startswith("test_")
        for match in banned.finditer(path.read_text())
    ]
    assert found == []


def test_a_known_hole_is_told_with_the_version_that_mends_it():
    library = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2", "3"]}]}
    assert audit.holes([library, {"name": "b", "version": "1", "vulns": []}]) == [
        "a 1: CVE-1, mended in 2, 3"
    ]


def test_every_test_and_page_that_the_threat_model_names_is_there():
    said = (TOP / "docs" / "security.md").read_text("utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", said))
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (TOP / name).is_file()] == []
