"""The first files of a workspace."""

from __future__ import annotations

import json
import os
import pwd
import re
from datetime import date
from pathlib import Path

from govpost.errors import Refused
from govpost.people import login_of

CONFIG = """\
# The settings of this govpost workspace. Lines that begin with # are notes for people.
# After a change, run `govpost doctor`. Passwords and keys never stand here: only where they are kept.

[agency]
name = "Your Agency"                        # change this, and the address below
homepage = "https://www.example.gov/"
timezone = "UTC"                            # for example America/Chicago; all times in posts are this clock's
languages = ["en"]

[strategy]
mission = "We tell residents what they need, in time, in words they understand."
reviewed = {today}                       # the day somebody last went through this part
review_every = "90d"
main_channel = "website"                    # every post goes here first

[strategy.goals.services]
statement = "Residents find and use our services without having to call"
serves = "what they need"                   # words of the mission above
mode = "serve"                              # inform, listen, engage or serve
metric = "visits"
baseline = 100
target = 150

[strategy.audiences.residents]
description = "People who live here"
scope = "external"
evidence = "to be replaced by what you know of them: a survey, a census table"

# Whoever wrote a post never approves it: a second person is needed. Copy these lines and change them.
[people.{person}]
name = {name}
login = {login}                     # the account on this machine
roles = ["author", "reviewer", "publisher", "admin", "officer"]

# [people.second]
# name = "A Second Person"
# login = "their-account"
# roles = ["reviewer", "publisher"]

[channels.website]                          # our own news pages, written to the folder public/
platform = "website"
settings = {{ folder = "public", base_url = "https://news.example.gov/" }}

[channels.website.rate]
windows = ["always"]

[channels.website.pilot]                    # why we try this channel, and how we decide about it
question = "Do residents read our news more when every notice has a page of its own?"
goal = "services"
audience = "residents"
evidence = "to be replaced by what made you think so"
why_here = "It is our own site: it reaches everybody, needs no account and stays ours"
metric = "visits"
baseline = 100
target = 150
owner = "{person}"
deputy = "{person}"                         # better a second person
ends = "120d"                               # counted from the day the pilot starts
caps = {{ posts = 200, minutes = 2400 }}
"""

POST = """\
---
title: Our news has a place of its own
author: {person}
goal: services
audience: residents
channels: [website]
link: https://www.example.gov/news
language: en
---
From today you find all our notices on one page: road closures, opening hours, meetings.

Each notice says what happens, when, and whom to ask. Two people have read it before you do.
"""


def make(root: Path) -> tuple[str, list[Path]]:
    """Write the first files below `root`; returns who the first person is, and what was written."""
    if (root / "config.toml").exists():
        raise Refused(f"{root} is a workspace already: it has a config.toml", "choose another folder")
    login = login_of(None)
    person = re.sub(r"[^A-Za-z0-9_-]+", "-", login).strip("-_") or "first"
    words = {
        "today": date.today().isoformat(),  # noqa: DTZ011 - the clerk's own calendar
        "person": person,
        "name": json.dumps(_full_name(login), ensure_ascii=False),
        "login": json.dumps(login, ensure_ascii=False),
    }
    files = {
        root / "config.toml": CONFIG.format(**words),
        root / "content" / "welcome.md": POST.format(**words),
    }
    try:
        for folder, mode in (
            *((above, 0o755) for above in reversed(root.parents)),
            (root, 0o755),
            (root / "content", 0o755),
            (root / "plugins", 0o755),
            (root / ".govpost", 0o700),
        ):
            folder.mkdir(mode=mode, exist_ok=True)
        written = [path for path, text in files.items() if _write(path, text)]
    except OSError as error:
        raise Refused(
            f"{error.filename} cannot be written: {error.strerror}", "choose a folder that you may write to"
        ) from error
    return person, written


def _write(path: Path, text: str) -> bool:
    """Write a file that is not there yet, whole or not at all."""
    if path.exists() or path.is_symlink():
        return False
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    # A umask may narrow these rights; who else could write here could do all that govpost can.
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    beside.rename(path)
    return True


def _full_name(login: str) -> str:
    try:
        said = pwd.getpwnam(login).pw_gecos.split(",")[0].strip()
    except KeyError:
        said = ""
    return said or login
