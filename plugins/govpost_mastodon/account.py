"""Who we are on the server, what it takes, what is missing, and what a person should know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from govpost import Account, Unauthorized, links
from govpost_mastodon import servers
from govpost_mastodon.api import Api, rows, said, table
from govpost_mastodon.words import text_of

SCOPES = ("read:accounts", "read:statuses", "read:notifications", "write:statuses", "write:media")
"""The least that govpost needs (api/oauth-scopes)."""


def verify(api: Api) -> Account:
    """Ask the server what it is and who the token belongs to."""
    if not api.channel.secrets.get("access_token"):
        raise Unauthorized("there is no access token yet", tip=f"govpost channel login {api.channel.name}")
    limits = servers.detect(api)
    me = table(api.ask("/api/v1/accounts/verify_credentials"))
    name = str(me.get("acct") or me.get("username") or "")
    limits |= {"account_id": str(me.get("id", "")), "acct": name}
    app = _app(api)
    if app.get("name"):
        limits["application"] = str(app["name"])
    return Account(
        remote_id=limits["account_id"],
        name=f"@{name}",
        url=me.get("url"),
        server=f"{_title(limits)} {limits.get('version', '')}".strip(),
        limits=limits,
        missing=tuple(_missing(api, app, limits["account_id"])),
        links=tuple(dict.fromkeys(_profile_links(me))),
        notes=tuple(_notes(me, limits)),
    )


def covers(granted: str | list[str], scope: str) -> bool:
    """Say whether a scope is among those granted; ``write`` includes ``write:media``."""
    names = granted.split() if isinstance(granted, str) else granted
    return scope in names or scope.partition(":")[0] in names


def _app(api: Api) -> Mapping[str, Any]:
    answer = api.send("GET", "/api/v1/apps/verify_credentials")
    return table(said(answer)) if answer.is_success else {}


def _missing(api: Api, app: Mapping[str, Any], account: str) -> Iterator[str]:
    """Name the scopes that the token lacks: as the server lists them, and where reading is refused."""
    granted = app.get("scopes")
    tries = {
        "read:statuses": f"/api/v1/accounts/{account}/statuses",
        "read:notifications": "/api/v1/notifications",
    }
    for scope in SCOPES:
        refused = scope in tries and api.send("GET", tries[scope], params={"limit": 1}).status_code == 403
        if refused or (granted and not covers(granted, scope)):
            yield f"the scope {scope}"


def _profile_links(me: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses in the profile's table and note, as their author wrote them where that is told."""
    source = table(me.get("source"))
    texts = [str(field.get("value", "")) for field in rows(source.get("fields")) + rows(me.get("fields"))]
    texts += [str(source.get("note") or ""), str(me.get("note") or "")]
    for text in texts:
        yield from re.findall(r'href="(https?://[^"]+)"', text)
        shown = text_of(text)
        yield from (shown[start:end] for start, end in links(shown))


def _notes(me: Mapping[str, Any], limits: Mapping[str, Any]) -> Iterator[str]:
    software = servers.known(limits)
    if software is None:
        yield f"{_title(limits)} is not a server that govpost knows: what is uncertain is left to a person"
    elif software.repeats is None:
        yield f"{software.title} would post a repeat twice: what is uncertain is looked up instead"
    if software and software.needs_media:
        yield f"{software.title} takes no post without a picture"
    if me.get("locked"):
        yield "the account is locked: new followers wait until somebody lets them in"
    if table(me.get("moved")).get("acct"):
        yield f"the account has moved to @{me['moved']['acct']}"
    if me.get("suspended") or me.get("limited"):
        yield "the server's moderators have limited the account"
    if int(limits.get("api", 0)) < 7:
        yield "this server knows no quote policy: anybody may quote"


def _title(limits: Mapping[str, Any]) -> str:
    software = servers.known(limits)
    return software.title if software else str(limits.get("software") or "this server")
