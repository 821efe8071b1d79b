"""Finding plugins: each is loaded alone, so that a broken one is listed with its reason and the rest work."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from textwrap import shorten
from types import CodeType, ModuleType
from typing import Any, Literal

import pluggy

from govpost import contract
from govpost.contract import Platform, Rule
from govpost.domain import Capabilities, Channel, Event
from govpost.errors import did_you_mean, said

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One plugin as `plugin list` shows it; `reason` says why it is not loaded."""

    name: str
    version: str
    source: str
    state: Literal["loaded", "failed", "disabled"] = "loaded"
    reason: str = ""
    platforms: tuple[str, ...] = ()


@dataclass
class Registry:
    """The plugins that were found, and the platforms and rules that they bring."""

    plugins: list[Plugin] = field(default_factory=list)
    platforms: dict[str, Platform] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    _manager: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager("govpost"))

    def __post_init__(self) -> None:
        self._manager.add_hookspecs(contract.Hooks)

    def missing(self, platform: str) -> str:
        """Say why a platform is not there."""
        for plugin in self.plugins:
            if plugin.name == platform and plugin.state != "loaded":
                return f"the plugin {plugin.name} is {plugin.state}: {plugin.reason}"
        return f"no plugin brings the platform {platform}"

    def capabilities(self, channel: Channel) -> Capabilities:
        """Return what a platform can carry on this very channel."""
        platform = self.platforms[channel.platform]
        adapted = (
            platform.adapted(channel) if isinstance(platform, contract.Adapts) else platform.capabilities
        )
        if not isinstance(adapted, Capabilities):
            raise TypeError(f"adapted gave {type(adapted).__name__}, not Capabilities")
        _check_copies(platform.name, platform, adapted)
        return adapted

    def broadcast(self, event: Event, failed: Callable[[str, BaseException], None]) -> None:
        """Tell every plugin what happened, each alone; what one raises is told to `failed` and changes nothing."""
        for name, module in self._manager.list_name_plugin():
            try:
                self._call(module, "govpost_event", event=event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                failed(name, error)

    def add(self, name: str, version: str, source: str, load: Callable[[], Any]) -> None:
        """Load one plugin and take in what it brings, or list why not."""
        plugin = Plugin(name=name, version=version, source=source)
        if any(other.name == name for other in self.plugins):
            self._fail(plugin, f"another plugin is already called {name}")
            return
        try:
            module = load()
            self._manager.register(module, name)
            self._check_hooks(module)
            platforms = self._platforms(module)
            rules = [rule for found in self._call(module, "govpost_rules") for rule in found]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            self._fail(plugin, _reason(error))
            return
        self.platforms |= platforms
        self.rules += rules
        self.plugins.append(replace(plugin, platforms=tuple(platforms)))

    def _fail(self, plugin: Plugin, reason: str) -> None:
        self.plugins.append(replace(plugin, state="failed", reason=reason))

    def _call(self, module: Any, hook: str, **arguments: Any) -> list[Any]:
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]
        found: list[Any] = self._manager.subset_hook_caller(hook, others)(**arguments)
        return found

    def _check_hooks(self, module: Any) -> None:
        known = {name for name in vars(contract.Hooks) if name.startswith("govpost_")}
        callers = self._manager.get_hookcallers(module) or []
        for caller in callers:
            if caller.name not in known:
                raise ValueError(
                    f"it implements an unknown hook {caller.name}{did_you_mean(caller.name, known)}"
                )
        if not callers:
            raise ValueError("it implements no hook; mark its functions with @govpost.hookimpl")

    def _platforms(self, module: Any) -> dict[str, Platform]:
        platforms: dict[str, Platform] = {}
        for found in self._call(module, "govpost_platforms"):
            for platform in found:
                _check_platform(platform)
                if platform.name in self.platforms or platform.name in platforms:
                    raise ValueError(f"the platform {platform.name} is already brought by another plugin")
                platforms[platform.name] = platform
        return platforms


def load(folder: Path | None, root: Path, disabled: Mapping[str, str]) -> Registry:
    """Load the installed plugins, then the loose files of `folder`; `disabled` maps names to reasons."""
    registry = Registry()
    for name, version, source, loader in (*_installed(), *_loose(folder, root)):
        if name in disabled:
            off = Plugin(name=name, version=version, source=source, state="disabled", reason=disabled[name])
            registry.plugins.append(off)
        else:
            registry.add(name, version, source, loader)
    return registry


Found = tuple[str, str, str, Callable[[], Any]]


def _installed() -> Iterator[Found]:
    found: Iterable[EntryPoint] = entry_points(group=contract.ENTRY_POINTS)
    for point in sorted(set(found), key=lambda each: (each.name, each.value)):
        dist = point.dist
        yield point.name, dist.version if dist else "?", dist.name if dist else point.value, point.load


def _loose(folder: Path | None, root: Path) -> Iterator[Found]:
    if folder is None or not folder.is_dir():
        return
    for path in sorted(folder.glob("*.py")):
        yield path.stem, "-", str(path), _loader(path, folder, root)


class _Source(importlib.machinery.SourceFileLoader):
    """Reads the file itself, never a cached copy beside it, whose owner nobody has looked at."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the importer's own signature
        """Compile the source."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _loader(path: Path, folder: Path, root: Path) -> Callable[[], ModuleType]:
    def load_file() -> ModuleType:
        owners = {root.stat().st_uid, 0}
        for place in (folder, path):
            _check_trusted(place, owners)
        name = f"govpost_loose_{path.stem}"
        loader = _Source(name, str(path))
        module = importlib.util.module_from_spec(
            importlib.machinery.ModuleSpec(name, loader, origin=str(path))
        )
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    return load_file


def _check_trusted(place: Path, owners: set[int]) -> None:
    about = os.stat(place)  # noqa: PTH116 - the link's target is what will be read
    if about.st_uid not in owners:
        raise PermissionError(f"{place} belongs to somebody else than the workspace")
    if about.st_mode & _WRITABLE_BY_OTHERS:
        raise PermissionError(f"{place} can be written by others; chmod go-w {place}")


def _check_platform(platform: Any) -> None:
    name = getattr(platform, "name", None)
    if not isinstance(name, str) or not name:
        raise ValueError("a platform has no name")
    if not isinstance(getattr(platform, "capabilities", None), Capabilities):
        raise ValueError(f"the platform {name} has no capabilities")
    if not callable(getattr(platform, "publish", None)):
        raise ValueError(f"the platform {name} cannot publish")
    _check_copies(name, platform, platform.capabilities)


def _check_copies(name: str, platform: Any, capabilities: Capabilities) -> None:
    if capabilities.threads and isinstance(platform, contract.Addresses):
        raise ValueError(
            f"the platform {name} sends a copy to each recipient, and a copy cannot be a thread;"
            " its capabilities must say threads=False"
        )


def _reason(error: BaseException) -> str:
    kind = type(error).__name__
    words = said(error).removesuffix(": ")
    if type(error) in (ValueError, PermissionError):
        words = words.removeprefix(f"{kind}: ")
    return shorten(" ".join(words.split()), 300, placeholder=" …")
