"""When log-ins end, and which waiting posts come after that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from govpost.config import Config
from govpost.contract import Refreshes
from govpost.fitted import Fitted
from govpost.states import PUBLISHES
from govpost.store import accounts, pilots, views
from govpost.times import zone

SOON = timedelta(days=14)
"""How long before its end a log-in that nothing renews needs a person."""

LAST_WEEK = timedelta(days=7)
"""How long before its end one that is renewed by itself does: that should have happened long before."""

_NAMED = 3
_MOST = 1_000


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Credentials with a known end. `renews`: they are renewed by themselves; `stored`: a log-in left them."""

    channel: str
    at: datetime
    renews: bool = False
    stored: bool = True


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """What will come of an ending: the posts that wait for a time after it, and whether a person is needed now."""

    ending: Ending
    posts: tuple[str, ...]
    pressing: bool
    past: bool

    @property
    def command(self) -> str:
        """Say what settles it."""
        name = self.ending.channel
        if self.ending.stored:
            return f"govpost channel login {name}"
        return (
            f"put new credentials where [channels.{name}] secrets points, then govpost channel verify {name}"
        )

    def words(self, name_of_zone: str) -> str:
        """Say when it ends and what comes after that."""
        when = self.ending.at.astimezone(zone(name_of_zone))
        said = f"its log-in {'ended' if self.past else 'ends'} on {when:%Y-%m-%d %H:%M}"
        return f"{said}; {_posts(self.posts)}" if self.posts else said


def foreseen(ending: Ending, posts: Sequence[str], now: datetime) -> Expiry | None:
    """Say what an ending means at `now`, `posts` being the slugs that wait for a later time; None: nothing yet."""
    pressing = ending.at - now <= (LAST_WEEK if ending.renews else SOON)
    if not pressing and (ending.renews or not posts):
        return None
    return Expiry(ending=ending, posts=tuple(posts), pressing=pressing, past=ending.at <= now)


def forecast(
    conn: Connection, config: Config, fitted: Callable[[], Mapping[str, Fitted]], now: datetime
) -> list[Expiry]:
    """Return what will end, the soonest first; `fitted` is asked only where something has an end."""
    found = (
        foreseen(ending, _waiting(conn, ending), now)
        for ending in sorted(_endings(conn, config, fitted), key=lambda each: (each.at, each.channel))
    )
    return [each for each in found if each is not None]


def _endings(
    conn: Connection, config: Config, fitted: Callable[[], Mapping[str, Fitted]]
) -> Iterator[Ending]:
    known = accounts.ends(conn, {name: about.platform for name, about in config.channels.items()})
    running, channels = pilots.every(conn), fitted() if known else {}
    for name, (at, stored) in known.items():
        if name in running and running[name].state in PUBLISHES:
            renews = name in channels and isinstance(channels[name].platform, Refreshes)
            yield Ending(channel=name, at=at, renews=renews, stored=stored)


def _waiting(conn: Connection, ending: Ending) -> list[str]:
    posts = accounts.waiting_after(conn, ending.channel, ending.at, _MOST)
    slugs = views.slugs_of(conn, posts[:_NAMED])
    return [slugs.get(post, post) for post in posts]


def _posts(slugs: Sequence[str]) -> str:
    count = f"{len(slugs):,}" if len(slugs) < _MOST else f"{_MOST:,} or more"
    named = ", ".join(slugs[:_NAMED]) + (", …" if len(slugs) > _NAMED else "")
    return f"{count} queued {'post falls' if len(slugs) == 1 else 'posts fall'} after that ({named})"
