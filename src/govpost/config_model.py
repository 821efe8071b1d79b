"""The shape of config.toml: frozen models that hold only checked values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from govpost import rates, toml_lines
from govpost.characters import Place
from govpost.config_values import (
    Ages,
    Approvals,
    Count,
    Ends,
    Every,
    Flag,
    HolidayCode,
    Homepage,
    Language,
    LongerSpan,
    Name,
    Number,
    Reference,
    RoleName,
    SlotText,
    Span,
    Text,
    WindowText,
    Zone,
)


class Model(BaseModel):
    """What all tables share: values never change, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Agency(Model):
    """Who publishes."""

    name: Text
    homepage: Homepage
    timezone: Zone = "UTC"
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en",)


class StoreConfig(Model):
    """Where state lives; relative paths are relative to the workspace. `password` opens a PostgreSQL database."""

    database: Text = "sqlite:///.govpost/govpost.db"
    password: Reference | None = None
    media: Text = ".govpost/media"


class Security(Model):
    """Who may act for whom, and where the key of stored secrets lies (without it, .govpost/vault.key)."""

    impersonation: Flag = False
    service_user: str | None = None
    vault_key: Reference | None = None


class Goal(Model):
    """What the agency wants to reach; `serves` quotes the words of the mission it serves."""

    statement: Text
    serves: Text
    mode: Literal["inform", "listen", "engage", "serve"]
    metric: Text
    baseline: Number
    target: Number


class Audience(Model):
    """Whom posts are for."""

    description: Text
    scope: Literal["external", "internal"]
    evidence: Text


class Strategy(Model):
    """The agency's mission, goals and audiences."""

    mission: str = ""
    reviewed: Annotated[date, Strict()] | None = None
    review_every: LongerSpan | None = None
    main_channel: str | None = None
    goals: dict[Name, Goal] = {}
    audiences: dict[Name, Audience] = {}
    topics: dict[Name, dict[str, Any]] | None = None


class Person(Model):
    """Somebody who acts; `login` is their account in the password database."""

    name: Text
    login: Text
    roles: tuple[RoleName, ...] = ()
    discipline: Text | None = None


class Stage(Model):
    """One review stage; an empty `from_` lets any reviewer approve."""

    name: Text
    approvals: Approvals = 1
    from_: tuple[Text, ...] = Field(default=(), alias="from")


class Review(Model):
    """How a post is released."""

    schedule: Literal["on-approval", "by-publisher"] = "on-approval"
    stages: tuple[Stage, ...] = ()


class RateConfig(Model):
    """How often, when and how far apart a channel may post, as written; `Config.rate` gives it checked."""

    per_hour: Count | None = None
    per_day: Count | None = None
    per_week: Count | None = None
    min_gap: Span = timedelta()
    windows: Annotated[tuple[WindowText, ...], Field(min_length=1)] = ("always",)
    slots: tuple[SlotText, ...] = ()
    holidays: HolidayCode | None = None
    late: rates.Late = "ask"
    grace: Span = timedelta(hours=2)
    attempts: Count = 5

    def rate(self, zone: str) -> rates.Rate:
        """Return the rate as the planner reads it, in `zone`."""
        minutes = sorted({rates.clock(slot) for slot in self.slots})
        return rates.Rate(
            zone=zone,
            windows=tuple(rates.window(text) for text in self.windows),
            slots=tuple(time(minute // 60, minute % 60) for minute in minutes),
            **self.model_dump(exclude={"windows", "slots"}),
        )


class Charter(Model):
    """Why a pilot exists. Everything may be missing until the pilot starts."""

    question: str | None = None
    goal: str | None = None
    audience: str | None = None
    evidence: str | None = None
    why_here: str | None = None
    metric: str | None = None
    baseline: Number | None = None
    target: Number | None = None
    owner: str | None = None
    deputy: str | None = None
    ends: Ends = None
    caps: dict[str, Annotated[Number, Field(gt=0)]] = {}

    def missing(self) -> list[str]:
        """Name the keys that a start still needs."""
        return [key for key, value in self if value is None or value == {} or not str(value).strip()]

    def end(self, start: date) -> date | None:
        """Return the last day of a pilot that began on `start`; None when the charter does not say."""
        return start + self.ends if isinstance(self.ends, timedelta) else self.ends


class ChannelConfig(Model):
    """One official account; what `settings` must hold is for its platform to say."""

    platform: Text
    settings: dict[str, Any] = {}
    secrets: dict[str, Reference] = {}
    timezone: Zone | None = None
    threads: Count = 2
    rate: RateConfig = RateConfig()
    pilot: Charter = Charter()


class DaemonConfig(Model):
    """How long one attempt, a clean stop and a pending post may take."""

    attempt: LongerSpan = timedelta(seconds=120)
    drain: LongerSpan = timedelta(seconds=30)
    pending: LongerSpan = timedelta(hours=1)


class CollectorConfig(Model):
    """What is gathered back: counts at these ages of a live post, and replies every so often (0: never).

    `attempt` is how long one call to a platform may take.
    """

    enabled: Flag = True
    measure_at: Ages = ("15m", "1h", "4h", "1d", "3d", "7d", "14d", "30d")  # type: ignore[assignment]
    replies: Every = timedelta(minutes=5)
    attempt: LongerSpan = timedelta(seconds=60)


class PluginsConfig(Model):
    """Where loose plugins lie, and whether they are loaded."""

    folder: Text = "plugins"
    load: Flag = True


class Notify(Model):
    """The command that gets events which a person must see, as JSON on its standard input."""

    command: tuple[Text, ...] = ()


class Sections(Model):
    """All tables that config.toml may hold."""

    agency: Agency
    store: StoreConfig = StoreConfig()
    security: Security = Security()
    strategy: Strategy = Strategy()
    people: dict[Name, Person] = {}
    review: Review = Review()
    channels: dict[Name, ChannelConfig] = {}
    daemon: DaemonConfig = DaemonConfig()
    collector: CollectorConfig = CollectorConfig()
    plugins: PluginsConfig = PluginsConfig()
    notify: Notify = Notify()
    withdrawal: dict[Name, Text] = {
        "error": "This post contained an error and has been withdrawn.",
        "violation": "This post did not meet our publication rules and has been withdrawn.",
        "security": "This post has been withdrawn for security reasons.",
    }


class Config(Sections):
    """A checked config.toml: its tables, where it lies, and what its bytes hash to."""

    root: Path
    path: Path
    hash: str
    strategy_hash: str
    text: str = Field(default="", repr=False, exclude=True)

    @cached_property
    def _places(self) -> Mapping[tuple[str, ...], Place]:
        return toml_lines.places(self.text)

    @property
    def main_channel(self) -> str:
        """Return the channel that leads: the named one, else the first, else "" without channels."""
        return self.strategy.main_channel or next(iter(self.channels), "")

    def zone(self, channel: str) -> str:
        """Return the time zone of a channel: its own, or the agency's."""
        return self.channels[channel].timezone or self.agency.timezone

    def rate(self, channel: str) -> rates.Rate:
        """Return a channel's posting rate in its own time zone."""
        return self.channels[channel].rate.rate(self.zone(channel))

    def references(self) -> dict[str, str]:
        """Return every secret that this file points to, by where it does."""
        named = {"[store] password": self.store.password, "[security] vault_key": self.security.vault_key}
        for name, channel in self.channels.items():
            named |= {f"{name}.{key}": reference for key, reference in channel.secrets.items()}
        return {name: reference for name, reference in named.items() if reference is not None}

    def line(self, *path: str) -> int | None:
        """Return the line of a key in config.toml, counted from 1; None when it is not there."""
        place = self._places.get(path)
        return place.line if place else None

    def warnings(self, today: date) -> list[str]:
        """Say what is overdue on `today` without being a mistake."""
        strategy = self.strategy
        if strategy.review_every is None:
            return []
        line = self.line("strategy", "review_every")
        if strategy.reviewed is None:
            return [f"{self.path.name}:{line}: the strategy has a review_every but no date `reviewed`"]
        due = strategy.reviewed + strategy.review_every
        if today <= due:
            return []
        return [f"{self.path.name}:{line}: the review of the strategy was due on {due}"]
