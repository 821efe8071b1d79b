"""Reads front matter key by key: every value is what its key promises, or a mistake with its line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from govpost import times
from govpost.characters import Place, forbidden, tidy
from govpost.errors import Mistake, did_you_mean
from govpost.front_matter import Document, KeyPath
from govpost.times import Moment

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ Tt]+(\d\d:\d\d)(?::(\d\d)(?:\.0+)?)?(?:[ ]*([Zz]|[+-]\d\d:?\d\d))?", re.ASCII
)
_YEARS = range(1970, 2200)


def slug_of(name: str) -> str:
    """Return the nearest name that a post may have: lower-case ASCII letters, digits and single hyphens."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:80].strip("-") or "post"


def is_slug(name: str) -> bool:
    """Say whether a post may be called `name`."""
    return len(name) <= 80 and _SLUG.fullmatch(name) is not None


class Fields:
    """The keys of one document. What is wrong goes to `mistakes` and reads as if it were not there."""

    def __init__(self, document: Document, file: str, zone: str) -> None:
        self.document = document
        self.file = file
        self.zone = zone
        self.mistakes: list[Mistake] = list(document.mistakes)

    def wrong(self, path: KeyPath, message: str, tip: str = "") -> None:
        """Note a mistake at a key, or at the nearest key around it."""
        around = (path[:end] for end in range(len(path), 0, -1))
        places = self.document.places
        place = next((places[key] for key in around if key in places), Place(1, 1))
        self.mistakes.append(
            Mistake(message=message, file=self.file, line=place.line, column=place.column, tip=tip)
        )

    def only(self, values: Mapping[str, Any], path: KeyPath, known: Iterable[str]) -> None:
        """Note every key that is not known."""
        names = tuple(known)
        for key in values:
            if key not in names:
                guess = did_you_mean(key, names)
                self.wrong((*path, key), f"unknown key '{key}'{guess}", f"known keys: {', '.join(names)}")

    def raw_text(self, value: Any, path: KeyPath) -> str | None:
        """Read text as it stands, None where there is none."""
        if value is None or value == "":
            return None
        name = _name(path)
        if not isinstance(value, str):
            self.wrong(path, f"'{name}' must be text, not {_kind(value)}", "put it in quotes")
            return None
        for _, called in forbidden(value):
            self.wrong(path, f"'{name}' holds {called}", "delete that character")
            return None
        return value

    def text(self, value: Any, path: KeyPath) -> str | None:
        """Read text in NFC without white space around it; None where nothing is left."""
        found = self.raw_text(value, path)
        return tidy(found) or None if found else None

    def line(self, value: Any, path: KeyPath) -> str | None:
        """Read text that must stand on one line."""
        found = self.text(value, path)
        if found and "\n" in found:
            self.wrong(path, f"'{_name(path)}' must be one line")
            return None
        return found

    def needed(self, value: Any, path: KeyPath, message: str, tip: str) -> str:
        """Read a line that must be there; `message` and `tip` when it is not."""
        if value is None or (isinstance(value, str) and not value.strip()):
            self.wrong(path, message, tip)
            return ""
        return self.line(value, path) or ""

    def items(self, value: Any, path: KeyPath, example: str) -> list[Any]:
        """Read a list; empty where there is none."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(path, f"'{_name(path)}' must be a list", f"write {example}")
            return []
        return value

    def table(self, value: Any, path: KeyPath, example: str) -> Mapping[str, Any]:
        """Read keys and values; empty where there are none."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, f"'{_name(path)}' must hold keys and values", f"write {example}")
            return {}
        return value

    def json_table(self, value: Any, path: KeyPath, example: str) -> Mapping[str, Any]:
        """Read keys and values of any depth: text, numbers, yes or no, lists and tables."""
        return {
            str(key): self._json(inner, (*path, str(key)))
            for key, inner in self.table(value, path, example).items()
        }

    def _json(self, value: Any, path: KeyPath) -> Any:
        match value:
            case dict():
                return self.json_table(value, path, "")
            case list():
                return [self._json(inner, (*path, str(index))) for index, inner in enumerate(value)]
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value, path)
            case _:
                return str(value)

    def choice(self, value: Any, path: KeyPath, known: Iterable[str], kind: str) -> str | None:
        """Read one of the known words."""
        words = tuple(known)
        found = self.line(value, path)
        if found is None or found in words:
            return found
        self.wrong(
            path, f"no {kind} is called {found!r}{did_you_mean(found, words)}", f"known: {', '.join(words)}"
        )
        return None

    def slug(self, value: Any, path: KeyPath) -> str | None:
        """Read the name of another post."""
        found = self.line(value, path)
        if found and not is_slug(found):
            self.wrong(path, f"{found!r} is not the name of a post", f"did you mean '{slug_of(found)}'?")
            return None
        return found

    def language(self, value: Any, path: KeyPath) -> str | None:
        """Read a language code such as en or es-MX."""
        found = self.line(value, path)
        if found and not _LANGUAGE.fullmatch(found):
            self.wrong(path, f"{found!r} is not a language code", "write for example en or es")
            return None
        return found

    def link(self, value: Any, path: KeyPath) -> str | None:
        """Read a web address that anybody can open: http or https, a host, no name or password in it."""
        found = self.line(value, path)
        if found is None:
            return None
        problem = _link_problem(found)
        if problem:
            self.wrong(
                path,
                f"'{_name(path)}' {problem}",
                "write a full address such as https://riverton.example.gov/roads",
            )
            return None
        return found

    def moment(self, value: Any, path: KeyPath) -> Moment | None:
        """Read a time; without an offset it is the agency's wall clock."""
        found = self.line(value, path)
        if found is None:
            return None
        match = _TIME.fullmatch(found)
        if not match or int(match[3] or 0):
            self.wrong(
                path, f"'{_name(path)}' is not a time: {found!r}", "write for example 2026-11-27 08:00"
            )
            return None
        try:
            return _moment(f"{match[1]} {match[2]}", match[4], self.zone)
        except times.NoSuchTime as error:
            self.wrong(path, f"'{_name(path)}': {error}", "choose a time an hour later")
        except (ValueError, OverflowError):
            self.wrong(
                path, f"'{_name(path)}' is no day or time of the calendar: {found!r}", "check day and hour"
            )
        return None

    def focus(self, value: Any, path: KeyPath) -> tuple[float, float] | None:
        """Read the point of a picture that must stay in view."""
        if value is None:
            return None
        numbers = [number for number in value if _is_share(number)] if isinstance(value, list) else []
        if len(numbers) != 2 or len(value) != 2:
            self.wrong(path, "'focus' must be two numbers from -1 to 1", "write for example focus: [0, 0.5]")
            return None
        return float(numbers[0]), float(numbers[1])


def _moment(wall: str, offset: str | None, zone: str) -> Moment:
    if int(wall[:4]) not in _YEARS:
        raise ValueError(f"the year {wall[:4]} is out of reach")
    if offset:
        return times.moment_of_instant(datetime.fromisoformat(wall + offset.upper()), zone)
    return times.moment_of_wall(datetime.fromisoformat(wall), zone)


def _link_problem(link: str) -> str | None:
    try:
        parts = urlsplit(link)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not a web address"
    if re.search(r"[\s\\<>\"{}|^`]", link):
        return "holds a space or a character that no web address has"
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return "must begin with https:// and a host"
    if "@" in parts.netloc:
        return "must not hold a user name or password"
    return None if len(link) <= 2000 else "is longer than 2,000 characters"


def _is_share(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and -1 <= number <= 1


def _name(path: KeyPath) -> str:
    return next(step for step in reversed(path) if not step.isdigit())


def _kind(value: Any) -> str:
    kinds = {bool: "yes or no", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return kinds.get(type(value), "this")
