"""Who no longer wants the bulletin: a file, an address that knows, and what came back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from govpost import Channel, Unavailable
from govpost_email.addresses import token, who_wrote
from govpost_email.lists import list_key
from govpost_email.settings import Settings

if TYPE_CHECKING:
    import httpx2

_TIP = "nothing is sent while it is not known who left the list"
_UNREAD_TIP = (
    "mend or delete it; if the list_key is another than before, bring the old one back: the README says how,"
    " under “Leaving the list”"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The references that get nothing; `unread` names the lines that are no address, reference or token of ours.

    `bare` are those given without a token or address: nothing shows under which list_key they were made.
    """

    refs: frozenset[str]
    unread: tuple[str, ...] = ()
    bare: frozenset[str] = frozenset()

    def understood(self) -> frozenset[str]:
        """Return the references; `Unavailable` when a line may be of somebody who left and nobody knows who."""
        if not self.unread:
            return self.refs
        raise Unavailable(
            f"{these(self.unread)}: neither an address nor a reference nor a token made with this list_key, and may"
            " be of somebody who left; nothing is sent",
            tip=_UNREAD_TIP,
        )


def these(places: Sequence[str]) -> str:
    """Name at most five places."""
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"{', '.join(places[:5])}{more}"


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
        said = tuple(enumerate(_asked(settings.unsubscribed_url, channel, http, ref), 1))
        found.append(_read(said, key, "text {} of the answer of unsubscribed_url"))
    nobody = frozenset[str]()
    return Wishes(
        refs=nobody.union(*(each.refs for each in found)),
        unread=tuple(place for each in found for place in each.unread),
        bare=nobody.union(*(each.bare for each in found)),
    )


def _in_file(path: Path, key: str, *, must_exist: bool) -> Wishes:
    return _read(tuple(_lines(path, must_exist=must_exist)), key, f"line {{}} of {path.name}")


@lru_cache(maxsize=16)
def _read(lines: tuple[tuple[int, str], ...], key: str, place: str) -> Wishes:
    """Say who wrote some numbered lines; the same lines are asked for once a copy."""
    found = [(number, who_wrote(line, key)) for number, line in lines]
    return Wishes(
        refs=frozenset(ref for _, ref in found if ref),
        unread=tuple(place.replace("{}", str(number)) for number, ref in found if ref is None),
        bare=frozenset(ref for (_, line), (_, ref) in zip(lines, found, strict=True) if ref == line),
    )


def _lines(path: Path, *, must_exist: bool) -> list[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        if must_exist:
            raise Unavailable(
                f"{path.name}, which says who left the list, is not in the folder {path.parent}",
                tip="make it empty if nobody has left; nothing is sent before",
            ) from None
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path.name} cannot be read, which says who left the list", tip=_TIP) from error
    lines = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line]


def _asked(url: str, channel: Channel, http: httpx2.Client, ref: str) -> list[str]:
    import httpx2

    ours = channel.secrets.get("unsubscribed_token")
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {ours}"} if ours else {})
    try:
        answer = http.get(url, params={"recipient": ref} if ref else None, headers=headers)
        answer.raise_for_status()
        said = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Unavailable(f"unsubscribed_url does not say who left the list: {error}", tip=_TIP) from error
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise Unavailable("unsubscribed_url must answer a JSON list of texts", tip=_TIP)
    return said


def note(path: Path, refs: frozenset[str], key: str) -> None:
    """Add who gets nothing more to a file, each once.

    By token, since a reference does not show that it was made under another list_key.
    """
    known = {who_wrote(line, key) for _, line in _lines(path, must_exist=False)}
    new = sorted(refs - known)
    if new:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as stream:
            stream.write("".join(f"{token(ref, key)}\n" for ref in new))
