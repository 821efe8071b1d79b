"""Lists, addresses and those who left: what is read, what is refused, and that no address leaks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from govpost import NotWanted, Rejected, Unauthorized, Unavailable
from govpost.testing import FakeWire
from govpost_email import Email
from govpost_email.addresses import parse, reference, token, who_wrote, without_addresses
from govpost_email.lists import roll
from govpost_email.settings import Settings
from govpost_email.test_common import LIST_KEY, Desk, Office, mail_server, variant
from govpost_email.wishes import note


@pytest.fixture
def office(tmp_path):
    return Office(folder=tmp_path, port=1)


def ref(address: str) -> str:
    return reference(parse(address).normal, LIST_KEY)


def everyone(office: Office) -> list[str]:
    channel = office.channel
    return [
        entry.address.mailbox if entry.address else f"? {entry.place}"
        for entry in roll(Settings.of(channel), channel).values()
    ]


# Addresses


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("ana@example.gov", "ana@example.gov"),
        ("  Ana.Ruiz+news@Example.GOV ", "Ana.Ruiz+news@example.gov"),
        ("o'neil@example.gov", "o'neil@example.gov"),
        ("ñandú@münchen.example", "ñandú@xn--mnchen-3ya.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("n\u0303@example.gov", "ñ@example.gov"),
    ],
)
def test_an_address_is_read_as_people_write_it(text, mailbox):
    assert parse(text).mailbox == mailbox


NO_ADDRESSES = """
ana|@example.gov|ana@|ana@@example.gov|a b@example.gov|ana@exa mple.gov|ana@localhost|<ana@example.gov>|.ana@example.gov
ana.@example.gov|a..b@example.gov|"a b"@example.gov|ana@[127.0.0.1]|ana@127.0.0.1|ana@-example.gov|ana,ben@example.gov
ana@example.gov.|ana@example..gov|ana@example.gov;ben@example.gov
"""
BROKEN = (
    "",
    "ana@example.gov\r\nRCPT TO:<x@y.example>",
    "ana\r\n@example.gov",
    "a\0b@x.gov",
    "a\u200bb@x.gov",
)
TOO_LONG = ("x" * 65 + "@example.gov", "ana@" + "a" * 64 + ".gov", "x" * 60 + "@" + ".".join(["a" * 49] * 4))


@pytest.mark.parametrize("text", [*NO_ADDRESSES.strip().replace("\n", "|").split("|"), *BROKEN, *TOO_LONG])
def test_what_is_no_address_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match=r"@|address") as caught:
        parse(text)
    assert not text.strip() or text.strip() not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_at_all_can_break_a_command(text):
    try:
        mailbox = parse(text).mailbox
    except ValueError:
        return
    assert not set("\r\n\0 <>") & set(mailbox)
    assert mailbox.count("@") == 1


def test_a_reference_is_the_same_for_every_spelling_and_another_under_another_key():
    assert ref("Ana@Example.GOV") == ref("ana@example.gov")
    assert reference("ana@example.gov", "another key of the city") != ref("ana@example.gov")
    assert len(ref("ana@example.gov")) == 20


def test_a_token_tells_who_left_and_a_made_up_one_tells_nothing():
    known = ref("ana@example.gov")
    assert who_wrote(token(known, LIST_KEY), LIST_KEY) == known
    assert who_wrote(f"{known}-{'0' * 20}", LIST_KEY) is None
    assert who_wrote(known, LIST_KEY) == known
    assert who_wrote("<ANA@example.gov>", LIST_KEY) == known
    assert who_wrote("hello", LIST_KEY) is None


def test_addresses_are_taken_out_of_what_servers_say():
    assert without_addresses("550 <ana@x.example>: no (ana@x.example)") == "550 <[address]>: no ([address])"


# Lists


def test_a_list_from_a_spreadsheet_is_read(office):
    (office.folder / "residents.csv").write_bytes(
        '\ufeffName;E-Mail;Street\r\n"Ruiz; Ana";ana@example.gov;Oak\r\nBen;BEN@example.gov;Elm\r\n;;\r\n'.encode()
    )
    office.more = {"address_column": "e-mail", "name_column": "Name"}
    channel = office.channel
    entries = list(roll(Settings.of(channel), channel).values())
    assert [(entry.name, entry.address.mailbox, entry.place) for entry in entries] == [
        ("Ruiz; Ana", "ana@example.gov", "line 2 of residents.csv"),
        ("Ben", "BEN@example.gov", "line 3 of residents.csv"),
    ]


def test_each_is_on_the_list_once(office):
    office.people("ana@example.gov", "ANA@EXAMPLE.GOV", "ben@example.gov", " ana@example.gov ")
    assert everyone(office) == ["ana@example.gov", "ben@example.gov"]


def test_a_bad_address_is_that_copys_trouble_and_is_named_by_its_line(tmp_path):
    desk = Desk()
    with mail_server(desk) as port:
        office = Office(folder=tmp_path, port=port)
        office.people("ana@example.gov", "ben at example.gov", "cleo@example.gov")
        first, bad, last = office.refs()
        office.send(variant(1, recipient=first))
        with pytest.raises(Rejected, match=rf"{bad} \(line 3 of residents.csv\)") as caught:
            office.send(variant(2, recipient=bad))
        assert "govpost post cancel" in caught.value.tip
        office.send(variant(3, recipient=last))
    assert "ben" not in str(caught.value)
    assert desk.asked == ["ana@example.gov", "cleo@example.gov"]


def test_a_name_with_line_breaks_is_written_on_one_line(office):
    (office.folder / "residents.csv").write_text(
        'email,name\nana@example.gov,"Ana\r\nBcc: x"\nben@example.gov\n'
    )
    office.more = {"name_column": "name"}
    channel = office.channel
    assert [entry.name for entry in roll(Settings.of(channel), channel).values()] == ["Ana Bcc: x", ""]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no column 'email'"),
        (b"email\n\n", "the list is empty"),
        (b"name,mail\nAna,ana@example.gov\n", "its first line names 'name', 'mail'"),
        (b"ana@example.gov\nben@example.gov\n", r"'\[address\]'"),
        ("email\nñ@example.gov\n".encode("latin-1"), "not written in UTF-8"),
        (b'email\n"ana@example.gov"x\n', "not a CSV file"),
        (None, "cannot be read"),
    ],
)
def test_a_list_that_cannot_be_read_makes_the_bulletin_wait(office, data, said):
    if data is not None:
        (office.folder / "residents.csv").write_bytes(data)
    with pytest.raises(Unavailable, match=said) as caught:
        office.refs()
    assert caught.value.tip
    assert "ana@" not in str(caught.value)


def test_a_list_that_changed_is_read_again(office):
    office.people("ana@example.gov")
    assert everyone(office) == ["ana@example.gov"]
    office.people("ana@example.gov", "ben@example.gov")
    assert everyone(office) == ["ana@example.gov", "ben@example.gov"]


def database(office: Office, query: str = "SELECT email FROM people ORDER BY email", **more) -> Office:
    path = office.folder / "people.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (email TEXT, name TEXT, wanted INTEGER)")
        rows = [
            ("ben@example.gov", None, 1),
            ("ana@example.gov", "Ana", 1),
            ("no address", "", 1),
            (None, "", 1),
        ]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    connection.close()
    office.more = {"list_file": None, "list_url": f"sqlite:///{path}", "list_query": query, **more}
    return office


def test_a_list_from_a_database_is_read(office):
    assert everyone(database(office)) == ["ana@example.gov", "ben@example.gov", "? row 4 of the query"]


def test_a_query_with_several_columns_names_them(office):
    database(office, "SELECT name, email FROM people ORDER BY email", name_column="name")
    assert everyone(office) == ["ana@example.gov", "ben@example.gov", "? row 4 of the query"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT name, email AS mail FROM people", "the query has no column 'email'"),
        ("SELECT email FROM nowhere", "cannot be queried: no such table"),
        ("SELECT email FROM people WHERE 0", "the query names no address"),
    ],
)
def test_a_query_that_brings_no_list_makes_the_bulletin_wait(office, query, said):
    with pytest.raises(Unavailable, match=said):
        database(office, query).refs()


def test_the_password_of_a_database_is_a_secret(office):
    office.secrets = {"list_password": "a-word-of-the-database"}
    office.more = {
        "list_file": None,
        "list_url": "nowhere://reader@db.example.gov/lists",
        "list_query": "SELECT 1",
    }
    with pytest.raises(Unavailable, match="cannot be queried") as caught:
        office.refs()
    assert "a-word-of" not in str(caught.value)


def test_one_address_needs_neither_list_nor_key(office):
    office.more = {"to": "bulletin@lists.example.gov", "list_file": None}
    office.secrets = {"list_key": ""}
    assert office.refs() == ["to"]


def test_without_a_list_key_nobody_can_be_named(office):
    office.people("ana@example.gov")
    office.secrets = {"list_key": "short"}
    with pytest.raises(Unauthorized, match="no list_key") as caught:
        office.refs()
    assert "channel login bulletin" in caught.value.tip


def test_a_copy_for_nobody_is_rejected(office):
    office.people("ana@example.gov")
    with pytest.raises(Rejected, match="for whom"):
        office.send(variant())


# Those who left


def test_who_left_by_the_file_gets_nothing(office):
    office.people("ana@example.gov", "ben@example.gov", "cleo@example.gov", "dora@example.gov")
    left = office.folder / "left.txt"
    left.write_text(
        f"# those who left\nANA@example.gov\n{ref('ben@example.gov')}  # by telephone\n\n"
        f"{token(ref('cleo@example.gov'), LIST_KEY)}\n"
    )
    office.more = {"unsubscribed_file": str(left)}
    assert office.refs() == [ref("dora@example.gov")]


def test_who_leaves_between_planning_and_sending_gets_nothing(office):
    office.people("ana@example.gov")
    left = office.folder / "left.txt"
    left.write_text("")
    office.more = {"unsubscribed_file": str(left)}
    (who,) = office.refs()
    left.write_text("ana@example.gov\n")
    with pytest.raises(NotWanted, match=f"recipient {who} no longer wants"):
        office.send(variant(recipient=who))


def test_nothing_is_sent_while_it_is_not_known_who_left(office):
    office.people("ana@example.gov")
    office.more = {"unsubscribed_file": str(office.folder / "left.txt")}
    with pytest.raises(Unavailable, match=r"left\.txt, which says who left the list, is not in") as caught:
        office.send(variant(recipient=ref("ana@example.gov")))
    assert "make it empty if nobody has left" in caught.value.tip
    (office.folder / "left.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(Unavailable, match="cannot be read"):
        office.refs()


def test_who_bounced_gets_nothing_and_is_noted_once(office):
    office.people("ana@example.gov", "ben@example.gov")
    path = office.folder / "notes" / "bounced.txt"
    office.more = {"suppressed_file": str(path)}
    assert len(office.refs()) == 2
    note(path, frozenset({ref("ana@example.gov")}), LIST_KEY)
    note(path, frozenset({ref("ana@example.gov")}), LIST_KEY)
    assert path.read_text() == f"{token(ref('ana@example.gov'), LIST_KEY)}\n"
    assert office.refs() == [ref("ben@example.gov")]


def test_an_address_that_knows_is_asked_with_the_token(office):
    office.people("ana@example.gov", "ben@example.gov")
    office.more = {"unsubscribed_url": "https://riverton.example.gov/left"}
    office.secrets = {"unsubscribed_token": "the token of the list"}
    wire = FakeWire((200, [token(ref("ana@example.gov"), LIST_KEY), "ben@other.example"]))
    assert office.refs(wire) == [ref("ben@example.gov")]
    assert str(wire.requests[0].url) == "https://riverton.example.gov/left"
    assert wire.requests[0].headers["authorization"] == "Bearer the token of the list"


def test_an_address_that_tells_what_nobody_understands_makes_the_bulletin_wait(office):
    office.people("ana@example.gov", "ben@example.gov")
    office.more = {"unsubscribed_url": "https://riverton.example.gov/left"}
    wire = FakeWire((200, ["ben@example.gov", token(ref("ana@example.gov"), "a list key of another day")]))
    with pytest.raises(Unavailable, match="text 2 of the answer of unsubscribed_url"):
        office.refs(wire)


def test_before_a_copy_only_its_own_recipient_is_asked_for(office):
    office.people("ana@example.gov")
    office.more = {"unsubscribed_url": "https://riverton.example.gov/left"}
    who = ref("ana@example.gov")
    wire = FakeWire((200, [who]))
    with pytest.raises(NotWanted):
        office.send(variant(recipient=who), wire=wire)
    assert wire.requests[0].url.params["recipient"] == who
    assert "authorization" not in wire.requests[0].headers


@pytest.mark.parametrize("answer", [500, 404, 401, (200, {"left": []}), (200, [1]), 204])
def test_an_address_that_does_not_tell_makes_the_bulletin_wait(office, answer):
    office.people("ana@example.gov")
    office.more = {"unsubscribed_url": "https://riverton.example.gov/left"}
    with pytest.raises(Unavailable):
        office.send(variant(recipient=ref("ana@example.gov")), wire=FakeWire(answer))


# Settings


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("host", "", "host"),
        ("host", "smtp://mail.example.gov", "host"),
        ("port", 0, "port"),
        ("sender", "City of Riverton", "one @"),
        ("sender_name", "City\r\nBcc: x", "sender_name"),
        ("to", "list@lists.example.gov", "one of list_file, list_url or to"),
        ("list_file", None, "one of list_file, list_url or to"),
        ("list_query", "SELECT 1", "go together"),
        ("tls", "none", "on this very machine"),
        ("tls", "ssl", "tls"),
        ("unsubscribe_url", "https://example.gov/u", "{token} once"),
        ("unsubscribe_url", "http://example.gov/u/{token}", "https"),
        ("unsubscribe_url", "https://ana@example.gov/u/{token}", "plain address"),
        ("unsubscribe_url", "https://example.gov/u,/{token}", "plain address"),
        ("unsubscribed_url", "left.json", "https"),
        ("list_url", "sqlite:///people.db", "four slashes"),
        ("list_url", "people.db", "database address"),
        ("list_id", "Riverton news", "host name"),
        ("imap_host", "imap.example.gov", "suppressed_file"),
        ("dkim_selectors", ["a b"], "dkim_selectors"),
        ("domain", "nowhere", "domain"),
        ("language", "English!", "language"),
        ("colour", "blue", "colour"),
    ],
)
def test_settings_that_cannot_be_are_named(setting, value, said):
    good = {"host": "mail.example.gov", "sender": "news@example.gov", "list_file": "residents.csv"}
    assert Settings.model_validate(good).security == "starttls"
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate(good | {setting: value})


def test_the_readme_tells_of_every_setting():
    said = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`{name}`" not in said] == []


def test_what_is_not_set_follows_from_what_is():
    about = Settings.model_validate(
        {"host": "m", "port": 465, "sender": "News@Example.gov", "to": "all@example.gov"}
    )
    assert about.security == "tls"
    assert (about.own_domain, about.envelope_sender, about.leaving_address) == (
        "example.gov",
        *["News@example.gov"] * 2,
    )
    assert about.leaving_page("t") is None
    more = about.model_copy(
        update={"bounces_to": "b@example.gov", "domain": "x.example", "reply_to": "r@example.gov"}
    )
    assert (more.own_domain, more.envelope_sender, more.leaving_address) == (
        "x.example",
        "b@example.gov",
        "r@example.gov",
    )


def test_the_servers_size_bounds_a_picture(office):
    office.limits = {"size": 1_100_000}
    assert Email().adapted(office.channel).max_media_bytes == 700_000
    for unknown in ({}, {"size": None}, {"size": 0}, {"size": 100_000_000}):
        office.limits = unknown
        assert Email().adapted(office.channel).max_media_bytes == 5_000_000
