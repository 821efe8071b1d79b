"""Platforms and their answers as enemies: no way into the network around us, no bomb, no header that breaks a count."""

from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from datetime import UTC, datetime, timedelta

import httpcore2
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from govpost import evidence, wire_limits
from govpost.domain import Channel, Receipt
from govpost.errors import PublishError, Rejected, Uncertain
from govpost.evidence import Redactor
from govpost.wire import Attempt, judge, publish_error
from govpost.wire_guard import is_public
from hostile import FUZZ, JSON, TEXT, run_apart
from test_wire_attempt import ok, read_request, real, serve

__all__ = ["serve"]

PUBLIC = "93.184.216.34"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(name="wire")
def _wire(monkeypatch):
    """Let names resolve as `answers` say, one after the other, and note where a connection would have gone."""
    answers: list[list[str]] = []
    asked: list[str] = []
    reached: list[str] = []

    def resolved(host, port, *_, **__):
        asked.append(host)
        found = answers.pop(0) if answers else ["127.0.0.1"]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in found
        ]

    def connect(_self, host, port, *_, **__):
        reached.append(host)
        raise httpcore2.ConnectError("nobody is there")

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    return answers, asked, reached


def attempt(settings: dict[str, str] | None = None) -> Attempt:
    channel = Channel(name="news", platform="fake", settings=settings or {"url": "https://platform.example/"})
    return Attempt(channel, deadline=time.monotonic() + 20)


def test_a_name_is_asked_for_once_and_the_address_that_was_judged_is_the_one_connected_to(wire):
    answers, asked, reached = wire
    answers.append([PUBLIC])  # and 127.0.0.1 whenever it is asked again
    with attempt() as one, pytest.raises(httpx2.ConnectError):
        one.client.get("http://rebind.example/")
    assert (asked, reached) == (["rebind.example"], [PUBLIC])


def test_a_name_that_turns_inwards_between_two_requests_is_refused_at_the_second(wire):
    answers, asked, reached = wire
    answers.append([PUBLIC])
    with attempt() as one:
        with pytest.raises(httpx2.ConnectError):
            one.client.get("http://rebind.example/")
        with pytest.raises(Rejected, match=r"leads to 127\.0\.0\.1"):
            one.client.get("http://rebind.example/")
    assert (asked, reached) == (["rebind.example"] * 2, [PUBLIC])


@pytest.mark.parametrize(
    "inside",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("255.255.255.255", "198.18.0.1", "224.0.0.1", "240.0.0.1", "168.63.129.16", "100.100.100.200"),
        *("::1", "::", "fe80::1%eth0", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:10.0.0.1"),
        *("::ffff:0:10.0.0.1", "::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::"),
        *("2001:0:7f00:1::1", "2001:db8::1", "100::1", "5f00::1", "4000::1"),
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused_also_beside_a_public_address(wire, inside):
    answers, _, reached = wire
    answers.append([PUBLIC, inside])
    with attempt() as one, pytest.raises(Rejected, match="not a public address") as caught:
        one.client.post("https://friend.example/posts")
    assert (one.left, reached) == (0, [])
    assert "settings" in caught.value.tip
    assert not is_public(inside)


LOOPBACK = (
    *("http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://017700000001/"),
    *("http://0/", "http://localhost/", "http://LOCALHOST./", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::]/"),
    *("http://platform.example@127.0.0.1/", "http://platform.example:80@127.0.0.1:22/", "http://127.0.0.1#@platform.example/"),
    *("http://127.0.0.1?@platform.example/", "http://127。0。0。1/", "http://[::ffff:7f00:1]:80/", "https://127.0.0.1:443/"),
)  # fmt: skip


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_seen_through_however_it_is_written(monkeypatch, address):
    reached = []
    monkeypatch.setattr(
        httpcore2.SyncBackend, "connect_tcp", lambda _self, host, *_, **__: reached.append(host)
    )
    with attempt() as one, pytest.raises((Rejected, httpx2.ConnectError)) as caught:
        one.client.get(address)
    assert reached == []
    assert isinstance(caught.value, Rejected) or "no address" in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc/passwd", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "gopher://127.0.0.1/"),
        *("ftp://127.0.0.1/", "http:///etc/passwd", "//127.0.0.1/", "http://１２７.０.０.１/", "http://①②⑦.0.0.1/", "http://a\tb/"),
        *("http://0177.0.0.1/", "http://plat\u200bform.example/", "data:text/html,x"),
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_never_asked(wire, address):
    _, asked, reached = wire
    with attempt() as one, pytest.raises((httpx2.InvalidURL, httpx2.UnsupportedProtocol)) as caught:
        one.client.get(address)
    assert (asked, reached) == ([], [])
    assert isinstance(publish_error(caught.value, one), PublishError)


@pytest.mark.parametrize(
    "address",
    [
        "http://xn--pltform-4fg.example/",
        "http://pl\u0430tform.example/",
        "http://platform.example.evil.example/",
    ],
)
def test_a_look_alike_of_a_trusted_host_is_not_trusted(wire, address):
    with attempt() as one, pytest.raises(Rejected, match=r"leads to 127\.0\.0\.1"):
        one.client.get(address)
    assert wire[2] == []


@pytest.mark.parametrize(
    "address", ["http://platform.example/", "http://PLATFORM.example.:8080/", "https://a@platform.example/"]
)
def test_a_host_of_the_settings_may_lie_inside(wire, address):
    with attempt() as one, pytest.raises(httpx2.ConnectError):
        one.client.get(address)
    assert wire[2] == ["127.0.0.1"]


def test_a_redirect_of_a_trusted_host_leads_nowhere(serve):
    inside = []
    target = serve(inside.append).replace("127.0.0.1", "localhost")
    moved = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
    for status in (301, 302, 303, 307, 308):
        url = serve(
            lambda peer, status=status: (read_request(peer), peer.sendall(moved % (status, target.encode())))
        )
        with real(url) as one:
            assert one.client.get(url).status_code == status
            with pytest.raises(Rejected, match="not a public address"):
                one.client.get(one.client.get(url).headers["location"])
    assert inside == []


def test_proxies_of_the_environment_are_not_used(monkeypatch, wire):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    wire[0].append([PUBLIC])
    with attempt() as one, pytest.raises(httpx2.ConnectError):
        one.client.get("http://friend.example/")
    assert wire[2] == [PUBLIC]


ZEROS = bytes(100_000_000)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(gzip.compress(ZEROS)), b"gzip, gzip"),
        (gzip.compress(zlib.compress(ZEROS)), b"deflate,gzip"),
        (b"\x28\xb5\x2f\xfd", b"zstd"),
        (b"\x0b", b"br"),
    ],
)
def test_an_answer_packed_twice_or_in_other_ways_is_not_unpacked(serve, body, coding):
    said = ok(body, b"Content-Encoding: %s\r\n" % coding)
    url = serve(lambda connection: (read_request(connection), connection.sendall(said)))
    with real(url) as one, pytest.raises(httpx2.DecodingError, match="packed as") as caught:
        one.client.post(url)
    assert type(publish_error(caught.value, one)) is Uncertain
    with pytest.raises(Uncertain):
        judge(Receipt(remote_id="1"), one)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_answer_packed_once_is_unpacked_as_far_as_the_limit(serve, coding):
    packed = gzip.compress(ZEROS) if coding == "gzip" else zlib.compress(ZEROS)
    for body, expected in ((packed, httpx2.ReadError), (b"", None)):
        said = ok(
            body or gzip.compress(b'{"id": 1}'),
            b"Content-Encoding: %s\r\n" % (coding if body else "gzip").encode(),
        )
        url = serve(lambda connection, said=said: (read_request(connection), connection.sendall(said)))
        with real(url, 60) as one:
            if expected is None:
                assert one.client.post(url).json() == {"id": 1}
            else:
                with pytest.raises(expected, match="larger than 64 MB"):
                    one.client.post(url)


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
WHEN = st.one_of(
    HEADER,
    st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        [
            "0",
            "-1",
            "1e9",
            "9" * 400,
            "NaN",
            "inf",
            "Mon, 99 Foo 99999 99:99:99 +9999",
            "٣",
            ",",
            "100, 100;w=60",
        ]
    ),
)
FAMILIES = ("x-ratelimit-", "ratelimit-")
NAMES = ("retry-after", "date", *(f + name for f in FAMILIES for name in ("remaining", "limit", "reset")))


@FUZZ
@given(st.dictionaries(st.sampled_from(NAMES), WHEN))
@example({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"})
@example({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359", "date": "Mon, 01 Jan 0001 00:00:00 +2359"})
@example(
    {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999-12-31T23:59:59-23:59", "x-ratelimit-limit": "0"}
)
def test_no_header_asks_for_more_than_a_day_or_breaks_the_count(headers):
    wait = wire_limits.retry_after(headers, NOW)
    assert wait is None or timedelta() <= wait <= wire_limits.LONGEST_WAIT
    found = wire_limits.budget(headers, NOW)
    if found is not None:
        assert found.rest is None or timedelta() <= found.rest <= wire_limits.LONGEST_REST
        assert 0 <= found.share <= 1


CANARY = 's3cr3t-c4n4ry/+=é"\\'


@FUZZ
@given(
    st.recursive(
        st.one_of(TEXT, st.just(CANARY), st.tuples(TEXT, TEXT).map(CANARY.join)),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.one_of(TEXT, st.just(CANARY)), inner)),
        max_leaves=10,
    )
)
def test_no_secret_survives_wherever_it_stands(said):
    clean = Redactor({"token": CANARY})
    kept = json.dumps(clean.tree(said), ensure_ascii=False)
    assert CANARY not in kept
    assert json.dumps(CANARY, ensure_ascii=False)[1:-1] not in kept


@FUZZ
@given(JSON, TEXT)
@example({"a": float("nan"), "\ud800": "\ud800"}, '{"access_token": "' + "\\" * 9)
def test_evidence_of_any_answer_can_be_kept(said, text):
    clean = Redactor({"token": "a-long-secret"})
    json.dumps(clean.tree(said), allow_nan=False).encode()
    clean(text).encode()
    evidence.parts(f"multipart/form-data; boundary={text}", text.encode("utf-8", "replace"))
    assert isinstance(evidence.bounded(said), object)


@pytest.mark.parametrize(
    "text",
    ['"' * 400_000, '"token":"' + "\\" * 400_001, "token" * 80_000, '"token" ' * 60_000, "access_" * 60_000,
     "a-" * 200_000, "refresh-token=" * 30_000, "x" * 400_000, "[" * 400_000],
)  # fmt: skip
def test_redacting_takes_time_in_proportion_to_the_text(text):
    code = f"""
from govpost.evidence import Redactor
print(len(Redactor({{"token": "a-long-secret"}}, {{"user": "somebody"}})({text!r})) > 0)
"""
    assert run_apart(code) == "True\n"
