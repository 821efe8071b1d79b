"""Several daemons on one store: who is alive, and who stands back because it works by something out of date."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from govpost.digest import file_sha256, sha256
from govpost.domain import Capabilities
from govpost.registry import Plugin, Registry
from govpost.store.bare import HEARD_OF
from govpost.store.machine_rows import DaemonRecord

STALE = HEARD_OF
"""A heartbeat further off than this is no sign of life: older, or from before the clock was put back."""

RUNNING, STOPPING, STOPPED, DIED = "running", "stopping", "stopped", "died"

_NOTHING = "nothing is sent to {} from this machine:"
_OLDER = "is older than"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def ended(row: DaemonRecord) -> bool:
    """Say whether a daemon has ended, by its own word or found dead."""
    return row.state in (STOPPED, DIED)


def is_silent(row: DaemonRecord, now: datetime) -> bool:
    """Say whether a daemon that never said it ended has not been heard of for too long."""
    return not ended(row) and abs(now - row.heartbeat_at) > STALE


def alive(everyone: Iterable[DaemonRecord], now: datetime) -> list[DaemonRecord]:
    """Return the daemons that were heard of lately."""
    return [row for row in everyone if not ended(row) and not is_silent(row, now)]


def stands_back(
    mine: DaemonRecord,
    others: Iterable[DaemonRecord],
    now: datetime,
    switched_off: Container[str] = (),
    file: str = "config.toml",
) -> str:
    """Say why a daemon must claim nothing: the newest of those at work has another config or other plugins.

    Empty when they agree, or when `mine` is the newest itself. Plugins that are switched off do not count: not every
    daemon has them loaded. `file` is where the config of `mine` lies.
    """
    working = [row for row in alive(others, now) if row.state == RUNNING]
    newest = max([mine, *working], key=_age)
    there = f"the daemon on {newest.host} (process {newest.pid})"
    if newest.config_hash != mine.config_hash:
        return (
            f"{file} on {mine.host} (process {mine.pid}), {_written(mine)}, {_OLDER} that of {there}, "
            f"{_written(newest)}: bring it up to date, or touch it if it is the right one"
        )
    other = _differing(mine, newest, switched_off)
    if other:
        return (
            f"what is loaded here of {', '.join(other)} is not what {there} has: install the same and restart, "
            "or touch config.toml here if this is the right one"
        )
    return ""


def has_older_config(row: DaemonRecord) -> bool:
    """Say whether a daemon stands back for its config.toml, by its own word."""
    return _OLDER in row.why


def _written(row: DaemonRecord) -> str:
    return f"written {row.config_at:%Y-%m-%d %H:%M:%S} UTC" if row.config_at else "written nobody knows when"


def _differing(mine: DaemonRecord, newest: DaemonRecord, switched_off: Container[str]) -> list[str]:
    here, there = (
        dict(line.rsplit(":", 1) for line in row.plugins_hash.splitlines()) for row in (mine, newest)
    )
    names = sorted(here.keys() | there.keys())
    return [name for name in names if name not in switched_off and here.get(name) != there.get(name)]


def _age(row: DaemonRecord) -> tuple[datetime, datetime, str]:
    return (row.config_at or _LONG_AGO, row.loaded_at or _LONG_AGO, row.id)


def lacks(lacking: Mapping[str, str]) -> str:
    """Say to which channels a daemon sends nothing, each with why; `serves` finds it again in the daemon's row."""
    return "; ".join(f"{_NOTHING.format(name)} {why}" for name, why in sorted(lacking.items()))


def serves(row: DaemonRecord, channel: str) -> bool:
    """Say whether a daemon sends to a channel, by its own word."""
    return _NOTHING.format(channel) not in row.why


def fingerprints(registry: Registry) -> str:
    """Return a line for each plugin that is loaded: its name and a hash of its version, its file and what it can."""
    return "\n".join(
        f"{plugin.name}:{_fingerprint(plugin, registry)[:12]}"
        for plugin in sorted(registry.plugins, key=lambda each: each.name)
        if plugin.state == "loaded"
    )


def _fingerprint(plugin: Plugin, registry: Registry) -> str:
    can = {name: _plain(registry.platforms[name].capabilities) for name in plugin.platforms}
    return sha256({"version": plugin.version, "file": _file(Path(plugin.source)), "can": can})


def _plain(capabilities: Capabilities) -> dict[str, str]:
    """Write capabilities so that two processes write the same: a set has another order in each."""
    known = {field.name: getattr(capabilities, field.name) for field in fields(capabilities)}
    return {
        name: repr(sorted(value, key=repr) if isinstance(value, set | frozenset) else value)
        for name, value in known.items()
    }


def _file(source: Path) -> str:
    """Return the hash of a loose plugin's file; an installed one has its version."""
    try:
        return file_sha256(source) if source.suffix == ".py" else ""
    except OSError:
        return "?"
