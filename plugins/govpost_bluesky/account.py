"""Logging in, staying logged in, and who we are there."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from govpost import Account, Channel, Dialogue, Unauthorized
from govpost_bluesky.facets import marks
from govpost_bluesky.identity import home
from govpost_bluesky.pictures import MISSING, can_read
from govpost_bluesky.settings import Settings
from govpost_bluesky.xrpc import (
    Session,
    address,
    answered,
    error_of,
    from_pds,
    keep,
    kept,
    lacks_appview,
    log_in,
)

if TYPE_CHECKING:
    import httpx2

_CREATE = "com.atproto.server.createSession"
_REFRESH = "com.atproto.server.refreshSession"
_DESCRIBE = "com.atproto.server.describeServer"
_DESCRIBED = "availableUserDomains"

Json = dict[str, Any]


def login(channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
    """Ask for an app password, try it, and return the session with it.

    The app password is kept so that a channel which posts seldom heals by itself when its refresh token has died.
    """
    settings = Settings.of(channel)
    pds = home(settings, http)
    from_pds(http.get(address(pds, _DESCRIBE)), pds, _DESCRIBED)
    talk.say(f"{settings.handle} lives on {pds}.")
    talk.say("Make an app password on Bluesky under Settings, Privacy and security, App passwords.")
    password = talk.ask("App password", secret=True).strip()
    session = _created(channel, pds, password, http)
    for note in _excess(session["access"], channel):
        talk.say(f"Note: {note}.")
    return {**session, "password": password}


def refresh(channel: Channel, http: httpx2.Client) -> Mapping[str, str]:
    """Renew the session by its refresh token, or begin one by the app password where that token is missing or dead."""
    refreshing, where = channel.secrets.get("refresh"), kept(channel)
    if refreshing and where:
        pds = Settings.of(channel).pds or where["pds"]
        answer = http.post(address(pds, _REFRESH), headers={"Authorization": f"Bearer {refreshing}"})
        if answer.status_code not in (400, 401):
            return _session(channel, from_pds(answer, pds, "accessJwt"), pds)
    password = channel.secrets.get("password")
    if not password:
        raise Unauthorized(
            "the session with Bluesky has ended and no app password is kept", tip=log_in(channel)
        )
    return _created(channel, home(Settings.of(channel), http), password, http)


def ends(secrets: Mapping[str, str]) -> datetime | None:
    """Return when the refresh token ends; with an app password a dead session begins anew by itself."""
    until = _claims(secrets.get("refresh", "")).get("exp")
    if "password" in secrets or not isinstance(until, int | float):
        return None
    with suppress(OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(until, UTC)
    return None


def verify(channel: Channel, http: httpx2.Client) -> Account:
    """Ask the PDS who we are there, what it is and what it takes; the profile is read where it is kept."""
    session, settings = Session.of(channel), Settings.of(channel)
    who = from_pds(session.ask(http, "com.atproto.server.getSession"), session.pds, "handle")
    server = from_pds(session.ask(http, _DESCRIBE), session.pds, _DESCRIBED)
    profile = _profile(session, http)
    appview = _has_appview(session, settings, http)
    return Account(
        remote_id=session.did,
        name=f"@{who['handle']}",
        url=f"{settings.web}/profile/{session.did}",
        server=f"PDS {_version(session, http)} at {session.pds}".replace("  ", " "),
        limits={"blob": server.get("blobUploadLimit"), "appview": appview},
        links=_links(profile),
        notes=(*_excess(session.access, channel), *_notes(who, settings, appview=appview)),
    )


def _created(channel: Channel, pds: str, password: str, http: httpx2.Client) -> dict[str, str]:
    handle = Settings.of(channel).handle
    answer = http.post(address(pds, _CREATE), json={"identifier": handle, "password": password})
    if answer.status_code == 401:
        if error_of(answer) == "AuthFactorTokenRequired":
            raise Unauthorized(
                "Bluesky asks for a code by e-mail, which it does for the account's own password",
                tip=f"make an app password (Settings, Privacy and security, App passwords) and {log_in(channel)}",
            )
        raise Unauthorized(
            f"{pds} does not take this password for {handle}",
            tip=f"make a new app password and {log_in(channel)}",
        )
    return _session(channel, from_pds(answer, pds, "accessJwt"), pds)


def _session(channel: Channel, said: Json, pds: str) -> dict[str, str]:
    return {
        "access": str(said["accessJwt"]),
        "refresh": str(said["refreshJwt"]),
        "session": keep(channel, str(said["did"]), pds),
    }


def _profile(session: Session, http: httpx2.Client) -> Json:
    asked = {"repo": session.did, "collection": "app.bsky.actor.profile", "rkey": "self"}
    answer = http.get(session.at("com.atproto.repo.getRecord"), params=asked)
    if answer.status_code == 400:  # an account that never opened its profile has none
        return {}
    value = answered(answer).get("value")
    return value if isinstance(value, dict) else {}


def _links(profile: Json) -> tuple[str, ...]:
    described = [mark.value for mark in marks(str(profile.get("description") or "")) if mark.kind == "link"]
    own = str(profile.get("website") or "")
    return tuple(dict.fromkeys(link for link in (own, *described) if link))


def _version(session: Session, http: httpx2.Client) -> str:
    answer = http.get(f"{session.pds}/xrpc/_health")
    return str(answered(answer).get("version", "")) if answer.is_success else ""


def _has_appview(session: Session, settings: Settings, http: httpx2.Client) -> bool | None:
    """Say whether the server passes questions on; None when that cannot be told now."""
    method = "app.bsky.actor.getProfile"
    with suppress(
        Unauthorized
    ):  # the server has just taken this token; the AppView's trouble with it may pass
        answer = session.ask(http, method, proxy=settings.appview, actor=session.did)
        return False if lacks_appview(answer) else answer.is_success or None
    return None


def _excess(access: str, channel: Channel) -> list[str]:
    """Say what a session may do that govpost has no need for; its token tells (AT packages/pds auth-scope.ts)."""
    scope = _scope(access)
    if scope == "com.atproto.access":
        what = "this is the account's own password, which can change and delete the account"
    elif scope == "com.atproto.appPassPrivileged":
        what = "this app password may read direct messages"
    else:
        return []
    return [f"{what}; better make an app password without that and {log_in(channel)}"]


def _scope(access: str) -> str:
    return str(_claims(access).get("scope", ""))


def _claims(token: str) -> Json:
    """Return what a token claims; nothing when it cannot be read. Only the server can verify it."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _notes(who: Json, settings: Settings, *, appview: bool | None) -> list[str]:
    notes = []
    if who.get("emailConfirmed") is False:
        notes.append("the account's e-mail address is not confirmed; videos need that")
    if who.get("active") is False:
        notes.append(f"the account is not active: {who.get('status') or 'no reason given'}")
    if not settings.handle.startswith("did:") and who["handle"] != settings.handle:
        notes.append(f"the account is now called {who['handle']}; settings say {settings.handle}")
    if not can_read():
        notes.append(MISSING)
    if appview is False:
        notes.append("this server has no AppView: likes and replies cannot be read")
    return notes
