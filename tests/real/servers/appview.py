"""Bluesky with an AppView, which counts likes and reposts and finds replies; it needs PostgreSQL and Redis."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx2

from real.servers.pds import Accounts, node
from real.servers.process import CACHE, HERE, Server, Unavailable, free_port, needed

HOME = CACHE / "appview"


class Postgres(Server):
    """A throw-away PostgreSQL that trusts everybody on loopback; it refuses to run as root."""

    name = "postgres"

    def prepare(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            raise Unavailable("PostgreSQL is missing: on Debian apt-get install postgresql")
        self.programs = found[-1].parent
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.data = Path(tempfile.mkdtemp(prefix="govpost-postgres-"))
        if os.getuid() == 0:
            os.chown(self.data, pwd.getpwnam("postgres").pw_uid, -1)
        make: list[str] = ["-D", str(self.data), "-A", "trust", "-U", "postgres", "-N"]
        whole: list[str] = [*self._as(), str(self.programs / "initdb"), *make]
        subprocess.run(whole, check=True, capture_output=True, cwd=self.data, timeout=110)

    def command(self) -> Sequence[str | Path]:
        where = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.data), "-c", "fsync=off"]
        return [*self._as(), self.programs / "postgres", "-D", self.data, *where]

    def answers(self) -> bool:
        asked = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False, timeout=30).returncode == 0

    def _as(self) -> list[str]:
        if os.getuid() != 0:
            return []
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def __exit__(self, *problem: Any) -> None:
        super().__exit__(*problem)
        shutil.rmtree(self.data)


class Redis(Server):
    """A throw-away Redis that keeps nothing."""

    name = "redis"

    def prepare(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise Unavailable("Redis is missing: on Debian apt-get install redis-server")
        self.program = program
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str | Path]:
        keep = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        return [self.program, "--bind", "127.0.0.1", "--port", str(self.port), *keep]

    def answers(self) -> bool:
        asked = ["redis-cli", "-p", str(self.port), "ping"]
        return subprocess.run(asked, check=False, capture_output=True, timeout=30).stdout == b"PONG\n"


class AppView(Accounts, Server):
    """A PDS at `url` whose reads go to an AppView; `flush()` waits until it has seen everything."""

    name = "appview"

    def prepare(self) -> None:
        needed(HOME / "node_modules")
        self.postgres, self.redis = Postgres(self.folder), Redis(self.folder)
        self.ports = {name: free_port() for name in ("PLC", "PDS", "APPVIEW", "FLUSH")}
        self.url = f"http://localhost:{self.ports['PDS']}"
        self.appview_url = f"http://localhost:{self.ports['APPVIEW']}"

    def command(self) -> Sequence[str | Path]:
        return [node(), HERE / "bluesky" / "network.mjs"]

    def environment(self) -> Mapping[str, str]:
        ports = {f"GP_{name}_PORT": str(port) for name, port in self.ports.items()}
        databases = {"DB_POSTGRES_URL": self.postgres.url, "REDIS_HOST": f"127.0.0.1:{self.redis.port}"}
        own = {"GP_MODULES": str(HOME), "LOG_ENABLED": "false", "TMPDIR": str(self.folder)}
        return {**ports, **databases, **own}

    def answers(self) -> bool:
        self.flush()
        return True

    def flush(self) -> None:
        """Wait until the AppView has seen what the PDS has taken."""
        url = f"http://127.0.0.1:{self.ports['FLUSH']}/"
        httpx2.get(url, timeout=60, trust_env=False).raise_for_status()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.postgres)
            stack.enter_context(self.redis)
            super().__enter__()
            self._databases = stack.pop_all()
        return self

    def __exit__(self, *problem: Any) -> None:
        with self._databases:
            super().__exit__(*problem)
