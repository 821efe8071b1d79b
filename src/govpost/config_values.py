"""The single values of config.toml as pydantic types, each with the words for a wrong one."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict, StringConstraints

from govpost import rates, times
from govpost.errors import did_you_mean
from govpost.states import Role

_ENGINE = frozenset({Role.DAEMON, Role.PLANNER})
_REFERENCE = re.compile(r"env:[A-Za-z_]\w*|file:\S.*|credential:[\w.-]+", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_SHORTEST_EVERY = timedelta(seconds=30)
_MOST_AGES = 48
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def _span(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return times.duration(value)
    raise ValueError('must be a duration in quotes, for example "2h"')


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value


def _every(value: Any) -> timedelta:
    if value in (0, "0", "never") and value is not False:
        return timedelta()
    found = _span(value)
    if timedelta() < found < _SHORTEST_EVERY:
        raise ValueError('must be at least "30s", or "never"')
    return found


def _ages(value: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if len(value) > _MOST_AGES:
        raise ValueError(f"names {len(value)} ages; at most {_MOST_AGES} are measured")
    return tuple(sorted(set(value)))


def _ends(value: Any) -> date | timedelta | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    if isinstance(value, str | timedelta):
        return _positive(_span(value))
    raise ValueError('must be a date such as 2027-03-31, or a duration in quotes such as "120d"')


def _role(value: Any) -> Role:
    known = [role.value for role in Role if role not in _ENGINE]
    if value not in known:
        raise ValueError(
            f"no role is called {value!r}{did_you_mean(str(value), known)} (roles: {', '.join(known)})"
        )
    return Role(value)


def _approvals(value: Any) -> int | Literal["all"]:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value  # type: ignore[no-any-return]
    raise ValueError('must be a whole number above nothing, or "all"')


def _zone(value: str) -> str:
    times.zone(value)
    return value


def _window(value: str) -> str:
    rates.window(value)
    return value


def _slot(value: str) -> str:
    if rates.clock(value) == 24 * 60:
        raise ValueError("'24:00' is no time to post at; write 00:00")
    return value


def _holidays(value: str) -> str:
    import holidays

    country, _, region = value.partition("-")
    try:
        holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError:
        raise ValueError(
            f"no holidays are known for {value!r}; write a country such as US, or US-IL"
        ) from None
    return value


def _reference(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        raise ValueError("holds a literal secret; write env:NAME, file:PATH or credential:NAME")
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError(f"{value!r} is not a language code; write for example en or es")
    return value


def _homepage(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
        raise ValueError("must be a web address such as https://riverton.example.gov/")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} cannot be a name: use letters, digits, - and _, at most 63")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, AfterValidator(_name)]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Count = Annotated[int, Strict(), Field(gt=0)]
Span = Annotated[timedelta, PlainValidator(_span)]
LongerSpan = Annotated[Span, AfterValidator(_positive)]
Every = Annotated[timedelta, PlainValidator(_every)]
Ages = Annotated[tuple[LongerSpan, ...], AfterValidator(_ages), Field(validate_default=True)]
Zone = Annotated[str, AfterValidator(_zone)]
Ends = Annotated[date | timedelta | None, PlainValidator(_ends)]
RoleName = Annotated[Role, BeforeValidator(_role)]
Approvals = Annotated[int | Literal["all"], PlainValidator(_approvals)]
Language = Annotated[str, AfterValidator(_language)]
Homepage = Annotated[str, AfterValidator(_homepage)]
WindowText = Annotated[str, AfterValidator(_window)]
SlotText = Annotated[str, AfterValidator(_slot)]
HolidayCode = Annotated[str, AfterValidator(_holidays)]
Reference = Annotated[str, AfterValidator(_reference)]
