"""Links, tags and mentions are marked by UTF-8 bytes; the vectors are the fact sheet's."""

import json

import pytest

from govpost_bluesky.facets import facets, handles, last_link, marks
from govpost_bluesky.settings import HANDLE
from govpost_bluesky.test_common import SHARED


def found(text):
    return [(mark.kind, mark.value) for mark in marks(text)]


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine: ../shared/data/bsky is missing")
    return path


def test_the_offsets_are_those_of_the_vectors():
    for vector in json.loads(shared("vectors.json").read_text())["facets"]:
        text = vector["text"]
        places = {
            (facet["index"]["byteStart"], facet["index"]["byteEnd"])
            for facet in facets(text, {"atproto.com": "did:plc:example"})
        }
        marked = [each for each in vector["facets"] if each["substring"][:1] in "@#h"]
        assert places == {
            (each["byteStart"], each["byteEnd"]) for each in marked if "this" not in each["substring"]
        }


def test_the_offsets_count_bytes_not_letters():
    text = "✨ 👨‍❤️‍👨 see https://exemple.gouv.example/é #Météo"
    for facet in facets(text, {}):
        index = facet["index"]
        part = text.encode()[index["byteStart"] : index["byteEnd"]].decode()
        assert part in ("https://exemple.gouv.example/é", "#Météo")
    assert len(facets(text, {})) == 2


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("See https://city.example/a.", "https://city.example/a"),
        ("(see https://city.example/a)", "https://city.example/a"),
        ("https://city.example/a_(b) is", "https://city.example/a_(b)"),
        ("„https://city.example/a“ und", "https://city.example/a"),
        ("Vea «https://city.example/ñ»!", "https://city.example/ñ"),
        ("http://city.example:8080/a?b=c#d, and", "http://city.example:8080/a?b=c#d"),
        ("HTTPS://CITY.EXAMPLE/A…", "HTTPS://CITY.EXAMPLE/A"),
        ("https://道路.example/道路 は", "https://道路.example/道路"),
    ],
)
def test_a_link_ends_where_the_sentence_takes_over(text, link):
    assert found(text) == [("link", link)]


@pytest.mark.parametrize(
    "text", ["https://", "see https://… now", "xhttps://city.example/", "city.example", "ftp://a.example/"]
)
def test_what_is_no_link_is_not_marked(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#bridge closed", ["bridge"]),
        ("closed: #bridge, #roads!", ["bridge", "roads"]),
        ("＃道路 #Météo #2026election", ["道路", "Météo", "2026election"]),
        ("#1 #2026 # #!", []),
        ("a#b", []),
        ("#" + "x" * 64, ["x" * 64]),
        ("#" + "x" * 65, []),
        ("#" + ("e" + "\u0301" * 5) * 60, []),
    ],
)
def test_a_tag_is_a_word_after_a_hash(text, tags):
    assert found(text) == [("tag", tag) for tag in tags]


def test_what_lies_in_a_link_is_part_of_the_link():
    assert found("https://city.example/#top/@a.example and #top") == [
        ("link", "https://city.example/#top/@a.example"),
        ("tag", "top"),
    ]


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("@Maria.Example says", ["maria.example"]),
        ("Thanks (@maria.example).", ["maria.example"]),
        ("Thanks @maria.example, @ben.example!", ["maria.example", "ben.example"]),
        ("write to desk@city.example", []),
        ("@maria", []),
        ("@maria@social.example", []),
        ("@maria.example @maria.example", ["maria.example"]),
    ],
)
def test_a_mention_is_a_whole_handle(text, mentioned):
    assert handles(text) == mentioned


def test_a_mention_that_nobody_answers_to_stays_text():
    assert facets("Thanks @maria.example", {}) == []
    (facet,) = facets("Thanks @maria.example", {"maria.example": "did:plc:m"})
    assert facet == {
        "index": {"byteStart": 7, "byteEnd": 21},
        "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:m"}],
    }


def test_the_card_takes_the_last_link():
    assert last_link("https://a.example/ and https://b.example/.") == "https://b.example/"
    assert last_link("nothing here") is None


def test_handles_are_what_the_specification_says():
    for name, right in (("valid", True), ("invalid", False)):
        for line in shared(f"interop/handle_syntax_{name}.txt").read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                assert bool(HANDLE.fullmatch(line)) is right, line
