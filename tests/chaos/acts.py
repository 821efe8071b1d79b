"""Doing each thing to a run. Every act leaves the world as it found it, but for what it did to deliveries."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from chaos.nursery import MARGIN
from chaos.processes import until
from chaos.world import World
from govpost.daemon import lock
from govpost.editorial import freezing, resolving, stopping
from govpost.errors import Refused, StoreUnavailable
from govpost.store import deliveries, posts

ATTEMPT = 2.0
"""`[daemon] attempt` of the town, in seconds."""


def kill(world: World, draw: float) -> None:
    """`kill -9` one daemon; it is started again at once."""
    hosts = sorted(world.daemons.alive)
    if hosts and world.daemons.kill(hosts[int(draw * len(hosts))]):
        world.done["kill"] += 1


def stop(world: World, draw: float) -> None:
    """SIGSTOP beyond the lease, then SIGCONT."""
    hosts = sorted(world.daemons.alive)
    host = hosts[int(draw * len(hosts))]
    if world.daemons.signal(host, signal.SIGSTOP):
        time.sleep(ATTEMPT + MARGIN.total_seconds() + 0.5)
        world.daemons.signal(host, signal.SIGCONT)
        world.done["stop"] += 1


def jump(world: World, draw: float) -> None:
    """Let the wall clock jump by minutes, two times out of three forward, and see that it is noticed."""
    push(world, 90 + 400 * draw if draw < 0.67 else -(70 + 300 * draw))
    world.done["jump"] += 1


def nudge(world: World, draw: float) -> None:
    """Push the clock past whatever the channels wait for."""
    push(world, 130 + 600 * draw)
    world.done["nudge"] += 1


def push(world: World, seconds: float) -> None:
    """Push the clock while a daemon is there to see it: a jump that nobody watches is beyond the promise."""
    until(world.watched, 10)
    seen = world.events("daemon.clock")
    if world.database is not None:
        world.database.push(seconds)
    else:
        world.offsets.set(0, world.offsets.get(0) + seconds)
    if not until(lambda: world.events("daemon.clock") > seen, 12):
        world.done["jump unseen"] += 1


def full_disk(world: World, draw: float) -> None:
    """Leave no room for a while: on the disk itself where it is a small one of ours, else for the daemons' files."""
    if world.disk is not None and draw < 0.6:
        world.disk.fill()
        time.sleep(0.5 + draw)
        world.disk.free()
        world.done["full disk (tmpfs)"] += 1
        return
    pids = list(world.daemons.alive.values())
    _limit(pids, 4096)
    time.sleep(0.5 + draw)
    _limit(pids, resource.RLIM_INFINITY)
    world.done["full disk (RLIMIT_FSIZE)"] += 1


def _limit(pids: list[int], size: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def read_only(world: World, draw: float) -> None:
    """Make the database read-only for a while: by the modes of its file and folder, or by the server's own word."""
    if world.database is not None:
        world.database.refuse_writes(refused=True)
        time.sleep(0.5 + draw)
        world.database.refuse_writes(refused=False)
    else:
        path = world.town.space.store.path
        assert path is not None
        path.chmod(0o400)
        path.parent.chmod(0o500)
        time.sleep(0.5 + draw)
        path.parent.chmod(0o700)
        path.chmod(0o600)
    world.done["read-only"] += 1


def restart(world: World, draw: float) -> None:
    """Let PostgreSQL crash and come back."""
    assert world.database is not None
    world.database.restart()
    world.done["restart"] += 1


def partition(world: World, draw: float) -> None:
    """Cut one host off from PostgreSQL for longer than its leases last; its daemon lives on."""
    assert world.database is not None
    world.database.proxy.cut()
    time.sleep(ATTEMPT + MARGIN.total_seconds() + 1)
    world.database.proxy.heal(drop=draw < 0.5)
    world.done["partition"] += 1


def second_daemon(world: World, draw: float) -> None:
    """Start a second daemon, which SQLite's lock must refuse."""
    folder = world.town.space.store.folder
    first = dict(world.daemons.alive)
    if not until(lambda: lock.is_held(folder), 10):
        return
    code = world.daemons.another()
    if code is None and world.daemons.alive != first:
        return  # the first was gone, so there was nobody to refuse it
    world.done["second daemon"] += 1
    if code != Refused.exit_code:
        world.breaches.append(f"a second daemon was not refused: it ended with {code}")


def edit(world: World, draw: float) -> None:
    """Edit config.toml in a way that changes the rates."""
    world.town.write_config(world.town.config_text.replace('grace = "2m"', f'grace = "{2 + int(draw * 3)}m"'))
    time.sleep(0.3)
    world.town.write_config(world.town.config_text)
    world.done["edit"] += 1


def broken_edit(world: World, draw: float) -> None:
    """Leave config.toml broken for a while."""
    world.town.write_config(world.town.config_text + "\n[channels\n")
    time.sleep(0.5)
    world.town.write_config(world.town.config_text)
    world.done["broken edit"] += 1


def channel_away(world: World, draw: float) -> None:
    """Take a channel out of config.toml for a while."""
    town = world.town
    name = town.hostile[1 + int(draw * (len(town.hostile) - 1))]
    text = town.config_text
    start = text.index(f"[channels.{name}]")
    end = text.find("\n[channels.", text.index("caps =", start))
    town.write_config(text[:start] + (text[end:] if end > 0 else ""))
    time.sleep(0.7)
    town.write_config(text)
    world.done["channel away"] += 1


def cancel(world: World, draw: float) -> None:
    """Cancel a post that is under way or waiting."""
    town = world.town
    slugs = sorted({slug for slug, _ in town.approved})
    slug = slugs[int(draw * len(slugs))]
    if world.insist(lambda: stopping.cancel(town.space.store, town.who("ben"), slug, "by order")):
        world.done["cancel"] += 1


def withdraw(world: World, draw: float) -> None:
    """Withdraw a post of which something is public."""
    town, space = world.town, world.town.space
    slug = _public(world, draw)
    if slug is not None and world.insist(
        lambda: stopping.withdraw(space.store, space.config, town.desk.fitted, town.who("ben"), slug, "error")
    ):
        world.done["withdraw"] += 1


def _public(world: World, draw: float) -> str | None:
    try:
        with world.town.space.store.read() as conn:
            public = sorted({row.post_id for row in deliveries.in_state(conn, "live", limit=40)})
            return posts.by_id(conn, public[int(draw * len(public))]).slug if public else None
    except StoreUnavailable:
        return None


def freeze(world: World, draw: float) -> None:
    """Freeze everything, thaw it, and try again what passed its time, as a person would."""
    town, space = world.town, world.town.space
    if not world.insist(lambda: freezing.freeze(space.store, space.config, town.who("ben"), "an alarm")):
        return
    time.sleep(ATTEMPT + 0.5)
    world.ledger.read()
    sent = world.ledger.sent
    time.sleep(0.5)
    world.ledger.read()
    if world.ledger.sent != sent:
        world.breaches.append("something was sent during the freeze")
    world.insist(lambda: freezing.thaw(space.store, space.config, town.who("cleo"), "the alarm is over"))
    world.done["freeze"] += 1
    retry_missed(world)


def retry_missed(world: World) -> None:
    """Try again what was missed, as a person would."""
    town, space = world.town, world.town.space
    missed: list[str] = []

    def find() -> None:
        with space.store.read() as conn:
            missed[:] = [row.id for row in deliveries.in_state(conn, "missed")]

    world.insist(find)
    for name in missed:
        if world.insist(partial(resolving.retry, space.store, space.config, town.who("ben"), name)):
            world.done["tried again"] += 1


ACTS: dict[str, Callable[[World, float], None]] = {
    "kill": kill,
    "stop": stop,
    "jump": jump,
    "full disk": full_disk,
    "read-only": read_only,
    "second daemon": second_daemon,
    "edit": edit,
    "broken edit": broken_edit,
    "channel away": channel_away,
    "cancel": cancel,
    "withdraw": withdraw,
    "freeze": freeze,
    "nudge": nudge,
    "restart": restart,
    "partition": partition,
}


def act(world: World, what: str, draw: float) -> None:
    """Do something and note how long it took."""
    started = time.monotonic()
    ACTS[what](world, draw)
    world.story.append((started - world.began, what, time.monotonic() - started))
