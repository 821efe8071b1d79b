"""Whatever stands in a post or in config.toml, a person gets a draft or a list of mistakes: no crash, no hang."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from govpost import config, content, draft_json, front_matter, toml_lines
from govpost.errors import GovpostError, Mistakes, UsageFault
from hostile import FUZZ, JSON, MARKS, PROSE, TEXT, run_apart
from riverton import SMALL, small, write

KEYS = st.sampled_from([*content.KEYS, "titel", "a", ""])
HEADER = st.lists(st.tuples(KEYS, st.one_of(PROSE, JSON.map(json.dumps))), max_size=8)


@pytest.fixture(name="riverton")
def _riverton(tmp_path):
    return small(tmp_path)


def taken(riverton, text: str | bytes) -> str:
    """Load a post as it comes; say what became of it."""
    path = riverton.root / "content" / "a-post" / "post.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        draft = content.load(path, riverton)
    except Mistakes as error:
        assert all(mistake.file == "content/a-post/post.md" for mistake in error.mistakes)
        return "mistakes"
    kept = json.loads(json.dumps(draft_json.to_dict(draft), allow_nan=True))
    assert draft_json.to_dict(draft_json.from_dict(kept, riverton.root)) == kept
    assert all(medium.path.is_relative_to(riverton.root.resolve()) for medium in draft.media)
    return "draft"


@FUZZ
@given(st.binary(max_size=300))
def test_bytes_are_a_post_or_mistakes(riverton, data):
    assert taken(riverton, data) in {"draft", "mistakes"}


@FUZZ
@given(PROSE)
def test_any_words_are_a_post_or_mistakes(riverton, text):
    assert taken(riverton, text) in {"draft", "mistakes"}


@FUZZ
@given(HEADER, PROSE)
@example([("options", "{a: " + "[" * 31 + "]" * 31 + "}")], "x")
@example([("focus", "[1e999, .nan]"), ("title", "9" * 5000)], "x")
@example([("media", "[{file: '../../../../etc/passwd'}, {file: /dev/zero}, {file: 'a\\0b'}]")], "x")
def test_any_yaml_is_a_post_or_mistakes(riverton, header, body):
    lines = "".join(f"{key}: {value}\n" for key, value in header)
    assert taken(riverton, f"---\n{lines}---\n{body}") in {"draft", "mistakes"}


@FUZZ
@given(HEADER, PROSE)
@example([("a", "9" * 5000)], "x")
@example([("a", "0x" + "f" * 5000), ("at", "9999-12-31T23:59:59-23:59")], "x")
@example([(".".join("a" * 50), "1")], "x")
def test_any_toml_is_a_post_or_mistakes(riverton, header, body):
    lines = "".join(f"{key} = {value}\n" for key, value in header)
    assert taken(riverton, f"+++\n{lines}+++\n{body}") in {"draft", "mistakes"}


@FUZZ
@given(st.sampled_from(SMALL.splitlines()), st.one_of(PROSE, JSON.map(json.dumps)), st.booleans())
@example("[agency]", "9" * 5000, True)
def test_any_line_in_config_toml_is_settings_or_mistakes(tmp_path, line, value, whole):
    key = line.partition("=")[0]
    changed = SMALL.replace(line, value if whole or not key.strip() else f"{key}= {value}", 1)
    try:
        found = config.load(write(tmp_path, changed.encode("utf-8", "replace")))
    except (Mistakes, UsageFault) as error:
        assert error.message
    else:
        assert all(math.isfinite(goal.target) for goal in found.strategy.goals.values())


@FUZZ
@given(
    st.one_of(
        TEXT, st.lists(st.sampled_from([*MARKS, "a", "=", "[", "]", ".", "#"]), max_size=40).map("".join)
    )
)
def test_where_toml_is_valid_every_key_has_its_place(text):
    try:
        values = toml_lines.read(text)
    except toml_lines.Unreadable:
        return
    assert {path[0] for path in toml_lines.places(text)} == set(values)


@pytest.mark.parametrize(
    "header",
    [
        "a: &a [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1 or ''}, *a{n - 1 or ''}]\n" for n in range(1, 30)),
        "a: " + "[" * 60_000,
        "a: " + "{a: " * 15_000,
        "- " * 30_000,
        "a: 0o" + "7" * 60_000,
        "a: " + "1:" * 30_000 + "1",
    ],
    ids=["billion laughs", "brackets", "tables", "lists", "a long number", "sexagesimal"],
)
def test_yaml_that_grows_is_refused_before_it_grows(header):
    try:
        found = front_matter.read(f"---\n{header}\n---\nA", "f")
    except Mistakes:
        return
    assert found.mistakes or found.values["a"] is not None
    assert len(str(found.values)) < 3 * len(header)


@pytest.mark.parametrize(
    "line",
    [
        *(".".join("a" * 30_000) + " = 1", "[" + ".".join("a" * 30_000) + "]", "a = " + "[" * 60_000),
        *(
            "a = " + "{a=" * 20_000,
            "a = " + "9" * 60_000,
            "a = " + "1_" * 30_000 + "1",
            "a = 1e" + "9" * 60_000,
        ),
    ],
    ids=[
        "dots",
        "dots in a heading",
        "brackets",
        "tables",
        "a long number",
        "underscores",
        "a long exponent",
    ],
)
def test_toml_that_grows_is_a_mistake_in_posts_and_in_config(riverton, line):
    code = f"""
from pathlib import Path
from govpost import config, content
root = Path({str(riverton.root)!r})
(root / "post.md").write_text("+++\\n" + LINE + "\\n+++\\nA")
settings = config.load(root)
(root / "config.toml").write_text(LINE + "\\n" + (root / "config.toml").read_text())
for read in (lambda: content.load(root / "post.md", settings), lambda: config.load(root)):
    try:
        read()
    except Exception as error:
        print(type(error).__name__)
""".replace("LINE", repr(line))
    assert run_apart(code).split() == ["Mistakes", "Mistakes"]


@pytest.mark.parametrize(
    "value", ["a" * 400_000, "a://" * 100_000, "?key" * 100_000, "aB" * 200_000, ":" * 400_000]
)
def test_a_long_value_in_config_is_read_in_proportion_to_its_length(tmp_path, value):
    text = SMALL.replace('platform = "webhook"', f'platform = "webhook"\nsettings = {{ word = "{value}" }}')
    write(tmp_path, text)
    code = f"""
from pathlib import Path
from govpost import config
print(len(config.load(Path({str(tmp_path)!r})).channels["hub"].settings["word"]))
"""
    assert run_apart(code) == f"{len(value)}\n"


def test_a_text_longer_than_any_post_is_refused(riverton):
    path = riverton.root / "long.md"
    path.write_text("---\ntitle: T\n---\n" + "a " * 50_001)
    with pytest.raises(GovpostError, match=r"the text has 100,001 characters; at most 100,000 are taken"):
        content.load(path, riverton)
