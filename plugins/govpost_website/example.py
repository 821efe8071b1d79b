"""A site of its own for each test of the conformance suite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


class Place:
    """A folder, and what people can read in it; the website speaks to nobody."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="govpost-website-")
        self.settings = {"folder": self._folder.name}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Refuse: a website that sends something is no longer one."""
        raise ValueError(f"the website sent {request.method} {request.url}")

    def public(self) -> Iterator[str]:
        """Yield each page that shows a post; one that was withdrawn shows a notice alone."""
        for path in sorted(Path(self._folder.name, "posts").glob("*.html")):
            page = path.read_text(encoding="utf-8")
            if "data-withdrawn" not in page:
                yield page

    def close(self) -> None:
        """Take the folder away."""
        self._folder.cleanup()
