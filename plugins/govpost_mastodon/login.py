"""The log-in: register an application, let a person authorise it, exchange the code (RFC 6749, PKCE: RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from govpost import Dialogue, Unauthorized
from govpost_mastodon import servers
from govpost_mastodon.account import SCOPES, covers
from govpost_mastodon.api import Api, said, table
from govpost_mastodon.settings import settings_of

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
_NAME = "govpost"
_COARSE = frozenset(("pixelfed", "takahe"))
"""Servers that know no scope finer than read and write."""


def login(api: Api, talk: Dialogue) -> dict[str, str]:
    """Lead a person through the log-in; return the token and the application it belongs to."""
    # Without the old token: Takahē refuses whatever comes with one that was taken back.
    api = replace(api, channel=replace(api.channel, secrets={}))
    found = servers.detect(api)
    scopes = "read write" if found.get("software") in _COARSE else " ".join(SCOPES)
    back = talk.redirect()
    target = back or OUT_OF_BAND
    app = _register(api, target, scopes)
    verifier = secrets.token_urlsafe(64)
    code = _authorised(api, talk, app, back, scopes, verifier)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "redirect_uri": target,
        "code_verifier": verifier,
        "scope": scopes,
    }
    token = _token(api, form)
    granted = str(token.get("scope") or scopes)
    if lacking := [scope for scope in SCOPES if not covers(granted, scope)]:
        talk.say(f"The server did not grant {', '.join(lacking)}; what needs it will not work.")
    return {"access_token": str(token["access_token"]), **app}


def _register(api: Api, target: str, scopes: str) -> dict[str, str]:
    form = {"client_name": _NAME, "redirect_uris": target, "scopes": scopes}
    answer = api.send("POST", "/api/v1/apps", data=form)
    if servers.is_no_api(answer):
        raise servers.absent(api)
    app = table(said(api.checked(answer)))
    if not app.get("client_id") or not app.get("client_secret"):
        raise Unauthorized("the server registers no applications", tip="ask the server's administrators")
    return {name: str(app[name]) for name in ("client_id", "client_secret")}


def _authorised(
    api: Api, talk: Dialogue, app: dict[str, str], back: str | None, scopes: str, verifier: str
) -> str:
    """Send the person to the server's page and return the code it gives; the state must come back as it went."""
    state = secrets.token_urlsafe(24)
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": back or OUT_OF_BAND,
        "scope": scopes,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    said_back = talk.visit(f"{settings_of(api.channel).url}/oauth/authorize?{urlencode(query)}")
    if back is None or not said_back:
        code = talk.ask("The code that the page shows", secret=True).strip()
    elif not secrets.compare_digest(said_back.get("state", ""), state):
        raise Unauthorized("the browser came back from another log-in than this one", tip=_again(api))
    else:
        code = said_back.get("code", "")
    if not code:
        why = said_back.get("error_description") or said_back.get("error") or "no code was given"
        raise Unauthorized(f"nobody allowed it: {why}", tip=_again(api))
    return code


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _token(api: Api, form: dict[str, str]) -> dict[str, Any]:
    answer = api.send("POST", "/oauth/token", data=form)
    if answer.status_code in (400, 401, 403, 422):
        why = table(said(answer)).get("error_description") or "the server does not accept the code"
        raise Unauthorized(str(why), tip=_again(api))
    token = dict(table(said(api.checked(answer))))
    if not token.get("access_token"):
        raise Unauthorized("the server gave no access token", tip=_again(api))
    return token


def _again(api: Api) -> str:
    return f"try again: govpost channel login {api.channel.name}"
