"""A real PostgreSQL for tests: from a wheel, started once a worker; each test gets an empty store of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_SETTINGS = {
    "max_connections": "300",
    "fsync": "off",  # what a crash of the machine leaves is not what these tests ask; chaos and bench switch it on
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


def programs() -> Path | None:
    """Return the folder with PostgreSQL's programs: the wheel's, else this machine's; None without any."""
    wheel = importlib.util.find_spec("pgserver")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (str(debian[-1]) if debian else None)
    return Path(found).resolve().parent if found else None


@dataclass
class Server:
    """One PostgreSQL, listening on loopback, trusting everybody who reaches it."""

    folder: Path
    port: int
    durable: bool = False
    made: int = 0
    frozen: list[int] = field(default_factory=list)

    def url(self, database: str, port: int | None = None) -> str:
        """Return the address of one of its databases."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{port or self.port}/{database}"

    def fresh(self) -> str:
        """Make an empty place for a store, a schema of its own, and return its address."""
        self.made += 1
        name = f"city{self.made}"
        self.sql(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def database(self) -> str:
        """Make an empty database, which takes longer, and return its address."""
        self.made += 1
        self.sql(f"CREATE DATABASE town{self.made}")
        return self.url(f"town{self.made}")

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement and return its rows."""
        import psycopg

        where = self.url(database).replace("+psycopg", "")
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = _SETTINGS | ({"fsync": "on", "full_page_writes": "on"} if self.durable else {})
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        options += f" -p {self.port} -k {self.folder}"
        self._run(
            "pg_ctl",
            "-D",
            str(self.folder / "data"),
            "-w",
            "-o",
            options,
            "-l",
            str(self.folder / "log"),
            "start",
        )

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `fast` as an administrator would, `immediate` as a crash does."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")

    def freeze(self) -> None:
        """Let it stand still: it holds its connections, and answers nothing."""
        main = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, children)):
            os.kill(process, signal.SIGSTOP)
            self.frozen.append(process)

    def thaw(self) -> None:
        """Let it go on."""
        for process in self.frozen:
            os.kill(process, signal.SIGCONT)
        self.frozen.clear()

    def _run(self, program: str, *arguments: str) -> None:
        found = programs()
        assert found is not None
        command = [str(found / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=_as_nobody, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _as_nobody() -> None:
    # PostgreSQL refuses to run as root.
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """Run a new PostgreSQL for a while; a test that cannot have one is skipped with the reason."""
    if programs() is None:
        pytest.skip("PostgreSQL is not here: pip install pgserver, or install PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="govpost-pg-"))
    server = Server(folder, _free_port(), durable)
    try:
        if os.getuid() == 0:
            os.chown(folder, 65534, 65534)
        initdb = [
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        server._run("initdb", *initdb)
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        for _ in range(50):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)
