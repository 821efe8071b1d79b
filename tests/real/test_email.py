"""A bulletin through the command line: what lies in each reader's mail is what was approved."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli_city import Said, finish, process
from real.servers.mail import Mail, MailServer
from real.town import ALTS, Seat, Town, lay, town

READERS = ("ann@residents.example", "bob@residents.example", "cyd@residents.example")
BODY = """\
The bridge is closed on **Friday** – “Danke!” 👩🏽‍🚒 & *see* [the plan](https://riverton.example.gov/plan?a=1&b=2).

## What to do

1. Take Oak Street
2. Allow time

> Stay <b>safe</b>, says the mayor.

| From | To |
|------|----|
| 6 am | 6 pm |
"""


@dataclass(frozen=True, kw_only=True)
class Post:
    """A town whose one channel besides its website is a bulletin."""

    town: Town
    server: MailServer
    before: int

    def mails(self, reader: str = "") -> list[Mail]:
        """Return what this town's readers got, oldest first."""
        return [mail for mail in self.server.mails()[self.before :] if reader in ("", *mail.recipients)]

    def readers(self, *addresses: str) -> None:
        write(self.town.root / "readers.csv", *addresses)


def write(path: Path, *addresses: str) -> None:
    lay(path, "\n".join(["Name;E-mail", *(f"Reader;{each}" for each in addresses)]) + "\n")


def seat(server: MailServer, folder: Path, port: int = 0, **secrets: str) -> Seat:
    """Return the bulletin's seat; `port` may be a proxy's."""
    lists = (
        f'list_file = "{folder / "readers.csv"}", address_column = "e-mail",'
        f' unsubscribed_file = "{folder / "left.txt"}"'
    )
    return Seat(
        name="bulletin",
        platform="email",
        settings=(
            f'{{ host = "{server.host}", port = {port or server.port}, tls = "starttls", user = "{server.user}",'
            f' ca_file = "{server.ca_file}", sender = "news@riverton.example.gov", sender_name = "City of Riverton",'
            f' unsubscribe_url = "https://riverton.example.gov/u/{{token}}", {lists} }}'
        ),
        secrets=secrets or {"password": server.password, "list_key": "a key for references of this test"},
    )


def posted(folder: Path, server: MailServer, place: Seat) -> Post:
    lay(folder / "left.txt", "")
    write(folder / "readers.csv", *READERS)
    return Post(town=town(folder, place), server=server, before=len(server.mails()))


@pytest.fixture
def post(tmp_path: Path, mail: MailServer) -> Post:
    mail.ours()
    return posted(tmp_path, mail, seat(mail, tmp_path))


def read(markup: str) -> str:
    """Return the words that a reader sees."""
    body = re.sub(r"<title>.*?</title>", "", markup)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def promised(markdown: str) -> str:
    """Return the words of a preview in Markdown, read by the parser itself."""
    from markdown_it import MarkdownIt

    return read(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown))


def rich(mail: Mail) -> str:
    part = mail.message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_every_reader_gets_what_the_preview_promised(post: Post) -> None:
    post.town.release("bridge", BODY, channels="website, bulletin", pictures=2)
    post.town.deliver()
    assert post.town.states("bridge", "bulletin") == ["live"] * 3
    (promise,) = post.town.promised("bridge", "bulletin")
    assert sorted(mail.recipients for mail in post.mails()) == sorted((reader,) for reader in READERS)
    for mail in post.mails():
        assert mail.tls and mail.user == post.server.user
        assert mail.message["Subject"] == promise["title"]
        assert promised(promise["text"]) in read(rich(mail))
        assert promise["link"] in read(rich(mail)) and f'href="{promise["link"]}"' in rich(mail)
        plain = mail.message.get_body(("plain",))
        assert plain is not None and promise["link"] in plain.get_content()
        assert "The bridge is closed on Friday – “Danke!” 👩🏽‍🚒 & see the plan" in plain.get_content()


def test_every_picture_arrives_with_its_bytes_and_its_description(post: Post) -> None:
    post.town.release("bridge", "Closed.", channels="website, bulletin", pictures=2)
    post.town.deliver()
    (promise,) = post.town.promised("bridge", "bulletin")
    assert [medium["alt"] for medium in promise["media"]] == list(ALTS)
    for mail in post.mails():
        shown = re.findall(r'<img src="cid:([^"]*)" alt="([^"]*)"', rich(mail))
        assert [html.unescape(alt) for _, alt in shown] == list(ALTS)
        inside = {
            str(part["Content-ID"]): part.get_content() for part in mail.message.walk() if part["Content-ID"]
        }
        for number, (name, _) in enumerate(shown):
            source = post.town.root / "content" / "bridge" / f"picture-{number}.png"
            assert inside[f"<{name}>"] == source.read_bytes()


def test_each_can_leave_by_a_token_of_their_own(post: Post) -> None:
    post.town.release("first", "The first.", channels="website, bulletin")
    post.town.deliver()
    tokens = {
        mail.recipients[0]: re.findall(r"/u/([0-9a-f-]+)>", str(mail.message["List-Unsubscribe"]))
        for mail in post.mails()
    }
    assert len({each[0] for each in tokens.values()}) == 3
    assert all(mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" for mail in post.mails())
    lay(post.town.root / "left.txt", tokens[READERS[1]][0] + "\n")
    post.town.release("second", "The second.", channels="website, bulletin")
    post.town.deliver()
    assert post.town.states("second", "bulletin") == ["live"] * 2
    assert len(post.mails(READERS[1])) == 1 and len(post.mails(READERS[0])) == 2


def test_one_readers_trouble_is_that_copys_alone(post: Post) -> None:
    post.readers(
        "unknown-1@residents.example", "ann@residents.example", "no address", "bob@residents.example"
    )
    post.town.release("fair", "The fair.", channels="website, bulletin")
    post.town.run("daemon", "--until-idle", by=None)
    assert sorted(post.town.states("fair", "bulletin")) == ["failed", "failed", "live", "live"]
    assert {mail.recipients[0] for mail in post.mails()} == {"ann@residents.example", "bob@residents.example"}
    reasons = " ".join(
        each["reason"] for each in post.town.deliveries("fair", "bulletin") if each["state"] == "failed"
    )
    assert "550 5.1.1" in reasons and "line 4 of readers.csv" in reasons


def test_no_address_stands_in_the_records(post: Post) -> None:
    post.readers(*READERS, "unknown-1@residents.example")
    post.town.release("fair", "The fair.", channels="website, bulletin")
    post.town.run("daemon", "--until-idle", by=None)
    assert len(post.mails()) == 3
    for path in (post.town.root / ".govpost").rglob("*"):
        if path.is_file():
            assert b"@residents.example" not in path.read_bytes(), path


def test_the_copies_of_a_bulletin_count_once(tmp_path: Path, mail: MailServer) -> None:
    from dataclasses import replace

    mail.ours()
    place = replace(seat(mail, tmp_path), rate='windows = ["always"]\nper_day = 2')
    post = posted(tmp_path, mail, place)
    for slug in ("one", "two"):
        post.town.release(slug, f"News of {slug}.", channels="website, bulletin")
    post.town.deliver()
    assert post.town.states("one", "bulletin") == post.town.states("two", "bulletin") == ["live"] * 3


def test_a_correction_is_a_bulletin_that_says_so(post: Post) -> None:
    post.town.release("fair", "The fair is on Friday.", channels="website, bulletin")
    post.town.deliver()
    post.town.release(
        "fair-again", "The fair is on Saturday.", channels="website, bulletin", more="corrects: fair\n"
    )
    post.town.deliver()
    for reader in READERS:
        first, second = post.mails(reader)
        assert "Saturday" in rich(second) and "Saturday" not in rich(first)
        assert "This bulletin corrects an earlier one. If you have that one, please go by this one." in rich(
            second
        )
        assert second.message["In-Reply-To"] is None


def test_a_bulletin_cannot_be_taken_back(post: Post) -> None:
    post.town.release("fair", "The fair is on Friday.", channels="website, bulletin")
    post.town.deliver()
    post.town.run("post", "withdraw", "fair", "--reason", "error")
    post.town.run("daemon", "--until-idle", by=None)
    assert set(post.town.states("fair", "bulletin")) == {"live"}
    assert len(post.mails()) == 3


def test_a_thread_of_four_is_no_bulletin(post: Post) -> None:
    parts = "".join(f"    - Part {n}.\n" for n in range(1, 5))
    folder = post.town.root / "content" / "guide"
    folder.mkdir(parents=True)
    path = post.town.write("guide", channels="website, bulletin", more=f"wording:\n  bulletin:\n{parts}")
    said = post.town.run("post", "add", str(path.relative_to(post.town.root)), by="ana")
    assert said.code == 1
    assert "bulletin" in said.out + said.err


def logged_in(post: Post, mail: MailServer) -> Said:
    """Log the bulletin's channel in, as a person at a terminal."""
    running = process("-C", str(post.town.root), "--as", "ben", "channel", "login", "bulletin", stdin=-1)
    assert running.stdin is not None
    running.stdin.write(f"{mail.password}\n")
    running.stdin.flush()
    return finish(running)


def test_logging_in_again_brings_nobody_back_who_left(tmp_path: Path, mail: MailServer) -> None:
    mail.ours()
    post = posted(tmp_path, mail, seat(mail, tmp_path, password=mail.password))
    assert logged_in(post, mail).code == 0
    post.town.release("first", "The first.", channels="website, bulletin")
    post.town.deliver()
    (gone,) = post.mails(READERS[1])
    (mark,) = re.findall(r"/u/([0-9a-f-]+)>", str(gone.message["List-Unsubscribe"]))
    (tmp_path / "left.txt").write_text(f"{mark}\n")
    logged_in(post, mail)
    post.town.release("second", "The second.", channels="website, bulletin")
    post.town.deliver()
    assert len(post.mails(READERS[1])) == 1
    assert [len(post.mails(reader)) for reader in (READERS[0], READERS[2])] == [2, 2]


def test_login_and_verify_say_who_we_are_and_keep_the_limits(tmp_path: Path, mail: MailServer) -> None:
    mail.ours()
    post = posted(tmp_path, mail, seat(mail, tmp_path, list_key="a key for references of this test"))
    said = logged_in(post, mail)
    assert said.code == 0, said
    assert mail.password not in said.out + said.err
    account = post.town.ask("channel", "verify", "bulletin")
    assert "City of Riverton <news@riverton.example.gov>" in str(account)
    assert "3 get it" in str(account)
    post.town.release("fair", "The fair.", channels="website, bulletin")
    post.town.deliver()
    assert len(post.mails()) == 3


def test_a_wrong_password_is_found_out_before_anything_is_sent(tmp_path: Path, mail: MailServer) -> None:
    mail.ours()
    secrets = {"password": "wrong-password", "list_key": "a key for references of this test"}
    post = posted(tmp_path, mail, seat(mail, tmp_path, **secrets))
    said = post.town.run("channel", "verify", "bulletin")
    assert said.code == 1
    assert "535" in said.out + said.err
    assert post.mails() == []
