"""Every measurement, one after the other: bench/results.json, a table in the log, and with --write in the docs.

    python bench/run.py [--size short|long] [--write] [SCRIPT …]

Not for a machine that does something else at the same time: ratios bear that, figures do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import goals
from goals import Found

HERE = Path(__file__).resolve().parent
SCRIPTS = ("startup", "planning", "scheduling", "reading", "intake", "lag", "idle", "deliveries")
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "performance.md"
MARKED = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def measured(script: str, size: str) -> list[Found]:
    """Run one script in a process of its own; its lines go to the log as they come."""
    line = [sys.executable, str(HERE / f"{script}.py"), "--size", size, "--json"]
    said = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    return [Found(**each) for each in json.loads(said.stdout)]


def machine() -> dict[str, Any]:
    """Say on what was measured, without a name."""
    return {
        "cores": os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def table(about: dict[str, Any], size: str, found: Sequence[Found]) -> str:
    """Write the results as Markdown."""
    where = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items())
    lines = [f"The {size} form; {where}.", "", "| question | found | goal | verdict |", "|---|---|---|---|"]
    lines += [f"| {each.what} | {each.found} | {each.goal or '–'} | {each.verdict} |" for each in found]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description="every measurement")
    parser.add_argument("--size", choices=goals.SIZES, default="short")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT")
    options = parser.parse_args()
    about = machine()
    found = {name: measured(name, options.size) for name in options.scripts or SCRIPTS}
    kept = {name: [vars(each) for each in each_found] for name, each_found in found.items()}
    results = {"size": options.size, "machine": about, "results": kept}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    told = table(about, options.size, [each for some in found.values() for each in some])
    print(told)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(MARKED.sub(lambda part: part[1] + told + part[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
