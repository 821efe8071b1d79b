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
_TIPS = {
    "silent": "look on its machine whether the process is there, and end it there; it may wake and go on",
    "died": "what it held may be public: start a daemon here, which takes it back and asks",
}


def drain(session: Session, name: str | None, reason: str, wait: timedelta) -> int:
    """Ask, tell what is still in flight, and return the exit code: 1 when one is not known to have ended."""
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
        if not any(each.waited_for for each in left) or time.monotonic() >= end:
            break
        time.sleep(_NAP)
    _tell(session, found, left, wait)
    return int(any(wait or not each.waited_for for each in left))


def _tell(session: Session, found: Sequence[Standing], left: Sequence[Standing], wait: timedelta) -> None:
    if session.as_json:
        daemons = [
            {
                **shapes.daemon(each.daemon, session.now, running=not each.gone),
                "standing": each.state,
                "in_flight": list(each.in_flight),
            }
            for each in found
        ]
        out.document({"drained": not left, "daemons": daemons})
    elif not found:
        out.say("no daemon is at work")
    else:
        _tell_people(found, left, wait)


def _tell_people(found: Sequence[Standing], left: Sequence[Standing], wait: timedelta) -> None:
    for each in found:
        if each.gone:
            out.say(f"{_who(each)} has ended")
    finishing = [each for each in left if each.waited_for]
    lost = [each for each in left if not each.waited_for]
    if finishing and wait:
        out.say("not ended in time; it still finishes what is in flight, then ends", err=True)
        out.say("tip: govpost status shows it; wait longer with --wait", err=True)
    elif finishing:
        out.say("asked to finish: " + ", ".join(map(_who, finishing)))
    for each in lost if not wait else ():
        out.say(_word(each), err=True)
    for state, tip in _TIPS.items():
        if any(each.state == state for each in lost):
            out.say(f"tip: {tip}", err=True)


def _words(left: Sequence[Standing]) -> str:
    return "\n".join(map(_word, left))


def _word(each: Standing) -> str:
    held = ", ".join(each.in_flight) or "nothing"
    if each.state == "silent":
        since = f"{each.daemon.heartbeat_at:%Y-%m-%d %H:%M:%S}"
        return f"{_who(each)} is silent since {since} UTC, not known to have ended; it holds: {held}"
    if each.state == "died":
        return f"{_who(each)} died without a word; it holds: {held}"
    return f"{_who(each)} is finishing; in flight: {held}"


def _who(each: Standing) -> str:
    return f"the daemon on {each.daemon.host} (process {each.daemon.pid})"
