"""From a handle to the account's DID and its PDS (atproto.com specs/handle, specs/did)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from govpost import Rejected
from govpost_bluesky.settings import DID, Settings
from govpost_bluesky.xrpc import address, answered

if TYPE_CHECKING:
    import httpx2

_LARGEST = 2_048


def home(settings: Settings, http: httpx2.Client) -> str:
    """Return the address of the account's PDS: the one in the settings, else the one its DID document names."""
    if settings.pds is not None:
        return settings.pds
    did = did_of(settings, http)
    for service in _document(did, settings, http).get("service", []):
        if str(service.get("id", "")).endswith("#atproto_pds"):
            return str(service["serviceEndpoint"]).rstrip("/")
    raise Rejected(
        f"the DID document of {settings.handle} names no PDS",
        tip='name it in the settings: pds = "https://…"',
    )


def did_of(settings: Settings, http: httpx2.Client) -> str:
    """Return the DID of the account: its domain says it, else a service that can ask the domain's DNS."""
    if DID.fullmatch(settings.handle):
        return settings.handle
    return _of_domain(settings.handle, http) or _resolved(settings, http)


def _of_domain(handle: str, http: httpx2.Client) -> str | None:
    import httpx2

    try:
        answer = http.get(f"https://{handle}/.well-known/atproto-did")
    except httpx2.TransportError:  # many domains prove their handle by DNS alone and have no web server
        return None
    said = answer.text.strip() if answer.status_code == 200 and len(answer.content) <= _LARGEST else ""
    return said if DID.fullmatch(said) else None


def _resolved(settings: Settings, http: httpx2.Client) -> str:
    where = address(settings.resolver, "com.atproto.identity.resolveHandle")
    answer = http.get(where, params={"handle": settings.handle})
    if answer.status_code == 400:
        raise Rejected(
            f"no account is known by the handle {settings.handle}",
            tip="look at handle in the channel's settings: it is what stands behind the @ on the profile",
        )
    return str(answered(answer)["did"])


def _document(did: str, settings: Settings, http: httpx2.Client) -> dict[str, Any]:
    if did.startswith("did:web:"):
        host = unquote(did.removeprefix("did:web:"))
        return answered(http.get(f"https://{host}/.well-known/did.json"))
    return answered(http.get(f"{settings.directory}/{did}"))
