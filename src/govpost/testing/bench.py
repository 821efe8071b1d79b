"""The work bench of the conformance suite: a channel, variants with words of their own, and the other side."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from govpost.contract import Example, Platform
from govpost.domain import Capabilities, Channel, Receipt, Variant
from govpost.testing.calls import Calls, demand, receipt_of, skip
from govpost.testing.sides import Answering, Clock, Side
from govpost.testing.speaking import UNICODE, Speaker, picture
from govpost.testing.words import readable


class Bench(Calls):
    """One platform on a channel built from its example, in a folder of its own.

    `live` is the example of a real server: posts have words and keys that no other run has, and are taken down
    afterwards where the platform can.
    """

    def __init__(self, platform: Platform, accept: Answering, live: Example | None = None) -> None:
        super().__init__(platform, time.monotonic if live else Clock())
        self.live = live is not None
        self.example = live or self.example_of(platform)
        self._accept = accept
        self._folder = tempfile.TemporaryDirectory(prefix="govpost-check-")
        self._run_number = secrets.randbelow(10**6) * 1_000 if self.live else 0
        self._born = datetime.now(UTC).replace(microsecond=0)
        self._recipients: list[str] | None = None
        self._open()

    def _open(self) -> None:
        self.side = Side(self.example, self._accept, live=self.live)
        settings = _filled({**self.example.settings, **self.side.settings}, self._folder.name)
        self.channel = Channel(
            name="example",
            platform=self.platform.name,
            settings=_checked(self.platform, settings),
            limits=dict(self.example.limits),
            secrets={**self.example.secrets, **self.side.secrets},
        )

    @property
    def capabilities(self) -> Capabilities:
        """Return what this channel can carry."""
        adapted = getattr(self.platform, "adapted", None)
        able: Capabilities = adapted(self.channel) if adapted else self.platform.capabilities
        return able

    @staticmethod
    def example_of(platform: Platform) -> Example:
        """Return what the platform gives the suite to play with."""
        example = getattr(platform, "example", None)
        return example if isinstance(example, Example) else Example()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live and hasattr(self.platform, "withdraw"):
            for receipt in reversed(self.made):
                self.withdraw(receipt)
        self.side.close()
        self._folder.cleanup()

    def afresh(self) -> Self:
        """Go on with another side that has seen nothing yet."""
        if self.live:
            skip("a real server cannot be made afresh")
        self.side.close()
        self._recipients = None
        self._open()
        return self

    # What the platform has

    @property
    def wired(self) -> bool:
        """Return whether a publish sends anything at all."""
        sends = bool(self.publish(self.variant(9)).requests)
        if self.side.remembers:
            self.afresh()
        return sends

    def on_the_wire(self, part: str = "publish") -> Self:
        """Skip the test for a platform that lacks `part` or never uses the wire."""
        self.require(part)
        if self.live:
            skip("what is said on the wire is not tried on a real server")
        if not self.wired:
            skip("this platform does not use the wire")
        return self

    def remembering(self, part: str = "publish") -> Self:
        """Skip the test where the platform lacks `part` or the other side only has one answer."""
        self.require(part)
        if not self.side.remembers and self.wired:
            skip("the example has no server that remembers")
        return self

    def having(self, part: str) -> Receipt:
        """Skip the test for a platform that lacks `part`; return the receipt of a post to use it on."""
        self.require(part)
        return receipt_of(self.publish(self.variant()))

    def require(self, part: str) -> None:
        """Skip the test for a platform that lacks `part`."""
        if not hasattr(self.platform, part):
            skip(f"this platform has no {part}")

    def needs(self, hook: str) -> Self:
        """Skip the test where the other side has no `hook`."""
        if not self.side.has(hook):
            skip(f"the example's server has no {hook}")
        return self

    # What is posted

    def variant(self, seed: int = 1) -> Variant:
        """Make a variant whose words are like no other seed's."""
        say, able = Speaker(self._run_number + seed), self.capabilities
        size = min(able.max_chars or 280, 280)
        alt = f"{say.words(2)} {UNICODE} {say.words(2)}"[: able.max_alt].strip()
        medium = [picture(self._folder.name, seed, alt, able)] if able.max_media else []
        return Variant(
            key=self._key(seed),
            text=f"{say.words(3)} {UNICODE} {say.words(3)}"[:size].strip(),
            title=say.words(2) if able.title else None,
            link=f"https://city.example.gov/{say.words(1)}" if able.link else None,
            language="en",
            media=tuple(medium),
            recipient=next(iter(self.recipients()), None),
            at=self._born - timedelta(seconds=seed),
        )

    def with_big_picture(self, variant: Variant) -> Variant:
        """Return the variant with a picture of 5 MB, or as big as the platform takes."""
        size = min(5_000_000, self.capabilities.max_media_bytes)
        alt = variant.media[0].alt
        return replace(variant, media=(picture(self._folder.name, 99, alt, self.capabilities, size),))

    def _key(self, seed: int) -> str:
        if not self.live:
            return f"01920000-0000-7000-8000-{seed:012x}"
        now, run = f"{int(self._born.timestamp() * 1000):012x}", f"{self._run_number:08x}"
        return f"{now[:8]}-{now[8:]}-7{run[:3]}-8{run[3:6]}-{seed:012x}"

    def recipients(self) -> list[str]:
        """Return who gets a copy, asked once a test; empty where nobody has a copy of their own."""
        if self._recipients is None:
            found = self.addresses().outcome if hasattr(self.platform, "recipients") else []
            self._recipients = list(found) if isinstance(found, list) else []
        return self._recipients

    # What people see

    def reads(self, words: str) -> bool:
        """Return whether these words are public; true where the other side cannot be looked at."""
        return not self.side.has("public") or any(words in readable(text) for text in self.side.public())

    @contextmanager
    def shows(self, more: int, doing: str) -> Iterator[None]:
        """Demand that `doing` changes the number of public posts by `more`, where that can be seen."""
        before = len(self.side.public()) if self.side.has("public") else 0
        yield
        if self.side.has("public"):
            after = len(self.side.public())
            demand(
                after - before == more,
                f"{doing} must change the number of public posts by {more}, not by {after - before}",
            )


def _checked(platform: Platform, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings as the engine hands them on: through the platform's own model."""
    model = getattr(platform, "Settings", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return settings
    with suppress(ValueError):  # a test of its own says that they do not fit
        return model.model_validate(settings).model_dump(mode="json")
    return settings


def _filled(settings: Any, folder: str) -> Any:
    if isinstance(settings, str):
        return settings.replace("{tmp}", folder)
    if isinstance(settings, Mapping):
        return {key: _filled(value, folder) for key, value in settings.items()}
    return [_filled(value, folder) for value in settings] if isinstance(settings, list | tuple) else settings
