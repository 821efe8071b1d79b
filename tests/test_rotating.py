"""The keys of stored secrets are exchanged without a moment in which something could not be opened."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cli_city import SOURCES
from govpost import key_file, rotating
from govpost.errors import Refused
from govpost.people import Actor
from govpost.sealing import Sealer
from govpost.sessions import Sessions
from govpost.states import Role
from govpost.store import accounts, chain
from govpost.store.engine import Store
from govpost.workspace import open_workspace
from square import Square, city_with, open_square

BEN = Actor(id="ben", name="Ben Cole", roles=frozenset({Role.ADMIN}))
TOKENS = {"access_token": "canary-4711"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store("sqlite:///.govpost/govpost.db", tmp_path)
    yield found
    found.close()


def log_in(store: Store, sealer: Sealer, *channels: str) -> None:
    with store.write("ben") as tx:
        for channel in channels:
            accounts.keep_token(tx, channel, sealer.seal(channel, TOKENS))


def opened(store: Store, sealer: Sealer) -> dict[str, dict[str, str]]:
    with store.read() as conn:
        return {row.channel: sealer.open(row.channel, row.sealed) for row in accounts.tokens(conn)}


def numbers(store: Store, sealer: Sealer) -> tuple[int, list[int]]:
    keys, found = rotating.kept(store, sealer)
    return keys, [each.key for each in found]


def events(store: Store, verb: str) -> list[dict[str, object]]:
    with store.read() as conn:
        return [dict(each.detail) for each in chain.find(conn) if each.verb == verb]


def test_a_rotation_seals_everything_with_a_new_key_and_keeps_the_one_before(
    store: Store, tmp_path: Path
) -> None:
    sealer = Sealer(root=tmp_path)
    log_in(store, sealer, "hub", "news")
    (old,) = sealer.keys()
    done = rotating.rotate(store, sealer, BEN)
    assert (done.resealed, done.closed, done.keys, done.dropped) == (("hub", "news"), (), 2, 0)
    assert numbers(store, sealer) == (2, [1, 1])
    assert sealer.keys()[1] == old
    assert opened(store, sealer) == {"hub": TOKENS, "news": TOKENS}
    rotating.rotate(store, sealer, BEN)
    assert old not in set(sealer.keys())
    assert numbers(store, sealer) == (2, [1, 1])
    (first, _) = events(store, "vault.rotated")
    assert (first["channels"], first["keys"]) == (["hub", "news"], 2)


def test_a_rotation_changes_nothing_that_a_renewal_goes_by(store: Store, tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    log_in(store, sealer, "news")
    with store.write("daemon") as tx:
        row = accounts.token(tx.conn, "news")
        assert row is not None
        mine = row.model_copy(update={"lease_owner": "one", "lease_until": tx.now})
        assert accounts.lease(tx, row, mine)
    rotating.rotate(store, sealer, BEN)
    with store.read() as conn:
        after = accounts.token(conn, "news")
    assert after is not None
    assert after.sealed != mine.sealed
    assert after.model_copy(update={"sealed": mine.sealed}) == mine


def test_old_keys_are_dropped_by_order_once_nothing_needs_them(store: Store, tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    log_in(store, sealer, "news")
    done = rotating.rotate(store, sealer, BEN, drop_old=True)
    assert (done.keys, done.dropped) == (1, 1)
    assert numbers(store, sealer) == (1, [1])
    assert opened(store, sealer) == {"news": TOKENS}
    assert events(store, "vault.dropped")[0]["keys"] == 1


def test_what_no_key_opens_is_named_and_holds_nothing_else_up(store: Store, tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    lost = Sealer(root=tmp_path / "elsewhere")
    log_in(store, lost, "hub")
    log_in(store, sealer, "news")
    done = rotating.rotate(store, sealer, BEN, drop_old=True)
    assert (done.resealed, done.closed, done.keys) == (("news",), ("hub",), 1)
    assert numbers(store, sealer) == (1, [0, 1])
    with store.read() as conn:
        row = accounts.token(conn, "hub")
    assert row is not None
    assert lost.open("hub", row.sealed) == TOKENS


def test_without_anything_stored_a_rotation_makes_a_key(store: Store, tmp_path: Path) -> None:
    sealer = Sealer(root=tmp_path)
    assert rotating.kept(store, sealer) == (0, [])
    assert rotating.rotate(store, sealer, BEN, drop_old=True).keys == 1
    assert sealer.path.stat().st_mode & 0o777 == 0o600


def test_only_an_admin_rotates(store: Store, tmp_path: Path) -> None:
    ana = Actor(id="ana", name="Ana Ruiz", roles=frozenset({Role.AUTHOR, Role.PUBLISHER}))
    with pytest.raises(Refused, match="may not rotate the keys"):
        rotating.rotate(store, Sealer(root=tmp_path), ana)
    assert not Sealer(root=tmp_path).path.exists()


@pytest.mark.parametrize("between", ["\n", ",", ", ", "\r\n\r\n"])
def test_keys_that_lie_elsewhere_are_used_in_the_order_they_stand_in(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealer = Sealer(root=tmp_path, reference="env:VAULT_KEY")
    monkeypatch.setenv("VAULT_KEY", old)
    log_in(store, sealer, "hub", "news")
    monkeypatch.setenv("VAULT_KEY", f"{new}{between}{old}")
    assert numbers(store, sealer) == (2, [2, 2])
    log_in(store, sealer, "hub")
    assert numbers(store, sealer) == (2, [1, 2])
    assert rotating.rotate(store, sealer, BEN).resealed == ("news",)
    assert rotating.rotate(store, sealer, BEN).resealed == ()
    monkeypatch.setenv("VAULT_KEY", new)
    assert opened(store, sealer) == {"hub": TOKENS, "news": TOKENS}
    assert not sealer.path.exists()
    with pytest.raises(Refused, match="not govpost's to change") as caught:
        rotating.rotate(store, sealer, BEN, drop_old=True)
    assert "on every machine" in caught.value.tip


def test_a_key_made_here_is_refused_where_other_machines_would_not_know_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "several", True)
    with pytest.raises(Refused, match="would not know a key") as caught:
        rotating.rotate(store, Sealer(root=tmp_path), BEN)
    assert "vault_key" in caught.value.tip


@pytest.mark.parametrize("damage", ["a folder in the way", "a read-only folder"])
def test_a_key_that_cannot_be_written_leaves_everything_as_it_was(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    sealer = Sealer(root=tmp_path)
    log_in(store, sealer, "news")
    before = sealer.path.read_text()
    beside = sealer.path.with_name("vault.key.next")
    if damage == "a folder in the way":
        beside.mkdir()
    else:
        # Tests may run as root, whom no folder stops.
        monkeypatch.setattr(Path, "replace", _denied)
    with pytest.raises(Refused, match="cannot be written") as caught:
        rotating.rotate(store, sealer, BEN)
    assert "the old ones are in force" in caught.value.tip
    assert sealer.path.read_text() == before
    assert numbers(store, sealer) == (1, [1])
    assert events(store, "vault.rotated") == []


def _denied(*_: object) -> Path:
    raise PermissionError(13, "Permission denied")


def test_the_file_keeps_its_owner_when_somebody_else_may_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, given = tmp_path / "vault.key", []
    key_file.make(path, "one")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    monkeypatch.setattr(os, "chown", lambda place, *ids: given.append((place.name, *ids)))
    key_file.replace(path, ["two", "one"])
    assert given == [("vault.key.next", path.stat().st_uid, path.stat().st_gid)]
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two\none\n", 0o600)


def test_a_file_that_a_link_leads_to_is_replaced_and_not_the_link(tmp_path: Path) -> None:
    (tmp_path / "safe").mkdir()
    key_file.make(tmp_path / "safe" / "keys", "one")
    (tmp_path / "vault.key").symlink_to(tmp_path / "safe" / "keys")
    key_file.replace(tmp_path / "vault.key", ["two"])
    assert (tmp_path / "vault.key").is_symlink()
    assert (tmp_path / "safe" / "keys").read_text() == "two\n"


CRASHES = """
import os, signal, sys
from pathlib import Path
from govpost import rotating
from govpost.people import Actor
from govpost.sealing import Sealer
from govpost.states import Role
from govpost.store import accounts
from govpost.store.engine import Store

root, tokens = Path(sys.argv[1]), {"access_token": "canary-4711"}
ben = Actor(id="ben", name="Ben Cole", roles=frozenset({Role.ADMIN}))
files = ("rotating.py", "key_file.py", "sealing.py", "accounts.py", "engine.py", "chain.py", "sqlite.py")

def kill_at(nth):
    seen = set()
    def trace(frame, event, arg):
        if "govpost" not in frame.f_code.co_filename or not frame.f_code.co_filename.endswith(files):
            return None
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        if len(seen) > nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace

def check():
    store, sealer = Store("sqlite:///.govpost/govpost.db", root), Sealer(root=root)
    with store.read() as conn:
        rows = accounts.tokens(conn)
    assert [sealer.open(row.channel, row.sealed) for row in rows] == [tokens, tokens], nth
    keys = sealer.keys()
    store.close()
    return keys

store, sealer = Store("sqlite:///.govpost/govpost.db", root), Sealer(root=root)
with store.write("ben") as tx:
    for channel in ("hub", "news"):
        accounts.keep_token(tx, channel, sealer.seal(channel, tokens))
store.close()
nth, killed, longest = 0, 0, 0
while True:
    child = os.fork()
    if not child:
        sys.settrace(kill_at(nth))
        rotating.rotate(Store("sqlite:///.govpost/govpost.db", root), sealer, ben, drop_old=nth % 2 == 1)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    longest = max(longest, len(check()))
    if ended != -signal.SIGKILL:
        break
    nth, killed = nth + 1, killed + 1
assert ended == 0, ended
print(killed, longest, len(check()))
"""


def test_a_rotation_that_is_killed_at_any_line_leaves_everything_to_be_opened(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASHES, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    killed, longest, keys = map(int, done.stdout.split())
    assert killed > 60
    assert longest <= 3
    assert keys <= 2
    assert [each.name for each in (tmp_path / ".govpost").glob("vault.key*")] == ["vault.key"]


@pytest.fixture
def square() -> Iterator[Square]:
    with open_square() as found:
        yield found


def test_renewals_go_on_while_keys_are_exchanged_and_dropped(square: Square, tmp_path: Path) -> None:
    city_with(square, tmp_path)
    space = open_workspace(tmp_path)
    fitted = space.bench().fitted["square"]
    with space.store.write("ben") as tx:
        accounts.keep_token(tx, "square", fitted.sealer.seal("square", square.tokens()))
    done = threading.Event()

    def exchange() -> None:
        while not done.wait(
            0.02
        ):  # SQLite's writers do not queue; somebody who never rests would starve the rest
            rotating.rotate(space.store, fitted.sealer, BEN, drop_old=True)

    thread = threading.Thread(target=exchange)
    thread.start()
    work = Sessions(store=space.store, owner="one")
    try:
        for _ in range(12):
            failed = work.open(fitted)
            square.expire()
            fresh = work.renew(fitted, failed, deadline=time.monotonic() + 60)
            assert fresh.secrets["access_token"] == square.access
    finally:
        done.set()
        thread.join()
    assert not square.closed
    assert len(square.used) == 12
    assert numbers(space.store, fitted.sealer) == (1, [1])
    space.store.close()


@dataclass(frozen=True, kw_only=True)
class Racing(Sealer):
    """A sealer whose key is exchanged, and the old one dropped, just after the secrets were read with it."""

    store: Store

    def open(self, channel: str, sealed: str) -> dict[str, str]:
        if len(events(self.store, "vault.dropped")) == 0:
            rotating.rotate(self.store, self, BEN, drop_old=True)
        return super().open(channel, sealed)


def test_secrets_read_just_before_their_key_went_are_read_once_more(square: Square, tmp_path: Path) -> None:
    city_with(square, tmp_path)
    space = open_workspace(tmp_path)
    fitted = space.bench().fitted["square"]
    with space.store.write("ben") as tx:
        accounts.keep_token(tx, "square", fitted.sealer.seal("square", TOKENS))
    racing = replace(fitted, sealer=Racing(root=tmp_path, store=space.store))
    work = Sessions(store=space.store, owner="one")
    assert dict(work.open(racing).secrets) == TOKENS
    fitted.sealer.path.write_text(Fernet.generate_key().decode())
    with pytest.raises(Refused, match="does not open the stored secrets"):
        work.open(fitted)
    space.store.close()
