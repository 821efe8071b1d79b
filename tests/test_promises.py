"""The three promises under random orders, crashes and answers, held against a model of what may happen.

1. Nothing unapproved goes out. 2. Nothing is published twice and nothing is lost. 3. One channel's trouble is its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

import postgres
from govpost import pilots, settling
from govpost.domain import Capabilities, Channel, Receipt, Variant
from govpost.editorial import freezing, resolving, stopping
from govpost.errors import RateLimited, Refused, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.publisher import Publisher
from govpost.states import DELIVERY, PILOT, POST
from govpost.store import chain, channels, deliveries
from office import STORE, Office, Scripted

KEY_LIFE = timedelta(hours=1)
SETTLES = timedelta(minutes=5)


class Dead(BaseException):
    """The process died here."""


class Mortal(Publisher):
    """A publisher whose process dies where a test says: once it has claimed, or before it records an answer."""

    dies: str = ""

    def _record(self, *args: Any) -> None:
        if self.dies == "answered":
            raise Dead
        super()._record(*args)


class Platform(Scripted):
    """A platform with a ledger: what it holds, what is still arriving, and for how long it knows a key."""

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        super().__init__(name, capabilities)
        self.office: Office
        self.first: dict[str, Any] = {}
        self.arriving: list[tuple[Any, Variant]] = []
        self.calls_while_frozen = 0
        self.frozen = False

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.calls_while_frozen += self.frozen
        return super().publish(variant, channel, http)

    def accept(self, variant: Variant) -> Receipt:
        known = self.first.setdefault(variant.key, self.office.now)
        copies = self.held.setdefault(variant.key, [])
        remembers = self.capabilities.idempotent_for is not None and self.office.now - known <= KEY_LIFE
        if not (copies and remembers):
            copies.append(variant)
        number = list(self.held).index(variant.key) + 1
        return Receipt(remote_id=f"{self.name}-{number}", url=f"https://{self.name}.example/{number}")

    def accept_late(self, variant: Variant) -> Receipt:
        """Say nothing, and show the post only after a while."""
        self.arriving.append((self.office.now + SETTLES, variant))
        raise Uncertain("no answer")

    def settle(self) -> None:
        """Show what has arrived by now."""
        for at, variant in list(self.arriving):
            if at <= self.office.now:
                self.arriving.remove((at, variant))
                self.accept(variant)


class Asked(Platform):
    """It can be asked, and tells the truth as of now."""

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: Any
    ) -> Receipt | None:
        self.settle()
        if not self.held.get(variant.key):
            return None
        number = list(self.held).index(variant.key) + 1
        return Receipt(remote_id=f"{self.name}-{number}", url=f"https://{self.name}.example/{number}")


PLATFORMS = {
    "site": (Platform, Capabilities(title=True, link=True, idempotent_for=KEY_LIFE)),
    "hub": (Platform, Capabilities(title=True, link=True)),
    "asks": (Asked, Capabilities(max_chars=120, threads=True, link=True, settles_after=SETTLES)),
}
ANSWERS = {
    "accept": lambda platform: platform.accept,
    "lost after": lambda platform: platform.accept_then(Uncertain("no answer")),
    "lost before": lambda _platform: Uncertain("no answer"),
    "busy": lambda _platform: Unavailable("busy"),
    "slow down": lambda _platform: RateLimited("slow down", retry_after=timedelta(minutes=3)),
    "locked": lambda _platform: Unauthorized("who are you"),
    "no": lambda _platform: Rejected("no"),
    "bug": lambda platform: platform.accept_then(KeyError("bug")),
}
NAMES = st.sampled_from(sorted(PLATFORMS))
REVIEWERS = st.sampled_from(["ben", "ben", "ben", "cleo", "ana"])
SECONDS = st.sampled_from([1, 30, 90, 400, 1900, 3700, 4 * 3600])
LONG = "The first thing to know about {slug}. The second thing, a longer one, about {slug}. The third thing. The end."


class Promises(RuleBasedStateMachine):
    """Everybody does anything at any time."""

    slugs = Bundle("slugs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="govpost-promises-"))
        self.platforms = {name: kind(name, about) for name, (kind, about) in PLATFORMS.items()}
        rates = {"hub": 'per_hour = 4\nmin_gap = "5m"\nlate = "ask"', "asks": 'late = "send"'}
        self.office = Office(self.folder, dict(self.platforms), rates=rates, store_url=self.empty_store())
        for platform in self.platforms.values():
            platform.office = self.office
        self.office.start()
        self.approved: set[str] = set()
        self.count = 0
        self.generation = 0
        self.deaths = 0
        self.new_publisher()

    def empty_store(self) -> str:
        return STORE

    def teardown(self) -> None:
        self.office.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_publisher(self) -> None:
        office = self.office
        self.generation += 1
        office.publisher = Mortal(
            store=office.store,
            owner=f"daemon-{self.generation}",
            setup=office.setup(),
            monotonic=lambda: office.seconds,
        )

    def person(self, name: str) -> Any:
        return self.office.person(name)

    # --- editors ---------------------------------------------------------------------------------------------

    @rule(target=slugs, where=st.sets(st.sampled_from(["hub", "asks"])), long=st.booleans(), by=REVIEWERS)
    def write(self, where: set[str], long: bool, by: str) -> str:
        self.count += 1
        slug = f"post-{self.count}"
        self.office.write(slug, LONG.format(slug=slug) if long else "", channels=["site", *sorted(where)])
        self.office.take_in(slug)
        self.approve(slug, by)
        return slug

    @initialize(target=slugs, long=st.booleans())
    def begin(self, long: bool) -> Any:
        return multiple(*(self.write(where, long, "ben") for where in ({"hub"}, {"asks"}, {"hub", "asks"})))

    @rule(slug=slugs, by=REVIEWERS)
    def write_again(self, slug: str, by: str) -> None:
        self.count += 1
        self.office.write(slug, f"Version {self.count} of {slug}.", channels=["site", "hub"])
        try:
            self.office.take_in(slug)
        except Refused:
            return
        self.approve(slug, by)

    def approve(self, slug: str, by: str) -> None:
        try:
            done = self.office.approve(slug, by)
        except Refused:
            assert by == "ana"
            return
        assert by != "ana", "an author approved their own post"
        self.approved |= {row.variant["text"] for row in done.deliveries}

    @rule(slug=slugs)
    def cancel(self, slug: str) -> None:
        try:
            stopping.cancel(self.office.store, self.person("ben"), slug, "by order")
        except Refused:
            return

    # --- operators -------------------------------------------------------------------------------------------

    @rule(
        name=NAMES,
        answers=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=4),
        seconds=SECONDS,
    )
    def answers_come(self, name: str, answers: list[str], seconds: int) -> None:
        platform = self.platforms[name]
        platform.script = [ANSWERS[answer](platform) for answer in answers]
        self.time_passes(seconds)

    @rule(seconds=SECONDS)
    def a_late_arrival(self, seconds: int) -> None:
        platform = self.platforms["asks"]
        platform.script = [platform.accept_late]
        self.office.work()
        self.time_passes(seconds)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.office.wait(seconds)
        for platform in self.platforms.values():
            platform.settle()
        self.office.work()

    @rule(where=st.sampled_from(["claimed", "answered"]), name=NAMES)
    def crash(self, where: str, name: str) -> None:
        publisher = self.office.publisher
        assert isinstance(publisher, Mortal)
        publisher.dies = where

        def die(_delivery: Any) -> None:
            if where == "claimed":
                raise Dead

        publisher.claimed = die
        try:
            while publisher.deliver(name) or settling.look(publisher, name):
                pass
        except Dead:
            self.deaths += 1
        self.office.restart(f"daemon-{self.generation + 1}")
        self.new_publisher()

    @rule(seconds=SECONDS)
    def freeze_for_a_while(self, seconds: int) -> None:
        freezing.freeze(self.office.store, self.office.config, self.person("cleo"), "emergency")
        for platform in self.platforms.values():
            platform.frozen = True
        self.time_passes(seconds)
        freezing.thaw(self.office.store, self.office.config, self.person("cleo"), "over")
        for platform in self.platforms.values():
            platform.frozen = False

    @rule(name=NAMES, seconds=SECONDS)
    def pause_for_a_while(self, name: str, seconds: int) -> None:
        with self.office.tx() as tx:
            channels.pause(tx, name, channels.FOR_GOOD, "by order")
        self.time_passes(seconds)
        with self.office.tx() as tx:
            channels.resume(tx, name, "by order")

    @rule(name=NAMES, seconds=SECONDS)
    def suspend_for_a_while(self, name: str, seconds: int) -> None:
        office, ben = self.office, self.person("ben")
        with suppress(Refused):  # the engine may have suspended it already
            pilots.suspend(office.store, office.config, ben, name, "by order")
        self.time_passes(seconds)
        pilots.resume(office.store, office.config, ben, name, "by order")

    @rule()
    def mend_everything(self) -> None:
        """An admin resumes what trouble has stopped."""
        for name in self.platforms:
            with self.office.tx() as tx:
                channels.resume(tx, name, "mended")
            try:
                pilots.resume(self.office.store, self.office.config, self.person("ben"), name, "mended")
            except Refused:
                continue

    @rule()
    def settle_by_hand(self) -> None:
        """An honest person looks at the platform and says what is there."""
        office = self.office
        for row in self.rows("uncertain"):
            platform = self.platforms[row.channel]
            platform.settle()
            try:
                if platform.held.get(row.id):
                    url = f"https://{row.channel}.example/{list(platform.held).index(row.id) + 1}"
                    remote = f"{row.channel}-{list(platform.held).index(row.id) + 1}"
                    resolving.resolve_live(office.store, self.person("ben"), row.id, url, remote)
                elif not any(variant.key == row.id for _, variant in platform.arriving):
                    resolving.resolve_absent(
                        office.store, office.config, office.fitted, self.person("ben"), row.id
                    )
            except Refused:
                continue

    @rule()
    def try_again(self) -> None:
        for row in self.rows("failed", "missed"):
            try:
                resolving.retry(self.office.store, self.office.config, self.person("ben"), row.id)
            except Refused:
                continue

    def rows(self, *states: str) -> list[Any]:
        with self.office.store.read() as conn:
            return deliveries.in_state(conn, *states) if states else deliveries.find(conn)

    # --- the promises ----------------------------------------------------------------------------------------

    @invariant()
    def nothing_unapproved_goes_out(self) -> None:
        for platform in self.platforms.values():
            for variant in platform.calls:
                assert variant.text in self.approved

    @invariant()
    def nothing_is_published_twice(self) -> None:
        for platform in self.platforms.values():
            twice = {key: len(copies) for key, copies in platform.held.items() if len(copies) > 1}
            assert not twice, f"{platform.name} holds a post more than once: {twice}"

    @invariant()
    def nothing_is_lost(self) -> None:
        """What a platform holds is live or an open question; what is live is held."""
        rows = {row.id: row for row in self.rows()}
        for platform in self.platforms.values():
            for key in platform.held:
                assert rows[key].state in ("live", "pending", "uncertain", "queued", "held"), rows[key]
                if rows[key].state in ("queued", "held"):
                    assert rows[key].ambiguous
        for row in rows.values():
            assert row.state != "publishing", "a worker ended and left it behind"
            if row.state == "live":
                assert self.platforms[row.channel].held.get(row.id)

    @invariant()
    def nothing_passes_a_freeze(self) -> None:
        assert all(platform.calls_while_frozen == 0 for platform in self.platforms.values())

    @invariant()
    def every_move_stands_in_the_tables_and_the_chain_is_whole(self) -> None:
        with self.office.store.read() as conn:
            _head, troubles = chain.verify(conn)
            events = chain.find(conn)
        assert troubles == []
        machines = {"post": POST, "delivery": DELIVERY, "pilot": PILOT}
        for event in events:
            kind, _, what = event.verb.partition(".")
            machine = machines.get(kind)
            if machine is not None and event.old and what in list(machine.states):
                assert machine.find(event.old, what) is not None, event

    @invariant()
    def a_post_says_how_its_deliveries_stand(self) -> None:
        from govpost.states import post_state_of

        with self.office.store.read() as conn:
            from govpost.store import posts

            for post in posts.every(conn):
                rows = [
                    row for row in deliveries.of_post(conn, post.id, post.version) if row.action != "withdraw"
                ]
                if rows:
                    assert post.state == post_state_of(row.state for row in rows)


SEARCH = os.environ.get("GOVPOST_SEARCH")
"""How many random runs to search; without it a fixed, smaller set, the same every time."""

TestPromises = Promises.TestCase
TestPromises.pytestmark = [pytest.mark.timeout(3600 if SEARCH else 600)]  # type: ignore[attr-defined]
TestPromises.settings = settings(
    max_examples=int(SEARCH or 25),
    stateful_step_count=40,
    deadline=None,
    derandomize=SEARCH is None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class PromisesOnPostgres(Promises):
    """The same on the other engine."""

    server: ClassVar[postgres.Server]

    def empty_store(self) -> str:
        return self.server.fresh()


class TestPromisesOnPostgres(PromisesOnPostgres.TestCase):  # type: ignore[misc]
    settings = settings(TestPromises.settings, max_examples=int(SEARCH or 8))
    pytestmark = TestPromises.pytestmark

    @pytest.fixture(autouse=True)
    def _there(self, postgresql: postgres.Server) -> None:
        PromisesOnPostgres.server = postgresql
