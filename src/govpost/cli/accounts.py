"""What `channel login` and `channel verify` do and say: who we are on a platform, and what is missing there."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from govpost.cli import out, shapes
from govpost.cli.context import Session

if TYPE_CHECKING:
    from govpost.fitted import Fitted
    from govpost.sessions import Sessions
    from govpost.store.account_rows import AccountRecord

_SHOWN = 300


def fitted(session: Session, name: str) -> Fitted:
    """Return a channel with its platform; `Refused` when that is not loaded.

    A plugin that breaks at the limits found before is given none, so that they can be found anew.
    """
    from govpost import fitted as fitting
    from govpost.errors import Refused
    from govpost.pilots import known

    known(session.config, name)
    bench = session.bench
    found = bench.fitted.get(name)
    if found is None and session.config.channels[name].platform in bench.registry.platforms:
        found = fitting.fit(session.config, bench.registry, name)
    if found is None:
        raise Refused(f"{name}: {bench.missing[name]}", "govpost plugin list says why")
    return found


def sessions(session: Session) -> Sessions:
    """Return what opens and renews secrets for this call."""
    from govpost.sessions import Sessions

    owner = f"{socket.gethostname()}/{os.getpid()}"
    return Sessions(store=session.store, owner=owner, actor=session.actor.id)


def shape(record: AccountRecord) -> dict[str, Any]:
    """Return an account as `--json` prints it."""
    names = (
        "channel",
        "platform",
        "remote_id",
        "name",
        "url",
        "server",
        "limits",
        "missing",
        "links",
        "notes",
    )
    return {
        **{name: getattr(record, name) for name in names},
        "links_back": record.links_back,
        "checked_at": shapes.time(record.checked_at),
        "expires_at": shapes.time(record.expires_at),
    }


def verified(session: Session, name: str, *, accept: bool) -> dict[str, Any]:
    """Verify one channel; `why` says what stands in the way, `account` is None then."""
    from govpost import accounts
    from govpost.errors import PublishError, Refused

    found: dict[str, Any] = {"channel": name, "ok": False, "account": None, "why": "", "tip": ""}
    try:
        record = accounts.verify(
            sessions(session), session.config, fitted(session, name), actor=session.actor, accept=accept
        )
    except Refused as error:
        return found | {"why": error.message, "tip": error.tip}
    except PublishError as error:
        return found | {"why": str(error), "tip": error.tip}
    return found | {"ok": not record.missing, "account": shape(record)}


def show(session: Session, found: Mapping[str, Any]) -> None:
    """Print what came of a verification."""
    name, account = found["channel"], found["account"]
    if account is None:
        out.say(f"{name}: {found['why']}")
        if found["tip"]:
            out.say(f"  tip: {found['tip']}")
        return
    out.head(f"{name}: {account['name']}")
    back = "yes" if account["links_back"] else f"no; {_link_tip(session)}"
    out.facts(
        [
            ("address", account["url"]),
            ("server", account["server"]),
            ("limits", _limits(account["limits"])),
            ("missing", "; ".join(account["missing"]) or "nothing"),
            ("links back", back),
            *[("note", note) for note in account["notes"]],
        ]
    )


def _link_tip(session: Session) -> str:
    return f"put {session.config.agency.homepage} on the profile, so that people can tell it is ours"


def _limits(limits: Mapping[str, Any]) -> str:
    if not limits:
        return "none stated"
    told = ", ".join(
        f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in limits.items()
    )
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]} … (--json shows all)"
