"""The person at the terminal of a log-in, as a plugin speaks with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Dialogue(Protocol):
    """The person at the terminal of ``govpost channel login``."""

    def say(self, words: str) -> None:
        """Show a line."""
        ...

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Ask for a line; a secret is not shown while it is typed."""
        ...

    def redirect(self) -> str | None:
        """Return the loopback address a browser may be sent back to; None where there is no browser: go out of band."""
        ...

    def visit(self, address: str) -> Mapping[str, str]:
        """Open an address in the person's browser; return the query it came back to `redirect` with.

        Without a browser the address is shown and the mapping is empty.
        """
        ...
