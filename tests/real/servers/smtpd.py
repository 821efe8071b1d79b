"""The mail server's own process: aiosmtpd with what a submission server of a provider does. It imports nothing of ours.

usage: smtpd.py FOLDER PORT TLS_PORT USER PASSWORD SIZE

What it accepts lies in FOLDER/box as NUMBER.eml with NUMBER.json beside it, each complete before its name is there;
what it refused is one line of JSON each in FOLDER/refused.jsonl. What becomes of an address is told by its first word.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

REFUSED = {
    "unknown": "550 5.1.1 <{}>: Recipient address rejected: User unknown",
    "full": "452 4.2.2 <{}>: Mailbox full",
    "later": "451 4.3.2 <{}>: Please try again later",
}
GREY = "451 4.7.1 <{}>: Greylisted, please try again later"
SPAM = "554 5.7.1 Message rejected as spam"


class Box:
    """Where mail is kept, numbered from 1, also over a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = folder / "box"
        self.box.mkdir(exist_ok=True)
        self.lock = threading.Lock()

    def keep(self, raw: bytes, facts: dict[str, Any]) -> int:
        with self.lock:
            number = len(list(self.box.glob("*.eml"))) + 1
            place = self.box / f"{number:05}"
            place.with_suffix(".json").write_text(json.dumps(facts))
            place.with_suffix(".part").write_bytes(raw)
            place.with_suffix(".part").rename(place.with_suffix(".eml"))
        return number

    def refuse(self, address: str, reply: str) -> str:
        with self.lock, (self.folder / "refused.jsonl").open("a") as log:
            log.write(json.dumps({"address": address, "reply": reply}) + "\n")
        return reply

    def greylisted(self, address: str) -> bool:
        """Whether an address is asked for the first time."""
        log = self.folder / "refused.jsonl"
        return not log.exists() or json.dumps(address) not in log.read_text()


class Desk:
    """What the server answers to RCPT and DATA."""

    def __init__(self, box: Box, tls: bool) -> None:
        self.box = box
        self.tls = tls

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        word = address.partition("@")[0].partition("-")[0]
        if word in REFUSED:
            return self.box.refuse(address, REFUSED[word].format(address))
        if word == "grey" and self.box.greylisted(address):
            return self.box.refuse(address, GREY.format(address))
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        for address in envelope.rcpt_tos:
            if address.startswith("spam"):
                return self.box.refuse(address, SPAM)
        facts = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "tls": self.tls or session.ssl is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
            "options": envelope.mail_options,
        }
        number = self.box.keep(envelope.original_content or b"", facts)
        return f"250 2.0.0 Ok: queued as {number:05}"


def certificate(folder: Path) -> ssl.SSLContext:
    """Make an authority and a certificate for loopback, once; the authority's is FOLDER/ca.pem."""
    chain = folder / "server.pem"
    if not chain.exists():
        authority = trustme.CA()
        own = authority.issue_cert("localhost", "127.0.0.1")
        own.private_key_and_cert_chain_pem.write_to_path(str(chain))
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def main() -> None:
    folder, user, password, size = Path(sys.argv[1]), sys.argv[4], sys.argv[5], int(sys.argv[6])
    context = certificate(folder)
    box = Box(folder)

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=False, auth_data=data)

    common: dict[str, Any] = {
        "hostname": "127.0.0.1",
        "ident": "ESMTP for tests",
        "authenticator": authenticate,
        "auth_required": True,
        "data_size_limit": size,
        "enable_SMTPUTF8": True,
    }
    inside, before = Desk(box, tls=True), Desk(box, tls=False)
    Controller(inside, port=int(sys.argv[3]), ssl_context=context, auth_require_tls=False, **common).start()
    Controller(before, port=int(sys.argv[2]), tls_context=context, require_starttls=True, **common).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
