"""E-mail: aiosmtpd as the submission server of an agency's provider."""

from __future__ import annotations

import email
import email.policy
import json
import os
import secrets
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from real.servers.process import CACHE, HERE, Server, free_port, needed


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One message as the server accepted it: the envelope, and the bytes after DATA."""

    sender: str
    recipients: tuple[str, ...]
    tls: bool
    user: str | None
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.SMTP)


class Submission:
    """What every submission server with STARTTLS and AUTH has."""

    host = "localhost"
    user = "agency"
    port: int
    password: str
    ca_file: Path | None
    """The authority that signed the server's certificate; None when everybody knows it."""

    def answers(self) -> bool:
        try:
            with smtplib.SMTP(self.host, self.port, timeout=5) as client:
                return client.noop()[0] == 250
        except smtplib.SMTPException:
            return False

    def login(self, port: int = 0) -> smtplib.SMTP:
        """Return a connection with STARTTLS and AUTH done; `port` may be a proxy's."""
        client = smtplib.SMTP(self.host, port or self.port, timeout=30)
        try:
            client.starttls(context=self.context())
            client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client

    def context(self) -> ssl.SSLContext:
        """Return what trusts the server's certificate."""
        return ssl.create_default_context(cafile=self.ca_file)


class MailServer(Submission, Server):
    """A submission server on `port` with STARTTLS and on `tls_port` with TLS from the first byte; AUTH is required.

    The first word of an address decides: ``unknown-…`` 550, ``full-…`` 452, ``later-…`` 451, ``grey-…`` 451 the first
    time only, ``spam-…`` 554 after DATA; all others are accepted. More than `size` bytes: 552.
    """

    name = "mail"
    size = 1_000_000
    recipient = ""
    """The only address that may be written to; empty when any may."""

    @classmethod
    def from_environment(cls) -> Self | None:
        """Read GOVPOST_SMTP_HOST, _PORT (STARTTLS), _TLS_PORT, _USER, _PASSWORD and _RECIPIENT."""
        host = os.environ.get("GOVPOST_SMTP_HOST")
        if not host:
            return None
        server = cls.at(f"smtp://{host}")
        server.host, server.user = host, os.environ["GOVPOST_SMTP_USER"]
        server.port = int(os.environ.get("GOVPOST_SMTP_PORT", "587"))
        server.tls_port = int(os.environ.get("GOVPOST_SMTP_TLS_PORT", "465"))
        server.password = os.environ["GOVPOST_SMTP_PASSWORD"]
        server.recipient = os.environ["GOVPOST_SMTP_RECIPIENT"]
        server.ca_file = None
        return server

    def prepare(self) -> None:
        self.python = needed(CACHE / "servers" / "bin" / "python")
        self.port, self.tls_port = free_port(), free_port()
        self.password = secrets.token_urlsafe(12)
        self.ca_file = self.folder / "ca.pem"
        self.url = f"smtp://{self.host}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        ports = [str(self.port), str(self.tls_port)]
        return [self.python, HERE / "smtpd.py", self.folder, *ports, self.user, self.password, str(self.size)]

    def mails(self) -> list[Mail]:
        """Return what was accepted, in order."""
        self.ours()
        return [self._read(place) for place in sorted((self.folder / "box").glob("*.eml"))]

    def refused(self) -> list[dict[str, Any]]:
        """Return address and reply of each refusal, in order."""
        self.ours()
        log = self.folder / "refused.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def _read(self, place: Path) -> Mail:
        facts = json.loads(place.with_suffix(".json").read_text())
        return Mail(
            sender=facts["sender"],
            recipients=tuple(facts["recipients"]),
            tls=facts["tls"],
            user=facts["user"],
            raw=place.read_bytes(),
        )
