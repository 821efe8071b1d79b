"""`channel login` and `channel verify`: who may send there, and what the server says of itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from govpost import Account, Channel, Dialogue, Unauthorized, Unavailable, time_left
from govpost_email import signing
from govpost_email.lists import SHORTEST_KEY, Roll, roll
from govpost_email.settings import LOOPBACK, Settings
from govpost_email.submission import connected, may_send, size_limit
from govpost_email.wishes import these, wishes

if TYPE_CHECKING:
    import httpx2

    from govpost_email.talk import Talk


def login(channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
    """Ask for user and password, try them on the server, and make a list_key where there is none.

    What a log-in returns takes the place of all that the last one left, so that a list_key known is returned as it is.
    """
    settings = Settings.of(channel)
    key = "" if settings.to else channel.secrets.get("list_key", "")
    new = not settings.to and len(key) < SHORTEST_KEY
    if new:
        key = _new_key(settings, channel, http)
    found = _asked(settings, talk)
    trial = replace(channel, secrets={**channel.secrets, **found})
    with connected(settings, trial, lambda: time_left(http)):
        talk.say(f"{settings.host} accepts {settings.user or found['user']}.")
    if new:
        talk.say(
            "A list_key was made, with which recipients are named in the records. Keep it for as long as the list."
        )
    return found | {"list_key": key} if key else found


def _new_key(settings: Settings, channel: Channel, http: httpx2.Client) -> str:
    """Make a list_key; `Unauthorized` while somebody has left by a token or reference of an earlier one."""
    made = secrets.token_hex(32)
    asked = wishes(settings, replace(channel, secrets={**channel.secrets, "list_key": made}), http)
    if not asked.unread and not asked.bare:
        return made
    where = these(asked.unread) or "the references of those who left"
    raise Unauthorized(
        f"{where}: no new list_key can tell who left, and the one they were made with is not known here",
        tip='put it into the channel\'s secrets (list_key = "file:…"), or write addresses in their place',
    )


def _asked(settings: Settings, talk: Dialogue) -> dict[str, str]:
    found = {} if settings.user else {"user": talk.ask(f"User name at {settings.host}").strip()}
    password = talk.ask(f"Password of {settings.user or found['user']}", secret=True)
    return found | {"password": password}


def verify(channel: Channel, http: httpx2.Client) -> Account:
    """Log in, ask whether the sender may send, count the list; nothing is sent."""
    settings = Settings.of(channel)
    notes, missing = _about_list(settings, channel, http)
    notes += _about_settings(settings, channel)
    shown = f"{settings.sender_name} <{settings.sender}>" if settings.sender_name else settings.sender
    with connected(settings, channel, lambda: time_left(http)) as talk:
        if refused := may_send(talk, settings):
            missing.append(f"the right to send as {settings.envelope_sender}: {refused}")
        return Account(
            remote_id=settings.sender,
            name=shown,
            server=_server(talk, settings),
            limits=_limits(talk),
            missing=tuple(missing),
            notes=tuple(notes),
        )


def _server(talk: Talk, settings: Settings) -> str:
    said = (talk.ehlo_resp or b"").decode("utf-8", "replace").partition("\n")[0].strip()[:100]
    version = getattr(talk.sock, "version", lambda: "no TLS")()
    return f"{said or settings.host}, {version}"


def _limits(talk: Talk) -> dict[str, Any]:
    known = {name: talk.has_extn(name) for name in ("smtputf8", "8bitmime", "dsn")}
    return {"size": size_limit(talk) or None, **known}


def _about_list(settings: Settings, channel: Channel, http: httpx2.Client) -> tuple[list[str], list[str]]:
    """Count the list in words; second, what keeps anything from being sent."""
    everyone = roll(settings, channel)
    try:
        asked = wishes(settings, channel, http)
        gone = asked.understood()
    except Unavailable as error:
        known = _counted(settings, everyone, frozenset())
        return [f"{known}; who of them left is not known"], [f"{error}: {error.tip}"]
    notes = [_counted(settings, everyone, gone)]
    if strange := asked.bare - everyone.keys():
        notes.append(
            f"{_are(len(strange), 'reference', 'references')} of those who left: of nobody on the list, right where"
            " they were taken off it, wrong where the list_key is another than before"
        )
    return notes, []


def _counted(settings: Settings, everyone: Roll, gone: frozenset[str]) -> str:
    bad = [entry.place for entry in everyone.values() if entry.address is None and entry.ref not in gone]
    left = sum(ref in gone for ref in everyone)
    said = [f"{_are(len(everyone) - len(bad) - left, 'gets', 'get')} it"]
    how = " or bounced" if settings.suppressed_file else ""
    said += [f"{_are(left, 'has', 'have')} left{how}"] if left else []
    said += [f"{_are(len(bad), 'line', 'lines')} cannot be used ({these(bad)})"] if bad else []
    return ", ".join(said)


def _are(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _about_settings(settings: Settings, channel: Channel) -> Iterator[str]:
    if not settings.to and not settings.unsubscribe_url:
        yield "no unsubscribe_url: large mail providers ask bulk senders for one-click unsubscribing (RFC 8058)"
    if not settings.to and not (
        settings.unsubscribed_file or settings.unsubscribed_url or settings.imap_host
    ):
        yield "nothing says who left the list: set unsubscribed_file or unsubscribed_url, or take them out of the list"
    if settings.host in LOOPBACK and settings.security == "none":
        yield "the line to the server is in the open, which is for this machine only"
    found = signing.keys(settings, channel)
    for key in found:
        place = f"{key.selector}._domainkey.{settings.from_address.domain}"
        yield f"signed with DKIM ({key.algorithm}); its public half must stand in the DNS at {place}"
    if not found:
        yield "not signed with DKIM here: let the mail server sign, or set dkim_selectors"
