"""Ask an advisory service about every pinned library: `make audit`. Ends 1 on a known hole.

Some package indexes answer for advisories without having any; then, and without a network, it says that nobody was
asked. GOVPOST_AUDIT=require makes that a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
SERVICES = ("pypi", "osv")


def asked(service: str) -> Sequence[Mapping[str, Any]]:
    """Return what a service says of each library; nothing when it cannot be reached."""
    line = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(LOCK),
        "--require-hashes",
        "--disable-pip",
    ]
    line += [
        "--vulnerability-service",
        service,
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "10",
    ]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=180)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        return []
    return [each for each in found if "vulns" in each]


def holes(libraries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write each known hole in one line."""
    return [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'nothing yet'}"
        for each in libraries
        for hole in each["vulns"]
    ]


def main() -> int:
    """Ask the services in turn until one knows the libraries."""
    pinned = sum("==" in line for line in LOCK.read_text("utf-8").splitlines())
    for service in SERVICES:
        known = asked(service)
        if known:
            found = holes(known)
            print(*found, sep="\n", end="\n" if found else "")
            print(
                f"audit: {service} knows {len(known)} of {pinned} pinned libraries and {len(found)} holes in them"
            )
            return int(bool(found))
    print("audit skipped: no advisory service can be asked from here (tried " + " and ".join(SERVICES) + ")")
    return int(os.environ.get("GOVPOST_AUDIT") == "require")


if __name__ == "__main__":
    sys.exit(main())
