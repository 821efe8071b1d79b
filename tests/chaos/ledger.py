"""Reading the platform's ledger, as it grows and as a whole."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.faults import BY_NAME


@dataclass
class Ledger:
    """What the platform was asked and what it took in; a post is known by its channel and the key it came with."""

    path: Path
    posts: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    requests: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    gone: set[tuple[str, str]] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    traps: int = 0
    sent: int = 0
    """How many requests to publish have come."""
    _read: int = 0

    def read(self) -> int:
        """Take in what was written since the last time; returns how many different posts have been asked for."""
        with self.path.open("rb") as handle:
            handle.seek(self._read)
            fresh = handle.read()
        whole = fresh.rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            self._note(json.loads(line))
        return len(self.requests)

    def _note(self, line: dict[str, Any]) -> None:
        self.lines += 1
        what, place = line["what"], (line.get("channel", ""), line.get("key", ""))
        if line.get("fault") in {*BY_NAME, "tls"}:
            self.faults[line["fault"]] += 1
        if what == "post":
            self.posts[place].append(line)
        elif what == "request":
            self.requests[place].append(line)
            self.sent += 1
        elif what == "gone":
            self.gone.add((line["channel"], line["id"]))
        elif what == "trap":
            self.traps += 1
