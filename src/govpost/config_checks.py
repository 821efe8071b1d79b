"""What config.toml must keep besides its shape: names exist, no literal secrets, goals serve the mission.

These checks read the raw tables, so that one wrong key does not hide what else is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, NamedTuple

from govpost.errors import did_you_mean

KeyPath = tuple[str, ...]

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SECRET_WORDS = frozenset(
    {"token", "tokens", "password", "passwd", "passphrase", "pwd", "secret", "secrets", "apikey", "bearer"}
    | {"authorization", "authentication", "credential", "credentials", "cookie", "cookies"}
)
_HARMLESS_ENDS = frozenset({"url", "uri", "endpoint", "path", "name", "header", "type", "field", "ttl"})
_USERINFO = re.compile(r"[\w+.-]://[^\s/@:]*:[^\s/@]+@", re.ASCII)
_SECRET_QUERY = re.compile(
    r"[?&](password|passwd|token|access_token|secret|api_?key|key|sig|signature)=[^&\s]", re.I
)
_TO_SECRETS = (
    'move it out of this file and name it: secrets = {{ {} = "env:NAME" }} (or file:PATH, credential:NAME)'
)
_DATABASE = ("store", "database")
_DATABASE_PASSWORD = re.compile(r"^[\w.+-]+://[^:/?@]*:[^@]*@|[?&](ssl)?password=", re.ASCII | re.I)
_NAME_IT = 'take it out there and name where it lies: password = "file:PATH" (or env:NAME, credential:NAME)'


class Wrong(NamedTuple):
    """Something wrong at a key; `other` is a second key whose line is told as well."""

    path: KeyPath
    message: str
    tip: str = ""
    other: KeyPath | None = None


def check(raw: Mapping[str, Any]) -> Iterator[Wrong]:
    """Find what the models cannot see."""
    yield from _names(raw)
    yield from _people(raw)
    yield from _stages(raw)
    yield from _goals(raw)
    yield from _secrets(raw)
    yield from _numbers(raw)


def plain(value: Any) -> Any:
    """Turn TOML's dates and times into text, so that the value can be written as JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


def storable(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables with channel settings as JSON can hold them: they are digested and stored."""
    channels = raw.get("channels")
    if not isinstance(channels, dict):
        return dict(raw)
    mended = {
        name: {**channel, "settings": plain(channel["settings"])}
        if isinstance(channel, dict) and "settings" in channel
        else channel
        for name, channel in channels.items()
    }
    return {**raw, "channels": mended}


def _table(raw: Any, *path: str) -> dict[str, Any]:
    for key in path:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def _unknown(path: KeyPath, word: Any, kind: str, known: Mapping[str, Any]) -> Iterator[Wrong]:
    if isinstance(word, str) and word and word not in known:
        tip = f"{kind}s here: {', '.join(known)}" if known else f"there is no {kind} in this file yet"
        yield Wrong(path, f"'{path[-1]}' names no {kind}: {word!r}{did_you_mean(word, known)}", tip)


def _names(raw: Mapping[str, Any]) -> Iterator[Wrong]:
    channels, people = _table(raw, "channels"), _table(raw, "people")
    main = _table(raw, "strategy").get("main_channel")
    yield from _unknown(("strategy", "main_channel"), main, "channel", channels)
    kinds = {
        "goal": ("goal", _table(raw, "strategy", "goals")),
        "audience": ("audience", _table(raw, "strategy", "audiences")),
        "owner": ("person", people),
        "deputy": ("person", people),
    }
    for name in channels:
        pilot = _table(channels, name, "pilot")
        for key, (kind, known) in kinds.items():
            yield from _unknown(("channels", name, "pilot", key), pilot.get(key), kind, known)


def _people(raw: Mapping[str, Any]) -> Iterator[Wrong]:
    owners: dict[str, str] = {}
    for person, about in _table(raw, "people").items():
        if person in {"daemon", "planner"}:
            yield Wrong(("people", person), f"nobody may be called '{person}': the engine acts by that name")
        login = about.get("login") if isinstance(about, dict) else None
        if not isinstance(login, str):
            continue
        if login in owners:
            path = ("people", owners[login], "login")
            yield Wrong(
                ("people", person, "login"), f"login {login!r} is taken by '{owners[login]}'", other=path
            )
        owners.setdefault(login, person)


def _stages(raw: Mapping[str, Any]) -> Iterator[Wrong]:
    disciplines = {
        about["discipline"]: None
        for about in _table(raw, "people").values()
        if isinstance(about, dict) and isinstance(about.get("discipline"), str)
    }
    stages = _table(raw, "review").get("stages")
    seen: set[str] = set()
    for number, stage in enumerate(stages if isinstance(stages, list) else []):
        path = ("review", "stages", str(number))
        table = _table({"stage": stage}, "stage")
        name, wanted = table.get("name"), table.get("from")
        if isinstance(name, str) and name in seen:
            yield Wrong(
                (*path, "name"), f"a second stage is called {name!r}", "give each stage a name of its own"
            )
        seen.add(str(name))
        for index, word in enumerate(wanted if isinstance(wanted, list) else []):
            if isinstance(word, str) and word not in disciplines:
                guess = did_you_mean(word, disciplines)
                yield Wrong(
                    (*path, "from", str(index)),
                    f"nobody has the discipline {word!r}{guess}",
                    f'add discipline = "{word}" to a reviewer under [people]',
                )


def _quotes(mission: str, words: str) -> bool:
    text, quoted = (" ".join(words.casefold().split()) for words in (mission, words))
    return re.search(rf"(?<!\w){re.escape(quoted)}(?!\w)", text) is not None


def _goals(raw: Mapping[str, Any]) -> Iterator[Wrong]:
    mission = _table(raw, "strategy").get("mission", "")
    for name, goal in _table(raw, "strategy", "goals").items():
        serves = goal.get("serves") if isinstance(goal, dict) else None
        if isinstance(serves, str) and isinstance(mission, str) and not _quotes(mission, serves):
            yield Wrong(
                ("strategy", "goals", name, "serves"),
                f"goal '{name}' serves {serves!r}, words that the mission does not hold",
                "quote the words of the mission that this goal serves",
                other=("strategy", "mission"),
            )


def _secrets(value: Any, path: KeyPath = (), hot: bool = False) -> Iterator[Wrong]:
    """Find literal secrets; what they say is never repeated."""
    if isinstance(value, dict):
        for key, item in value.items():
            inside = len(path) > 2 and path[0] == "channels" and path[2] == "settings"
            yield from _secrets(item, (*path, key), inside and (hot or _sounds_secret(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(item, (*path, str(index)), hot)
    elif isinstance(value, str) and value:
        key = next((step for step in reversed(path) if not step.isdigit()), path[-1])
        if hot:
            yield Wrong(
                path, f"'{key}' looks like a secret, and settings are public", _TO_SECRETS.format(key)
            )
        elif _holds_password(value, path):
            tip = _TO_SECRETS.format("url_password") if path[0] == "channels" else _NAME_IT
            yield Wrong(path, f"'{key}' holds an address with a password in it", tip)


def _holds_password(value: str, path: KeyPath) -> bool:
    """Say whether an address holds a password; that of a database may have any sign but @ in it."""
    if path == _DATABASE and _DATABASE_PASSWORD.search(value):
        return True
    return bool(_USERINFO.search(value) or _SECRET_QUERY.search(value))


def _sounds_secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    if not words or words[-1] in _HARMLESS_ENDS:
        return False
    is_key = words[-1] == "key" and len(words) > 1 and words[-2] != "public"
    return is_key or not _SECRET_WORDS.isdisjoint(words)


def _numbers(value: Any, path: KeyPath = ()) -> Iterator[Wrong]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, str(index)))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Wrong(path, f"'{path[-1]}' must be a finite number")
