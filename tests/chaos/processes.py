"""The processes of a run: the hostile platform, and daemons that are started again whenever they are gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]


def until(true: Callable[[], Any], seconds: float) -> bool:
    """Wait until something is true; False when it did not become so in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a module of the harness that is talked to over pipes."""
    paths = [str(HERE), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", f"chaos.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def stop(process: subprocess.Popen[str]) -> None:
    """End a process of ours."""
    process.kill()
    process.communicate()


class Platform:
    """The hostile server as seen from outside."""

    def __init__(self, ledger: Path, seed: int, names: list[str]) -> None:
        self.process = start("platform_server", "--seed", str(seed), str(ledger), *names)
        assert self.process.stdout is not None
        self.ports: dict[str, int] = json.loads(self.process.stdout.readline())

    def mood(self, mood: str) -> None:
        """Change how it treats requests; it has changed when this returns."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{mood}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


@dataclass
class Daemons:
    """So many daemons, each on a host of its own; one that ends is started again, as a service manager would."""

    root: Path
    hosts: int = 1
    proxied: dict[int, int] = field(default_factory=dict)
    """The port through which a host reaches the database, where that is not its own."""
    alive: dict[int, int] = field(default_factory=dict)
    """Process by host."""
    codes: list[int] = field(default_factory=list)
    wanted: set[int] = field(default_factory=set)
    started: int = 0

    def __post_init__(self) -> None:
        self.nursery = start("nursery", str(self.root))
        self._answers: list[int] = []
        self._lock = threading.Lock()
        self._asked: list[int | None] = []
        self._extra: dict[int, int | None] = {}
        assert self.nursery.stdout is not None
        if not json.loads(self.nursery.stdout.readline() or "{}").get("ready"):
            raise SystemExit("the daemons' nursery did not start")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.nursery.stdout is not None
        for line in self.nursery.stdout:
            said = json.loads(line)
            if "pid" in said:
                self._born(said["pid"])
            else:
                self._buried(said["ended"], said["code"])

    def _born(self, pid: int) -> None:
        host = self._asked.pop(0)
        if host is None:
            self._extra[pid] = None
        else:
            self.alive[host] = pid
        self._answers.append(pid)

    def _buried(self, pid: int, code: int) -> None:
        if pid in self._extra:
            self._extra[pid] = code
            return
        self.codes.append(code)
        host = next((host for host, each in self.alive.items() if each == pid), None)
        if host is not None:
            del self.alive[host]

    def _fork(self, host: int | None) -> int:
        with self._lock:
            self._asked.append(host)
            assert self.nursery.stdin is not None
            self.nursery.stdin.write(
                json.dumps({"host": host or 0, "port": self.proxied.get(host or 0)}) + "\n"
            )
            self.nursery.stdin.flush()
            assert until(lambda: self._answers, 10), "the nursery is gone"
            return self._answers.pop()

    def keep(self) -> None:
        """Start what should be alive and is not."""
        for host in sorted(self.wanted - set(self.alive)):
            self._fork(host)
            self.started += 1

    def start(self) -> None:
        """Start all hosts."""
        self.wanted = set(range(self.hosts))
        self.keep()

    def signal(self, host: int, number: int) -> bool:
        """Send a signal; False when there is nobody."""
        pid = self.alive.get(host)
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return True

    def kill(self, host: int) -> bool:
        """`kill -9`, and start anew at once."""
        pid = self.alive.get(host)
        if pid is None:
            return False
        self.signal(host, signal.SIGKILL)
        until(lambda: self.alive.get(host) != pid, 5)
        self.keep()
        return True

    def another(self) -> int | None:
        """Start one more daemon that should be refused; returns how it ended, None when it did not."""
        pid = self._fork(None)
        until(lambda: self._extra[pid] is not None, 20)
        if self._extra[pid] is None:
            os.kill(pid, signal.SIGKILL)
        return self._extra[pid]

    def stop(self) -> None:
        """End all of them for good."""
        self.wanted = set()
        for host in list(self.alive):
            self.signal(host, signal.SIGCONT)
            self.signal(host, signal.SIGTERM)
        if not until(lambda: not self.alive, 8):
            for host in list(self.alive):
                self.signal(host, signal.SIGKILL)
        until(lambda: not self.alive, 5)

    def close(self) -> None:
        """End all of them and their nursery."""
        self.stop()
        stop(self.nursery)
