"""Which hosts are trusted, and which addresses are the open internet."""

import socket
import time

import httpcore2
import pytest

from govpost.errors import Rejected
from govpost.wire_guard import is_public, refuse_private, resolve, trusted_hosts


@pytest.mark.parametrize(
    ("setting", "host"),
    [
        ("https://Social.City.example.gov/api", "social.city.example.gov"),
        ("http://127.0.0.1:8000/x", "127.0.0.1"),
        ("http://[::1]:80/", "::1"),
        ("social.example", "social.example"),
        ("social.example.:8443", "social.example"),
        ("localhost:9000", "localhost"),
        ("localhost", "localhost"),
        ("https://m\u00fcnchen.example/", "xn--mnchen-3ya.example"),
        ("[::1]:80", "::1"),
    ],
)
def test_a_host_that_stands_in_the_settings_is_trusted(setting, host):
    assert trusted_hosts({"deep": [{"er": setting}]}) == {host}


@pytest.mark.parametrize(
    "setting", ["public", "two words", "", "https://", "https://x.example:port/", "a@b.example", 7, None]
)
def test_what_is_no_host_is_not_trusted(setting):
    assert trusted_hosts({"x": setting}) == frozenset()


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]
)
def test_the_open_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff0e::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    ],
)
def test_an_inside_address_is_not_public_however_it_is_wrapped(address):
    assert not is_public(address)


def test_one_inside_address_among_public_ones_refuses_the_host():
    with pytest.raises(Rejected, match=r"leads to 10\.0\.0\.1"):
        refuse_private("rebind.example", ["93.184.216.34", "10.0.0.1"])
    refuse_private("good.example", ["93.184.216.34"])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1"])
def test_odd_spellings_of_loopback_are_seen_through(host):
    assert resolve(host, 80, 5) == ["127.0.0.1"]


def test_a_name_that_has_no_address_is_no_connection(monkeypatch):
    def nothing(*_, **__):
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(httpcore2.ConnectError, match="no address"):
        resolve("nowhere.example", 80, 5)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2) or [])
    started = time.monotonic()
    with pytest.raises(httpcore2.ConnectTimeout):
        resolve("slow.example", 80, 0.1)
    assert time.monotonic() - started < 1


def test_an_address_in_digits_asks_no_resolver(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a resolver was asked"))
    assert resolve("127.0.0.1", 80, 1) == ["127.0.0.1"]
    assert resolve("::1", 80, 1) == ["::1"]
