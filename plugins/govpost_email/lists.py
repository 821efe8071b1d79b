"""Who gets the bulletin: a CSV file, an SQL query, or one address. Addresses stay here; records hold references."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from govpost import Channel, Rejected, Unauthorized, Unavailable
from govpost_email.addresses import Address, parse, reference, without_addresses
from govpost_email.settings import Settings

SHORTEST_KEY = 16
"""How many characters a list_key has at the least."""

ONLY = "to"
"""What stands for the one address of the setting ``to``, which is public anyway."""

_SEPARATORS = ",;\t"
_AGAIN = "mend it, then the bulletin goes out at the next try"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One recipient; without `address` the list holds something at `place` that is none, and `fault` says why."""

    ref: str
    place: str
    name: str = ""
    address: Address | None = None
    fault: str = ""

    def reachable(self) -> Address:
        """Return the address; `Rejected` when it is none."""
        if self.address is None:
            raise Rejected(
                f"recipient {self.ref} ({self.place}) has no usable address: {self.fault}",
                tip=f"mend {self.place}: the mended address gets the next bulletin; govpost post cancel ends this copy",
            )
        return self.address


Roll = Mapping[str, Entry]
_Row = tuple[str, str, str]


def roll(settings: Settings, channel: Channel) -> Roll:
    """Return everyone by reference, each once, in the list's order; `Unavailable` when it cannot be read."""
    if settings.to:
        return {ONLY: Entry(ref=ONLY, place="the setting to", address=parse(settings.to))}
    key = list_key(channel)
    if settings.list_file:
        found = _from_file(settings.list_file, settings, key)
    else:
        found = _entries(_queried(settings, channel), key)
    if not found:
        where = settings.list_file.name if settings.list_file else "the query"
        raise Unavailable(f"the list is empty: {where} names no address", tip=_AGAIN)
    return found


def list_key(channel: Channel) -> str:
    """Return the secret that references are made with; `Unauthorized` without one."""
    key = channel.secrets.get("list_key", "")
    if len(key) < SHORTEST_KEY:
        raise Unauthorized(
            f"the channel {channel.name} has no list_key of at least {SHORTEST_KEY} characters",
            tip=f"put this list's own into the channel's secrets; for a new list: govpost channel login {channel.name}",
        )
    return key


def _from_file(path: Path, settings: Settings, key: str) -> Roll:
    try:
        about = path.stat()
        signature = (about.st_ino, about.st_mtime_ns, about.st_size)
        return _read_file(path, signature, settings.address_column, settings.name_column, key)
    except OSError as error:
        raise Unavailable(f"the list {path.name} cannot be read: {error.strerror}", tip=_AGAIN) from error


@lru_cache(maxsize=8)
def _read_file(path: Path, signature: tuple[int, ...], column: str, name_column: str, key: str) -> Roll:  # noqa: ARG001
    """Read a list once for as long as the file stays what it is: a bulletin asks for it once a copy."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return _entries(_rows(text, path.name, column, name_column), key)
    except UnicodeDecodeError:
        tip = "save it as “CSV UTF-8”"
        raise Unavailable(f"the list {path.name} is not written in UTF-8", tip=tip) from None
    except csv.Error as error:
        raise Unavailable(f"the list {path.name} is not a CSV file: {error}", tip=_AGAIN) from error


def _rows(text: str, file: str, column: str, name_column: str) -> Iterator[_Row]:
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = [cell.strip() for cell in next(lines, [])]
    at = _column(header, column, file)
    name_at = _column(header, name_column, file) if name_column else None
    for cells in lines:
        name = cells[name_at] if name_at is not None and name_at < len(cells) else ""
        yield cells[at] if at < len(cells) else "", name, f"line {lines.line_num} of {file}"


def _column(header: list[str], wanted: str, where: str) -> int:
    names = [name.casefold() for name in header]
    if wanted.casefold() in names:
        return names.index(wanted.casefold())
    shown = ", ".join(repr(without_addresses(name)) for name in islice(header, 12)) or "none"
    raise Unavailable(
        f"{where} has no column {wanted!r}; its first line names {shown}",
        tip="name the columns in the first line, and the right one in address_column",
    )


def _queried(settings: Settings, channel: Channel) -> Iterable[_Row]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(settings.list_url or "")
        if password := channel.secrets.get("list_password"):
            url = url.set(password=password)
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            result = connection.execute(text(settings.list_query))
            return list(_answered(list(result.keys()), [tuple(row) for row in result], settings))
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        said = f"the list cannot be queried: {without_addresses(reason)}"
        raise Unavailable(said, tip="look at list_url, list_query and the secret list_password") from error


def _answered(names: list[str], rows: list[tuple[object, ...]], settings: Settings) -> Iterator[_Row]:
    at = 0 if len(names) == 1 else _column(names, settings.address_column, "the query")
    name_at = _column(names, settings.name_column, "the query") if settings.name_column else None
    for number, row in enumerate(rows, 1):
        name = str(row[name_at] or "") if name_at is not None else ""
        yield str(row[at] or ""), name, f"row {number} of the query"


def _entries(rows: Iterable[_Row], key: str) -> Roll:
    found: dict[str, Entry] = {}
    for text, name, place in rows:
        if text.strip():
            entry = _entry(text, name, place, key)
            found.setdefault(entry.ref, entry)
    return MappingProxyType(found)


def _entry(text: str, name: str, place: str, key: str) -> Entry:
    shown = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:100]
    try:
        address = parse(text)
    except ValueError as error:
        return Entry(ref=reference(text.strip(), key), place=place, fault=str(error))
    return Entry(ref=reference(address.normal, key), place=place, name=shown, address=address)
