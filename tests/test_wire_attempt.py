"""An attempt on real sockets: one deadline, nothing left behind in doubt, and a note of everything."""

import contextlib
import gzip
import json
import socket
import threading
import time

import httpx2
import pytest

from govpost.domain import Channel, Receipt
from govpost.errors import Rejected, Unavailable, Uncertain
from govpost.wire import Attempt, judge, publish_error


@pytest.fixture
def serve():
    """Start a loopback server that hands each connection to `talk(connection)`; return its address."""
    servers = []

    def start(talk):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection):
            with connection, contextlib.suppress(OSError):
                talk(connection)

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/posts"

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def read_request(connection):
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(65536)
    return said


def ok(body=b'{"id": "1"}', extra=b""):
    return b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), extra, body)


def real(url, seconds=10.0, **more):
    channel = Channel(name="news", platform="fake", settings={"url": url})
    return Attempt(channel, deadline=time.monotonic() + seconds, **more)


def test_a_request_over_a_real_socket_is_answered_and_noted(serve):
    url = serve(lambda connection: (read_request(connection), connection.sendall(ok())))
    with real(url) as one:
        assert one.client.post(url, json={"text": "ñ"}).json() == {"id": "1"}
        assert one.client.post(url).status_code == 201
    assert one.left == 2
    first = one.evidence()[0]
    assert first["request"]["headers"]["user-agent"].startswith("govpost/")
    assert (first["method"], first["url"], first["status"], first["left"]) == ("POST", url, 201, True)
    assert json.loads(first["request"]["body"]) == {"text": "ñ"}
    assert json.loads(first["response"]["body"]) == {"id": "1"}
    json.dumps(one.evidence())


def test_every_request_has_a_fresh_connection(serve):
    seen = []
    url = serve(lambda connection: (seen.append(1), read_request(connection), connection.sendall(ok())))
    with real(url) as one:
        one.client.get(url)
        one.client.get(url)
    assert len(seen) == 2


def drip_body(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n")
    drip(connection)


def drip_head(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 201 Created\r\nX-Slow: ")
    drip(connection)


def drip(connection):
    for _ in range(150):
        connection.sendall(b"x")
        time.sleep(0.05)


def never_read(connection):
    time.sleep(6)


@pytest.mark.parametrize("talk", [drip_body, drip_head, never_read])
def test_the_deadline_holds_however_slowly_the_other_side_talks(serve, talk):
    url = serve(talk)
    started = time.monotonic()
    with real(url, 1.5) as one, pytest.raises(httpx2.TimeoutException) as caught:
        one.client.post(url, content=b"x" * 20_000_000, timeout=None)
    assert time.monotonic() - started < 2.6
    assert type(publish_error(caught.value, one)) is Uncertain


def test_no_request_starts_after_the_deadline(serve):
    seen = []
    url = serve(seen.append)
    with real(url, -1) as one, pytest.raises(httpx2.TimeoutException) as caught:
        one.client.post(url)
    assert (one.left, seen) == (0, [])
    assert type(publish_error(caught.value, one)) is Unavailable


def test_an_answer_that_breaks_off_is_uncertain(serve):
    url = serve(lambda connection: (read_request(connection), connection.sendall(ok(b"abc")[:-1])))
    with real(url) as one, pytest.raises(httpx2.RemoteProtocolError) as caught:
        one.client.post(url)
    assert type(publish_error(caught.value, one)) is Uncertain
    assert one.evidence()[0]["error"].startswith("RemoteProtocolError")


def test_an_answer_that_cannot_be_decoded_is_uncertain(serve):
    answer = ok(b"not gzip", b"Content-Encoding: gzip\r\n")
    url = serve(lambda connection: (read_request(connection), connection.sendall(answer)))
    with real(url) as one, pytest.raises(httpx2.DecodingError) as caught:
        one.client.post(url)
    assert type(publish_error(caught.value, one)) is Uncertain


def test_a_server_that_is_not_there_got_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    with real(url) as one, pytest.raises(httpx2.ConnectError) as caught:
        one.client.post(url)
    assert one.left == 0
    assert type(publish_error(caught.value, one)) is Unavailable


def test_a_failed_handshake_got_nothing(serve):
    url = serve(lambda connection: connection.sendall(b"this is not TLS\r\n\r\n")).replace("http:", "https:")
    with real(url) as one, pytest.raises(httpx2.ConnectError) as caught:
        one.client.post(url)
    assert one.left == 0
    assert type(publish_error(caught.value, one)) is Unavailable


def test_a_handshake_that_hangs_ends_at_the_deadline(serve):
    url = serve(never_read).replace("http:", "https:")
    started = time.monotonic()
    with real(url, 0.4) as one, pytest.raises(httpx2.ConnectTimeout):
        one.client.post(url)
    assert time.monotonic() - started < 1.5
    assert one.left == 0


def test_a_header_that_is_not_one_never_leaves(serve):
    url = serve(lambda connection: (read_request(connection), connection.sendall(ok())))
    with real(url) as one, pytest.raises(httpx2.LocalProtocolError) as caught:
        one.client.post(url, headers={"X-Name": "a\nb"})
    assert one.left == 0
    assert type(publish_error(caught.value, one)) is Rejected


def test_a_bomb_does_not_fill_the_memory(serve, monkeypatch):
    monkeypatch.setattr("govpost.wire_guard.BYTE_LIMIT", 1024 * 1024)
    bomb = ok(gzip.compress(bytes(50_000_000)), b"Content-Encoding: gzip\r\n")
    url = serve(lambda connection: (read_request(connection), connection.sendall(bomb)))
    with real(url) as one, pytest.raises(httpx2.ReadError, match="larger than 1 MB") as caught:
        one.client.post(url)
    assert type(publish_error(caught.value, one)) is Uncertain
    url = serve(lambda connection: (read_request(connection), connection.sendall(ok(bytes(3_000_000)))))
    with real(url) as one, pytest.raises(httpx2.ReadError), one.client.stream("GET", url) as answer:
        list(answer.iter_raw())


def test_a_redirect_is_not_followed(serve):
    url = serve(
        lambda connection: (
            read_request(connection),
            connection.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
            ),
        )
    )
    with real(url) as one:
        assert one.client.get(url).status_code == 302


def test_an_address_that_a_platform_answers_with_is_not_trusted(serve):
    hit = []
    url = serve(hit.append)
    inside = Channel(name="news", platform="fake", settings={"url": "https://platform.example/"})
    with (
        Attempt(inside, deadline=time.monotonic() + 9) as one,
        pytest.raises(Rejected, match="not a public address") as caught,
    ):
        one.client.post(url.replace("127.0.0.1", "localhost"))
    assert (one.left, hit) == (0, [])
    assert type(publish_error(caught.value, one)) is Rejected
    assert "settings" in caught.value.tip


def test_a_cassette_records_and_replays_through_an_attempt(serve, tmp_path):
    vcr = pytest.importorskip("vcr")
    url = serve(lambda connection: (read_request(connection), connection.sendall(ok())))
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path), serializer="yaml")
    for mode in ("once", "none"):
        with recorder.use_cassette("post.yaml", record_mode=mode) as cassette, real(url) as one:
            assert one.client.post(url, json={"text": "x"}).json() == {"id": "1"}
        assert one.left == 1
        assert judge(Receipt(remote_id="1"), one).remote_id == "1"
    assert cassette.play_count == 1
