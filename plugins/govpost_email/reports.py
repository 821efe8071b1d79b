"""What comes back by mail: bounces (RFC 3464), complaints (RFC 5965), requests to leave, and people's answers."""

from __future__ import annotations

import contextlib
import email
import html
import re
from dataclasses import dataclass, replace
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from typing import Any, Literal, cast

from govpost_email.addresses import parse, reference, who_wrote, without_addresses
from govpost_email.settings import Settings

_LEAVES = re.compile(r"\bunsubscribe\s+([0-9a-f]{20}-[0-9a-f]{20})\b", re.IGNORECASE)
# The mailbox is not there, or not any more (RFC 3463, sections 3.2 and 3.3); a full one may be emptied.
_GONE = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1)\b")
_QUOTED = re.compile(r"^[^\S\n]*>.*$", re.MULTILINE)
_TAG = re.compile(r"<[^<>]*>")
_UNSEEN = re.compile(r"<(/?)(?:style|script)\b[^<>]*>", re.IGNORECASE)
_WRITER = re.compile(r"(?<![^\s<>,;:\"])[^\s<>,;:\"]+@[^\s<>,;:\"]+")
_LONGEST = 10_000
_LONGEST_HEADER = 2_000

Kind = Literal["bounce", "delay", "complaint", "leaving", "answer", "automatic"]


class _Policy(EmailPolicy):
    """Reads no more of a header than people write: the package takes the square of the time."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value[:_LONGEST_HEADER])


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """One message that came in, without addresses: from or about whom, and about which of our copies."""

    kind: Kind
    ref: str
    text: str = ""
    about: str | None = None
    status: str = ""
    message_id: str = ""

    @property
    def ends(self) -> bool:
        """Say whether its sender is to get nothing more."""
        return self.kind in {"complaint", "leaving"} or (
            self.kind == "bounce" and bool(_GONE.match(self.status))
        )


def read(raw: bytes, settings: Settings, list_key: str) -> News:
    """Say what a message is; whatever it holds, it is read without a fault."""
    message = cast(EmailMessage, email.message_from_bytes(raw, policy=_Policy()))
    about, ref = _ours(raw.decode("latin-1").replace("=\r\n", "").replace("=\n", ""), settings)
    news = _judged(message, ref, list_key)
    return replace(news, about=about, message_id=_header(message, "Message-ID")[:200])


def _judged(message: EmailMessage, ref: str, list_key: str) -> News:
    report = message.get_content_type() == "multipart/report"
    match str(message.get_param("report-type", "")).lower() if report else "":
        case "feedback-report":
            return News(kind="complaint", ref=ref, text="marked as unwanted")
        case "delivery-status":
            return _bounce(message, ref)
    asked = _LEAVES.search(_header(message, "Subject"))
    if asked and (leaver := who_wrote(asked[1].lower(), list_key)):
        return News(kind="leaving", ref=leaver)
    if report or _header(message, "Auto-Submitted").lower() not in {"", "no"}:
        return News(kind="automatic", ref=ref)
    return News(kind="answer", ref=_author(message, list_key), text=_words(message))


def _ours(text: str, settings: Settings) -> tuple[str | None, str]:
    """Find the Message-ID of a copy of ours, and the reference of whom it was for."""
    domain = re.escape(settings.own_domain)
    found = re.search(rf"<[0-9A-Za-z-]{{1,100}}\.([0-9a-f]{{20}})@{domain}>", text)
    return (found[0], found[1]) if found else (None, "")


def _bounce(message: EmailMessage, ref: str) -> News:
    groups = [group for part in message.walk() for group in _groups(part)]
    status = next((_header(group, "Status").split()[0] for group in groups if _header(group, "Status")), "")
    action = next((_header(group, "Action").lower() for group in groups if group["Action"]), "failed")
    said = next((_header(group, "Diagnostic-Code") for group in groups if group["Diagnostic-Code"]), "")
    text = without_addresses(f"{action} {status} {said.partition(';')[2].strip() or said}").strip()
    kind: Kind = "bounce" if action == "failed" else "delay"
    return News(kind=kind, ref=ref, text=text[:_LONGEST], status=status)


def _groups(part: Message) -> list[Message]:
    """Return the groups of fields of a delivery-status part."""
    payload = part.get_payload()
    if part.get_content_type() != "message/delivery-status" or not isinstance(payload, list):
        return []
    return [group for group in payload if isinstance(group, Message)]


def _header(message: Message, name: str) -> str:
    """Return a header on one line; one that cannot be read counts as missing."""
    try:
        return " ".join(str(message[name] or "").split())
    except Exception:  # the email package breaks in many ways at headers that spammers write
        return ""


def _author(message: EmailMessage, list_key: str) -> str:
    found = _WRITER.search(_header(message, "From"))
    text = found[0] if found else ""
    with contextlib.suppress(ValueError):
        text = parse(text).normal
    return reference(text, list_key)


def _words(message: EmailMessage) -> str:
    """Return what a person wrote, without what they quoted and without addresses."""
    try:
        part = message.get_body(("plain", "html"))
        said = str(part.get_content()) if part else ""
    except (LookupError, ValueError, AttributeError, KeyError):
        return ""
    if part and part.get_content_type() == "text/html":
        said = html.unescape(_TAG.sub(" ", _seen(said)))
    lines = (line.rstrip() for line in _QUOTED.sub("", said).splitlines())
    return without_addresses(re.sub(r"\n{3,}", "\n\n", "\n".join(lines))).strip()[:_LONGEST]


def _seen(page: str) -> str:
    """Return a page without its style sheets and scripts; one that never ends hides what follows."""
    parts, hidden = list[str](), False
    for number, piece in enumerate(_UNSEEN.split(page)):
        if number % 2:
            hidden = not piece
        elif not hidden:
            parts.append(piece)
    return " ".join(parts)
