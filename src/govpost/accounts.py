"""Who we are on each platform: asked, kept, and never exchanged for another account without a word of a person's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from govpost import wire
from govpost.config import Config
from govpost.contract import Adapts, Verifies
from govpost.domain import Account, Channel
from govpost.errors import PublishError, Refused, Rejected, Unauthorized, Unavailable
from govpost.evidence import NAMES, Redactor, bounded
from govpost.fitted import Fitted
from govpost.people import Actor
from govpost.sessions import Sessions
from govpost.states import PUBLISHES, Role
from govpost.store import accounts, channels, pilots
from govpost.store.account_rows import AccountRecord
from govpost.store.engine import Tx
from govpost.wire_attempt import never

EVERY = timedelta(days=1)
"""How often the daemon verifies a channel by itself."""

SOONER = timedelta(hours=1)
"""How often it verifies one whose plugin cannot read what was found the last time."""

VERIFY_SECONDS = 60.0

_MOST = 20
_LONGEST = 300
_LONGEST_ID = 1_000


def due_for_verify(conn: Connection, fitted: Mapping[str, Fitted], now: datetime) -> list[str]:
    """Name the channels to verify now: a day has passed, nobody has asked yet, or its platform is another now.

    Where a plugin cannot read what was found, an hour is enough.
    One that does not publish, is paused or told to wait is left alone. The caller rests a channel that failed.
    """
    known, running = accounts.every(conn), pilots.every(conn)
    return [
        name
        for name, each in fitted.items()
        if isinstance(each.platform, Verifies)
        and name in running
        and running[name].state in PUBLISHES
        and _may_ask(conn, name, now)
        and not _is_known(known.get(name), each, now)
    ]


def _is_known(record: AccountRecord | None, fitted: Fitted, now: datetime) -> bool:
    """Say whether what was found is young enough and of the platform that the channel has now."""
    if record is None or record.platform != fitted.config.platform:
        return False
    return now - (SOONER if fitted.unread else EVERY) < record.checked_at <= now


def _may_ask(conn: Connection, name: str, now: datetime) -> bool:
    channel = channels.get(conn, name)
    waits = channel.next_allowed_at is not None and channel.next_allowed_at > now
    return not waits and not channels.is_paused(channel, now)


def verify(
    sessions: Sessions,
    config: Config,
    fitted: Fitted,
    *,
    actor: Actor | None = None,
    accept: bool = False,
    stop: Callable[[], bool] = never,
) -> AccountRecord:
    """Ask who we are on a channel, read-only, and keep it with the server's own limits; credentials are renewed once.

    Raises `PublishError` when it cannot be asked now, `Refused` when the platform cannot be asked at all or the
    credentials belong to another account than before, which pauses the channel. `accept` takes the other account.
    Without `actor` the daemon asks.
    """
    if actor is not None:
        actor.need(*((Role.ADMIN,) if accept else (Role.PUBLISHER, Role.ADMIN)), to="verify accounts")
    account = _ask_or_renew(sessions, fitted, sessions.open(fitted), stop)
    other = None
    with sessions.store.write(actor.id if actor else sessions.actor) as tx:
        other = None if accept else other_account(tx, fitted, account)
        if other is None:
            return keep(tx, config, fitted, account, always=actor is not None)
        channels.pause(tx, fitted.name, channels.FOR_GOOD, other.message)
    raise other


def _ask_or_renew(sessions: Sessions, fitted: Fitted, channel: Channel, stop: Callable[[], bool]) -> Account:
    try:
        return ask(sessions, fitted, channel, stop)
    except Unauthorized:
        if not sessions.can_renew(fitted):
            raise
    deadline = sessions.monotonic() + VERIFY_SECONDS
    return ask(sessions, fitted, sessions.renew(fitted, channel, deadline=deadline, stop=stop), stop)


def ask(sessions: Sessions, fitted: Fitted, channel: Channel, stop: Callable[[], bool]) -> Account:
    platform = fitted.platform
    if not isinstance(platform, Verifies):
        raise Refused(
            f"{fitted.name}: the platform {platform.name} cannot be asked who we are there",
            "look at the account yourself",
        )
    deadline = sessions.monotonic() + VERIFY_SECONDS
    with wire.Attempt(
        channel,
        deadline=deadline,
        monotonic=sessions.monotonic,
        stop=stop,
        read_only=True,
        sleep=sessions.sleep,
    ) as attempt:
        try:
            found = wire.quick_tries(
                lambda: platform.verify(channel, attempt.client), attempt, stop, wire.read_error
            )
            return _usable(platform, channel, cleaned(found, channel))
        except (KeyboardInterrupt, PublishError):
            raise
        except BaseException as error:
            raise Unavailable(f"the plugin failed: {type(error).__name__}") from None


def _usable(platform: object, channel: Channel, account: Account) -> Account:
    """Return the account; `Rejected` when the plugin cannot work under the limits that it found itself."""
    if isinstance(platform, Adapts):
        try:
            platform.adapted(replace(channel, limits=account.limits, secrets={}))
        except Exception as error:
            raise Rejected(
                f"the plugin cannot read the limits that it found: {type(error).__name__}"
            ) from None
    return account


def cleaned(found: object, channel: Channel) -> Account:
    """Return an account without secrets and within bounds; `Rejected` when it says nothing of who we are.

    The id is kept as it is, for it is compared; one that is a secret is refused.
    """
    if not isinstance(found, Account) or not str(found.remote_id or "").strip():
        raise Rejected(f"the plugin cannot say who we are: it gave {type(found).__name__}")
    hidden = {name: value for name, value in channel.secrets.items() if name not in NAMES}
    clean, remote_id = Redactor(hidden), _short(str(found.remote_id), _LONGEST_ID)
    if clean.gives_away(remote_id):
        raise Rejected(
            "the plugin gives a secret of the channel as the id of the account",
            tip="where the password is the account's name, change the password",
        )

    def line(text: object) -> str:
        return _short(clean(str(text)), _LONGEST)

    def lines(texts: Iterable[object]) -> tuple[str, ...]:
        return tuple(line(text) for text in list(texts)[:_MOST])

    return Account(
        remote_id=remote_id,
        name=line(found.name) or _short(remote_id, _LONGEST),
        url=line(found.url) if found.url else None,
        server=line(found.server),
        limits=_limits(found.limits, clean),
        missing=lines(found.missing),
        links=lines(found.links),
        notes=lines(found.notes),
        expires_at=_instant(found.expires_at),
    )


def _instant(when: object) -> datetime | None:
    return when.astimezone(UTC) if isinstance(when, datetime) and when.tzinfo is not None else None


def _limits(limits: Mapping[str, Any], clean: Redactor) -> dict[str, Any]:
    """Return a server's limits as JSON, its numbers as they are; too much of it is none at all."""
    read = clean.tree(json.loads(json.dumps(limits, default=str), parse_constant=str))
    return read if isinstance(read, dict) and bounded(read) is read else {}


def other_account(tx: Tx, fitted: Fitted, account: Account) -> Refused | None:
    """Say why this is not the account that it was."""
    before = accounts.get(tx.conn, fitted.name)
    if before is None or before.platform != fitted.config.platform or _is_same(before, account):
        return None
    return Refused(
        f"the credentials of {fitted.name} belong to {account.name}, another account than {before.name}",
        f"if that is meant, say the same again with --accept-account; else log in as {before.name}",
    )


def _is_same(before: AccountRecord, account: Account) -> bool:
    """Say whether it is the account of before; two servers may call different accounts by the same id."""
    moved = before.url and account.url and _host(before.url) != _host(account.url)
    return before.remote_id == account.remote_id and not moved


def keep(tx: Tx, config: Config, fitted: Fitted, account: Account, *, always: bool) -> AccountRecord:
    """Keep what was found; its event says what changed, and there is none of the daemon's when nothing did."""
    before = accounts.get(tx.conn, fitted.name)
    record = AccountRecord(
        channel=fitted.name,
        platform=fitted.config.platform,
        checked_at=tx.now,
        remote_id=account.remote_id,
        name=account.name,
        url=account.url,
        server=account.server,
        limits=dict(account.limits),
        missing=list(account.missing),
        links=list(account.links),
        notes=list(account.notes),
        links_back=links_back(account.links, config.agency.homepage),
        expires_at=account.expires_at,
    )
    accounts.put(tx, record)
    changed = [_short(each, _LONGEST) for each in _changes(before, record)][:_MOST]
    if changed or always:
        tx.event(
            "channel.verified",
            f"channel:{fitted.name}",
            old=before.name if before else None,
            new=record.name,
            channel=fitted.name,
            changed=changed,
        )
    return record


def _changes(before: AccountRecord | None, now: AccountRecord) -> Iterator[str]:
    """Say in words what is other than before."""
    if before is None:
        yield "verified for the first time"
        return
    for key in ("remote_id", "name", "url", "server", "missing", "links_back"):
        if getattr(before, key) != getattr(now, key):
            yield f"{key}: {getattr(before, key)} → {getattr(now, key)}"
    for key in sorted({*before.limits, *now.limits}):
        old, new = before.limits.get(key), now.limits.get(key)
        if old != new:
            yield f"limits.{key}: {old} → {new}"


def links_back(links: Iterable[str], homepage: str) -> bool:
    """Say whether one of the addresses leads to the agency's own site, or to a part of it such as news.…"""
    home = _host(homepage)
    return any(host == home or host.endswith(f".{home}") for host in map(_host, links) if host)


def _host(address: str) -> str:
    """Return the host of a web address, nothing for any other."""
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        if parts.scheme not in ("", "http", "https") or "@" in parts.netloc:
            return ""
        return (parts.hostname or "").encode("idna").decode().removeprefix("www.")
    except ValueError:
        return ""


def _short(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
