"""The shapes in which a secret comes back: quoted, escaped, in base64 or hex, broken over lines."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.entities import codepoint2name

_LEAST_CODED = 6
"""Bytes; what is shorter looks in base64 like any other few letters."""
_LEAST_BROKEN = 8
"""Signs; what is shorter may stand by chance where one word ends and the next begins."""

_NAMED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_STANDARD = {ord("-"): "+", ord("_"): "/"}

Span = tuple[int, int]


class _Text:
    """A text as it stands, with base64 in its standard alphabet, and in small letters: each as long as it."""

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self.standard = plain.translate(_STANDARD)
        self.lower = plain.translate(_LOWER)


@dataclass(frozen=True, kw_only=True)
class Disguised:
    """One secret in all its shapes: as text, and the letters that stand for it alone in base64 and in hex.

    `broken` says that gaps in it are looked over; one that has gaps itself is looked for `whole` as well.
    """

    shape: re.Pattern[str]
    whole: re.Pattern[str] | None
    coded: tuple[str, ...]
    hexed: str
    broken: bool

    def spans(self, text: _Text) -> Iterator[Span]:
        """Give where it stands."""
        yield from (found.span() for found in self.shape.finditer(text.plain))
        for core in self.coded:
            yield from _finds(core, text.standard)
        yield from _finds(self.hexed, text.lower)


def disguised(secret: str, pairs: Iterable[str] = ()) -> Disguised:
    """Return a secret in all its shapes; `pairs` are texts it may stand in, for one too short to be known alone."""
    secret = secret.encode("utf-8", "replace").decode()  # half a character is shown as "?"
    raw, broken = secret.encode(), len(_squeezed(secret)) >= _LEAST_BROKEN
    long = len(raw) >= _LEAST_CODED
    coded = [_core(raw, before) for before in range(3)] if long else []
    coded += [base64.b64encode(pair.encode("utf-8", "replace")).decode() for pair in pairs]
    gaps = broken and any(map(_is_gap, secret))
    return Disguised(
        shape=re.compile("".join(_sign(sign, gap=broken and _is_gap(sign)) for sign in secret)),
        whole=re.compile("".join(_sign(sign, gap=False) for sign in secret)) if gaps else None,
        coded=tuple(coded),
        hexed=raw.hex() if long else "",
        broken=broken,
    )


def spans(secrets: Sequence[Disguised], text: str) -> list[Span]:
    """Return where any of the secrets stands in a text, in order and apart."""
    whole, tight = _Text(text), _Text(_squeezed(text))
    found = [span for each in secrets if not each.broken for span in each.spans(whole)]
    found += [one.span() for each in secrets if each.whole for one in each.whole.finditer(text)]
    inside = [span for each in secrets if each.broken for span in each.spans(tight)]
    if inside:
        places = [place for place, sign in enumerate(text) if not _is_gap(sign)]
        found += [(places[start], places[end - 1] + 1) for start, end in inside]
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _is_gap(sign: str) -> bool:
    return sign == "," or sign.isspace()


def _squeezed(text: str) -> str:
    return "".join(text.split()).replace(",", "")


def _finds(core: str, text: str) -> Iterator[Span]:
    start = text.find(core) if core else -1
    while start >= 0:
        yield start, start + len(core)
        start = text.find(core, start + 1)


def _sign(sign: str, *, gap: bool) -> str:
    """Return a pattern for one sign: as it stands, and as it is written in addresses, JSON, HTML and program text.

    A `gap` need not be there. Every repeat is bounded: no text is read again and again from each of its places.
    """
    if sign.isascii() and sign.isalnum():
        return sign
    number = ord(sign)
    ways = [] if gap else [r"\\{1,16}" if sign == "\\" else r"\\{0,8}" + re.escape(sign)]
    ways += ["".join(rf"%(?:25){{0,3}}{_hex(byte, 2)}" for byte in sign.encode())]
    ways += ["".join(rf"\\{{1,8}}u{_hex(unit, 4)}" for unit in _units(sign))]
    ways += ["".join(rf"\\{{1,8}}x{_hex(byte, 2)}" for byte in sign.encode())]
    ways += [rf"\\{{1,8}}x{_hex(number, 2)}" if number < 0x100 else rf"\\{{1,8}}U{_hex(number, 8)}"]
    ways += [rf"&(?:amp;){{0,3}}#(?:0{{0,6}}{number}|[xX]0{{0,6}}{_hex(number, 1)});"]
    names = [name for name in (codepoint2name.get(number), "apos" if sign == "'" else None) if name]
    ways += [rf"&(?:amp;){{0,3}}{name};" for name in names]
    ways += [rf"\\{{1,8}}{_NAMED[sign]}"] if sign in _NAMED else []
    ways += [r"\+"] if sign == " " else []
    return f"(?:{'|'.join(ways)}){'{0,1}' if gap else ''}"


def _hex(number: int, digits: int) -> str:
    return "".join(sign if sign.isdigit() else f"[{sign}{sign.upper()}]" for sign in f"{number:0{digits}x}")


def _units(sign: str) -> Iterator[int]:
    raw = sign.encode("utf-16-be")
    yield from (int.from_bytes(raw[place : place + 2], "big") for place in range(0, len(raw), 2))


def _core(raw: bytes, before: int) -> str:
    """Return the letters of base64 that stand for `raw` alone, after so many bytes (modulo 3) of something else."""
    coded = base64.b64encode(b"\0" * before + raw).decode()
    return coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
