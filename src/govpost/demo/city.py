"""A copy of the example city to play with: its dates are written relative to today, its hub is on loopback."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from govpost.errors import Refused

HUB_RATE = """[channels.hub.rate]
per_hour = 3                                # in the demo the hub takes three an hour, so the rest wait
late = "ask"
grace = "2m"
"""
NO_ALT = re.compile(r"^ +alt: .*\n", re.MULTILINE)
EXPIRES = {"main-street-closure": 6, "council-meeting": 5, "job-fair": 6}
"""Posts that expire, and in how many days from today."""


def example() -> Path:
    """Return the folder of the example city: inside an installed package, else the top of the checkout."""
    inside = Path(__file__).parents[1] / "example"
    return inside if inside.is_dir() else Path(__file__).parents[3]


def build(root: Path, hub: str, now: datetime) -> None:
    """Write the city's workspace below `root`, its hub at the address `hub`."""
    source = example()
    if not (source / "config.toml").is_file():
        raise Refused("the example city is missing from this installation", "install govpost again")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(source / "content", root / "content", dirs_exist_ok=True)
    config = (source / "config.toml").read_text(encoding="utf-8")
    (root / "config.toml").touch(mode=0o644)
    (root / "config.toml").write_text(_adapted(config, hub, now.date()), encoding="utf-8")
    for slug, days in EXPIRES.items():
        _insert(draft(root, slug), f"expires: {now.date() + timedelta(days=days)} 18:00\n")


def draft(root: Path, slug: str) -> Path:
    """Return the file of a post: in a folder of its own, or alone."""
    folder = root / "content" / slug
    return folder / "post.md" if folder.is_dir() else folder.with_suffix(".md")


def _adapted(config: str, hub: str, today: date) -> str:
    config = _replace(config, r"^impersonation = false", "impersonation = true")
    config = _replace(
        config, r"^# To be reminded of a review.*$", f'reviewed = {today}\nreview_every = "90d"'
    )
    config = _replace(config, r'(?<!_)url = "https://[^"]*"', f'url = "{hub}"')
    config = _replace(config, r"^\[channels\.hub\].*$", "[channels.hub]\nthreads = 1")
    return _replace(config, r"^\[channels\.hub\.rate\]\n(?:(?!\[).*\n)*", HUB_RATE + "\n")


def _replace(text: str, pattern: str, new: str) -> str:
    changed, found = re.subn(pattern, lambda _match: new, text, count=1, flags=re.MULTILINE)
    if not found:
        raise Refused(f"the example city is not as the demo knows it: no {pattern}", "install govpost again")
    return changed


def _insert(post: Path, line: str) -> None:
    text = post.read_text(encoding="utf-8")
    post.write_text(text.replace("---\n", f"---\n{line}", 1), encoding="utf-8")


def without_description(root: Path, slug: str) -> Mapping[Path, str]:
    """Take the picture's description out of a post; returns what to write back to mend it."""
    post = draft(root, slug)
    whole = post.read_text(encoding="utf-8")
    post.write_text(NO_ALT.sub("", whole), encoding="utf-8")
    return {post: whole}
