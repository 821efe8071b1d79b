"""Whom a text mentions. A mention is decoration: one that cannot be resolved stays plain text and holds up no post."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from govpost import polls
from govpost_bluesky.settings import DID
from govpost_bluesky.xrpc import Session, answered, text_at

if TYPE_CHECKING:
    import httpx2

_ENOUGH_SECONDS = 10.0


class _Trouble(Exception):
    """The server cannot say now who somebody is."""


def resolved(
    handles: Iterable[str], session: Session, http: httpx2.Client
) -> tuple[dict[str, str], list[str]]:
    """Return the DIDs of handles, and the handles that could not be looked up, even asked three times.

    A handle that the server says is nobody's is in neither.
    """
    found: dict[str, str] = {}
    waiting = list(handles)
    for _ in polls(http, every=2.0, longest=4.0) if waiting else ():
        waiting = _round(waiting, found, session, http)
        if not waiting:
            break
    return found, waiting


def _round(waiting: list[str], found: dict[str, str], session: Session, http: httpx2.Client) -> list[str]:
    """Look up each of some handles; return those that met with trouble."""
    left = []
    for handle in waiting:
        try:
            if did := _did(handle, session, http):
                found[handle] = did
        except _Trouble:
            left.append(handle)
    return left


def _did(handle: str, session: Session, http: httpx2.Client) -> str | None:
    import httpx2

    address = session.at("com.atproto.identity.resolveHandle")
    try:
        answer = http.get(address, params={"handle": handle}, timeout=_ENOUGH_SECONDS)
    except (httpx2.ConnectError, httpx2.ConnectTimeout):  # nothing else can be said to this server, either
        raise
    except httpx2.TransportError as error:
        raise _Trouble from error
    if answer.status_code == 429:
        answered(answer)
    if answer.status_code >= 500:
        raise _Trouble
    did = text_at(answer, "did") if answer.status_code == 200 else ""
    return did if DID.fullmatch(did) else None
