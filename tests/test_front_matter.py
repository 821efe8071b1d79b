"""Front matter: plain values, and the place of every key."""

from __future__ import annotations

import pytest

from govpost.errors import Mistakes
from govpost.front_matter import read
from riverton import said


def test_yaml_and_toml_say_the_same():
    yaml = read('---\ntitle: "a"\nmedia:\n  - file: b\n    focus: [0, 0.5]\n---\nbody\n', "f")
    toml = read('+++\ntitle = "a"\n[[media]]\nfile = "b"\nfocus = [0, 0.5]\n+++\nbody\n', "f")
    assert yaml.values == toml.values == {"title": "a", "media": [{"file": "b", "focus": [0, 0.5]}]}
    assert yaml.body == toml.body == "body\n"


def test_keys_know_their_place_in_the_file():
    document = read("---\ntitle: a\nwording:\n  hub: b\nchannels:\n  - website\n---\n\n\nbody\n", "f")
    assert document.places["title",] == (2, 1)
    assert document.places["wording", "hub"] == (4, 3)
    assert document.places["channels", "0"] == (6, 5)
    assert document.body_line == 10


def test_without_front_matter_all_is_body():
    document = read("\nhello\n---\nthere", "f")
    assert (document.values, document.body, document.body_line) == ({}, "\nhello\n---\nthere", 2)


@pytest.mark.parametrize("header", ["", "\n", "# only a note\n", "~\n"])
def test_empty_front_matter_is_no_mistake(header):
    assert read(f"---\n{header}---\nx", "f").values == {}


def test_yaml_is_version_1_2():
    document = read(
        "---\na: yes\nb: 0123\nc: 2026-11-27 08:00:00\nd: true\ne: 1_000\nf: 0o14\ng:\n---\n", "f"
    )
    values = document.values
    assert values["a"] == "yes"
    assert isinstance(values["b"], float)
    assert values["c"] == "2026-11-27 08:00:00"
    assert values["d"] is True
    assert isinstance(values["f"], float)
    assert values["g"] is None


def test_toml_dates_are_the_text_they_came_from():
    document = read("+++\na = 2026-11-27 08:00:00-06:00\nb = 2026-11-27\nc = [08:00:00]\n+++\n", "f")
    assert document.values == {"a": "2026-11-27 08:00:00-06:00", "b": "2026-11-27", "c": ["08:00:00"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("---\ntitle: a\nbody", "f:1:1: the front matter never ends"),
        ("+++\n", "f:1:1: the front matter never ends"),
        ("---\ntitle: a: b\n---\n", "f:2:9: not YAML: mapping values are not allowed"),
        ("---\na: [1\n---\n", "not YAML"),
        ("---\n\ta: 1\n---\n", "f:2:1: not YAML"),
        ("---\njust words\n---\n", "f:2:1: the front matter is not a list of keys"),
        ("---\na: *b\n---\n", "f:2:4: not YAML"),
        ("+++\na = \n+++\n", "f:2:5: not TOML"),
        ('+++\na = """\n+++\n', "not TOML"),
        ("---\n" + "[" * 5000 + "\n---\n", "the front matter is nested too deeply"),
        ("---\na: 1\n" + "? " * 5000 + "\n---\n", "the front matter is not YAML"),
        ("+++\na = " + "[" * 20000 + "\n+++\n", "nested too deeply"),
        ("---\n" + "#" * 64_000 + "\n---\n", "the front matter is 64,001 characters long"),
    ],
)
def test_front_matter_that_cannot_be_read_is_one_line_and_a_tip(text, words):
    with pytest.raises(Mistakes) as caught:
        read(text, "f")
    [only] = said(caught.value)
    assert words in only
    assert caught.value.tip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("---\na: 1\nb: 2\na: 3\n---\n", "f:4:1: 'a' stands twice (first in line 2)"),
        ("---\na: &x [1]\nb: *x\n---\n", "f:2:4: anchors and aliases"),
        (
            "---\na: !!python/object:os.system ls\n---\n",
            "f:2:4: tags such as tag:yaml.org,2002:python/object:os.system",
        ),
        ("---\na: !secret x\n---\n", "f:2:4: tags such as !secret"),
        (
            "---\n" + "".join(f"{' ' * depth}a:\n" for depth in range(40)) + "---\n",
            "f:35:34: this is nested too deeply",
        ),
    ],
)
def test_what_yaml_can_do_and_a_post_must_not_is_a_mistake(text, words):
    [mistake] = read(text, "f").mistakes
    assert words in str(mistake)


def test_a_key_that_is_no_word_is_kept_as_a_question():
    assert read("---\n? [a]\n: b\n---\n", "f").values == {"?": "b"}
