"""DKIM signatures (RFC 6376, 8301, 8463), by dkimpy from the extra ``govpost[dkim]``.

A signature holds the time it was made; everything else of a copy is the same at each try.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from govpost import Channel, Unauthorized, Unavailable
from govpost_email.settings import Settings

# Listed once more than they stand in the message, so that none can be added on the way (RFC 6376, section 8.15).
_SEALED = (
    "from",
    "to",
    "subject",
    "date",
    "reply-to",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
_SIGNED = (
    "message-id",
    "in-reply-to",
    "references",
    "list-id",
    "auto-submitted",
    "content-language",
    "mime-version",
)
_FEWEST_BITS = 1024
# An Ed25519 key in PKCS #8 (RFC 8410) is these bytes and the 32 of its seed.
_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s(.+?)\s-----END", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A private key as dkimpy takes it."""

    selector: str
    algorithm: str
    private: bytes


def keys(settings: Settings, channel: Channel) -> list[Key]:
    """Return the channel's keys, in the order of dkim_selectors; `Unauthorized` when one cannot be used."""
    if not settings.dkim_selectors:
        return []
    return [_key(selector, channel) for selector in settings.dkim_selectors]


def sign(message: bytes, settings: Settings, channel: Channel) -> bytes:
    """Return the message with a signature of each key before it."""
    found = keys(settings, channel)
    if not found:
        return message
    domain = settings.from_address.domain.encode()
    names = _covered(message)
    signatures = [_signature(message, key, domain, names) for key in found]
    return b"".join([*signatures, message])


def _signature(message: bytes, key: Key, domain: bytes, names: list[bytes]) -> bytes:
    made = _library().sign(
        message,
        key.selector.encode(),
        domain,
        key.private,
        canonicalize=(b"relaxed", b"relaxed"),
        signature_algorithm=key.algorithm.encode(),
        include_headers=names,
    )
    return bytes(made)


def _covered(message: bytes) -> list[bytes]:
    head = message.partition(b"\r\n\r\n")[0]
    there = {line.partition(b":")[0].lower().decode() for line in head.split(b"\r\n")}
    once = [name for name in (*_SEALED, *_SIGNED) if name in there]
    return [name.encode() for name in (*once, *_SEALED)]


def _library(module: str = "dkim") -> Any:
    try:
        return import_module(module)
    except ImportError:
        tip = "pip install 'govpost[dkim]'"
        raise Unavailable(
            "dkim_selectors needs dkimpy and PyNaCl, which are not installed", tip=tip
        ) from None


def _key(selector: str, channel: Channel) -> Key:
    text = channel.secrets.get(f"dkim_{selector}", "").strip()
    if not text:
        tip = f'add dkim_{selector} = "file:…" to the secrets of the channel'
        raise Unauthorized(f"there is no key for the DKIM selector {selector}", tip=tip)
    pem = _PEM.search(text + "\n")
    try:
        raw = base64.b64decode("".join((pem[2] if pem else text).split()), validate=True)
    except binascii.Error:
        raise _unusable(selector, "it is no private key in PEM or base64") from None
    if len(raw) == 32 and not pem:
        return _ed25519(selector, raw)
    if raw.startswith(_PKCS8_ED25519):
        return _ed25519(selector, raw.removeprefix(_PKCS8_ED25519))
    return _rsa(selector, raw)


def _rsa(selector: str, raw: bytes) -> Key:
    crypto = _library("dkim.crypto")
    try:
        bits = crypto.parse_private_key(raw)["modulus"].bit_length()
    except (crypto.UnparsableKeyError, ValueError, IndexError, KeyError, TypeError):
        raise _unusable(selector, "it is neither an RSA nor an Ed25519 key") from None
    if bits < _FEWEST_BITS:
        raise _unusable(selector, f"it has {bits} bits, and receivers ask for {_FEWEST_BITS} (RFC 8301)")
    pem = b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(raw) + b"\n-----END PRIVATE KEY-----\n"
    return Key(selector=selector, algorithm="rsa-sha256", private=pem)


def _ed25519(selector: str, seed: bytes) -> Key:
    _library("nacl.signing")
    return Key(selector=selector, algorithm="ed25519-sha256", private=base64.b64encode(seed))


def _unusable(selector: str, why: str) -> Unauthorized:
    tip = "make one with openssl genrsa 2048, and publish its public half in the DNS"
    return Unauthorized(f"the DKIM key of {selector} cannot be used: {why}", tip=tip)
