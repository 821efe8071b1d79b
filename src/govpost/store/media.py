"""The media that rows name: whether each is there as it was taken in, and copies of them for a backup."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from govpost.digest import file_sha256
from govpost.store.rows import POST, VERSION


def named(conn: Connection) -> dict[str, str]:
    """Return each medium that a version of a post names: its SHA-256, and the slug of one such post."""
    asked = select(POST.c.slug, VERSION.c.draft, VERSION.c.channels).join(
        POST, POST.c.id == VERSION.c.post_id
    )
    found: dict[str, str] = {}
    for row in conn.execute(asked.execution_options(yield_per=200)):
        for sha256 in _inside([row.draft, row.channels]):
            found.setdefault(sha256, row.slug)
    return found


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if {"sha256", "mime"} <= value.keys():
            yield str(value["sha256"])
        for each in value.values():
            yield from _inside(each)
    elif isinstance(value, list):
        for each in value:
            yield from _inside(each)


def trouble(folder: Path, sha256: str) -> str | None:
    """Say what is wrong with a medium in `folder`, None when it is there byte for byte."""
    try:
        return None if file_sha256(folder / sha256) == sha256 else "holds other bytes than were taken in"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def copy(names: dict[str, str], source: Path, target: Path) -> tuple[int, list[str]]:
    """Copy what `target` does not hold yet; returns how many were copied, and what is wrong with the others."""
    copied, wrong = 0, []
    for sha256, slug in names.items():
        if trouble(target, sha256) is None:
            continue
        broken = trouble(source, sha256)
        if broken is not None:
            wrong.append(f"{source / sha256}, of the post {slug}, {broken}")
            continue
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = target / f".new-{sha256}"
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as out:
            with (source / sha256).open("rb") as stream:
                shutil.copyfileobj(stream, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(target / sha256)
        copied += 1
    return copied, wrong
