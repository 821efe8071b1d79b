"""A whole agency for tests: a workspace, its people, and platforms that do what a test tells them.

Everything is real but the platforms: config, store, rules, planner, publisher. Time stands still until `wait`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from govpost import content, fitted, people, pilots, settling, workspace
from govpost.collector.gathering import Collector
from govpost.config import load
from govpost.contract import hookimpl
from govpost.daemon import housekeeping
from govpost.domain import Capabilities, Channel, Event, Metrics, Receipt, Reply, Variant
from govpost.editorial import intake, queueing, reviewing, stopping
from govpost.editorial.intake import Taken
from govpost.publisher import Publisher, Setup
from govpost.registry import Registry
from govpost.sessions import Sessions
from govpost.store import chain, deliveries, posts, rescue
from govpost.store.engine import Store, Tx
from govpost.store.rows import DeliveryRecord, PostRecord
from govpost.workspace import Bench, Workspace

NOON = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
"""A Wednesday noon in Riverton (America/Chicago)."""

PEOPLE = """
[people.ana]
name = "Ana Ruiz"
login = "ana"
roles = ["author"]
[people.ben]
name = "Ben Cole"
login = "ben"
roles = ["reviewer", "publisher", "admin"]
discipline = "communications"
[people.cleo]
name = "Cleo Park"
login = "cleo"
roles = ["reviewer", "officer"]
discipline = "communications"
[people.dan]
name = "Dan Fox"
login = "dan"
roles = ["author", "reviewer"]
discipline = "legal"
"""

HEAD = """
[agency]
name = "City of Riverton"
homepage = "https://riverton.example.gov/"
timezone = "America/Chicago"
[security]
impersonation = true
[strategy]
mission = "Riverton tells residents what they need, in time."
main_channel = "{main}"
[strategy.goals.services]
statement = "Residents find city services"
serves = "what they need"
mode = "serve"
metric = "visits"
baseline = 1
target = 2
[strategy.audiences.residents]
description = "People living in Riverton"
scope = "external"
evidence = "census"
"""

CHANNEL = """
[channels.{name}]
platform = "{platform}"
settings = {{ room = "{name}" }}
[channels.{name}.rate]
{rate}
[channels.{name}.pilot]
question = "Does it help?"
goal = "services"
audience = "residents"
evidence = "survey"
why_here = "they are here"
metric = "visits"
baseline = 1
target = 2
owner = "ben"
deputy = "cleo"
ends = "400d"
caps = {{ posts = {cap} }}
"""

POST = """---
title: {title}
author: ana
goal: services
audience: residents
channels: [{channels}]
link: https://riverton.example.gov/{slug}
{more}
---
{body}
"""

STORE = "sqlite:///.govpost/govpost.db"
"""The store of the next office; the tests of conftest's ON_BOTH are run once on each engine."""

Step = Receipt | BaseException | Callable[[Variant], Receipt]


class Scripted:
    """A platform that follows a script; without one it accepts everything. `held` is what it truly holds by key."""

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.script: list[Step] = []
        self.calls: list[Variant] = []
        self.held: dict[str, list[Variant]] = {}

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.calls.append(variant)
        step = self.script.pop(0) if self.script else self.accept
        if isinstance(step, BaseException):
            raise step
        return step(variant) if callable(step) else step

    def accept(self, variant: Variant) -> Receipt:
        """Take the post in."""
        copies = self.held.setdefault(variant.key, [])
        if not copies or self.capabilities.idempotent_for is None:
            copies.append(variant)
        number = list(self.held).index(variant.key) + 1
        return Receipt(remote_id=f"{self.name}-{number}", url=f"https://{self.name}.example/{number}")

    def accept_then(self, error: BaseException) -> Callable[[Variant], Receipt]:
        """Take the post in and lose the answer."""

        def step(variant: Variant) -> Receipt:
            self.accept(variant)
            raise error

        return step

    def texts(self) -> list[str]:
        """Return the words it holds, in order."""
        return [copy.text for copies in self.held.values() for copy in copies]


class Confirming(Scripted):
    """It can also be asked; `answers` are given first, then the truth."""

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        super().__init__(name, capabilities)
        self.answers: list[Receipt | BaseException | None] = []

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: Any
    ) -> Receipt | None:
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        return self.accept(self.held[variant.key].pop()) if self.held.get(variant.key) else None


class Changing(Confirming):
    """It can also amend and withdraw."""

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        super().__init__(name, capabilities)
        self.amended: list[Variant] = []
        self.withdrawn: list[tuple[str, str]] = []

    def amend(self, receipt: Receipt, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.amended.append(variant)
        return receipt

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: Any) -> None:
        self.withdrawn.append((receipt.remote_id, notice))


class Sociable(Scripted):
    """It also counts and hears. `counts` and `said` are what it holds; a step in `answers` or `hearings` goes first."""

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        super().__init__(name, capabilities)
        self.counts: dict[str, Metrics] = {}
        self.answers: list[Any] = []
        self.asked: list[list[str]] = []
        self.said: list[Reply] = []
        self.hearings: list[Any] = []
        self.since: list[str | None] = []

    def measure(self, receipts: Sequence[Receipt], channel: Channel, http: Any) -> Any:
        self.asked.append([each.remote_id for each in receipts])
        if self.answers:
            step = self.answers.pop(0)
            if isinstance(step, BaseException):
                raise step
            return step(receipts) if callable(step) else step
        return {name: self.counts[name] for name in self.asked[-1] if name in self.counts}

    def replies(self, channel: Channel, since: str | None, http: Any) -> Any:
        self.since.append(since)
        if self.hearings:
            step = self.hearings.pop(0)
            if isinstance(step, BaseException):
                raise step
            return step(since) if callable(step) else step
        return [each for each in self.said if since is None or (each.cursor or "") > since]


@dataclass
class Office:
    """An agency at work. `channels` maps a channel's name to the lines of its rate table."""

    root: Path
    platforms: dict[str, Scripted]
    rates: dict[str, str] = field(default_factory=dict)
    stages: str = ""
    more: str = ""
    cap: int = 1000
    now: datetime = NOON
    seconds: float = 1000.0
    main: str = ""
    store_url: str = ""

    def __post_init__(self) -> None:
        self.main = self.main or next(iter(self.platforms))
        self.write_config()
        self.registry = Registry()
        brought = list(self.platforms.values())
        module = types.ModuleType("office")
        module.govpost_platforms = hookimpl(lambda: brought, specname="govpost_platforms")  # type: ignore[attr-defined]
        self.registry.add("office", "1", "tests", lambda: module)
        assert self.registry.plugins[0].state == "loaded", self.registry.plugins
        self.store_url = self.store_url or STORE
        self.store = Store(self.store_url, self.root, lambda: self.now)
        self.read_config()
        self.publisher = Publisher(
            store=self.store, owner="office", setup=self.setup(), monotonic=lambda: self.seconds
        )

    # --- config --------------------------------------------------------------------------------------------

    def write_config(self) -> None:
        tables = [HEAD.format(main=self.main), PEOPLE, self.stages]
        for name in self.platforms:
            rate = self.rates.get(name, 'windows = ["always"]')
            tables.append(CHANNEL.format(name=name, platform=name, rate=rate, cap=self.cap))
        (self.root / "config.toml").write_text("\n".join([*tables, self.more]))

    def read_config(self) -> None:
        self.config = load(self.root)
        self.store.config_hash = self.config.hash
        self.fitted = fitted.fit_all(self.config, self.registry)
        self.bench = Bench(registry=self.registry, fitted=self.fitted, missing={})
        self.space = Workspace(root=self.root, config=self.config, store=self.store, clock=lambda: self.now)
        self.desk = self.space.desk(self.bench)

    def setup(self) -> Setup:
        return Setup(config=self.config, fitted=dict(self.fitted))

    def edit_config(self, old: str, new: str) -> None:
        """Change config.toml as an admin would, and let everything see it."""
        path = self.root / "config.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.read_config()
        self.publisher.setup = self.setup()

    # --- people --------------------------------------------------------------------------------------------

    def person(self, name: str) -> people.Actor:
        return people.who(self.config, name)

    def start(self, *names: str) -> None:
        """Start the pilots."""
        for name in names or self.platforms:
            pilots.start(self.store, self.config, self.person("ben"), name)

    def write(self, slug: str, body: str = "", *, channels: Iterable[str] = (), more: str = "") -> Path:
        """Write a draft."""
        path = self.root / "content" / slug / "post.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        words = body or f"What residents should know about {slug}."
        names = ", ".join(channels or self.platforms)
        path.write_text(POST.format(slug=slug, title=slug.title(), body=words, channels=names, more=more))
        return path

    def take_in(self, slug: str, *, by: str = "ana", submit: bool = True) -> Taken:
        draft = content.load(self.root / "content" / slug / "post.md", self.config)
        return intake.take_in(self.store, self.desk, self.person(by), draft, submit=submit)

    def approve(self, slug: str, by: str = "ben", **options: Any) -> reviewing.Reviewed:
        return reviewing.approve(self.store, self.desk, self.person(by), slug, **options)

    def release(self, slug: str, body: str = "", **options: Any) -> list[DeliveryRecord]:
        """Write, take in and approve a post; returns its deliveries."""
        self.write(slug, body, **options)
        taken = self.take_in(slug)
        assert taken.post is not None, taken.checked.findings
        # A moment passes, so that posts are planned one after the other and their ids sort that way.
        self.wait(0.001)
        return self.approve(slug).deliveries

    # --- work ----------------------------------------------------------------------------------------------

    def wait(self, span: timedelta | float) -> None:
        """Let time pass, on both clocks."""
        step = span if isinstance(span, timedelta) else timedelta(seconds=span)
        self.now += step
        self.seconds += step.total_seconds()

    def keep_house(self) -> None:
        housekeeping.keep(self.store, self.config, self.bench, "office", at_once=True)

    def work(self) -> None:
        """Do all that is due now on every channel."""
        self.keep_house()
        while sum(self._piece(name) for name in self.fitted):
            pass

    def _piece(self, name: str) -> bool:
        return self.publisher.deliver(name) or settling.look(self.publisher, name)

    def collector(self) -> Collector:
        """Return what gathers on the office's channels."""
        sessions = Sessions(store=self.store, owner="office", monotonic=lambda: self.seconds)
        return Collector(sessions=sessions, setup=self.setup, stop=lambda: False)

    def gather(self) -> int:
        """Gather all that is due now on every channel; returns how many pieces that were."""
        collector, pieces = self.collector(), 0
        while sum(collector.work(name) for name in self.fitted):
            pieces += 1
            assert pieces < 1000
        return pieces

    def restart(self, owner: str = "office-2") -> None:
        """Let a new daemon take over after the old one died."""
        dead = self.publisher.owner
        self.publisher = Publisher(
            store=self.store, owner=owner, setup=self.setup(), monotonic=lambda: self.seconds
        )
        with self.store.write("daemon") as tx:
            rescue.rescue(tx, owner, {dead})
        housekeeping.judge_anew(self.store, self.config, self.bench, "the daemon came back")

    # --- looking -------------------------------------------------------------------------------------------

    def deliveries(self, slug: str, channel: str | None = None) -> list[DeliveryRecord]:
        with self.store.read() as conn:
            rows = deliveries.of_post(conn, posts.find(conn, slug).id)
        return [row for row in rows if channel in (None, row.channel)]

    def one(self, slug: str, channel: str | None = None) -> DeliveryRecord:
        (found,) = self.deliveries(slug, channel)
        return found

    def post(self, slug: str) -> PostRecord:
        with self.store.read() as conn:
            return posts.find(conn, slug)

    def state(self, slug: str) -> str:
        return self.post(slug).state

    def states(self, slug: str, channel: str | None = None) -> list[str]:
        return [row.state for row in self.deliveries(slug, channel)]

    def events(self, verb: str = "", **tests: Any) -> list[Event]:
        """Return what happened, of one verb or of all."""
        with self.store.read() as conn:
            return [event for event in chain.find(conn, **tests) if verb in ("", event.verb)]

    def rows_of(self, channel: str) -> list[tuple[Any, ...]]:
        """Return every row that says anything about a channel, cell by cell."""
        with self.store.read() as conn:
            statements = (
                f"SELECT * FROM delivery WHERE channel = '{channel}' ORDER BY id",
                f"SELECT * FROM channel WHERE name = '{channel}'",
                f"SELECT * FROM pilot WHERE channel = '{channel}'",
                f"SELECT * FROM charter WHERE channel = '{channel}' ORDER BY n",
            )
            return [tuple(row) for each in statements for row in conn.exec_driver_sql(each)]

    def tx(self, actor: str = "ben") -> Any:
        return self.store.write(actor)

    def cancel(self, slug: str, by: str = "ben") -> stopping.Stopped:
        return stopping.cancel(self.store, self.person(by), slug, "by order")

    def withdraw(self, slug: str, code: str = "error", by: str = "ben") -> stopping.Stopped:
        return stopping.withdraw(self.store, self.config, self.fitted, self.person(by), slug, code)


__all__ = ["NOON", "Changing", "Confirming", "Office", "Scripted", "Sociable", "Tx", "queueing", "workspace"]
