"""The work bench of the conformance suite: a channel, variants with words of their own, a fake wire."""

from __future__ import annotations

import hashlib
import random
import struct
import tempfile
import time
import unittest
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from govpost.contract import Example, Platform
from govpost.domain import Capabilities, Channel, Media, Receipt, Variant
from govpost.errors import PublishError
from govpost.testing.fakes import Fake, FakeWire, response
from govpost.wire import Attempt, judge, publish_error, read_error, stage_error

# Letters of several scripts, a joined emoji, a combining mark and the characters that markup trips over.
_UNICODE = "Ñandú Straße 日本語 👩🏽‍🚒 e\u0301 “<&>”"
_KEY = "01920000-0000-7000-8000-0000000000{:02x}"


def demand(condition: bool, message: str) -> None:
    """Fail the test with `message` unless `condition` holds; ``python -O`` leaves a bare assert out."""
    if not condition:
        raise AssertionError(message)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of one call, and the requests it made; `raw` is what the plugin itself returned."""

    outcome: Any
    raw: Any
    requests: list[httpx2.Request]
    writes: list[httpx2.Request]


def receipt_of(said: Said) -> Receipt:
    """Return the receipt of a call that must have given one."""
    demand(isinstance(said.outcome, Receipt), f"an accepted post must give a Receipt, not {said.outcome!r}")
    receipt: Receipt = said.outcome
    return receipt


class Bench:
    """One platform on a channel built from its example, in a folder of its own."""

    def __init__(self, platform: Platform, accept: Callable[[httpx2.Request], httpx2.Response]) -> None:
        self.platform = platform
        self.example = self.example_of(platform)
        self._accept = accept
        self._folder = tempfile.TemporaryDirectory(prefix="govpost-check-")
        settings = _filled(self.example.settings, self._folder.name)
        self.channel = Channel(
            name="example", platform=platform.name, settings=settings, secrets=dict(self.example.secrets)
        )
        adapted = getattr(platform, "adapted", None)
        self.capabilities: Capabilities = adapted(self.channel) if adapted else platform.capabilities

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
        self._folder.cleanup()

    @property
    def wired(self) -> bool:
        """Return whether a publish sends anything at all."""
        return bool(self.publish(self.variant(9)).requests)

    def on_the_wire(self, part: str = "publish") -> Self:
        """Skip the test for a platform that lacks `part` or never uses the wire."""
        self._require(part)
        if not self.wired:
            raise unittest.SkipTest("this platform does not use the wire")
        return self

    def having(self, part: str) -> Receipt:
        """Skip the test for a platform that lacks `part`; return the receipt of a post to use it on."""
        self._require(part)
        return receipt_of(self.publish(self.variant()))

    def _require(self, part: str) -> None:
        if not hasattr(self.platform, part):
            raise unittest.SkipTest(f"this platform has no {part}")

    def variant(self, seed: int = 1) -> Variant:
        """Make a variant whose words are like no other seed's."""
        say = _Speaker(seed)
        able = self.capabilities
        size = min(able.max_chars or 280, 280)
        return Variant(
            key=_KEY.format(seed),
            text=(say.words(3) + " " + _UNICODE + " " + say.words(3))[:size].strip(),
            title=say.words(2) if able.title else None,
            link=f"https://city.example.gov/{say.words(1)}" if able.link else None,
            language="en",
            media=(self._medium(seed, say.words(4)[: able.max_alt]),) if able.max_media else (),
            at=datetime(2026, 11, 27, 8, seed, tzinfo=UTC),
        )

    def _medium(self, seed: int, alt: str) -> Media:
        mime = (
            "image/png" if "image/png" in self.capabilities.media_types else self.capabilities.media_types[0]
        )
        path = Path(self._folder.name, f"picture-{seed}.{mime.partition('/')[2]}")
        path.write_bytes(_png(seed))
        return Media(path=path, mime=mime, alt=alt, sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    def publish(self, variant: Variant, answer: Any = None) -> Said:
        """Publish as the engine does, after staging what has to be staged; judge what comes of it."""
        variant, _ = self._staged(variant)
        return self._run(
            lambda a: self.platform.publish(variant, self.channel, a.client), answer, judged=True
        )

    def with_staging(self, variant: Variant) -> tuple[Variant, Said]:
        """Publish, and return the variant as it was published with the requests of both steps."""
        staged, requests = self._staged(variant)
        said = self._run(lambda a: self.platform.publish(staged, self.channel, a.client), None, judged=True)
        return staged, replace(said, requests=[*requests, *said.requests])

    def _staged(self, variant: Variant) -> tuple[Variant, list[httpx2.Request]]:
        if not hasattr(self.platform, "stage"):
            return variant, []
        said = self.stage(variant)
        demand(isinstance(said.outcome, Mapping), f"stage must return a mapping, not {said.outcome!r}")
        return replace(variant, staged=said.outcome), said.requests

    def stage(self, variant: Variant, answer: Any = None) -> Said:
        """Call the platform's stage."""
        stage: Any = getattr(self.platform, "stage", None)
        return self._run(lambda a: stage(variant, self.channel, a.client), answer, stage_error)

    def amend(self, receipt: Receipt, variant: Variant, answer: Any = None) -> Said:
        """Call the platform's amend."""
        amend: Any = getattr(self.platform, "amend", None)
        variant, _ = self._staged(variant)
        return self._run(lambda a: amend(receipt, variant, self.channel, a.client), answer, judged=True)

    def withdraw(self, receipt: Receipt, answer: Any = None) -> Said:
        """Call the platform's withdraw."""
        withdraw: Any = getattr(self.platform, "withdraw", None)
        return self._run(lambda a: withdraw(receipt, "Published in error.", self.channel, a.client), answer)

    def confirm(self, variant: Variant, receipt: Receipt | None, answer: Any = None) -> Said:
        """Call the platform's confirm."""
        confirm: Any = getattr(self.platform, "confirm", None)
        return self._run(lambda a: confirm(variant, receipt, self.channel, a.client), answer, read_error)

    def _run(
        self,
        call: Callable[[Attempt], Any],
        answer: Any,
        meaning: Callable[[BaseException, Attempt], PublishError] = publish_error,
        *,
        judged: bool = False,
    ) -> Said:
        """Make one call; `answer` is what requests that write get (or all, where only reading is due)."""
        everything = meaning is read_error
        wire = FakeWire(
            self._accept if answer is None else _instead(answer, self._accept, everything=everything)
        )
        raw: Any = None
        with Attempt(self.channel, deadline=time.monotonic() + 60, transport=wire) as attempt:
            try:
                raw = call(attempt)
                outcome = judge(raw, attempt) if judged else raw
            except Exception as error:
                outcome = meaning(error, attempt)
        return Said(outcome=outcome, raw=raw, requests=wire.requests, writes=wire.writes)


def _instead(
    answer: Any, accept: Callable[[httpx2.Request], httpx2.Response], *, everything: bool
) -> Callable[[httpx2.Request], httpx2.Response]:
    """Give `answer` to each request that matters and accept the others."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        if not everything and request.method in ("GET", "HEAD", "OPTIONS"):
            return accept(request)
        if isinstance(answer, Fake):
            raise answer.failure(request)
        return response(answer)

    return reply


def _filled(settings: Any, folder: str) -> Any:
    if isinstance(settings, str):
        return settings.replace("{tmp}", folder)
    if isinstance(settings, Mapping):
        return {key: _filled(value, folder) for key, value in settings.items()}
    return [_filled(value, folder) for value in settings] if isinstance(settings, list | tuple) else settings


class _Speaker:
    """Says words that mean nothing and that another seed never says."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - words, not secrets
        self._seed = seed

    def words(self, count: int) -> str:
        tail = chr(ord("a") + self._seed)
        return " ".join("".join(self._random.choices("bdfgklmnprstvz", k=7)) + tail for _ in range(count))


def _png(seed: int) -> bytes:
    """Return a picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixel = zlib.compress(bytes([0, seed, seed, seed]))
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
