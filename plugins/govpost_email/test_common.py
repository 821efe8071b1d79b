"""What the tests of the bulletin share: a real submission server (aiosmtpd) on loopback, a list, and variants."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
import ssl
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from govpost import Channel, Media, Receipt, Variant
from govpost.testing import FakeWire
from govpost.wire import Attempt, judge, publish_error, read_error
from govpost_email import Email

USER, PASSWORD = "agency", "pw-ñ-123456"
LIST_KEY = "a list key for tests only"
LATER = Email(clock=lambda: time.time() + 3600)
"""Reads lists an hour after a test wrote them."""
REFUSED = {
    "unknown": "550 5.1.1 <{}>: Recipient address rejected: User unknown",
    "full": "452 4.2.2 <{}>: Mailbox full",
    "grey": "451 4.7.1 <{}>: Greylisted, please try again later",
    "closing": "421 4.3.2 Service closing",
}


@dataclass(frozen=True)
class Mail:
    """One message as the server accepted it."""

    sender: str
    to: str
    tls: bool
    options: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.SMTP)

    def part(self, kind: str) -> EmailMessage:
        return next(part for part in self.message.walk() if part.get_content_type() == kind)

    @property
    def text(self) -> str:
        return self.part("text/plain").get_content().replace("\r\n", "\n")

    @property
    def html(self) -> str:
        return self.part("text/html").get_content().replace("\r\n", "\n")


@dataclass
class Desk:
    """What the server does; `at_mail` and `at_dot` are what it answers there, or a deed."""

    box: list[Mail] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    at_mail: str = ""
    at_dot: str | Callable[[Any], None] = ""
    wait: float = 0.0

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if self.at_mail:
            return self.at_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.asked.append(address)
        word = address.partition("@")[0].partition("-")[0]
        if word in REFUSED:
            return REFUSED[word].format(address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.wait:
            await asyncio.sleep(self.wait)
        if isinstance(self.at_dot, str) and self.at_dot:
            return self.at_dot
        secure = server.transport.get_extra_info("ssl_object") is not None
        (to,) = envelope.rcpt_tos
        self.box.append(
            Mail(envelope.mail_from, to, secure, envelope.mail_options, envelope.original_content)
        )
        if callable(self.at_dot):
            self.at_dot(server)
        return f"250 2.0.0 Ok: queued as {len(self.box):05}"


def drop(server: Any) -> None:
    """End the connection without a word."""
    server.transport.abort()


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def certificate(name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(name).configure_cert(context)
    return context


def _authenticate(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=data)


@contextmanager
def mail_server(desk: Desk, security: str = "starttls", name: str = "localhost") -> Iterator[int]:
    """Run a submission server on loopback; gives its port."""
    common: dict[str, Any] = {
        "hostname": "127.0.0.1",
        "port": 0,
        "authenticator": _authenticate,
        "auth_required": security == "starttls",
        "auth_require_tls": security == "starttls",
        "data_size_limit": 1_000_000,
        "enable_SMTPUTF8": True,
    }
    if security == "starttls":
        common |= {"tls_context": certificate(name), "require_starttls": True}
    elif security == "tls":
        common |= {"ssl_context": certificate(name)}
    controller = _Controller(desk, **common)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


class _Controller(Controller):
    """Takes any free port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@dataclass
class Office:
    """A channel with a list in a folder, on a server."""

    folder: Path
    port: int = 0
    security: str = "starttls"
    more: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)

    def people(self, *addresses: str, header: str = "email") -> None:
        (self.folder / "residents.csv").write_text("\n".join([header, *addresses]) + "\n", encoding="utf-8")

    @property
    def channel(self) -> Channel:
        ca = self.folder / "ca.pem"
        if not ca.exists():
            authority().cert_pem.write_to_path(str(ca))
        settings = {
            "host": "localhost",
            "port": self.port,
            "tls": self.security,
            "ca_file": str(ca),
            "user": USER,
            "sender": "news@riverton.example.gov",
            "sender_name": "City of Riverton",
            "list_file": str(self.folder / "residents.csv"),
            "unsubscribe_url": "https://riverton.example.gov/u/{token}",
        }
        settings = {name: value for name, value in (settings | self.more).items() if value is not None}
        known = {"password": PASSWORD, "list_key": LIST_KEY} | self.secrets
        return Channel(
            name="bulletin", platform="email", settings=settings, secrets=known, limits=self.limits
        )

    def refs(self, wire: FakeWire | None = None) -> list[str]:
        with self._attempt(wire) as attempt:
            try:
                return list(LATER.recipients(self.channel, attempt.client))
            except Exception as error:
                raise read_error(error, attempt) from error

    def send(self, what: Variant, *, seconds: float = 60, wire: FakeWire | None = None) -> Receipt:
        """Publish as the engine does; what comes of it is judged as the engine does."""
        with self._attempt(wire, seconds) as attempt:
            try:
                return judge(LATER.publish(what, self.channel, attempt.client), attempt)
            except Exception as error:
                raise publish_error(error, attempt) from error

    def send_all(self, **values: Any) -> list[Receipt]:
        return [self.send(variant(n, recipient=ref, **values)) for n, ref in enumerate(self.refs(), 1)]

    def _attempt(self, wire: FakeWire | None, seconds: float = 60) -> Attempt:
        return Attempt(self.channel, deadline=time.monotonic() + seconds, transport=wire)


def key(number: int) -> str:
    return f"01920000-0000-7000-8000-{number:012x}"


def variant(number: int = 1, **values: Any) -> Variant:
    given = {
        "key": key(number),
        "title": "Main Street bridge closed Friday",
        "text": "The bridge is closed on **Friday**.",
        "language": "en",
        "at": datetime(2026, 11, 27, 14, number % 60, tzinfo=UTC),
    }
    return Variant(**(given | values))


def picture(path: Path, shade: int = 90, side: int = 16, alt: str = "Barriers across the bridge") -> Media:
    """Make a small picture and describe it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([shade, 120, 160]) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Media(path=path, mime="image/png", alt=alt, sha256=digest)
