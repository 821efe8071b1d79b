"""A server in a process group of its own, with its data in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx2
import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "govpost"
"""Where install.sh puts what comes from the registries."""

HERE = Path(__file__).parent


class Unavailable(Exception):
    """The server cannot be had on this machine; the message says what is missing."""


def needed(path: Path) -> Path:
    """Return a path that install.sh should have made."""
    if not path.exists():
        raise Unavailable(f"{path} is missing: run `make test-real`, which installs it")
    return path


def free_port() -> int:
    """Return a port below the range that outgoing connections use, so that it stays free over a restart."""
    while True:
        port = random.randrange(18_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server:
    """Something that runs until the `with` ends; its process group ends with it, whatever the test did."""

    name: ClassVar[str]
    patience: ClassVar[float] = 60
    """Seconds it may take to answer on a slow, loaded machine."""

    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.outside = False
        self.prepare()

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return the instance that GOVPOST_<NAME>_… variables name, None when they name none."""
        return None

    @classmethod
    def at(cls, url: str) -> Self:
        """Return a stand-in for a server that runs elsewhere and is not ours to stop."""
        server = cls.__new__(cls)
        server.url = url.rstrip("/")
        server.outside = True
        server.process = None
        return server

    def __getattr__(self, name: str) -> Any:
        """Skip the test that asks what is not known of a server elsewhere, such as a second account."""
        if not name.startswith("_") and self.__dict__.get("outside"):
            pytest.skip(f"the environment names no {name} of {self.url}")
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def ours(self) -> None:
        """Skip the test when the server is not one that we started."""
        if self.outside:
            pytest.skip(f"{self.url} is not ours to stop or to look into")

    def prepare(self) -> None:
        """Choose ports and write the files that the server wants before its first start."""
        raise NotImplementedError

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return {}

    def answers(self) -> bool:
        """Whether the server is ready; raising httpx2.TransportError or OSError means not yet."""
        return httpx2.get(self.url, timeout=5, trust_env=False).status_code < 500

    def settle(self) -> None:
        """Make the accounts, once, after the first start."""

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                cwd=self.folder,
                env=os.environ | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait(self.process)
        except BaseException:
            self.kill()
            raise

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + self.patience
        while not self._ready():
            ended = process.poll() is not None
            if ended or time.monotonic() > end:
                how = f"ended with {process.returncode}" if ended else f"was silent for {self.patience:g} s"
                raise AssertionError(f"{self.name} {how}:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return self.answers()
        except (OSError, httpx2.TransportError):
            return False

    def stop(self) -> None:
        """End the server as an administrator does, and whatever is left of its group."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a power cut does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same address with the same data, whether it runs or was killed."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        self.ours()
        if self.process is None:
            return
        _signal(self.process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        _signal(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.settle()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()


def _signal(group: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, how)
