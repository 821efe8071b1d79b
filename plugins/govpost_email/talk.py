"""smtplib's client with a deadline over everything it waits for, and a final dot of its own."""

from __future__ import annotations

import contextlib
import io
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

_CHUNK = 65_536
_FAREWELL_SECONDS = 5.0
_GREETING_SECONDS = 10.0


class Talk(smtplib.SMTP):
    """A connection to a submission server; `left` says how many seconds there are still.

    `name` is who we say we are. With `secure` the line speaks TLS from the first byte (RFC 8314).
    """

    def __init__(self, name: str, left: Callable[[], float], secure: ssl.SSLContext | None = None) -> None:
        self._left = left
        self._secure = secure
        self.silent = False
        super().__init__(local_hostname=name)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        # smtplib knows the host only when its constructor connects; STARTTLS checks the certificate against it
        self._host = host
        plain = socket.create_connection((host, port), min(_GREETING_SECONDS, _allowed(self._left)))
        return self._secure.wrap_socket(plain, server_hostname=host) if self._secure else plain

    def greeted(self, host: str, port: int) -> tuple[int, bytes]:
        """Connect and return the server's greeting; `silent` says that it took the connection and no greeting came.

        A port that speaks TLS from the first byte waits for us to begin: it gets seconds, not the whole time.
        """
        left = self._left
        until = left() - _GREETING_SECONDS
        self._left = lambda: left() - max(until, 0.0)
        try:
            return self.connect(host, port)
        except smtplib.SMTPServerDisconnected as error:
            self.silent = isinstance(error.__context__, TimeoutError)
            raise
        finally:
            self._left = left

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply; a server that drips its answer gets no more time than one that is silent."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Timed(self.sock, self._left))
        return super().getreply()

    def send(self, s: Any) -> None:
        """Send bytes piece by piece, each within what time is left."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        for start in range(0, len(data), _CHUNK):
            if self.sock is not None:
                self.sock.settimeout(_allowed(self._left))
            super().send(data[start : start + _CHUNK])

    def body(self, message: bytes) -> None:
        """Send a message after DATA was answered, all but its final dot (RFC 5321, section 4.5.2)."""
        self.send(re.sub(rb"(?m)^\.", b"..", message))

    def dot(self) -> tuple[int, bytes]:
        """Send the final dot and return what the server says to it."""
        self.send(b".\r\n")
        return self.getreply()

    def farewell(self) -> None:
        """Say QUIT and hang up, whatever the server makes of it: what counts has been said."""
        left = self._left
        self._left = lambda: min(_FAREWELL_SECONDS, left())
        with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
            self.docmd("QUIT")
        self.close()


class _Timed(io.RawIOBase):
    """Reads from a socket; each wait is as long as the deadline lets it."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_allowed(self._left))
        return self._sock.recv_into(buffer)


def _allowed(left: Callable[[], float]) -> float:
    seconds = left()
    if seconds <= 0:
        raise TimeoutError("the time for this attempt is over")
    return seconds
