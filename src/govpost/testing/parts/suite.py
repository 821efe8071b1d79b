"""What every part of the suite starts from."""

from __future__ import annotations

import httpx2

from govpost.contract import Example, Platform
from govpost.testing.bench import Bench
from govpost.testing.fakes import response


class Suite:
    """A platform, and who answers it: the example's server, or a real one when `live` says where it is."""

    platform: Platform
    live: Example | None = None

    def answer(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002 - for those who override it
        """Answer as a server that accepts, where the example has no server."""
        return response(Bench.example_of(self.platform).answer)

    def _bench(self) -> Bench:
        return Bench(self.platform, self.answer, self.live)
