"""Noticing that config.toml changed: an event that names the keys, never their values."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from govpost import config as config_module
from govpost.config import Config
from govpost.digest import sha256
from govpost.store import meta
from govpost.store.engine import Tx

SEEN = "config-seen"


def note(tx: Tx, config: Config) -> list[str]:
    """Record a changed config with the names of its changed keys; returns them, none when it is the one last seen."""
    seen = meta.get(tx.conn, SEEN) or {}
    with suppress(OSError):  # the copy is a convenience; the record does not depend on it
        if seen.get("hash") != config.hash or not (config.root / config_module.LAST).exists():
            config_module.keep(config)
    if seen.get("hash") == config.hash:
        return []
    keys = dict(_flat(tomllib.loads(config.text)))
    before: Mapping[str, str] = seen.get("keys", {})
    changed = sorted(name for name in keys.keys() | before.keys() if keys.get(name) != before.get(name))
    meta.put(tx.conn, SEEN, {"hash": config.hash, "keys": keys})
    if seen:
        tx.event(
            "config.change",
            "config",
            old=seen["hash"],
            new=config.hash,
            why="config.toml was edited",
            keys=changed,
            strategy=config.strategy_hash[:16],
        )
    else:
        tx.event(
            "config.first", "config", new=config.hash, why="first use", strategy=config.strategy_hash[:16]
        )
    return changed


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    else:
        yield path, sha256(str(value))[:12]
