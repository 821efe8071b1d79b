"""The shapes in which a secret comes back: quoted, escaped, in base64 or hex, broken over lines. As patterns."""

from __future__ import annotations

import base64
import re
from html.entities import codepoint2name

_LEAST_CODED = 6
"""Bytes; what is shorter looks in base64 like any other few letters."""

_GAP = r"[\s,]{0,4}"
_NAMED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


def pattern(secret: str) -> str:
    """Return a regular expression for a secret in every shape; it takes time in proportion to what is searched."""
    # Every repeat below is bounded: a text made of one sign must not be read again from each of its places.
    shapes = [rf"(?i:{_GAP.join(map(_sign, secret))})", rf"(?i:{_GAP.join(secret.encode().hex())})"]
    if len(secret.encode()) >= _LEAST_CODED:
        shapes += [_GAP.join(map(_coded, _core(secret.encode(), before))) for before in range(3)]
    return "|".join(shapes)


def _sign(sign: str) -> str:
    """Return one sign as it stands and as it is written in addresses, JSON, HTML and program text."""
    if sign.isascii() and sign.isalnum():
        return sign
    number = ord(sign)
    units = sign.encode("utf-16-be").hex()
    ways = [
        r"\\{1,16}" if sign == "\\" else r"\\{0,8}" + re.escape(sign),
        "".join(rf"%(?:25){{0,3}}{byte:02x}" for byte in sign.encode()),
        "".join(rf"\\{{1,8}}u{units[place : place + 4]}" for place in range(0, len(units), 4)),
        "".join(rf"\\{{1,8}}x{byte:02x}" for byte in sign.encode()),
        rf"&(?:amp;){{0,3}}#(?:0{{0,6}}{number}|x0{{0,6}}{number:x});",
    ]
    ways += [rf"\\{{1,8}}x{number:02x}"] if number < 0x100 else [rf"\\{{1,8}}u{number:08x}"]
    names = {*filter(None, [codepoint2name.get(number)]), *(["apos"] if sign == "'" else [])}
    ways += [rf"&(?:amp;){{0,3}}{name};" for name in names]
    ways += [rf"\\{{1,8}}{_NAMED[sign]}"] if sign in _NAMED else []
    ways += [r"\+"] if sign == " " else []
    return f"(?:{'|'.join(ways)})"


def _core(raw: bytes, before: int) -> str:
    """Return the letters of base64 that stand for `raw` alone, after so many bytes (modulo 3) of something else."""
    coded = base64.b64encode(b"\0" * before + raw).decode()
    return coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]


def _coded(letter: str) -> str:
    return {"+": r"(?:[+-]|%2[bB])", "/": r"(?:[/_]|\\/|%2[fF])"}.get(letter, letter)
