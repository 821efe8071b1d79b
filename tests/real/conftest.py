"""The servers as fixtures, one of each for a test process; README.md says what they offer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from real.servers.appview import AppView
from real.servers.mail import MailServer
from real.servers.mastodon import Mastodon
from real.servers.pds import Pds
from real.servers.postfix import Postfix
from real.servers.process import Server, Unavailable
from real.servers.proxy import Proxy
from real.servers.smtp_proxy import SmtpProxy
from real.servers.wordpress import WordPress

HERE = Path(__file__).parent
SWITCH = "GOVPOST_REAL"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder, and leave it out unless the real servers are asked for."""
    out = pytest.mark.skip(reason="needs a real server: `make test-real` installs and starts it")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.real)
            if not os.environ.get(SWITCH):
                item.add_marker(out)


def running(kind: type[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give the server that the environment names, or start one and end it."""
    outside = kind.from_environment()
    if outside:
        yield outside
        return
    try:
        server = kind(tmp_path_factory.mktemp(kind.name))
    except Unavailable as why:
        if os.environ.get(SWITCH) == "require":
            pytest.fail(f"{kind.name}: {why}")
        pytest.skip(f"{kind.name}: {why}")
    with server:
        yield server


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The Bluesky PDS."""
    yield from running(Pds, tmp_path_factory)


@pytest.fixture(scope="session")
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the Mastodon family."""
    yield from running(Mastodon, tmp_path_factory)


@pytest.fixture(scope="session")
def wordpress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The WordPress site."""
    yield from running(WordPress, tmp_path_factory)


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The SMTP submission server."""
    yield from running(MailServer, tmp_path_factory)


@pytest.fixture(scope="session")
def appview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PDS with an AppView (heavy)."""
    yield from running(AppView, tmp_path_factory)


@pytest.fixture(scope="session")
def postfix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Postfix (heavy)."""
    yield from running(Postfix, tmp_path_factory)


@pytest.fixture
def proxied() -> Iterator[Callable[[Server], Proxy]]:
    """Return what puts a proxy in front of a server's `url`, for this test."""
    with contextlib.ExitStack() as stack:
        yield lambda server: stack.enter_context(Proxy(server.url))


@pytest.fixture
def mail_proxy(mail: MailServer) -> Iterator[SmtpProxy]:
    """A proxy in front of the submission server, for this test."""
    mail.ours()
    with SmtpProxy(mail) as proxy:
        yield proxy
