"""Putting a backup in the place of a store: which file is taken, what comes along, and what is refused."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from govpost.errors import Refused
from govpost.store import backing, moving, replacing
from govpost.store.engine import Store
from govpost.store.rows import VERSION
from office import Office, Scripted
from test_restoring import PLAIN, back_up, put_back


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path, {"hub": Scripted("hub", PLAIN)})
    office.start()
    yield office
    office.store.close()


def test_a_plain_copy_without_a_mark_is_restored_as_of_its_last_event(small: Office) -> None:
    small.release("road")
    assert small.store.path is not None
    plain = small.root / "plain.db"
    small.store.close()
    shutil.copy(small.store.path, plain)
    last = small.events()[-1].at
    small.wait(timedelta(hours=1))
    assert put_back(small, plain).at == last.replace(microsecond=0)


def test_a_moved_store_gives_no_backup_for_it_would_lack_what_came_since(
    small: Office, tmp_path: Path
) -> None:
    copy_to = Store("sqlite:///elsewhere.db", tmp_path)
    moving.move(small.store, copy_to, "ben", tmp_path)
    copy_to.close()
    copy = small.root / "late.db"
    with pytest.raises(Refused, match="this store was moved to "):
        backing.backup(small.store, "ben", copy, tmp_path, into_folder=False)
    assert not copy.exists()


def test_the_newest_of_a_folder_is_taken_and_media_come_along(small: Office) -> None:
    folder = small.root / "copies"
    folder.mkdir()
    kept = small.root / "media"
    kept.mkdir()
    name = hashlib.sha256(b"picture").hexdigest()
    (kept / name).write_bytes(b"picture")
    small.release("road")
    with small.tx() as tx:
        draft = {
            **tx.conn.execute(select(VERSION.c.draft)).scalar_one(),
            "media": [{"sha256": name, "mime": "x"}],
        }
        tx.conn.execute(update(VERSION).values(draft=draft))
    backing.backup(small.store, "ben", folder, kept, into_folder=True)
    small.wait(3600)
    small.release("fair")
    made = backing.backup(small.store, "ben", folder, kept, into_folder=True)
    assert (made.media, made.copied, made.missing) == (1, 0, [])
    assert (folder / "media" / name).read_bytes() == b"picture"
    assert (folder / "media" / name).stat().st_nlink == 1
    (kept / name).write_bytes(b"other")
    done = put_back(small, folder)
    assert done.backup == made.path
    assert (done.copied, done.missing) == (1, [])
    assert (kept / name).read_bytes() == b"picture"
    (folder / "media" / name).unlink()
    (kept / name).unlink()
    again = put_back(small, folder)
    assert len(again.missing) == 1
    assert "of the post road, is missing" in again.missing[0]


def test_a_place_without_a_backup_is_refused(small: Office) -> None:
    (small.root / "empty").mkdir()
    with pytest.raises(Refused, match="holds no backup"):
        put_back(small, small.root / "empty")
    with pytest.raises(Refused, match="there is no backup at"):
        put_back(small, small.root / "none.db")


def test_a_backup_that_others_could_write_is_refused(small: Office) -> None:
    copy = back_up(small)
    copy.chmod(0o620)
    with pytest.raises(Refused, match="could have been written by somebody else"):
        put_back(small, copy)


@pytest.mark.parametrize("step", ["_in_file", "_fold"])
def test_a_restore_that_ends_in_the_middle_leaves_the_store_as_it_was(
    small: Office, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    small.release("road")
    copy = back_up(small)
    before = small.events()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replacing, step, die)
    with pytest.raises(KeyboardInterrupt):
        put_back(small, copy)
    assert small.events() == before
    assert small.states("road") == ["queued"]
    assert small.store.path is not None
    assert list(small.store.folder.glob(".restore-*")) == []


def test_a_disk_without_hard_links_will_do(small: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unknown)
    small.release("road")
    done = put_back(small, back_up(small))
    assert done.aside is not None
    assert Path(done.aside).is_file()
    assert small.states("road") == ["uncertain"]
