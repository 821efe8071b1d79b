"""Logging in, staying logged in, and who we are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from govpost import Account, Channel, Dialogue, Unauthorized
from govpost_bluesky.facets import marks
from govpost_bluesky.identity import home
from govpost_bluesky.settings import Settings
from govpost_bluesky.xrpc import LOG_IN, Session, address, answered, error_of, keep, kept, lacks_appview

if TYPE_CHECKING:
    import httpx2

_CREATE = "com.atproto.server.createSession"
_REFRESH = "com.atproto.server.refreshSession"

Json = dict[str, Any]


def login(channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
    """Ask for an app password, try it, and return the session with it.

    The app password is kept so that a channel which posts seldom heals by itself when its refresh token has died.
    """
    settings = Settings.of(channel)
    pds = home(settings, http)
    talk.say(f"{settings.handle} lives on {pds}.")
    talk.say("Make an app password on Bluesky under Settings, Privacy and security, App passwords.")
    password = talk.ask("App password", secret=True).strip()
    return {**_created(channel, pds, password, http), "password": password}


def refresh(channel: Channel, http: httpx2.Client) -> Mapping[str, str]:
    """Renew the session by its refresh token, or begin one by the app password where that token is missing or dead."""
    refreshing, where = channel.secrets.get("refresh"), kept(channel)
    if refreshing and where:
        pds = Settings.of(channel).pds or where["pds"]
        answer = http.post(address(pds, _REFRESH), headers={"Authorization": f"Bearer {refreshing}"})
        if answer.status_code not in (400, 401):
            return _session(channel, answered(answer), pds)
    password = channel.secrets.get("password")
    if not password:
        raise Unauthorized("the session with Bluesky has ended and no app password is kept", tip=LOG_IN)
    return _created(channel, home(Settings.of(channel), http), password, http)


def verify(channel: Channel, http: httpx2.Client) -> Account:
    """Ask the PDS who we are there, what it is and what it takes; the profile is read where it is kept."""
    session, settings = Session.of(channel), Settings.of(channel)
    who = answered(session.ask(http, "com.atproto.server.getSession"))
    server = answered(session.ask(http, "com.atproto.server.describeServer"))
    profile = _profile(session, http)
    appview = _has_appview(session, settings, http)
    return Account(
        remote_id=session.did,
        name=f"@{who['handle']}",
        url=f"{settings.web}/profile/{session.did}",
        server=f"PDS {_version(session, http)} at {session.pds}".replace("  ", " "),
        limits={"blob": server.get("blobUploadLimit"), "appview": appview},
        links=_links(profile),
        notes=tuple(_notes(who, settings, appview=appview)),
    )


def _created(channel: Channel, pds: str, password: str, http: httpx2.Client) -> dict[str, str]:
    handle = Settings.of(channel).handle
    answer = http.post(address(pds, _CREATE), json={"identifier": handle, "password": password})
    if answer.status_code == 401:
        if error_of(answer) == "AuthFactorTokenRequired":
            raise Unauthorized(
                "Bluesky asks for a code by e-mail, which it does for the account's own password",
                tip="use an app password: Settings, Privacy and security, App passwords",
            )
        raise Unauthorized(
            f"{pds} does not take this password for {handle}",
            tip="make a new app password and run: govpost channel login",
        )
    return _session(channel, answered(answer), pds)


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
    answer = session.ask(http, method, proxy=settings.appview, actor=session.did)
    return False if lacks_appview(answer) else answer.is_success or None


def _notes(who: Json, settings: Settings, *, appview: bool | None) -> list[str]:
    notes = []
    if who.get("emailConfirmed") is False:
        notes.append("the account's e-mail address is not confirmed; videos need that")
    if who.get("active") is False:
        notes.append(f"the account is not active: {who.get('status') or 'no reason given'}")
    if not settings.handle.startswith("did:") and who["handle"] != settings.handle:
        notes.append(f"the account is now called {who['handle']}; settings say {settings.handle}")
    if appview is False:
        notes.append("this server has no AppView: likes and replies cannot be read")
    return notes
