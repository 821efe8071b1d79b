"""Waiting for daemons that were asked to finish, for `govpost daemon drain`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from govpost.cli import out, shapes
from govpost.cli.context import Session

if TYPE_CHECKING:
    from govpost.daemon.draining import Standing

_NAP = 0.2


def drain(session: Session, name: str | None, reason: str, wait: timedelta) -> int:
    """Ask, wait while telling what is still in flight, and return the exit code: 1 when the time was not enough."""
    from govpost.daemon import draining

    asked = draining.ask(session.store, session.actor, name, reason)
    told = ""
    end = time.monotonic() + wait.total_seconds()
    while True:
        found = draining.standing(session.store, asked)
        left = [each for each in found if not each.gone]
        if left and _words(left) != told and not session.as_json and wait:
            told = _words(left)
            out.say(told, err=True)
        if not left or time.monotonic() >= end:
            break
        time.sleep(_NAP)
    _tell(session, found, left, wait)
    return int(bool(left and wait))


def _tell(session: Session, found: Sequence[Standing], left: Sequence[Standing], wait: timedelta) -> None:
    if session.as_json:
        daemons = [
            {
                **shapes.daemon(each.daemon, session.now, running=not each.gone),
                "in_flight": list(each.in_flight),
            }
            for each in found
        ]
        out.document({"drained": not left, "daemons": daemons})
    elif not found:
        out.say("no daemon is at work")
    elif not left:
        for each in found:
            out.say(f"{_who(each)} has ended")
    elif wait:
        out.say("not ended in time; it still finishes what is in flight, then ends", err=True)
        out.say("tip: govpost status shows it; wait longer with --wait", err=True)
    else:
        out.say("asked to finish: " + ", ".join(map(_who, left)))


def _words(left: Sequence[Standing]) -> str:
    return "\n".join(
        f"{_who(each)} is finishing; in flight: {', '.join(each.in_flight) or 'nothing'}" for each in left
    )


def _who(each: Standing) -> str:
    return f"the daemon on {each.daemon.host} (process {each.daemon.pid})"
