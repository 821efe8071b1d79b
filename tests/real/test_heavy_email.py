"""A bulletin on Postfix: each copy is delivered, and what cannot be delivered comes back under our own names."""

from __future__ import annotations

from pathlib import Path

import pytest

from govpost_email.reports import News
from govpost_email.reports import read as read_report
from govpost_email.settings import Settings
from live import until
from real.servers.postfix import Postfix
from real.town import Seat, lay, town

pytestmark = pytest.mark.heavy

LIST_KEY = "a key for references of this test"


def test_copies_are_delivered_and_a_bounce_names_the_copy_and_its_reader(
    tmp_path: Path, postfix: Postfix
) -> None:
    readers = tmp_path / "readers.csv"
    lay(readers, "email\nann@example.com\nñandú@example.com\nunknown-1@example.com\ngone@nowhere.example\n")
    settings = (
        f'{{ host = "{postfix.host}", port = {postfix.port}, user = "{postfix.user}", ca_file = "{postfix.ca_file}",'
        f' sender = "news@example.com", list_file = "{readers}" }}'
    )
    secrets = {"password": postfix.password, "list_key": LIST_KEY}
    made = town(tmp_path, Seat(name="bulletin", platform="email", settings=settings, secrets=secrets))
    assert "smtputf8" in str(made.ask("channel", "verify", "bulletin")).lower()
    made.release("storm", "The storm is over.", channels="website, bulletin")
    made.run("daemon", "--until-idle", by=None)
    assert sorted(made.states("storm", "bulletin")) == ["failed", "live", "live", "live"]
    sent = {each["remote_id"] for each in made.deliveries("storm", "bulletin") if each["remote_id"]}
    until(lambda: len(arrived(postfix, sent)) == 2 and bounces(postfix, sent), 90)
    (bounce,) = bounces(postfix, sent)
    assert (bounce.kind, bounce.status, bounce.ends) == ("bounce", "5.1.1", True)
    assert f".{bounce.ref}@" in str(bounce.about)
    assert "nowhere" not in bounce.text


def arrived(postfix: Postfix, sent: set[str]) -> list[bytes]:
    """Return our copies in the box, bounces aside."""
    mails = [raw for raw in postfix.raw_mails() if b"multipart/report" not in raw]
    return [raw for raw in mails if any(f"Message-ID: {each}".encode() in raw for each in sent)]


def bounces(postfix: Postfix, sent: set[str]) -> list[News]:
    """Return the bounces of our copies, as the plugin reads them."""
    settings = Settings.model_validate(
        {"host": "localhost", "sender": "news@example.com", "to": "a@example.com"}
    )
    news = [read_report(raw, settings, LIST_KEY) for raw in postfix.raw_mails()]
    return [each for each in news if each.kind == "bounce" and each.about in sent]
