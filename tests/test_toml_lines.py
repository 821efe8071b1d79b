"""Every key of a TOML text has a place."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govpost.toml_lines import places

TEXT = '''\
# a comment with [brackets] = "and more"
title = "x # not a comment"   # one
"quoted key".'a.b'.c = 1
[owner]
when = 1979-05-27 07:32:00
long = """
[not.a.table]
key = "no" \\""" """"
literal = \'\'\'
[nor this]\'\'\'
[[fruit]]
name = "apple"
[fruit.color]
red = true
[[fruit.kind]]
n = 1
[[fruit.kind]]
n = 2
[[fruit]]
name = "pear"
list = [
  1, # one
  "two, ] three",
  { x = 1, y.z = [[1], []] },
]
[ spaced . "out" ]
k={}
'''


def paths(value, path=()):
    if path:
        yield path
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, item in items:
        yield from paths(item, (*path, str(key)))


def test_every_key_of_a_difficult_text_is_found_and_no_other():
    assert set(places(TEXT)) == set(paths(tomllib.loads(TEXT)))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("title", (2, 1)),
        ("quoted key/a.b/c", (3, 1)),
        ("owner/when", (5, 1)),
        ("owner/literal", (9, 1)),
        ("fruit", (11, 1)),
        ("fruit/0/color/red", (14, 1)),
        ("fruit/0/kind/1/n", (18, 1)),
        ("fruit/1/name", (20, 1)),
        ("fruit/1/list/1", (23, 3)),
        ("fruit/1/list/2/y/z", (24, 12)),
        ("spaced/out/k", (27, 1)),
    ],
)
def test_a_key_stands_where_a_person_would_look(path, place):
    assert places(TEXT)[tuple(path.split("/"))] == place


def test_windows_line_ends_count_as_one():
    assert places("a = 1\r\n\r\nb = '''x\r\ny'''\r\nc = 2\r\n")[("c",)] == (5, 1)


def test_what_is_not_toml_is_refused():
    with pytest.raises(ValueError, match="not TOML"):
        places("= 1")


TABLES = st.sampled_from(["a", '"b c"', "'d.e'"])
STRINGS = st.text(max_size=8).map(json.dumps).filter(lambda text: "\\ud" not in text and "\x7f" not in text)
PLAIN = st.sampled_from(["true", "7", "1e3", "1979-05-27 07:32:00", "'''a\n]'''", '"""\\"\n#"""'])
VALUES = st.recursive(
    STRINGS | PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(TABLES, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        ),
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(["", "[t]", "[[u]]", "[u.v]"]), VALUES), max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_valid_text_has_all_its_keys_placed(entries):
    text = "".join(f"{table}\nk{number} = {value}\n" for number, (table, value) in enumerate(entries))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(places(text)) == set(paths(values))
