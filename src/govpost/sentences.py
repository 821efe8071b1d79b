"""Where a text may be parted: at the ends of sentences and paragraphs, never inside one.

In doubt two sentences stay one: a part that ends late is only longer, a part that ends after "Dr." is wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from govpost.counting import links

_STOPS = ".!?…‽؟۔।॥։።။។"
_WIDE_STOPS = "。！？｡"
_CLOSERS = r"\"'”’»›)\]}*_~"
_WIDE_CLOSERS = "」』】）〉》”’\"')"
_SEAM = re.compile(rf"\s+|[{_WIDE_STOPS}][{_WIDE_CLOSERS}]*+(?![\s{_WIDE_STOPS}])")
_STOPPED = re.compile(rf"([{_STOPS}{_WIDE_STOPS}]+)[{_CLOSERS}{_WIDE_CLOSERS}]*\Z")
_ITEM = re.compile(r"(?:[-*+•]|\d{1,9}[.)])\s")
_WORD = re.compile(r"[^\s\"'“‘«(\[{*_]*\Z")
_OPENING = re.compile(r"[\"'“‘«‹(\[{*_~¿¡—–-]*")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]|(?:[^\W\d_]{2}\.)+[^\W\d_]{2}")
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LINK = re.compile(r"https?://")
_JOINING = {"Mn", "Mc", "Me", "Cf"}
_JOINING_TOO = set("\uff9e\uff9f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_BEHIND, _AHEAD = 60, 60  # characters looked at on each side of a seam


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A name or a clause always follows these.
_NEVER_LAST = _words(
    """
    dr mr mrs ms mx prof rev hon gov lt sgt cpl capt col gen maj adm cmdr sen rep supt messrs fr e.g i.e
    cf vs viz approx ca sra srta sres dra dña ud uds p.ej ej
    """
)
# These may end a sentence: they do where the next word is one that begins sentences.
_SELDOM_LAST = _words(
    """
    a.m p.m inc ltd co corp bros dept dist div est etc jr sr ext bldg ave blvd rd ln hwy pkwy ct pl sq
    ste apt st mt ft no nos nr art fig sec ch vol pp para jan feb mar apr jun jul aug sep sept oct nov
    dec mon tue tues wed thu thur thurs fri sat sun al ph.d min max hr hrs lb oz núm pág tel av avda
    apdo ene abr ago dic lun mié jue vie sáb dom
    """
)
_BEGINNERS = _words(
    """
    a after all an and any are as at because before both but by call check come do don't during each
    every for from he her here how however i if in is it its join learn more most my never no not on
    once our please read residents see she since so some take thank that the their then there these they
    this those to today tomorrow until use visit we what when where which while who why will with work
    you your al antes como con cuando de después el ella ellos en entre es esta este esto estos la las
    lea llame los más no nuestra nuestro para pero por se si sin su sus todos un una visite y
    """
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One sentence of a text, ``text[start:end]``; `last` says that its paragraph ends with it."""

    start: int
    end: int
    last: bool


def pieces(text: str) -> list[Piece]:
    """Part a text into its sentences; only white space lies between them and around them."""
    found = []
    start = len(text) - len(text.lstrip())
    for end, after, last in _seams(text):
        if end > start and not _clings(text, after):
            found.append(Piece(start, end, last))
            start = after
    end = len(text.rstrip())
    return [*found, Piece(start, end, last=True)] if end > start else found


def _seams(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield where a sentence ends, where the next begins, and whether a paragraph ends between them."""
    inside = Inside(links(text))
    for match in _SEAM.finditer(text):
        gap = match[0]
        if not gap.isspace():
            if not inside(match.start()):
                yield match.end(), match.end(), False
        elif gap.count("\n") > 1 or ("\n" in gap and _ITEM.match(text, match.end())):
            yield match.start(), match.end(), gap.count("\n") > 1
        elif _ends(
            text[max(0, match.start() - _BEHIND) : match.start()], text[match.end() : match.end() + _AHEAD]
        ):
            yield match.start(), match.end(), False


def _ends(before: str, coming: str) -> bool:
    """Say whether a sentence ends between these words."""
    stopped = _STOPPED.search(before)
    if stopped is None:
        return False
    coming = _OPENING.sub("", coming, count=1)
    if coming[:1].islower() and not _LINK.match(coming):
        return False
    return stopped[1] != "." or _ends_after(before[: stopped.start()], coming)


def _ends_after(before: str, coming: str) -> bool:
    """Say whether the full stop after `before` ends a sentence and is not part of its last word."""
    start = _WORD.search(before).start()  # type: ignore[union-attr]
    word, first = before[start:].lower(), _FIRST_WORD.match(coming)
    if word in _NEVER_LAST or (word.isdecimal() and before[:start].rstrip(" \t")[-1:] in {"", "\n"}):
        return False
    if word in _SELDOM_LAST or _INITIALS.fullmatch(word):
        return first is not None and first[0].lower().replace("’", "'") in _BEGINNERS
    return True


def _clings(text: str, at: int) -> bool:
    """Say whether the character there joins the one before it, so that no cut may fall between them."""
    character = text[at : at + 1]
    return unicodedata.category(character or " ") in _JOINING or character in _JOINING_TOO


class Inside:
    """Says whether a place lies in one of some spans; asked for growing places."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = list(spans)
        self._next = 0

    def __call__(self, place: int) -> bool:
        """Say whether `place` is at or after a span's start and before its end."""
        while self._next < len(self._spans) and self._spans[self._next][1] <= place:
            self._next += 1
        return self._next < len(self._spans) and self._spans[self._next][0] <= place
