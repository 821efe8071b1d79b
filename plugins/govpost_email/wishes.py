"""Who no longer wants the bulletin: a file, an address that knows, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from govpost import Channel, Unavailable
from govpost_email.addresses import who_wrote
from govpost_email.lists import list_key
from govpost_email.settings import Settings

if TYPE_CHECKING:
    import httpx2

_TIP = "nothing is sent while it is not known who left the list"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The references that get nothing; `unread` counts the lines that are no address, reference or token."""

    refs: frozenset[str]
    unread: int = 0


def wishes(settings: Settings, channel: Channel, http: httpx2.Client, ref: str = "") -> Wishes:
    """Ask everywhere; with `ref` only that one matters. `Unavailable` when it cannot be known.

    Who reads a mailing list behind the setting ``to`` leaves it there.
    """
    if settings.to:
        return Wishes(refs=frozenset())
    key, found = list_key(channel), list[Wishes]()
    if settings.unsubscribed_file:
        found.append(_in_file(settings.unsubscribed_file, key, must_exist=True))
    if settings.suppressed_file:
        found.append(_in_file(settings.suppressed_file, key, must_exist=False))
    if settings.unsubscribed_url:
        found.append(_read(tuple(_asked(settings.unsubscribed_url, channel, http, ref)), key))
    refs = frozenset[str]().union(*(each.refs for each in found))
    return Wishes(refs=refs, unread=sum(each.unread for each in found))


def _in_file(path: Path, key: str, *, must_exist: bool) -> Wishes:
    return _read(tuple(_lines(path, must_exist=must_exist)), key)


@lru_cache(maxsize=16)
def _read(lines: tuple[str, ...], key: str) -> Wishes:
    """Say who wrote some lines; the same lines are asked for once a copy."""
    found = [who_wrote(line, key) for line in lines]
    return Wishes(refs=frozenset(filter(None, found)), unread=found.count(None))


def _lines(path: Path, *, must_exist: bool) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        if must_exist:
            raise Unavailable(f"{path.name} is not there, which says who left the list", tip=_TIP) from None
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path.name} cannot be read, which says who left the list", tip=_TIP) from error
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _asked(url: str, channel: Channel, http: httpx2.Client, ref: str) -> list[str]:
    import httpx2

    token = channel.secrets.get("unsubscribed_token")
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        answer = http.get(url, params={"recipient": ref} if ref else None, headers=headers)
        answer.raise_for_status()
        said = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Unavailable(f"unsubscribed_url does not say who left the list: {error}", tip=_TIP) from error
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise Unavailable("unsubscribed_url must answer a JSON list of texts", tip=_TIP)
    return said


def note(path: Path, refs: frozenset[str]) -> None:
    """Add references to the file of those who get nothing more; those it holds already are not added again."""
    known = set(_lines(path, must_exist=False))
    new = sorted(refs - known)
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write("".join(f"{ref}\n" for ref in new))
