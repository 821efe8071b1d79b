"""config.toml → checked values. Everything wrong in it is told at once, each with its line.

Secrets are named here and resolved elsewhere, as late as possible.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from govpost import config_checks, digest, toml_lines
from govpost.characters import Place, forbidden, place_at
from govpost.config_checks import KeyPath, Wrong
from govpost.config_model import (
    Agency,
    Audience,
    ChannelConfig,
    Charter,
    Config,
    DaemonConfig,
    Goal,
    Notify,
    Person,
    PluginsConfig,
    RateConfig,
    Review,
    Sections,
    Security,
    Stage,
    StoreConfig,
    Strategy,
)
from govpost.errors import Mistake, Mistakes, UsageFault, did_you_mean

__all__ = [
    "Agency",
    "Audience",
    "ChannelConfig",
    "Charter",
    "Config",
    "DaemonConfig",
    "Goal",
    "Notify",
    "Person",
    "PluginsConfig",
    "RateConfig",
    "Review",
    "Security",
    "Stage",
    "StoreConfig",
    "Strategy",
    "keep",
    "load",
    "load_last",
]

NAME = "config.toml"
LAST = ".govpost/config.last.toml"
_MAX_BYTES = 1_000_000
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_PLAIN_WORDS = {
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false, without quotes",
    "date_type": "must be a date without quotes, such as 2026-11-01",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "tuple_type": "must be a list, in square brackets",
    "too_short": "must not be empty",
    "greater_than": "must be above nothing",
}


def load(root: Path) -> Config:
    """Read `root`/config.toml; `Mistakes` for all that is wrong in it, `UsageFault` when there is none."""
    return _checked(root, _read(root / NAME))


def keep(config: Config) -> None:
    """Keep a copy of a config that was taken over, for the day when config.toml is wrong and a freeze is wanted."""
    copy = config.root / LAST
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = copy.with_name(f"{copy.name}.{os.getpid()}")
    with os.fdopen(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(config.text)
    beside.replace(copy)


def load_last(root: Path) -> Config | None:
    """Return the config last taken over, None when none was kept or it cannot be used."""
    try:
        return _checked(root, (root / LAST).read_bytes())
    except (OSError, Mistakes):
        return None


def _checked(root: Path, content: bytes) -> Config:
    path = root / NAME
    text = _decode(content)
    raw = _parse(text)
    wrongs = list(config_checks.check(raw))
    try:
        sections = Sections.model_validate(config_checks.storable(raw))
    except ValidationError as error:
        raise _mistakes([*wrongs, *_explain(error)], text) from None
    if wrongs:
        raise _mistakes(wrongs, text)
    return Config(
        **dict(sections),
        root=root,
        path=path,
        text=text,
        hash=hashlib.sha256(content).hexdigest(),
        strategy_hash=_strategy_hash(raw),
    )


def _read(path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _mistake("this is not a file", tip=f"put a text file called {NAME} here")
        if found.st_size > _MAX_BYTES:
            raise _mistake(
                f"is {found.st_size:,} bytes; at most {_MAX_BYTES:,} are read",
                tip="look for what got into it",
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        tip = "make a workspace with `govpost init DIR`, or name one with `govpost -C DIR`"
        raise UsageFault(f"there is no {NAME} in {path.parent}", tip) from None
    except OSError as error:
        raise _mistake(f"cannot be read: {error.strerror}", tip="ask who looks after this machine") from None


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace").replace("\r\n", "\n")
        raise _mistake(
            "is not UTF-8 text", *place_at(before, len(before)), tip="save the file again as UTF-8"
        ) from None
    text = text.replace("\r\n", "\n")
    for offset, called in forbidden(text):
        raise _mistake(
            f"holds {called}",
            *place_at(text, offset),
            tip="delete it; a bad copy or a broken disk left it there",
        )
    return text


def _parse(text: str) -> dict[str, Any]:
    try:
        return toml_lines.read(text)
    except toml_lines.Unreadable as error:
        message = str(error)
        where = _WHERE.search(message)
        line, column = place_at(text, len(text.rstrip()))
        if where and where[1]:
            line, column = int(where[1]), int(where[2])
        message = _WHERE.sub("", message)
        raise _mistake(
            f"not TOML: {message}", line, column, tip="text goes in quotes, lists in [ ]"
        ) from None


def _mistake(message: str, line: int | None = None, column: int | None = None, *, tip: str = "") -> Mistakes:
    return Mistakes([Mistake(message=message, file=NAME, line=line, column=column, tip=tip)])


def _mistakes(wrongs: list[Wrong], text: str) -> Mistakes:
    """Give each wrong its place: its own key's, else that of the nearest table around it."""
    places = toml_lines.places(text)
    found = []
    for wrong in wrongs:
        around = (wrong.path[:end] for end in range(len(wrong.path), 0, -1))
        place = next((places[path] for path in around if path in places), Place(1, 1))
        message = wrong.message
        if wrong.other and wrong.other in places:
            message += f" (line {places[wrong.other].line})"
        found.append(Mistake(message=message, file=NAME, line=place.line, column=place.column, tip=wrong.tip))
    return Mistakes(sorted(found, key=lambda mistake: (mistake.line or 0, mistake.column or 0)))


def _explain(error: ValidationError) -> Iterator[Wrong]:
    details = error.errors(include_url=False)
    inner = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in inner:
            continue  # what it held was wrong, and that is told already
        path = tuple(str(step) for step in detail["loc"] if step != "[key]")
        table, key = (
            ".".join(path[:-1]),
            next((step for step in reversed(path) if not step.isdigit()), path[-1]),
        )
        kind, words = detail["type"], detail["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden":
            guess = did_you_mean(key, _keys(path[:-1]))
            where = f"in [{table}]" if table else "at the top"
            yield Wrong(path, f"unknown key '{key}' {where}{guess}", "correct the key or delete the line")
        elif kind == "missing":
            where = f"[{table}] needs '{key}'" if table else f"there is no [{key}] table"
            yield Wrong(path, where, f"add a line: {key} = …" if table else f"add [{key}]")
        elif kind == "literal_error":
            allowed = re.findall(r"'([^']+)'", words)
            guess = did_you_mean(str(detail["input"]), allowed)
            yield Wrong(path, f"'{key}' must be one of {', '.join(allowed)}{guess}")
        else:
            yield Wrong(path, f"'{key}': {_PLAIN_WORDS.get(kind, words)}")


def _keys(path: KeyPath) -> list[str]:
    """List the keys that the table at `path` may hold."""
    kind: Any = Sections
    for step in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[step].annotation
        else:
            kind = next((part for part in typing.get_args(kind)[::-1] if part is not ...), None)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _strategy_hash(raw: Mapping[str, Any]) -> str:
    channels = raw.get("channels", {})
    rates = {name: channel.get("rate", {}) for name, channel in channels.items()}
    return digest.sha256(config_checks.plain({"strategy": raw.get("strategy", {}), "rates": rates}))
