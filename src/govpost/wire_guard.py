"""The connections under an attempt: one deadline, a byte budget, checked addresses."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpcore2
import httpx2

from govpost.errors import Rejected
from govpost.evidence import strings

BYTE_LIMIT = 64 * 1024 * 1024

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All that is handed out of IPv6 so far (RFC 4291, 2.4); old forms that wrap an inside address lie beside it.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Azure answers its machines there about themselves, and about their keys.
_METADATA = ipaddress.ip_address("168.63.129.16")
_LAST_PORT = 65_535
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_BARE_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d+)?(?:/\S*)?")


class Late(httpx2.PoolTimeout):
    """The attempt's deadline passed before this request could start."""


class Budget:
    """What an attempt may still use: time until `deadline`, an instant of `monotonic`, and bytes read."""

    def __init__(self, deadline: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.writes = 0
        self._deadline = deadline
        self._monotonic = monotonic
        self._bytes = BYTE_LIMIT

    def left(self) -> float:
        """Return the seconds left, 0 or less when the deadline has passed."""
        return self._deadline - self._monotonic()

    def seconds(self, asked: float | None, late: type[Exception]) -> float:
        """Return how long one step may take; raise `late` when no time is left."""
        left = self.left()
        if left <= 0:
            raise late("the attempt's deadline has passed")
        return left if asked is None else min(asked, left)

    def take(self, count: int) -> None:
        """Note bytes read; `httpx2.ReadError` when they are too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise httpx2.ReadError(f"the answer is larger than {BYTE_LIMIT // 1024 // 1024} MB")


def refuse_coding(headers: Mapping[str, str]) -> None:
    """Raise `httpx2.DecodingError` for an answer packed several times over, or in a way nobody asked for.

    We ask for none at all. One packing makes at most a thousand bytes of one before they are counted; two, a million.
    """
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        raise httpx2.DecodingError(f"the answer is packed as {coding[:40]!r}, which is not read")


def _host(address: str) -> str | None:
    try:
        return httpx2.URL(address).raw_host.decode("ascii").rstrip(".").lower() or None
    except (httpx2.InvalidURL, ValueError):
        return None


def trusted_hosts(settings: Mapping[str, Any]) -> frozenset[str]:
    """Return the hosts that stand in a channel's settings, as addresses or by themselves."""
    found = set()
    for text in map(str.strip, strings(settings)):
        if "://" in text:
            found.add(_host(text))
        elif _BARE_HOST.fullmatch(text) and ("." in text or ":" in text or text == "localhost"):
            found.add(_host(f"https://{text}"))
    return frozenset(host for host in found if host)


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the open internet; addresses wrapped in others are unwrapped."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and ip != _METADATA


def _is_literal(host: str) -> bool:
    """Say whether a host is an IP address as it is written today; the old forms are for the resolver to understand."""
    try:
        return "%" not in host and str(ipaddress.ip_address(host)) == host
    except ValueError:
        return False


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """Return the IP addresses of `host` within `seconds`; raises httpcore2's connect errors."""
    if port > _LAST_PORT:
        raise httpcore2.ConnectError(f"{host} has no port {port}")
    if _is_literal(host):
        return [host]
    answer: list[list[str] | OSError | UnicodeError] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.append(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answer.append(error)

    # The resolver of the system cannot be interrupted; a thread of its own can be left behind.
    thread = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise httpcore2.ConnectTimeout(f"no address for {host} in time")
    if not isinstance(answer[0], list):
        raise httpcore2.ConnectError(f"no address for {host}: {answer[0]}")
    return answer[0]


class _Stream(httpcore2.NetworkStream):
    """A connection that lasts until the attempt's deadline, however slowly the other side reads or writes."""

    def __init__(self, inner: httpcore2.NetworkStream, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, timeout=self._budget.seconds(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        sock = self._inner.get_extra_info("socket")
        view = memoryview(buffer)
        while view:
            seconds = self._budget.seconds(timeout, httpcore2.WriteTimeout)
            self._budget.writes += 1
            try:
                sock.settimeout(seconds)
                view = view[sock.send(view) :]
            except TimeoutError as error:
                raise httpcore2.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore2.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = self._budget.seconds(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._budget)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Opens connections to trusted hosts and to public addresses only, and to the very address it checked."""

    def __init__(self, budget: Budget, trusted: frozenset[str]) -> None:
        self._inner = httpcore2.SyncBackend()
        self._budget = budget
        self._trusted = trusted

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = resolve(host, port, self._budget.seconds(timeout, httpcore2.ConnectTimeout))
        if host.rstrip(".").lower() not in self._trusted:
            refuse_private(host, addresses)
        problem: Exception = httpcore2.ConnectError(f"no address for {host}")
        for address in addresses:
            seconds = self._budget.seconds(timeout, httpcore2.ConnectTimeout)
            try:
                stream = self._inner.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
            else:
                return _Stream(stream, self._budget)
        raise problem


def refuse_private(host: str, addresses: Iterable[str]) -> None:
    """Raise `Rejected` when `host` leads anywhere but to the open internet."""
    private = [address for address in addresses if not is_public(address)]
    if private:
        raise Rejected(
            f"{host} leads to {private[0]}, which is not a public address: nothing was sent",
            tip="a host inside the network must stand in the channel's settings",
        )


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's own transport over guarded connections, each request on a fresh one."""

    def __init__(self, budget: Budget, trusted: frozenset[str], *, secure: bool) -> None:
        # Reading the system's certificates takes longer than a request on loopback.
        context = (
            httpx2.create_ssl_context(trust_env=False) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        super().__init__(verify=context, trust_env=False)
        if not isinstance(self._pool, httpcore2.ConnectionPool):  # pragma: no cover
            raise TypeError("this httpx2 keeps its connections elsewhere, so they cannot be guarded")
        self._pool.close()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context, max_keepalive_connections=0, network_backend=_Backend(budget, trusted)
        )
