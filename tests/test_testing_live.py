"""The conformance suite against a real server, and against a platform that speaks no HTTP."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from board import Board, BoardServer
from govpost import Capabilities, Example, Receipt, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.testing import Network, PlatformContract, check
from govpost.testing.parts.failing import Failing


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the board of its server."""

    protocol_version = "HTTP/1.1"

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = f"http://{self.headers['Host']}{self.path}"
        answer = self.server.board(
            httpx2.Request(self.command, url, headers=dict(self.headers), content=body)
        )
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in ("content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.board = BoardServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class TestOnARealServer(PlatformContract):
    platform = Board()

    @pytest.fixture(autouse=True)
    def _there(self, running, monkeypatch):
        class Real(Network):
            def public(self):
                return running.board.public()

            def reply(self, to, text):
                running.board.reply(to, text)

        monkeypatch.setattr(Board, "host", f"http://127.0.0.1:{running.server_port}")
        self.live = Example(
            secrets=Board.example.secrets,
            limits=Board.example.limits,
            options=Board.example.options,
            server=Real,
        )


class TestOnARealServerThatCannotBeLookedAt(TestOnARealServer):
    @pytest.fixture(autouse=True)
    def _blind(self, _there):
        self.live = Example(secrets=Board.example.secrets)


def test_what_was_published_on_a_real_server_is_taken_down_again(running):
    assert list(running.board.public()) == []


def test_the_network_hands_on_what_was_asked_and_answered(running):
    network = Network()
    answer = network(httpx2.Request("GET", f"http://127.0.0.1:{running.server_port}/posts?key=x"))
    network.close()
    assert answer.status_code == http.client.UNAUTHORIZED


# A platform without HTTP


class Cabinet:
    """A folder in memory, which may fail."""

    def __init__(self):
        self.held, self.next = {}, None
        self.settings = {"cabinet": 1}
        CABINETS[1] = self

    def public(self):
        return self.held.values()

    def trouble(self, kind):
        self.next = kind


CABINETS: dict[int, Cabinet] = {}


class Files:
    """Publishes without the wire."""

    name = "files"
    capabilities = Capabilities(max_media=0)
    example = Example(server=Cabinet)

    def publish(self, variant, channel, http):
        cabinet = CABINETS[channel.settings["cabinet"]]
        if cabinet.next in ("refused", "unauthorized", "deferred"):
            raise {"refused": Rejected, "unauthorized": Unauthorized, "deferred": Unavailable}[cabinet.next]
        cabinet.held[variant.key] = f"{variant.text}"
        if cabinet.next == "lost":
            raise Uncertain
        return Receipt(remote_id=variant.key)


class BlamesTheWords(Files):
    def publish(self, variant, channel, http):
        try:
            return super().publish(variant, channel, http)
        except Unavailable as error:
            raise Rejected from error


def test_trouble_is_tried_without_http_too():
    assert [result for result in check(Files()) if not result.ok] == []
    ran = {result.name for result in check(Files(), [Failing]) if not result.skipped}
    assert ran == {"trouble without http means the same"}


def test_trouble_that_is_named_wrongly_is_caught():
    (failed,) = [result for result in check(BlamesTheWords(), [Failing]) if not result.ok]
    assert failed.message == "a post that is deferred must be Unavailable, not Rejected"
