"""A small city whose channels are on real servers, worked through the command line and the daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cli_city
from cli_city import CHARTER, CONFIG, City, Said, finish, process
from live import until
from riverton import png

CHANNEL = """
[channels.{name}]
platform = "{platform}"
settings = {settings}
secrets = {secrets}
[channels.{name}.rate]
{rate}
[channels.{name}.pilot]
{charter}
"""
ALTS = (
    "Orange barriers across the Main Street bridge, with a detour sign pointing left",
    "Ein Plan der Umleitung über die Oak Street – “Straße gesperrt” – 迂回路 👩🏽‍🚒",
)


@dataclass(frozen=True, kw_only=True)
class Seat:
    """One channel on one real server: its platform, settings as a TOML value, and secrets by name."""

    name: str
    platform: str
    settings: str
    secrets: Mapping[str, str]
    rate: str = 'windows = ["always"]'

    def table(self, folder: Path) -> str:
        """Write the channel's tables; its secrets go into files of their own."""
        references = {}
        for key, value in self.secrets.items():
            path = folder / f"{self.name}.{key}"
            path.write_text(value, encoding="utf-8")
            path.chmod(0o600)
            references[key] = f"file:{path}"
        secrets = "{ " + ", ".join(f'{key} = "{value}"' for key, value in references.items()) + " }"
        return CHANNEL.format(
            name=self.name,
            platform=self.platform,
            settings=self.settings,
            secrets=secrets if references else "{}",
            rate=self.rate,
            charter=CHARTER,
        )


@dataclass(frozen=True)
class Town(City):
    """A city on real servers."""

    @property
    def db(self) -> Path:
        """Return its database."""
        return self.root / ".govpost" / "govpost.db"

    def release(
        self, slug: str, text: str, *, channels: str, more: str = "", pictures: int = 0
    ) -> dict[str, Any]:
        """Write a post in a folder of its own, with described pictures; take it in and let another approve it."""
        folder = self.root / "content" / slug
        folder.mkdir(parents=True, exist_ok=True)
        media = "media:\n" if pictures else ""
        for number in range(pictures):
            (folder / f"picture-{number}.png").write_bytes(png(320 + number, 200))
            media += f"  - file: picture-{number}.png\n    alt: {ALTS[number]}\n"
        post = cli_city.POST.format(
            title=f"About {slug}", channels=channels, slug=slug, more=more + media, body=text
        )
        (folder / "post.md").write_text(post, encoding="utf-8")
        self.ok("post", "add", f"content/{slug}/post.md", by="ana")
        approved: dict[str, Any] = self.ask("review", "approve", slug, by="cleo")
        assert approved.get("state") == "scheduled", approved
        return approved

    def promised(self, slug: str, channel: str) -> list[dict[str, Any]]:
        """Return the parts that the preview promises for a channel."""
        shown = self.ask("post", "preview", slug, "--channel", channel, by=None)
        parts: list[dict[str, Any]] = shown["channels"][0]["parts"]
        return parts

    def deliveries(self, slug: str, channel: str | None = None) -> list[dict[str, Any]]:
        """Return a post's deliveries, in the order of their parts."""
        post = self.ask("post", "show", slug, by=None)
        rows = [self.ask("delivery", "show", each["id"], by=None) for each in post["deliveries"]]
        return sorted(
            (row for row in rows if channel in (None, row["channel"])),
            key=lambda row: (row["channel"], row["part"]),
        )

    def states(self, slug: str, channel: str | None = None) -> list[str]:
        """Return the states of a post's deliveries."""
        return [row["state"] for row in self.deliveries(slug, channel)]

    def daemon(self) -> subprocess.Popen[str]:
        """Start the daemon as a process of its own; end it with `end` or `kill`."""
        return process("-C", str(self.root), "daemon")

    def until_state(self, slug: str, *states: str, channel: str | None = None, seconds: float = 90) -> None:
        """Wait until every delivery of a post stands in one of some states."""
        until(lambda: set(self.states(slug, channel)) <= set(states), seconds)


def lay(path: Path, text: str) -> None:
    """Write a list as if an hour ago: what was written just now may be half-written, and is waited for."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (time.time() - 3600, time.time() - 3600))


def end(running: subprocess.Popen[str]) -> Said:
    """Stop a daemon as an operator does."""
    running.send_signal(signal.SIGTERM)
    return finish(running)


def kill(running: subprocess.Popen[str]) -> None:
    """Take a daemon's power away."""
    running.kill()
    running.communicate(timeout=60)


def town(root: Path, *seats: Seat, start: bool = True) -> Town:
    """Make a town with a website and a channel for each seat; their pilots run unless told otherwise."""
    head = CONFIG[: CONFIG.index("[channels.hub]")].replace("CHARTER", CHARTER)
    secrets = root / "secrets"
    secrets.mkdir(mode=0o700)
    tables = [seat.table(secrets) for seat in seats]
    (root / "config.toml").write_text("\n".join([head, *tables]), encoding="utf-8")
    made = Town(root)
    if start:
        for name in ("website", *(seat.name for seat in seats)):
            made.ok("pilot", "start", name)
    return made
