"""One daemon per database: a lock the kernel frees when its process dies."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from govpost.daemon.lock import Lock, OwnLock, freed, is_freed, is_held
from govpost.errors import Refused


def test_the_second_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    first = Lock(tmp_path)
    first.take()
    with pytest.raises(Refused, match=rf"process {os.getpid()}\)") as caught:
        Lock(tmp_path).take()
    assert "govpost status" in caught.value.tip
    first.free()
    second = Lock(tmp_path)
    second.take()
    second.free()


def test_it_is_free_after_its_process_died_however_it_died(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from govpost.daemon.lock import Lock\n"
        "Lock(Path(sys.argv[1])).take(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert (tmp_path / "daemon.lock").exists()
    assert not is_held(tmp_path)
    lock = Lock(tmp_path)
    lock.take()
    lock.free()
    lock.free()


def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "state")
    lock.take()
    assert lock.path.stat().st_mode & 0o777 == 0o600
    assert lock.path.parent.stat().st_mode & 0o777 == 0o700
    lock.free()


def test_looking_never_takes_it_away_from_a_daemon_that_starts(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    lock = Lock(tmp_path)
    lock.take()
    lock.free()
    # As people look: from other processes. These never pause.
    look = (
        "import sys; from pathlib import Path; from govpost.daemon.lock import is_held\n"
        "folder = Path(sys.argv[1]); print('looks', flush=True)\n"
        "while True: is_held(folder)"
    )
    lookers = [
        subprocess.Popen([sys.executable, "-c", look, tmp_path], stdout=subprocess.PIPE) for _ in range(2)
    ]
    try:
        for looker in lookers:
            assert looker.stdout is not None
            assert looker.stdout.readline() == b"looks\n"
        for _ in range(50):
            lock.take()
            assert is_held(tmp_path)
            lock.free()
    finally:
        for looker in lookers:
            looker.kill()
            looker.communicate()


def test_a_look_that_is_held_up_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").touch()
    looking = os.open(tmp_path / "daemon.lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(0.5, os.close, (looking,)).start()
    lock = Lock(tmp_path)
    lock.take()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(looking)
    lock.free()


def test_a_look_that_never_ends_is_not_taken_for_a_daemon(tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").write_text("4242\n")
    looking = os.open(tmp_path / "daemon.lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    with pytest.raises(BlockingIOError, match="only looks"):
        Lock(tmp_path).take()
    assert not is_held(tmp_path)
    os.close(looking)
    lock = Lock(tmp_path)
    lock.take()
    lock.free()


def test_what_cannot_be_opened_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").symlink_to(tmp_path / "daemon.lock" / "x")
    assert not is_held(tmp_path)
    with pytest.raises(OSError, match="daemon"):
        Lock(tmp_path).take()


def test_on_a_disk_that_became_read_only_the_lock_still_holds(tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").touch()
    try:
        subprocess.run(["mount", "--bind", tmp_path, tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", tmp_path], check=True)
        lock = Lock(tmp_path)
        lock.take()
        assert is_held(tmp_path)
        lock.free()
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_each_of_several_holds_a_lock_of_its_own_and_takes_it_away(tmp_path: Path) -> None:
    locks = [OwnLock(tmp_path, name) for name in ("a", "b")]
    for own in locks:
        own.take()
    assert list(freed(tmp_path)) == []
    assert not is_freed(tmp_path, "a")
    for own in locks:
        own.free()
        own.free()
    assert list((tmp_path / "daemons").iterdir()) == []


def test_the_lock_of_one_that_died_can_be_found_and_is_held_meanwhile(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from govpost.daemon.lock import OwnLock\n"
        "OwnLock(Path(sys.argv[1]), 'dead').take(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    alive = OwnLock(tmp_path, "alive")
    alive.take()
    assert is_freed(tmp_path, "dead")
    for name, path in freed(tmp_path):
        assert name == "dead"
        assert list(freed(tmp_path)) == []
        path.unlink()
    assert not is_freed(tmp_path, "dead")
    alive.free()


def test_a_lock_that_cannot_be_read_is_nobodys_death(tmp_path: Path) -> None:
    (tmp_path / "daemons").mkdir()
    (tmp_path / "daemons" / "gone.lock").symlink_to(tmp_path / "nowhere")
    assert list(freed(tmp_path)) == []
