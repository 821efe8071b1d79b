"""Why a channel may not send now, in a person's words; the gate checks the same facts in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from govpost.states import PUBLISHES
from govpost.store import caps, channels, meta, pilots

DISABLED = "disabled-plugins"


def disabled_plugins(conn: Connection) -> dict[str, dict[str, Any]]:
    """Return the plugins a person switched off: name → reason and platforms."""
    return dict(meta.get(conn, DISABLED) or {})


def switched_off(conn: Connection, platform: str) -> str | None:
    """Say which plugin of a platform a person switched off, None when none is."""
    for name, off in disabled_plugins(conn).items():
        if platform in off["platforms"]:
            return f"the plugin {name} is disabled: {off['reason']}"
    return None


def obstacle(conn: Connection, channel: str, platform: str, now: datetime) -> str | None:
    """Say what stops everything on a channel, None when nothing does."""
    frozen = meta.frozen(conn)
    if frozen is not None:
        return f"everything is frozen by {frozen['by']}: {frozen['reason']}"
    off = switched_off(conn, platform)
    if off is not None:
        return off
    pilot = pilots.get(conn, channel)
    state = pilot.state if pilot else "proposed"
    if state not in PUBLISHES:
        because = f": {pilot.reason}" if pilot and pilot.reason and state == "suspended" else ""
        return f"the pilot of {channel} is {state}{because}"
    about = channels.get(conn, channel)
    if channels.is_paused(about, now):
        return f"{channel} is paused: {about.paused_why}"
    return None


def cap_reached(conn: Connection, channel: str) -> str | None:
    """Say that a running pilot's cap of posts is used up, None when it is not."""
    if not caps.is_spent(conn, channel):
        return None
    pilot = pilots.get(conn, channel)
    return f"the pilot of {channel} has used up its cap of {pilot.cap_posts if pilot else 0} posts"
