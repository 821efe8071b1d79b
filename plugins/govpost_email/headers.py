"""Header fields written out by hand, folded where they may be: what refolds them breaks long addresses (RFC 5322)."""

from __future__ import annotations

from collections.abc import Iterable
from email.header import Header
from email.utils import quote

_WIDTH = 76


def block(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return header fields as bytes; a value may hold line breaks only where it was folded here."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def words(text: str, field: str) -> str:
    """Write free words for `field`, in encoded words (RFC 2047) unless they are plain ASCII."""
    plain = text.isascii() and "=?" not in text
    header = Header(text, "us-ascii" if plain else "utf-8", header_name=field, maxlinelen=_WIDTH)
    return header.encode(linesep="\r\n")


def mailbox(name: str, address: str, field: str) -> str:
    """Write an address with the name of its owner."""
    if not name:
        return address
    plain = name.isascii() and "=?" not in name
    return f'"{quote(name)}" <{address}>' if plain else f"{words(name, field)}\r\n <{address}>"


def addresses(*each: str) -> str:
    """Write addresses in angle brackets, one a line."""
    return ",\r\n ".join(f"<{address}>" for address in each)
