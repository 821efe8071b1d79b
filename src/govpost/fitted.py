"""A channel fitted out for work: its config, its platform, what it can carry, and its checked settings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from govpost import model_errors, vault
from govpost.config import ChannelConfig, Config
from govpost.contract import Amends, Authorises, Confirms, Expires, Foresees, Platform, Stages, Withdraws
from govpost.domain import Capabilities, Channel, Variant
from govpost.errors import Mistake, Mistakes, Refused, said
from govpost.registry import Registry
from govpost.sealing import Sealer

log = logging.getLogger("govpost.fitted")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One channel with its platform; `channel` carries no secrets until `with_secrets`.

    `unread` says that its plugin cannot read the limits that `verify` found, and goes without them.
    """

    name: str
    config: ChannelConfig
    platform: Platform
    capabilities: Capabilities
    channel: Channel
    root: Path
    sealer: Sealer
    unread: bool = False

    @property
    def stages(self) -> bool:
        """Say whether files go up before the post."""
        return isinstance(self.platform, Stages)

    @property
    def foresees(self) -> bool:
        """Say whether the platform itself is asked what it will not take."""
        return isinstance(self.platform, Foresees)

    @property
    def confirms(self) -> bool:
        """Say whether the platform can be asked for a post."""
        return isinstance(self.platform, Confirms)

    @property
    def amends(self) -> bool:
        """Say whether the platform changes a post in place."""
        return isinstance(self.platform, Amends)

    @property
    def withdraws(self) -> bool:
        """Say whether the platform takes a post down."""
        return isinstance(self.platform, Withdraws)

    def refusals(self, variant: Variant) -> list[str]:
        """Say what of a variant the platform itself will not take here; a plugin that breaks at it refuses it."""
        if not isinstance(self.platform, Foresees):
            return []
        try:
            return [str(why) for why in self.platform.refusals(variant, self.channel)]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return [f"the plugin of {self.platform.name} breaks at it: {said(error)}"]

    def options(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Check what a post asks of this platform alone; return it checked, and what is wrong, each with its key."""
        model = getattr(self.platform, "Options", None)
        if model is None:
            return {}, [("", f"the platform {self.platform.name} takes no options")] if asked else []
        try:
            checked = model.model_validate(deepcopy(dict(asked))).model_dump(mode="json", exclude_unset=True)
        except ValidationError as error:
            return {}, [_wrong_option(model, each) for each in error.errors()]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return {}, [("", f"the plugin of {self.platform.name} breaks at these options: {said(error)}")]
        return checked, []

    def with_secrets(self, stored: Mapping[str, str] | None = None) -> Channel:
        """Return the channel with its secrets, those a log-in left laid over config's; `Refused` when one is missing.

        Each call has settings of its own: what a plugin does to them reaches no later delivery.
        """
        stored = stored or {}
        wanted = {name: reference for name, reference in self.config.secrets.items() if name not in stored}
        about = self.channel
        return Channel(
            name=about.name,
            platform=about.platform,
            settings=deepcopy(about.settings),
            limits=deepcopy(about.limits),
            secrets={**self._resolved(wanted), **stored},
        )

    def ends(self, stored: Mapping[str, str]) -> datetime | None:
        """Return when stored secrets end, None where that is not known; a plugin that breaks at it knows nothing."""
        if not isinstance(self.platform, Expires):
            return None
        try:
            found = self.platform.ends(dict(stored))
            return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # Its words could hold a secret.
            log.warning(
                "channel %s: its plugin cannot say when the log-in ends: %s", self.name, type(error).__name__
            )
            return None

    def _resolved(self, references: Mapping[str, str]) -> dict[str, str]:
        try:
            return vault.resolve_all(references, self.root)
        except Refused as error:
            if not isinstance(self.platform, Authorises):
                raise
            raise Refused(error.message, f"{error.tip}, or govpost channel login {self.name}") from None


def fit(
    config: Config, registry: Registry, name: str, limits: Mapping[str, Any] | None = None
) -> Fitted | None:
    """Fit out one channel; None when its platform is not loaded, `Mistakes` when its settings are wrong.

    `limits` is what `verify` found on its server.
    """
    about = config.channels[name]
    platform = registry.platforms.get(about.platform)
    if platform is None:
        return None
    settings = _settings(config, name, about.settings, getattr(platform, "Settings", None))
    channel = Channel(name=name, platform=about.platform, settings=settings, limits=dict(limits or {}))
    return Fitted(
        name=name,
        config=about,
        platform=platform,
        capabilities=registry.capabilities(deepcopy(channel)),
        channel=channel,
        root=config.root,
        sealer=Sealer(root=config.root, reference=config.security.vault_key),
    )


def fit_all(
    config: Config,
    registry: Registry,
    broken: dict[str, str] | None = None,
    limits: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Fitted]:
    """Fit out every channel whose platform is loaded; `Mistakes` names all wrong settings at once.

    A channel whose plugin breaks at it is left out, and `broken` says why. `limits` are the servers' own, by channel;
    a plugin that breaks only at them, say after an upgrade, goes without them until it has verified its channel anew.
    """
    found: dict[str, Fitted] = {}
    mistakes: list[Mistake] = []
    broken = {} if broken is None else broken
    for name, about in config.channels.items():
        try:
            fitted = _fit_somehow(config, registry, name, (limits or {}).get(name))
        except Mistakes as wrong:
            mistakes += wrong.mistakes
            continue
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            broken[name] = f"the plugin of {about.platform} breaks at its settings: {said(error)}"
            continue
        if fitted is not None:
            found[name] = fitted
    if mistakes:
        raise Mistakes(mistakes)
    return found


def _fit_somehow(
    config: Config, registry: Registry, name: str, limits: Mapping[str, Any] | None
) -> Fitted | None:
    try:
        return fit(config, registry, name, limits)
    except (Mistakes, KeyboardInterrupt):
        raise
    except BaseException as error:
        fitted = fit(config, registry, name) if limits else None
        if fitted is None:
            raise
        log.warning(
            "channel %s: its plugin cannot read the limits found at the last verify (%s) and goes without them;"
            " the daemon verifies anew, or run: govpost channel verify %s",
            name,
            said(error),
            name,
        )
        return replace(fitted, unread=True)


def _settings(
    config: Config, name: str, raw: Mapping[str, Any], model: type[BaseModel] | None
) -> dict[str, Any]:
    if model is None:
        return deepcopy(dict(raw))
    try:
        checked = model.model_validate(deepcopy(dict(raw)))
    except ValidationError as error:
        raise Mistakes(_mistake(config, name, model, each) for each in error.errors()) from error
    settings = checked.model_dump(mode="json")
    for key in type(checked).model_fields:
        value = getattr(checked, key)
        if isinstance(value, Path):
            settings[key] = str(config.root / value)
    return settings


def _wrong_option(model: type[BaseModel], error: Any) -> tuple[str, str]:
    return ".".join(str(part) for part in error["loc"]), model_errors.words(error, model, "option")


def _mistake(config: Config, name: str, model: type[BaseModel], error: Any) -> Mistake:
    path = [str(part) for part in error["loc"]]
    where = ("channels", name, "settings", *path)
    line = next(filter(None, (config.line(*where[:length]) for length in range(len(where), 1, -1))), None)
    label = f"[channels.{name}] settings" + "".join(f".{part}" for part in path)
    message = model_errors.words(error, model, "setting")
    tip = f"see what the plugin's README says of {path[-1]}" if path else "see the plugin's README"
    return Mistake(message=f"{label}: {message}", file=str(config.path.name), line=line, tip=tip)
