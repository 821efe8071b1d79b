"""PostgreSQL for a chaos run: a real server whose clock can be pushed, that restarts, refuses writes, and is cut off.

The clock: the store's schema stands before `pg_catalog` in the search path and has a `clock_timestamp()` of its own,
which is the real one and an offset. So the server's time jumps for whoever asks it, and nothing in govpost knows.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import postgres

_CLOCK = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.pushed (seconds double precision NOT NULL);
INSERT INTO chaos.pushed VALUES (0);
CREATE FUNCTION chaos.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT pg_catalog.clock_timestamp() + (SELECT seconds FROM chaos.pushed) * interval '1 second' $$;
"""
_PATH = "options=-csearch_path%3Dchaos%2Cpg_catalog"
_WRITES = "SET default_transaction_read_only = off;"


@dataclass
class Database:
    """The server, and the proxy through which one host reaches it; `stack` ends both."""

    stack: ExitStack

    def __post_init__(self) -> None:
        self.server = self.stack.enter_context(postgres.running(durable=True))
        self.server.sql(_CLOCK)
        self.proxy = Proxy(self.server.port)
        self.stack.callback(self.proxy.close)

    def url(self, port: int | None = None) -> str:
        """Return the store's address, through another port if one is given."""
        return f"{self.server.url('postgres', port)}?{_PATH}"

    def push(self, seconds: float) -> None:
        """Push the server's clock."""
        self.server.sql(f"{_WRITES} UPDATE chaos.pushed SET seconds = seconds + {seconds:.3f}")

    def restart(self) -> None:
        """Let the server die as in a crash, and start it again."""
        self.server.stop("immediate")
        self.server.start()

    def refuse_writes(self, *, refused: bool) -> None:
        """Make every new transaction read-only, or no longer."""
        self.server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if refused else 'off'}")
        self.server.sql("SELECT pg_reload_conf()")


class Proxy:
    """Carries connections to the server until `cut`; what is cut hangs, as a network does that loses every packet."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through any more."""
        self._flows.clear()

    def heal(self, *, drop: bool) -> None:
        """Let everything through again; with `drop`, only what connects anew."""
        if drop:
            self._drop()
        self._flows.set()

    def _drop(self) -> None:
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        """End it."""
        self._listener.close()
        self._drop()
        self._flows.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        self._flows.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            near.close()
            return
        self._open += [near, far]
        threading.Thread(target=self._pump, args=(near, far), daemon=True).start()
        self._pump(far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
