"""A proxy in front of a submission server that looks into STARTTLS, so that it can drop the line after DATA."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from real.servers.mail import MailServer
from real.servers.proxy import Order, Orders, Seen, reset


class SmtpProxy(Orders):
    """`port` stands for the server's STARTTLS port, with the server's own certificate.

    In an order the method is the SMTP verb (``MAIL``, ``RCPT``, …) and the path a regular expression for the rest of
    its line. The message itself, from the end of its text with the final dot, is the verb ``DOT`` with nothing behind
    it: ``swallow("DOT")`` drops the connection when the server has taken the message and before it is told so.
    ``answer(421, body=b"4.3.2 Closing")`` answers a verb; after 421 the connection ends (RFC 5321, section 3.8).
    """

    def __init__(self, server: MailServer) -> None:
        super().__init__()
        self.upstream = server
        self.seen: list[Seen] = []
        self.certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate.load_cert_chain(server.folder / "server.pem")
        self._server = _Listener(self)
        self.host, self.port = "localhost", int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def count(self, verb: str) -> int:
        """Return how often a verb came."""
        return sum(each.method == verb for each in self.seen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, proxy: SmtpProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Talk)

    def shutdown_request(self, request: Any) -> None:
        """The talk closes its own sockets, which STARTTLS may have exchanged."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no trouble of the proxy's."""


class _End:
    """One side of the talk: a socket and a buffer for its lines."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.file = sock.makefile("rb")

    def lines(self) -> Iterator[bytes]:
        """Give lines until the other side goes away."""
        return iter(self.file.readline, b"")

    def reply(self) -> bytes:
        """Return one reply with all its lines; empty when the other side went away (RFC 5321, section 4.2.1)."""
        reply = b""
        for line in self.lines():
            reply += line
            if line[3:4] != b"-":
                break
        return reply

    def text(self) -> bytes:
        """Return a message up to its final dot."""
        text = b""
        for line in self.lines():
            text += line
            if line == b".\r\n":
                break
        return text

    def secured(self, context: ssl.SSLContext, **how: Any) -> _End:
        self.file.close()
        return _End(context.wrap_socket(self.socket, **how))

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class _Talk(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        proxy = self.server.proxy
        mail = proxy.upstream
        self.client = _End(self.request)
        try:
            self.mail = _End(socket.create_connection((mail.host, mail.port), 60))
        except OSError:
            self.client.close()
            return
        try:
            with contextlib.suppress(OSError):
                self._say(self.mail.reply())
                while self._command(proxy, self.client.file.readline()):
                    pass
        finally:
            self.client.close()
            self.mail.close()

    def _command(self, proxy: SmtpProxy, line: bytes) -> bool:
        """Hand one command on; False ends the talk."""
        verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        reply = self._pass(proxy, verb.upper(), rest, line) if line else b""
        if not reply:
            return False
        self._say(reply)
        if verb.upper() == "STARTTLS" and reply.startswith(b"220"):
            self._secure(proxy)
        if verb.upper() == "DATA" and reply.startswith(b"354"):
            reply = self._pass(proxy, "DOT", "", self.client.text())
            self._say(reply)
        return bool(reply) and not reply.startswith((b"221", b"421"))

    def _pass(self, proxy: SmtpProxy, verb: str, rest: str, data: bytes) -> bytes:
        """Return the reply to a command, following orders; empty when the connection is to be dropped."""
        order = proxy._find(verb, rest)
        if order and order.kind == "answer":
            self._note(verb, rest, order)
            return b"%d %s\r\n" % (order.status, order.body)
        if order and order.kind == "lose":
            self._note(verb, rest, order)
            return self._drop()
        self.mail.socket.sendall(data)
        reply = self.mail.reply()
        self._note(verb, rest, order or int(reply[:3] or 0))
        if order and order.kind == "swallow":
            return self._drop()
        time.sleep(order.seconds if order else 0)
        return reply

    def _note(self, verb: str, rest: str, outcome: Order | int) -> None:
        known = outcome if isinstance(outcome, int) else outcome.kind
        self.server.proxy.seen.append(Seen(verb, "" if verb == "AUTH" else rest, known))

    def _drop(self) -> bytes:
        reset(self.client.socket)
        return b""

    def _say(self, reply: bytes) -> None:
        if reply:
            self.client.socket.sendall(reply)

    def _secure(self, proxy: SmtpProxy) -> None:
        self.client = self.client.secured(proxy.certificate, server_side=True)
        self.mail = self.mail.secured(proxy.upstream.context(), server_hostname=proxy.upstream.host)
