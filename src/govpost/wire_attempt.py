"""An attempt: the client a platform gets, and a note of all that is said on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from govpost import __version__, wire_limits
from govpost.domain import Channel
from govpost.errors import PublishError, Rejected
from govpost.evidence import MULTIPART_LIMIT, READS, TEXT_LIMIT, Body, Exchange, Redactor
from govpost.wire_guard import Budget, GuardedTransport, Late, refuse_coding, trusted_hosts

_CONNECT_SECONDS = 10.0
_LAST = 20

# Raised by a transport that is not ours before anything of the request has gone.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
    PublishError,
)


class Answer(httpx2.Response):
    """A response that is noted and counted while it is read."""

    exchange: Exchange
    budget: Budget

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the bytes as they came, noting what breaks them off."""
        try:
            for chunk in super().iter_raw(chunk_size):
                self.budget.take(len(chunk))
                yield chunk
        except Exception as error:
            self.exchange.error = error
            raise

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the decoded bytes, noting them the first time."""
        if self.is_stream_consumed:
            yield from super().iter_bytes(chunk_size)
            return
        try:
            refuse_coding(self.headers)
            for chunk in super().iter_bytes(chunk_size):
                self.budget.take(len(chunk))
                self.exchange.received.add(chunk)
                yield chunk
        except Exception as error:
            self.exchange.error = error
            raise


class _Tap(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._body.add(chunk)
            yield chunk

    def close(self) -> None:
        self._inner.close()


class Recorder(httpx2.BaseTransport):
    """Notes every exchange; starts none after the deadline, and no write where only reading is allowed."""

    def __init__(
        self,
        budget: Budget,
        trusted: frozenset[str],
        *,
        transport: httpx2.BaseTransport | None = None,
        read_only: bool = False,
        private: bool = False,
    ) -> None:
        self.exchanges: list[Exchange] = []
        self._private = private
        self.budget = budget
        self._trusted = trusted
        self._given = transport
        self._read_only = read_only
        self._made: dict[str, GuardedTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and note what came of it."""
        exchange = self._exchange(request)
        self.exchanges.append(exchange)
        written, started = self.budget.writes, time.perf_counter()
        try:
            self._admit(request)
            response = self._transport(request).handle_request(_tapped(request, exchange.sent))
        except BaseException as error:
            exchange.error = error
            own = self._given is None
            exchange.left = self.budget.writes > written if own else not isinstance(error, _NOT_SENT)
            raise
        finally:
            exchange.ms = round((time.perf_counter() - started) * 1000)
        return self._answer(exchange, response)

    def _exchange(self, request: httpx2.Request) -> Exchange:
        now = datetime.now(UTC)
        if self._private:
            return Exchange(request=request, at=now, sent=Body(keep=0), received=Body(keep=0), private=True)
        return Exchange(request=request, at=now, sent=_body(request))

    def _answer(self, exchange: Exchange, response: httpx2.Response) -> Answer:
        answer = Answer(response.status_code, headers=response.headers, stream=response.stream)
        answer.extensions = response.extensions
        answer.exchange, answer.budget = exchange, self.budget
        exchange.left, exchange.response = True, answer
        return answer

    def _admit(self, request: httpx2.Request) -> None:
        self.budget.seconds(None, Late)
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise httpx2.UnsupportedProtocol(f"{str(request.url)!r} is not an http:// or https:// address")
        if self._read_only and request.method.upper() not in READS:
            raise Rejected(f"only reading is allowed here: {request.method} was not sent")

    def _transport(self, request: httpx2.Request) -> httpx2.BaseTransport:
        if self._given is not None:
            return self._given
        scheme = request.url.scheme
        if scheme not in self._made:
            self._made[scheme] = GuardedTransport(self.budget, self._trusted, secure=scheme == "https")
        return self._made[scheme]

    def close(self) -> None:
        """Close the connections that were made here."""
        for transport in self._made.values():
            transport.close()


def _body(request: httpx2.Request) -> Body:
    multipart = request.headers.get("content-type", "").startswith("multipart/")
    body = Body(MULTIPART_LIMIT if multipart else TEXT_LIMIT)
    with contextlib.suppress(httpx2.RequestNotRead):
        body.add(request.content)
    return body


def _tapped(request: httpx2.Request, body: Body) -> httpx2.Request:
    """Return the request, or one whose body is noted while it streams."""
    try:
        _ = request.content
    except httpx2.RequestNotRead:
        if isinstance(request.stream, httpx2.SyncByteStream):
            return httpx2.Request(
                request.method,
                request.url,
                headers=request.headers,
                stream=_Tap(request.stream, body),
                extensions=request.extensions,
            )
    return request


def never() -> bool:
    """Say that nothing has to stop."""
    return False


class Client(httpx2.Client):
    """The client that platforms get: no redirects, no environment; it remembers what could not be built.

    `budget`, `stop` and `sleep` are the attempt's, for `govpost.polling`.
    """

    def __init__(
        self,
        recorder: Recorder,
        stop: Callable[[], bool] = never,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            transport=recorder,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS),
            headers={"User-Agent": f"govpost/{__version__}", "Accept-Encoding": "identity"},
        )
        self.unbuilt: BaseException | None = None
        self._recorder = recorder
        self.budget, self.stop, self.sleep = recorder.budget, stop, sleep

    def build_request(self, *args: Any, **kwargs: Any) -> httpx2.Request:
        """Build a request as httpx2 does."""
        try:
            return super().build_request(*args, **kwargs)
        except (TypeError, ValueError, httpx2.InvalidURL) as error:
            self.unbuilt = error
            raise

    def send(self, *args: Any, **kwargs: Any) -> httpx2.Response:
        """Send a request as httpx2 does."""
        before = len(self._recorder.exchanges)
        try:
            return super().send(*args, **kwargs)
        except (TypeError, ValueError, httpx2.InvalidURL) as error:
            if len(self._recorder.exchanges) == before:
                self.unbuilt = error
            raise


class Attempt:
    """One attempt's wire: `client` for the platform, and what was said on it.

    `deadline` is an instant of `monotonic`; no request starts after it and none lasts beyond it. `stop` turns true when
    waiting has to end. `read_only` refuses whatever may write. `transport` replaces the network. `private` keeps no
    bodies as evidence, for what names people. Use one attempt for `stage` and a fresh one with the same deadline for
    `publish`: what was staged does not count as published.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        deadline: float,
        monotonic: Callable[[], float] = time.monotonic,
        stop: Callable[[], bool] = never,
        transport: httpx2.BaseTransport | None = None,
        read_only: bool = False,
        private: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clean = Redactor(channel.secrets, channel.settings)
        self.budget = Budget(deadline, monotonic)
        self.stop = stop
        self.sleep = sleep
        self._recorder = Recorder(
            self.budget,
            trusted_hosts(channel.settings),
            transport=transport,
            read_only=read_only,
            private=private,
        )
        self.client = Client(self._recorder, stop, sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @property
    def exchanges(self) -> list[Exchange]:
        """Return what was said so far, first to last."""
        return self._recorder.exchanges

    @property
    def left(self) -> int:
        """Return how many requests that may change something have left."""
        return sum(exchange.writes and exchange.left for exchange in self.exchanges)

    @property
    def room(self) -> wire_limits.Budget | None:
        """Return the tightest rate limit that the answers so far spoke of; None when they spoke of none."""
        try:
            return self._room()
        except Exception:  # a hint must never cost a receipt
            return None

    def _room(self) -> wire_limits.Budget | None:
        now = datetime.now(UTC)
        answers = [exchange.response for exchange in self.exchanges if exchange.response is not None]
        budgets = filter(None, (wire_limits.budget(answer.headers, now) for answer in answers[-_LAST:]))
        return min(budgets, key=lambda each: (each.rest is None, each.share), default=None)

    def evidence(self) -> list[dict[str, Any]]:
        """Return the exchanges as JSON, without secrets."""
        return [exchange.show(self.clean) for exchange in self.exchanges]

    def exchange_of(self, error: BaseException) -> Exchange | None:
        """Return the exchange that `error` came from, None when it did not come from the wire."""
        if isinstance(error, httpx2.HTTPStatusError):
            return error.response.exchange if isinstance(error.response, Answer) else None
        return next((exchange for exchange in self.exchanges if exchange.error is error), None)
