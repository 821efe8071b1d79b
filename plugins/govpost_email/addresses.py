"""E-mail addresses, and the references that stand for them wherever something is kept.

Taken are the plain addresses of RFC 5321 and RFC 6531: ``local@domain`` with a dot-atom before the sign, letters of any
script on both sides. Quoted local parts, comments and address literals are refused: nobody on a list has one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_REFERENCE_DIGITS = 20
_TOKEN = re.compile(rf"([0-9a-f]{{{_REFERENCE_DIGITS}}})-([0-9a-f]{{{_REFERENCE_DIGITS}}})")
_REFERENCE = re.compile(rf"[0-9a-f]{{{_REFERENCE_DIGITS}}}")
_OUTSIDE = r"\s<>()\[\]:;,\"'"
_SHOWN = re.compile(rf"(?<![^{_OUTSIDE}])[^{_OUTSIDE}]+@[^{_OUTSIDE}]*[^{_OUTSIDE}.!?]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """An address that can be written to; ``domain`` is in ASCII (IDNA), ``local`` as its owner writes it."""

    local: str
    domain: str

    @property
    def mailbox(self) -> str:
        """Return the address as it goes into an envelope."""
        return f"{self.local}@{self.domain}"

    @property
    def international(self) -> bool:
        """Say whether a server has to know SMTPUTF8 (RFC 6531) to take it."""
        return not self.local.isascii()

    @property
    def normal(self) -> str:
        """Return the form in which two spellings of one mailbox are the same."""
        return f"{self.local.casefold()}@{self.domain}"


def parse(text: str) -> Address:
    """Read an address; ValueError says what is wrong with it and never repeats it."""
    plain = unicodedata.normalize("NFC", text.strip())
    local, at, domain = plain.rpartition("@")
    if not at or "@" in local:
        raise ValueError("an e-mail address has one @, as in news@example.gov")
    if not _LOCAL.fullmatch(local) or not local.isprintable():
        raise ValueError("what stands before the @ is not a plain name such as ana.ruiz")
    if len(local.encode()) > 64:
        raise ValueError("what stands before the @ is longer than 64 bytes")
    address = Address(local=local, domain=domain_in_ascii(domain))
    if len(address.mailbox.encode()) > 254:
        raise ValueError("the address is longer than 254 bytes")
    return address


def domain_in_ascii(name: str) -> str:
    """Return a domain as the domain name system writes it; ValueError when there can be none such."""
    import idna

    try:
        plain = idna.encode(name.strip(), uts46=True, transitional=False, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("what stands after the @ is not a domain such as example.gov") from None
    if "." not in plain.strip(".") or plain.rpartition(".")[2].isdigit() or plain.endswith("."):
        raise ValueError("what stands after the @ is not a domain such as example.gov")
    return plain


def reference(normal: str, list_key: str) -> str:
    """Return what stands for an address in records: the same each time, and nobody can tell the address from it."""
    return _digest(f"recipient\0{normal}", list_key)


def token(ref: str, list_key: str) -> str:
    """Return what a recipient shows to be taken off the list; knowing the reference is not enough to make one."""
    return f"{ref}-{_digest(f'unsubscribe{chr(0)}{ref}', list_key)}"


def who_wrote(line: str, list_key: str) -> str | None:
    """Return the reference that an address, a reference or a token stands for; None when it is none of these."""
    text = line.strip().strip("<>").strip()
    if found := _TOKEN.fullmatch(text):
        return found[1] if hmac.compare_digest(text, token(found[1], list_key)) else None
    if _REFERENCE.fullmatch(text):
        return text
    try:
        return reference(parse(text).normal, list_key)
    except ValueError:
        return None


def without_addresses(text: str) -> str:
    """Return a text with ``[address]`` wherever one stood."""
    return _SHOWN.sub("[address]", text)


def _digest(text: str, list_key: str) -> str:
    return hmac.new(list_key.encode(), text.encode(), hashlib.sha256).hexdigest()[:_REFERENCE_DIGITS]
