"""The county's notice board: a small real web server on loopback that has a bad day.

Its first answer is 503. The second notice that it takes in is its unlucky one: it keeps the notice and drops the
connection before answering.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UNLUCKY = 2


class Board:
    """What hangs on the board, in order, by key."""

    def __init__(self, signing_key: str) -> None:
        self.signing_key = signing_key
        self.asked = 0
        self.notices: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """Return where notices are posted to."""
        return f"http://127.0.0.1:{self._server.server_port}/notices"

    def url(self, key: str) -> str:
        """Return where a notice can be read."""
        return f"{self.address}/{list(self.notices).index(key) + 1}"

    def __enter__(self) -> Board:
        threading.Thread(target=self._server.serve_forever, name="board", daemon=True).start()
        return self

    def __exit__(self, *_why: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def signed(self, body: bytes, signature: str | None) -> bool:
        """Say whether the body carries the city's signature."""
        wanted = "sha256=" + hmac.new(self.signing_key.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, signature or "")


def _handler(board: Board) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            board.asked += 1
            if not board.signed(body, self.headers.get("X-Govpost-Signature")):
                self._answer(403, {"error": "not signed by the city"})
            elif board.asked == 1:
                self._answer(503, {"error": "the board is restarting"})
            else:
                self._take(json.loads(body))

        def do_GET(self) -> None:
            number = self.path.rpartition("/")[2]
            notices = list(board.notices.values())
            if number.isdigit() and 0 < int(number) <= len(notices):
                self._answer(200, notices[int(number) - 1])
            else:
                self._answer(404, {"error": "no such notice"})

        def _take(self, notice: dict[str, Any]) -> None:
            key = str(notice["key"])
            board.notices[key] = notice
            if len(board.notices) == UNLUCKY:
                self.close_connection = True
                return
            self._answer(201, {"id": key, "url": board.url(key)})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet: the story is told elsewhere."""

    return Handler
