"""TOML read without surprises, and where each key stands, which tomllib does not tell.

tomllib needs seconds for a key of many parts, and forgets its own kind of error over long numbers and deep lists. The
scanner trusts its input: `read` has already taken it.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from govpost.characters import Place, place_at

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_PLAIN = re.compile(r"[^,\]}\n#]*")

_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEPEST = 32
_LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{_DEEPEST}}}", re.MULTILINE)

Path = tuple[str, ...]
Unreadable = tomllib.TOMLDecodeError


def read(text: str) -> dict[str, Any]:
    """Parse TOML; `Unreadable` for whatever is wrong with it, tables 32 deep included."""
    if found := _LONG_KEY.search(text):
        line, column = place_at(text, found.start())
        raise Unreadable(f"nested too deeply (at line {line}, column {column})")
    try:
        values = tomllib.loads(text)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("nested too deeply (at line 1, column 1)") from None
    except ValueError:  # Python reads no whole number of over 4,300 digits
        raise Unreadable("a number is too long (at line 1, column 1)") from None
    if is_deeper(values, _DEEPEST):
        raise Unreadable("nested too deeply (at line 1, column 1)")
    return values


def is_deeper(value: Any, limit: int) -> bool:
    """Say whether tables and lists lie more than `limit` deep in each other."""
    level = [value]
    for _ in range(limit):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def places(text: str) -> Mapping[Path, Place]:
    """Map every key path of a valid TOML text to its place; elements of arrays are named ``0``, ``1``, …"""
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Place] = {}
        self.lengths: dict[Path, int] = {}
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def scan(self) -> Mapping[Path, Place]:
        table: Path = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
        return self.found

    def header(self) -> Path:
        start = self.at
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path: Path = ()
        keys = self.keys()
        for key in keys[:-1]:
            path = self.newest((*path, key))
            self.found.setdefault(path, self.place(start))
        path = (*path, keys[-1])
        if is_array:
            self.found.setdefault(path, self.place(start))
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path = self.newest(path)
        self.found[path] = self.place(start)
        self.at += 2 if is_array else 1
        return path

    def newest(self, path: Path) -> Path:
        return (*path, str(self.lengths[path] - 1)) if path in self.lengths else path

    def pair(self, table: Path) -> None:
        start = self.at
        path = table
        for key in self.keys():
            path = (*path, key)
            self.found.setdefault(path, self.place(start))
        self.at += 1
        self.value(path)

    def keys(self) -> list[str]:
        keys = [self.key()]
        while dot := _DOT.match(self.text, self.at):
            self.at = dot.end()
            keys.append(self.key())
        self.skip(_BLANK)
        return keys

    def key(self) -> str:
        self.skip(_BLANK)
        if self.text[self.at] in "\"'":
            name: str = tomllib.loads(f"key = {self.skip(_STRING)}")["key"]
            return name
        return self.skip(_BARE_KEY)

    def value(self, path: Path) -> None:
        self.skip(_BLANK)
        first = self.text[self.at]
        if first in "\"'":
            self.skip(_STRING)
        elif first == "[":
            self.array(path)
        elif first == "{":
            self.inline_table(path)
        else:
            self.skip(_PLAIN)

    def array(self, path: Path) -> None:
        index = 0
        self.at += 1
        while not self.closed("]"):
            element = (*path, str(index))
            self.found[element] = self.place(self.at)
            self.value(element)
            index += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        while not self.closed("}"):
            self.pair(path)

    def closed(self, bracket: str) -> bool:
        """Go to the next item; True when the closing bracket came first."""
        self.skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self.skip(_BLANK)
        is_end = self.text[self.at] == bracket
        self.at += is_end
        return is_end

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if not match:
            raise ValueError(f"not TOML at {self.place(self.at)}")
        self.at = match.end()
        return match.group()

    def place(self, offset: int) -> Place:
        line = bisect_right(self.starts, offset)
        return Place(line, offset - self.starts[line - 1] + 1)
