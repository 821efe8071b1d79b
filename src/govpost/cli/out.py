"""Printing: aligned text for people, one JSON document for scripts. No boxes, so that a screen reader can follow."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

import click

GAP = "  "
_HALF = re.compile("[\ud800-\udfff]")
_STEERS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def document(value: Any) -> None:
    """Print one JSON document."""
    click.echo(as_json(value, indent=2))


def as_json(value: Any, indent: int | None = None) -> str:
    """Write JSON that a terminal only shows: what could steer it is escaped, which no reader of JSON minds."""
    written = _HALF.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False, indent=indent))
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def say(text: str = "", *, err: bool = False) -> None:
    """Print lines for people; what could steer the terminal is left out."""
    click.echo(plain(text), err=err)


def head(text: str) -> None:
    """Print a heading: bold on a terminal, plain elsewhere."""
    click.echo(click.style(plain(text), bold=True) if _styled() else plain(text))


def plain(text: str) -> str:
    """Return text that a terminal only shows, and that can be encoded."""
    return _STEERS.sub("\N{REPLACEMENT CHARACTER}", text)


def _styled() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    empty: str,
    below: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """Print rows under headings, or `empty` when there are none; the columns `right` end at their right edge.

    On a terminal too narrow for them the column `below` goes on a line of its own: an address stays whole.
    """
    cells = [[" ".join(plain(str(cell)).split()) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    widths = [max(map(_width, column)) for column in zip(headings, *cells, strict=True)]
    if _is_too_wide(widths):
        at = headings.index(below) if below else -1
        if below and not _is_too_wide(_without(widths, at)):
            _with_below(headings, cells, widths, at)
            return
        _wrapped(headings, cells)
        return
    ends = [heading in right for heading in headings]
    head(_line(headings, widths, ends))
    for row in cells:
        click.echo(_line(row, widths, ends))


def _without(cells: Sequence[Any], at: int) -> list[Any]:
    return [*cells[:at], *cells[at + 1 :]]


def _with_below(
    headings: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], at: int
) -> None:
    widths = _without(widths, at)
    head(_line(_without(headings, at), widths))
    for row in rows:
        click.echo(_line(_without(row, at), widths))
        if row[at]:
            click.echo(f"    {row[at]}")


def _line(cells: Sequence[str], widths: Sequence[int], right: Iterable[bool] = ()) -> str:
    padded = []
    for cell, width, at_right in zip_longest(cells, widths, right, fillvalue=False):
        space = " " * (int(width) - _width(str(cell)))
        padded.append(f"{space}{cell}" if at_right else f"{cell}{space}")
    return GAP.join(padded).rstrip()


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _is_too_wide(widths: Sequence[int]) -> bool:
    if not sys.stdout.isatty():
        return False
    from shutil import get_terminal_size

    return sum(widths) + len(GAP) * (len(widths) - 1) > get_terminal_size().columns


def _wrapped(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Let rich fold long cells to the width of the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    Console(highlight=False).print(shown)


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one a line; empty values are left out."""
    known = [(name, str(value)) for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        say(f"{name}:{' ' * (width - len(name))} {value}")


def indented(text: str, by: str = "  ") -> str:
    """Return the text with every line moved in."""
    return "\n".join(by + line if line else "" for line in text.splitlines())


def local(when: datetime | None, zone: str) -> str:
    """Write an instant for people, in a zone: ``Fri 2026-11-27 08:00 CST``."""
    from govpost.times import zone as zone_of

    return "" if when is None else f"{when.astimezone(zone_of(zone)):%a %Y-%m-%d %H:%M %Z}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 post``, ``3 posts``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def totals(numbers: Mapping[str, int]) -> str:
    """Write counts by state: ``2 live, 1 queued``."""
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number) or "none"


def finding_lines(findings: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write findings for people, each with what to do about it."""
    for each in findings:
        place = ":".join(str(part) for part in (each.get("file"), each.get("line")) if part)
        where = f" ({each['channel']})" if each.get("channel") else ""
        yield f"{place + ': ' if place else ''}{each['severity']} {each['rule']}{where}: {each['message']}"
        if each.get("tip"):
            yield f"  tip: {each['tip']}"
