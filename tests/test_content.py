"""A post is read strictly, and everything wrong with it is told at once with its place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from govpost import config, content, digest
from govpost.domain import Priority
from govpost.errors import Mistakes, UsageFault
from riverton import png, said, small

ROOT = Path(__file__).parent.parent
EXAMPLES = content.find([ROOT / "content"])


@pytest.fixture(name="riverton")
def _riverton(tmp_path):
    return small(tmp_path)


def write(root: Path, text: str | bytes, name: str = "content/a-post/post.md") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return path


def draft(riverton, header: str, body: str = "Hello."):
    return content.load(write(riverton.root, f"---\ntitle: T\n{header}\n---\n{body}"), riverton)


def mistakes(riverton, text: str | bytes, name: str = "content/a-post/post.md") -> list[str]:
    with pytest.raises(Mistakes) as caught:
        content.load(write(riverton.root, text, name), riverton)
    return said(caught.value)


def wrong(riverton, header: str, body: str = "Hello.") -> list[str]:
    found = mistakes(riverton, f"---\ntitle: T\n{header}\n---\n{body}")
    return [line.removeprefix("content/a-post/post.md:") for line in found]


@pytest.mark.parametrize(
    "path", EXAMPLES, ids=lambda path: path.parent.name if path.name == "post.md" else path.stem
)
def test_every_example_loads_whatever_the_clock_says(path):
    post = content.load(path, config.load(ROOT))
    assert post.goal
    assert post.audience
    assert post.link.startswith("https://riverton.example.gov/")
    assert post.author == "ana"
    assert post.at is post.not_before is post.expires is None
    assert all(medium.alt for medium in post.media)


def test_the_example_city_has_the_posts_that_a_demo_needs():
    slugs = {path.parent.name if path.name == "post.md" else path.stem for path in EXAMPLES}
    assert slugs >= {
        "main-street-closure",
        "boil-water-notice",
        "boil-water-lifted",
        "library-hours",
        "library-hours-correction",
        "council-meeting",
        "storm-guide",
        "job-fair",
        "aviso-de-agua",
    }


def test_a_full_post_becomes_a_draft(riverton):
    header = """\
author: ana
goal: services
audience: residents
topic: roads
channels: [website, hub]
link: https://riverton.example.gov/roads
language: en
at: 2026-11-26 08:00
not_before: 2026-11-23 08:00
expires: 2026-11-27 18:00-06:00
priority: high
media:
  - file: a.png
    alt: A blue dot
    focus: [0, 0.5]
    captions: a.vtt
  - file: ../a-post/a.png
wording:
  hub: "Short."
  website:
    - One.
    - Two.
corrects: another-post"""
    picture = write(riverton.root, png(), "content/a-post/a.png")
    write(riverton.root, "WEBVTT\n", "content/a-post/a.vtt")
    post = draft(riverton, header, "\n\r\nCafe\u0301.\r\n\r\nSecond.  \n")
    assert (post.slug, post.title, post.body) == ("a-post", "T", "Café.\n\nSecond.")
    assert post.path == riverton.root / "content/a-post/post.md"
    assert (post.author, post.goal, post.audience, post.topic) == ("ana", "services", "residents", "roads")
    assert post.channels == ("website", "hub")
    assert (post.link, post.language) == ("https://riverton.example.gov/roads", "en")
    assert str(post.at) == "2026-11-26 08:00 America/Chicago"
    assert post.expires.wall == "2026-11-27T18:00"
    assert post.priority is Priority.HIGH
    first, second = post.media
    assert (first.path, first.mime, first.alt) == (picture, "image/png", "A blue dot")
    assert (first.focus, first.captions) == ((0.0, 0.5), "WEBVTT")
    assert first.sha256 == second.sha256 == digest.file_sha256(picture)
    assert (second.alt, second.captions, second.focus) == ("", None, None)
    assert post.wording == {"hub": ("Short.",), "website": ("One.", "Two.")}
    assert post.corrects == "another-post"
    lines = {
        "title": 2,
        "goal": 4,
        "channels": 7,
        "media.0": 15,
        "media.0.alt": 16,
        "media.1": 19,
        "wording.hub": 21,
    }
    assert {key: post.lines[key] for key in lines} == lines
    assert post.lines["body"] == 29


def test_toml_front_matter_says_the_same(riverton):
    text = '+++\ntitle = "T"\nat = 2026-11-26 08:00:00\nmedia = []\nwording = { hub = "Short." }\n+++\nHello.'
    post = content.load(write(riverton.root, text), riverton)
    assert str(post.at) == "2026-11-26 08:00 America/Chicago"
    assert post.wording == {"hub": ("Short.",)}
    assert post.lines["wording.hub"] == 5


def test_without_channels_a_post_goes_to_the_main_channel(riverton):
    assert draft(riverton, "").channels == ("website",)


def test_unknown_goals_audiences_and_channels_are_left_to_the_rules(riverton):
    post = draft(riverton, "goal: peace\naudience: all\nchannels: [moon]\nwording: { moon: hi }")
    assert (post.goal, post.audience, post.channels) == ("peace", "all", ("moon",))


def test_empty_values_are_as_if_they_were_not_there(riverton):
    post = draft(riverton, 'goal:\nlink: ""\nmedia:\nwording:\nauthor: ""\nchannels:')
    assert (post.goal, post.link, post.media, post.wording, post.author) == (None, None, (), {}, None)


def test_own_wording_is_enough(riverton):
    assert draft(riverton, "wording: { website: Hi }", "").body == ""


def test_everything_wrong_is_told_at_once(riverton):
    found = wrong(
        riverton,
        "gaol: services\npriority: hihg\nauthor: anna\nlink: riverton\ncorrects: Main Street\nmedia: a.png",
    )
    assert found == [
        "3:1: unknown key 'gaol' – did you mean 'goal'?",
        "4:1: no priority is called 'hihg' – did you mean 'high'?",
        "5:1: no person is called 'anna' – did you mean 'ana'?",
        "6:1: 'link' must begin with https:// and a host",
        "7:1: 'Main Street' is not the name of a post",
        "8:1: 'media' must be a list",
    ]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("goal: 0123", "3:1: 'goal' must be text, not a number"),
        ("topic: true", "3:1: 'topic' must be text, not yes or no"),
        ("goal: |\n  a\n  b", "3:1: 'goal' must be one line"),
        ("goal: a\ngoal: b", "4:1: 'goal' stands twice (first in line 3)"),
        ("language: english!", "3:1: 'english!' is not a language code"),
        ("channels: website", "3:1: 'channels' must be a list"),
        ("channels: []", "3:1: 'channels' names no channel"),
        ("channels: [hub, hub]", "3:17: channel 'hub' stands twice"),
        ("wording: hi", "3:1: 'wording' must hold keys and values"),
        ("wording: { hub: '' }", "3:12: the wording for 'hub' is empty"),
        ("wording: { hub: [] }", "3:12: the wording for 'hub' is empty"),
        ("wording: { hub: 5 }", "3:12: 'hub' must be text, not a number"),
        ("at: 2026-03-08 02:30", "3:1: 'at': 2026-03-08 02:30 does not exist in America/Chicago"),
        ("at: 2026-11-26 08:00\nexpires: 2026-11-26 08:00", "4:1: 'expires' is not after 'at'"),
        (
            "not_before: 2026-11-26 08:00\nexpires: 2026-11-25 08:00",
            "4:1: 'expires' is not after 'not_before'",
        ),
        ("at: 2026-11-26 08:00\nnot_before: 2026-11-27 08:00", "3:1: 'at' is before 'not_before'"),
        ("corrects: a-post", "3:1: a post cannot correct itself"),
        ("media: [{ alt: x }]", "3:9: a medium needs 'file'"),
        ("media: [x]", "3:9: 'media' must hold keys and values"),
        ("media: [~]", "3:9: a medium needs 'file'"),
        ("media: [{ file: 5 }]", "3:11: 'file' must be text, not a number"),
        ("media: [{ file: no.png, alr: x }]", "3:25: unknown key 'alr' – did you mean 'alt'?"),
        ("media: [{ file: ../../../secret.png }]", "3:11: ../../../secret.png lies outside the workspace"),
        ("media: [{ file: /etc/passwd }]", "3:11: /etc/passwd lies outside the workspace"),
        ("media: [{ file: . }]", "3:11: . is a folder, not a file"),
        ("media: [{ file: post.md }]", "3:11: post.md is not a picture or video"),
        ("media: [{ file: post.md, captions: post.md }]", "3:26: post.md is not a .vtt file"),
        ('goal: "a\\u202Eb"', "3:1: 'goal' holds U+202E (right-to-left override)"),
        ('goal: "a\\0b"', "3:1: 'goal' holds U+0000 (NUL)"),
    ],
)
def test_a_mistake_names_its_line_and_column(riverton, header, words):
    assert any(line.startswith(words) for line in wrong(riverton, header)), wrong(riverton, header)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello.", ":1:1: the post has no title"),
        ("", ":1:1: the post is empty"),
        ("---\ntitle: '  '\n---\nHello.", ":2:1: the post has no title"),
        ("---\ntitle: T\n---\n \n", ": the post is empty"),
        ("---\ntitle: T\n", ":1:1: the front matter never ends"),
        ("---\ntitle: [\n---\n", ": not YAML"),
        (b"---\r\ntitle: T\r\n---\r\nab\0", ":4:3: holds U+0000 (NUL)"),
        ("---\ntitle: T\n---\na\u202eb\n\u2066", ":4:2: holds U+202E (right-to-left override)"),
        ("---\ntitle: T\n---\na\u202eb\n\u2066", ":5:1: holds U+2066 (left-to-right isolate)"),
        ("---\ntitle: T\n---\n\ud800", ":4:1: not UTF-8 text (byte 0xED)"),
        (b"\xef\xbb\xbf---\ntitle: T\n---\na\xff", ":4:2: not UTF-8 text (byte 0xFF)"),
        ("---\ntitle: T\n---\n\uffff", ":4:1: holds U+FFFF (not a character)"),
        (b"a" * 1_000_001, ": the post is 1.0 MB; at most 1.0 MB are taken"),
    ],
)
def test_text_that_must_not_go_out_is_a_mistake(riverton, text, words):
    found = mistakes(riverton, text)
    assert any(line.startswith("content/a-post/post.md") and words in line for line in found), found


def test_a_byte_order_mark_and_bidi_marks_are_tolerated(riverton):
    path = write(riverton.root, b"\xef\xbb\xbf---\r\ntitle: T\r\n---\r\na\xe2\x80\x8fb\r\n")
    assert content.load(path, riverton).body == "a\u200fb"


@pytest.mark.parametrize("name", ["content/Main Street/post.md", "content/Main_Street.md"])
def test_a_name_that_no_post_may_have_comes_with_the_nearest(riverton, name):
    with pytest.raises(Mistakes) as caught:
        content.load(write(riverton.root, "---\ntitle: T\n---\nHi", name), riverton)
    assert "cannot be the name of a post" in str(caught.value)
    assert caught.value.tip == "rename it to 'main-street'"


def test_a_post_itself_must_lie_in_the_workspace(tmp_path):
    (tmp_path / "work").mkdir()
    riverton = small(tmp_path / "work")
    outside = write(tmp_path, "---\ntitle: T\n---\nHi", "outside.md")
    (riverton.root / "link.md").symlink_to(outside)
    for path in (outside, riverton.root / "link.md"):
        with pytest.raises(Mistakes, match="outside the workspace"):
            content.load(path, riverton)


def test_a_pipe_or_nothing_in_place_of_a_post_is_one_line(riverton):
    os.mkfifo(riverton.root / "pipe.md")
    with pytest.raises(Mistakes, match="no ordinary file"):
        content.load(riverton.root / "pipe.md", riverton)
    with pytest.raises(Mistakes, match="does not exist"):
        content.load(riverton.root / "none.md", riverton)
    (riverton.root / "loop.md").symlink_to("loop.md")
    with pytest.raises(Mistakes):
        content.load(riverton.root / "loop.md", riverton)


def test_a_50_megabyte_picture_is_refused_with_its_size(riverton):
    picture = write(riverton.root, png(), "content/a-post/big.png")
    os.truncate(picture, 50_000_000)
    assert wrong(riverton, "media: [{ file: big.png }]") == [
        "3:11: big.png is 50.0 MB; at most 20.0 MB are taken"
    ]


def test_posts_are_found_in_folders_and_as_files(tmp_path):
    for name in ("one/post.md", "two.md", "deep/three/post.md", ".hidden/post.md", "one/notes.md", "two.txt"):
        write(tmp_path, "x", name)
    assert [str(path.relative_to(tmp_path)) for path in content.find([tmp_path])] == [
        "deep/three/post.md",
        "one/post.md",
        "two.md",
    ]
    assert content.find([tmp_path / "one", tmp_path / "one/post.md"]) == [tmp_path / "one/post.md"]
    assert content.find([]) == []


def test_a_folder_may_stand_for_its_post(riverton):
    folder = write(riverton.root, "---\ntitle: T\n---\nHi").parent
    assert content.load(folder, riverton).slug == "a-post"


def test_what_is_no_post_is_refused_with_a_guess(tmp_path):
    write(tmp_path, "x", "bridge.md")
    write(tmp_path, "x", "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageFault, match=r"did you mean 'bridge\.md'"):
        content.find([tmp_path / "brigde.md"])
    with pytest.raises(UsageFault, match="is not a post"):
        content.find([tmp_path / "notes.txt"])
    with pytest.raises(UsageFault, match="there is no post in"):
        content.find([tmp_path / "empty"])
    with pytest.raises(UsageFault, match="there is no"):
        content.find([tmp_path / "far/away.md"])


def test_two_posts_of_one_name_are_refused(tmp_path):
    write(tmp_path, "x", "a.md")
    write(tmp_path, "x", "a/post.md")
    with pytest.raises(UsageFault, match="two posts are called 'a'"):
        content.find([tmp_path])


def test_a_folder_that_nobody_may_read_is_one_line(tmp_path, monkeypatch):
    def closed(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(UsageFault, match="cannot be read: Permission denied"):
        content.find([tmp_path])


WATCHES: list[list[str]] = []


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and WATCHES and isinstance(arguments[0], str | bytes | Path):
        WATCHES[-1].append(os.fsdecode(arguments[0]))


sys.addaudithook(_listen)


def load_watched(root: Path, text: bytes) -> list[str]:
    """Load a post and return the files that were opened for it."""
    riverton, path = small(root), write(root, text)
    WATCHES.append([])
    try:
        content.load(path, riverton)
    except Mistakes as error:
        assert error.mistakes
    finally:
        opened = WATCHES.pop()
    return opened


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([*content.KEYS, "media: [{file", "x"]),
        st.sampled_from(
            [
                "5",
                "[]",
                "{}",
                "~",
                "a",
                "[a, [b]]",
                "{hub: [1]}",
                "[{file: ../../../../etc/passwd}]",
                "&a *a",
                '"\\0"',
            ]
        )
        | st.text(max_size=12),
    ),
    max_size=5,
).map(lambda pairs: "---\n" + "".join(f"{key}: {value}\n" for key, value in pairs) + "---\nbody")


@example("---\nmedia: [{file: /etc/passwd, captions: /etc/hosts}]\n---\n")
@example("---\n%YAML 1.1\n---\n")
@example("+++\nmedia = [{file = '\\u0000'}, 5, [[]]]\nat = 08:00:00\nwording = [1]\nchannels = {}\n+++\n")
@example("---\n? {a: b}\n: c\n---\n")
@example("---\ntitle: !!binary aGk=\n---\n")
@example("---\n<<: {title: a}\n---\n")
@given(st.text() | HEADERS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_post_holds_only_mistakes_come_out_and_only_the_workspace_is_read(tmp_path, text):
    opened = load_watched(tmp_path, text.encode("utf-8", "surrogatepass"))
    own = (str(tmp_path), sys.prefix, sys.base_prefix, str(ROOT / "src"))
    assert [name for name in opened if not name.startswith(own)] == []


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda data: b"---\n" + data + b"\n---\n"))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_arbitrary_bytes_raise_nothing_but_mistakes(tmp_path, data):
    load_watched(tmp_path, data)
