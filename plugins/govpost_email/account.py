"""`channel login` and `channel verify`: who may send there, and what the server says of itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from govpost import Account, Channel, Dialogue, time_left
from govpost_email import signing
from govpost_email.lists import roll
from govpost_email.settings import LOOPBACK, Settings
from govpost_email.submission import connected, may_send, size_limit
from govpost_email.wishes import wishes

if TYPE_CHECKING:
    import httpx2

    from govpost_email.talk import Talk


def login(channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
    """Ask for user and password, try them on the server, and make a list_key where there is none."""
    settings = Settings.of(channel)
    found = _asked(settings, talk)
    trial = replace(channel, secrets={**channel.secrets, **found})
    with connected(settings, trial, lambda: time_left(http)):
        talk.say(f"{settings.host} accepts {settings.user or found['user']}.")
    if not settings.to and len(channel.secrets.get("list_key", "")) < 16:
        found["list_key"] = secrets.token_hex(32)
        talk.say(
            "A list_key was made, with which recipients are named in the records. Keep it for as long as the list."
        )
    return found


def _asked(settings: Settings, talk: Dialogue) -> dict[str, str]:
    found = {} if settings.user else {"user": talk.ask(f"User name at {settings.host}").strip()}
    password = talk.ask(f"Password of {settings.user or found['user']}", secret=True)
    return found | {"password": password}


def verify(channel: Channel, http: httpx2.Client) -> Account:
    """Log in, ask whether the sender may send, count the list; nothing is sent."""
    settings = Settings.of(channel)
    notes = [*_about_list(settings, channel, http), *_about_settings(settings, channel)]
    shown = f"{settings.sender_name} <{settings.sender}>" if settings.sender_name else settings.sender
    with connected(settings, channel, lambda: time_left(http)) as talk:
        refused = may_send(talk, settings)
        return Account(
            remote_id=settings.sender,
            name=shown,
            server=_server(talk, settings),
            limits=_limits(talk),
            missing=(f"the right to send as {settings.envelope_sender}: {refused}",) if refused else (),
            notes=tuple(notes),
        )


def _server(talk: Talk, settings: Settings) -> str:
    said = (talk.ehlo_resp or b"").decode("utf-8", "replace").partition("\n")[0].strip()[:100]
    version = getattr(talk.sock, "version", lambda: "no TLS")()
    return f"{said or settings.host}, {version}"


def _limits(talk: Talk) -> dict[str, Any]:
    known = {name: talk.has_extn(name) for name in ("smtputf8", "8bitmime", "dsn")}
    return {"size": size_limit(talk) or None, **known}


def _about_list(settings: Settings, channel: Channel, http: httpx2.Client) -> Iterator[str]:
    everyone = roll(settings, channel)
    gone = wishes(settings, channel, http)
    bad = [entry.place for entry in everyone.values() if entry.address is None]
    left = sum(ref in gone.refs for ref in everyone)
    yield f"{len(everyone)} on the list, {left} of them get nothing because they left or their mail came back"
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        yield f"no usable address in {', '.join(bad[:5])}{more}"
    if gone.unread:
        yield f"{gone.unread} lines of those who left are neither address, reference nor token, and were passed over"


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
