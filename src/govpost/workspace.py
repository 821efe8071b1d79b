"""One workspace opened: its config, its store, and, when somebody asks, its plugins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from govpost import config as config_module
from govpost import vault
from govpost.config import Config
from govpost.errors import GovpostError, Refused
from govpost.store.engine import Store
from govpost.times import utcnow

if TYPE_CHECKING:
    from govpost.editorial.intake import Desk
    from govpost.fitted import Fitted
    from govpost.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The plugins as they are loaded, and the channels fitted out with them; `limits` are what `verify` found."""

    registry: Registry
    fitted: Mapping[str, Fitted]
    missing: Mapping[str, str]
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Workspace:
    """A folder with config.toml, and what belongs to it."""

    root: Path
    config: Config
    store: Store
    clock: Callable[[], datetime] = field(default=utcnow)

    def bench(self) -> Bench:
        """Load the plugins and fit out the channels; `Mistakes` when settings are wrong."""
        from govpost import registry as registry_module
        from govpost.store import accounts, obstacles

        with self.store.read() as conn:
            disabled = {name: off["reason"] for name, off in obstacles.disabled_plugins(conn).items()}
            limits = accounts.limits(conn, self._platforms())
        plugins = self.config.plugins
        folder = self.root / plugins.folder if plugins.load else None
        registry = registry_module.load(folder, self.root, disabled)
        return self._fitted_out(registry, limits)

    def with_limits(self, bench: Bench) -> Bench:
        """Return the bench under the limits that `verify` found since it was made; the same one if there are none."""
        from govpost.store import accounts

        with self.store.read() as conn:
            limits = accounts.limits(conn, self._platforms())
        known = limits == bench.limits or not bench.fitted
        return bench if known else self._fitted_out(bench.registry, limits)

    def _fitted_out(self, registry: Registry, limits: Mapping[str, Mapping[str, Any]]) -> Bench:
        from govpost.fitted import fit_all

        missing = {
            name: registry.missing(platform)
            for name, platform in self._platforms().items()
            if platform not in registry.platforms
        }
        fitted = fit_all(self.config, registry, missing, limits)
        return Bench(registry=registry, fitted=fitted, missing=missing, limits=limits)

    def _platforms(self) -> dict[str, str]:
        return {name: about.platform for name, about in self.config.channels.items()}

    def bench_or_empty(self) -> Bench:
        """Return the bench, or one without channels while the store or the settings cannot be read."""
        from govpost.registry import Registry

        try:
            return self.bench()
        except GovpostError as error:
            missing = dict.fromkeys(self.config.channels, error.message)
            return Bench(registry=Registry(), fitted={}, missing=missing)

    def desk(self, bench: Bench | None = None) -> Desk:
        """Return what editors work with."""
        from govpost.editorial.intake import Desk
        from govpost.rules.engine import builtin

        bench = bench or self.bench()
        rules = (*builtin(), *bench.registry.rules)
        return Desk(config=self.config, fitted=bench.fitted, rules=rules, missing=bench.missing)


def open_workspace(
    root: Path, clock: Callable[[], datetime] | None = None, config: Config | None = None
) -> Workspace:
    """Open the workspace in `root`, under another config than its config.toml if one is given.

    Its database is made on first use. Without a `clock` the store's own is the time of all that is done.
    """
    _refuse_foreign(root)
    config = config or config_module.load(root)
    reference = config.store.password
    password = None if reference is None else vault.resolve(reference, root)
    store = Store(config.store.database, root, clock, password=password)
    store.config_hash = config.hash
    return Workspace(root=root, config=config, store=store, clock=store.clock)


def _refuse_foreign(root: Path) -> None:
    """Refuse, under sudo, a workspace of the caller's own: its plugins would run with rights that are not theirs."""
    if "SUDO_UID" not in os.environ or not root.exists():
        return
    if root.stat().st_uid not in (os.getuid(), 0):
        raise Refused(
            f"{root} belongs neither to the user that sudo runs this as nor to root",
            "run govpost without sudo there, or name the agency's own workspace",
        )
