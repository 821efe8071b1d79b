"""The workspace of a chaos run: its channels, its posts, what was approved of them, and what never was."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import office as offices
from chaos.faults import TEMPERAMENTS
from chaos.likes import Likes
from chaos.platform_server import CALM
from govpost import content, people, pilots
from govpost.editorial import intake, reviewing, stopping
from govpost.store import deliveries, posts
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.workspace import open_workspace

FIRST = "news-000000"

CHANNEL = """
[channels.{name}]
platform = "chaos-{kind}"
settings = {{ url = "http://127.0.0.1:{port}/posts"{more} }}
threads = {threads}
[channels.{name}.rate]
late = "send"
grace = "2m"
attempts = 6
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
ends = "4000d"
caps = {{ posts = 1000000 }}
"""

TAIL = """
[daemon]
attempt = "2s"
drain = "3s"
[collector]
enabled = false
"""


def channel_names(of_each: int) -> list[str]:
    """Name the channels: some of each temperament, and the calm one."""
    return [*(f"{kind}-{number + 1}" for kind in TEMPERAMENTS for number in range(of_each)), CALM]


@dataclass
class Town:
    """A workspace. `approved` is the text that was approved by slug and channel; `never` are slugs that must not go."""

    root: Path
    ports: dict[str, int]
    store: str = ""
    threads: int = 2
    approved: dict[tuple[str, str], str] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.names = [name for name in self.ports if name != "tls"]
        self.hostile = [name for name in self.names if name != CALM]
        (self.root / "plugins").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(Path(__file__).with_name("chaos_platforms.py"), self.root / "plugins")
        (self.root / "plugins" / "chaos_platforms.py").chmod(0o600)
        self.config_text = self._config()
        self.write_config(self.config_text)
        self.open()
        for name in self.names:
            pilots.start(self.space.store, self.space.config, self.who("ben"), name)

    def _config(self) -> str:
        tables = [offices.HEAD.format(main=self.names[0]), offices.PEOPLE]
        if self.store:
            tables.append(f'[store]\ndatabase = "{self.store}"')
        for name in self.names:
            kind = "none" if name == CALM else name.partition("-")[0]
            more = (
                ""
                if name == CALM or "tls" not in self.ports
                else f', tls = "https://127.0.0.1:{self.ports["tls"]}/posts"'
            )
            channel = CHANNEL.format(
                name=name, kind=kind, port=self.ports[name], more=more, threads=self.threads
            )
            tables.append(channel)
        return "\n".join([*tables, TAIL])

    def write_config(self, text: str) -> None:
        """Put a config in place at once, as an editor does."""
        fresh = self.root / "config.toml.new"
        fresh.write_text(text)
        fresh.rename(self.root / "config.toml")

    def open(self) -> None:
        """Open the workspace as a person's command does."""
        self.space = open_workspace(self.root)
        self.desk = self.space.desk()

    def who(self, name: str) -> people.Actor:
        """Return a person."""
        return people.who(self.space.config, name)

    # --- posts ---------------------------------------------------------------------------------------------

    def write(self, slug: str, channels: list[str]) -> None:
        """Write a post and take it in for review."""
        path = self.root / "content" / slug / "post.md"
        path.parent.mkdir(parents=True)
        words = f"What residents should know about {slug}."
        path.write_text(
            offices.POST.format(
                slug=slug, title=slug.title(), body=words, channels=", ".join(channels), more=""
            )
        )
        draft = content.load(path, self.space.config)
        taken = intake.take_in(self.space.store, self.desk, self.who("ana"), draft, submit=True)
        assert taken.post is not None, taken.checked.findings

    def approve(self, slug: str) -> None:
        """Approve a post and keep what was approved."""
        for row in reviewing.approve(self.space.store, self.desk, self.who("ben"), slug).deliveries:
            self.approved[slug, row.channel] = str(row.variant["text"])

    def fill(self, count: int) -> None:
        """Release so many posts on every hostile channel: one by the verbs people use, the rest as its likes."""
        self.write(FIRST, self.hostile)
        self.approve(FIRST)
        with self.space.store.write("chaos") as tx:
            likes = Likes(tx, self.space.config, FIRST)
            for number in range(1, count):
                self.approved |= likes.make(f"news-{number:06}")
            likes.enter()

    def forbid(self, count: int) -> None:
        """Make posts that must never go out: never approved, cancelled before, or changed in the database."""
        for number in range(count):
            self.write(f"unapproved-{number}", self.hostile)
            self.never.add(f"unapproved-{number}")
            slug = f"cancelled-{number}"
            self.write(slug, self.hostile)
            reviewing.approve(self.space.store, self.desk, self.who("ben"), slug)
            stopping.cancel(self.space.store, self.who("ben"), slug, "by order")
            self.never.add(slug)
            slug = f"forged-{number}"
            self.write(slug, self.hostile)
            reviewing.approve(self.space.store, self.desk, self.who("ben"), slug)
            self._forge(slug)
            self.never.add(slug)

    def _forge(self, slug: str) -> None:
        """Change the words of a delivery behind govpost's back."""
        with self.space.store.write("forger") as tx:
            for row in self._of(tx.conn, slug):
                variant: dict[str, Any] = row.variant | {"text": f"Something nobody approved about {slug}."}
                tx.conn.execute(DELIVERY.update().where(DELIVERY.c.id == row.id).values(variant=variant))

    def _of(self, conn: Any, slug: str) -> list[DeliveryRecord]:
        return deliveries.of_post(conn, posts.find(conn, slug).id)
