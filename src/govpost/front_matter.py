"""A post's file in two: front matter as plain values with the place of every key, and the body.

YAML is composed into nodes, never constructed into objects, so a tag in a post can make nothing happen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from govpost import toml_lines
from govpost.characters import Place, place_at
from govpost.errors import Mistake, Mistakes

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

KeyPath = tuple[str, ...]

_FENCED = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?\n)??\1[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_MAX_CHARS = 64_000
_DEEPEST = 32
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What a post's file holds: the `values` of its front matter, the place of each key, and the body."""

    values: Mapping[str, Any]
    places: Mapping[KeyPath, Place]
    body: str
    body_line: int
    mistakes: tuple[Mistake, ...] = ()


def read(text: str, file: str) -> Document:
    """Split and parse a text whose lines end in \\n; `Mistakes` when its front matter cannot be read."""
    match = _FENCED.match(text)
    if not match:
        _refuse_open_fence(text, file)
        return Document(values={}, places={}, body=text, body_line=_first_line(text, 0))
    header = match[2] or ""
    if len(header) > _MAX_CHARS:
        raise _mistake(
            file, Place(1, 1), f"the front matter is {len(header):,} characters long", "put the text below it"
        )
    values, places, mistakes = _toml(header, file) if match[1] == "+++" else _yaml(header, file)
    return Document(
        values=values,
        places={path: _down(place) for path, place in places.items()},
        body=text[match.end() :],
        body_line=_first_line(text, match.end()),
        mistakes=tuple(mistakes),
    )


def _first_line(text: str, start: int) -> int:
    """Return the line on which the text after `start` has its first word."""
    blank = len(text[start:]) - len(text[start:].lstrip())
    return place_at(text, min(start + blank, len(text))).line


def _refuse_open_fence(text: str, file: str) -> None:
    fence = text.split("\n", 1)[0].rstrip()
    if fence in {"---", "+++"}:
        raise _mistake(file, Place(1, 1), "the front matter never ends", f"add a line with {fence} below it")


def _down(place: Place) -> Place:
    """Move a place in the header to its place in the file, below the fence."""
    return Place(place.line + 1, place.column)


def _mistake(file: str, place: Place, message: str, tip: str = "") -> Mistakes:
    return Mistakes([Mistake(message=message, file=file, line=place.line, column=place.column, tip=tip)])


def _toml(header: str, file: str) -> tuple[dict[str, Any], Mapping[KeyPath, Place], list[Mistake]]:
    tip = 'between +++ lines write TOML: key = "text"'
    try:
        values = toml_lines.read(header)
    except toml_lines.Unreadable as error:
        where = _TOML_WHERE.search(str(error))
        place = place_at(header, len(header.rstrip()))
        if where and where[1]:
            place = Place(int(where[1]), int(where[2]))
        raise _mistake(file, _down(place), f"not TOML: {_TOML_WHERE.sub('', str(error))}", tip) from None
    return _texts(values), toml_lines.places(header), []


def _texts(value: Any) -> Any:
    """Write TOML's dates as the text they came from, as YAML 1.2 has none either."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else value


def _yaml(header: str, file: str) -> tuple[dict[str, Any], Mapping[KeyPath, Place], list[Mistake]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    tip = "put text that holds : or # in quotes, and indent with spaces"
    # The parser takes seconds to give up on a run of brackets.
    if _open_brackets(header) > _DEEPEST:
        raise _mistake(file, Place(1, 1), "the front matter is nested too deeply", tip)
    try:
        node = YAML(typ="safe", pure=True).compose(header)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise _mistake(file, _down(place), f"not YAML: {error.problem or error.context}", tip) from None
    except Exception:
        # The parser trips over some broken input with errors of its own making; a clerk needs the same line.
        raise _mistake(file, Place(1, 1), "the front matter is not YAML", tip) from None
    walk = _Walk(file)
    values = walk.value(node, ()) if node is not None else {}
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise _mistake(
            file,
            Place(2, 1),
            "the front matter is not a list of keys",
            "write for example title: Library hours",
        )
    return values, walk.places, walk.mistakes


def _open_brackets(header: str) -> int:
    """Return how many brackets are open at once, at the most; one in a text counts as well."""
    steps = (1 if found[0] in "[{" else -1 for found in re.finditer(r"[\[{\]}]", header))
    return max(accumulate(steps, lambda depth, step: max(depth + step, 0), initial=0))


class _Walk:
    """Turns YAML nodes into plain values; keeps where each key stands and what must not be there."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[KeyPath, Place] = {}
        self.mistakes: list[Mistake] = []
        self.seen: set[int] = set()

    def value(self, node: Node, path: KeyPath) -> Any:
        if id(node) in self.seen:
            self.wrong(node, "anchors and aliases (& and *) are not used here", "write the value out")
            return None
        self.seen.add(id(node))
        if len(path) > _DEEPEST:
            self.wrong(node, "this is nested too deeply", "write it with fewer levels")
            return None
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "map":
            return self.mapping(node, path)
        if kind == "seq":
            return [self.item(item, (*path, str(index))) for index, item in enumerate(node.value)]
        return self.scalar(node, kind)

    def item(self, node: Node, path: KeyPath) -> Any:
        self.places[path] = _place(node)
        return self.value(node, path)

    def mapping(self, node: Node, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node.value, str) else "?"
            inside = (*path, key)
            if inside in self.places:
                first = self.places[inside].line + 1
                self.wrong(key_node, f"'{key}' stands twice (first in line {first})", "keep one of the two")
                continue
            self.places[inside] = _place(key_node)
            values[key] = self.value(value_node, inside)
        return values

    def scalar(self, node: Node, kind: str) -> Any:
        text = node.value
        if kind in {"str", "timestamp"} and isinstance(text, str):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in {"int", "float"}:
            return _number(text)
        self.wrong(
            node, f"tags such as {node.tag} are not used here", "leave out the word that begins with !"
        )
        return None

    def wrong(self, node: Node, message: str, tip: str) -> None:
        place = _down(_place(node))
        self.mistakes.append(
            Mistake(message=message, file=self.file, line=place.line, column=place.column, tip=tip)
        )


def _number(text: str) -> float:
    """Read a number; NaN for spellings of YAML that Python does not share, which fit nowhere in a post."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
