"""Switching a plugin or one channel off and on: what waits there is held with the reason, and nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from govpost import duties
from govpost.config import Config
from govpost.errors import Refused
from govpost.people import Actor
from govpost.pilots import known
from govpost.states import Role
from govpost.store import channels, meta, obstacles
from govpost.store.engine import Store
from govpost.times import rfc3339


def disable_plugin(
    store: Store, config: Config, actor: Actor, name: str, platforms: Sequence[str], reason: str
) -> list[str]:
    """Switch a plugin off and hold what is queued on its channels; returns those channels."""
    actor.need(Role.ADMIN, to="disable plugins")
    with store.write(actor.id) as tx:
        disabled = obstacles.disabled_plugins(tx.conn)
        if name in disabled:
            raise Refused(
                f"the plugin {name} is disabled already: {disabled[name]['reason']}",
                f"govpost plugin enable {name}",
            )
        off = {"reason": reason, "platforms": list(platforms), "by": actor.id, "at": rfc3339(tx.now)}
        meta.put(tx.conn, obstacles.DISABLED, disabled | {name: off})
        tx.event(
            "plugin.disable", f"plugin:{name}", old="on", new="off", why=reason, platforms=list(platforms)
        )
        stopped = [channel for channel, about in config.channels.items() if about.platform in platforms]
        for channel in stopped:
            duties.hold(tx, channel, f"the plugin {name} is disabled: {reason}")
        return stopped


def enable_plugin(store: Store, actor: Actor, name: str) -> None:
    """Switch a plugin on again; the daemon lets go on what was held for it."""
    actor.need(Role.ADMIN, to="enable plugins")
    with store.write(actor.id) as tx:
        disabled = obstacles.disabled_plugins(tx.conn)
        off = disabled.pop(name, None)
        if off is None:
            raise Refused(f"the plugin {name} is not disabled", "govpost plugin list shows them all")
        meta.put(tx.conn, obstacles.DISABLED, disabled)
        tx.event(
            "plugin.enable", f"plugin:{name}", old="off", new="on", why=f"it was off for: {off['reason']}"
        )


def pause_channel(
    store: Store, config: Config, actor: Actor, name: str, reason: str, until: datetime | None
) -> int:
    """Stop one channel (None: until a person resumes it); returns how many deliveries are held for it."""
    actor.need(Role.PUBLISHER, Role.ADMIN, to="pause channels")
    known(config, name)
    with store.write(actor.id) as tx:
        channels.pause(tx, name, until or channels.FOR_GOOD, reason)
        return duties.hold(tx, name, f"{name} is paused: {reason}")


def resume_channel(store: Store, config: Config, actor: Actor, name: str, reason: str) -> None:
    """Let a paused channel go on; the daemon lets go on what was held for it."""
    actor.need(Role.PUBLISHER, Role.ADMIN, to="resume channels")
    known(config, name)
    with store.write(actor.id) as tx:
        if not channels.is_paused(channels.get(tx.conn, name), tx.now):
            raise Refused(f"{name} is not paused", "govpost status shows what is going on")
        channels.resume(tx, name, reason)
