"""Bad input: one line, a tip and the right exit code, never a traceback, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli_city import City, city, finish, process
from riverton import png


@pytest.fixture
def riverton(tmp_path: Path) -> City:
    return city(tmp_path)


def told(riverton: City, *line: str, by: str | None = "ana", code: int = 1) -> str:
    """Call what must fail; nothing may come of it."""
    before = riverton.ask("post", "list", by=None)
    said = riverton.run(*line, by=by)
    assert said.code == code, said
    assert said.err.splitlines()[-1].lstrip().startswith("tip: "), said.err
    assert riverton.ask("post", "list", by=None) == before
    return said.err


def broken(riverton: City, text: str | bytes) -> str:
    path = riverton.root / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    said = riverton.run("post", "list")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("tip: ")
    return said.err


def test_a_folder_without_a_config_is_a_usage_error(tmp_path: Path) -> None:
    said = City(tmp_path).run("post", "list")
    assert said.code == 2
    assert said.err.startswith("govpost: there is no config.toml in ")
    assert not (tmp_path / ".govpost").exists()


def test_broken_toml_is_told_with_its_place(riverton: City) -> None:
    assert broken(riverton, "[agency]\nname = Riverton\n").startswith("config.toml:2:8: not TOML")


def test_an_unknown_key_is_told_with_the_nearest(riverton: City) -> None:
    riverton.change("homepage = ", "homepag = ")
    said = riverton.run("post", "list").err
    assert "config.toml:3:1: unknown key 'homepag' in [agency] – did you mean 'homepage'?" in said


def test_a_config_that_is_no_text_is_told(riverton: City) -> None:
    assert "is not UTF-8 text" in broken(riverton, b"\xff\xfe[agency]")
    assert "U+0000 (NUL)" in broken(riverton, "[agency]\0")


def test_a_missing_file_is_told_with_the_nearest(riverton: City) -> None:
    riverton.write("alpha")
    assert "did you mean 'alpha.md'?" in told(riverton, "post", "add", "content/alpa.md", code=2)


def test_a_picture_of_50_mb_is_refused_without_being_read(riverton: City) -> None:
    riverton.write("alpha", more="media:\n  - file: big.png\n    alt: A very big picture\n")
    with (riverton.root / "content" / "big.png").open("wb") as stream:
        stream.write(png())
        stream.truncate(50_000_000)
    said = told(riverton, "post", "add", "content/alpha.md")
    assert "content/alpha.md:" in said
    assert "big.png" in said


def test_a_picture_that_is_none_is_told(riverton: City) -> None:
    riverton.write("alpha", more="media:\n  - file: fake.png\n    alt: Not a picture\n")
    (riverton.root / "content" / "fake.png").write_text("<html>this is a page</html>")
    assert "fake.png" in told(riverton, "post", "add", "content/alpha.md")


def test_a_path_out_of_the_workspace_is_refused(
    riverton: City, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    outside.write_bytes(png())
    way = os.path.relpath(outside, riverton.root / "content")
    riverton.write("alpha", more=f"media:\n  - file: {way}\n    alt: x\n")
    assert "secret.png" in told(riverton, "post", "add", "content/alpha.md")
    post = outside.with_name("post.md")
    post.write_text("---\ntitle: x\n---\nx\n")
    assert "outside the workspace" in told(riverton, "post", "add", str(post))
    (riverton.root / "content" / "link.md").symlink_to(post)
    assert "outside the workspace" in told(riverton, "post", "add", "content/link.md")


@pytest.mark.parametrize(("sign", "name"), [("\0", "U+0000"), ("\u202e", "U+202E"), ("\u2066", "U+2066")])
def test_nul_and_bidi_controls_are_told_with_their_place(riverton: City, sign: str, name: str) -> None:
    riverton.write("alpha", f"Words and {sign}more.")
    said = told(riverton, "post", "add", "content/alpha.md")
    assert "content/alpha.md:10:11" in said
    assert name in said
    assert sign not in said


def test_an_empty_post_is_told(riverton: City) -> None:
    riverton.write("alpha", " ")
    assert "the post is empty" in told(riverton, "post", "add", "content/alpha.md")
    (riverton.root / "content" / "alpha.md").write_text("")
    told(riverton, "post", "add", "content/alpha.md")


def test_an_unknown_channel_blocks_the_post_with_the_nearest(riverton: City) -> None:
    riverton.write("alpha", channels="websit")
    said = riverton.run("post", "add", "content/alpha.md", by="ana")
    assert said.code == 1
    assert "did you mean 'website'?" in said.out
    assert riverton.ask("post", "list") == []


def test_the_mistakes_of_all_drafts_are_told_at_once_and_none_is_taken_in(riverton: City) -> None:
    riverton.write("alpha", more="autor: ana\n")
    riverton.write("beta")
    riverton.write("gamma", more="autor: ana\n")
    said = told(riverton, "post", "add", "content")
    assert "content/alpha.md:" in said
    assert "content/gamma.md:" in said
    assert "did you mean 'author'?" in said


def test_what_cannot_be_an_argument_is_told(riverton: City) -> None:
    assert "not UTF-8" in told(riverton, "post", "show", "\ud800x", code=2)
    assert riverton.run("post", "add", "", by="ana").code in (1, 2)
    assert riverton.run("post", "add", "x" * 5000, by="ana").code in (1, 2)
    assert riverton.run("post", "show", "%").code == 1
    assert riverton.run("queue", "list", "--days", "999999").code == 2


LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_database_locked_beyond_its_time_out_is_told(riverton: City) -> None:
    riverton.submit("alpha")
    path = riverton.root / ".govpost" / "govpost.db"
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    try:
        said = riverton.run("post", "cancel", "alpha")
    finally:
        holder.communicate()
    assert said.code == 1
    assert said.err.splitlines() == [
        "govpost: the store cannot be used: database is locked",
        "tip: another program holds the database; wait for it or stop it, then try again",
    ]
    assert riverton.ask("post", "show", "alpha")["state"] == "submitted"


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    riverton = city(tmp_path, start=False)
    (tmp_path / ".govpost").mkdir(mode=0o700)
    (tmp_path / ".govpost" / "govpost.db").write_bytes(b"no database" * 1000)
    said = riverton.run("post", "list")
    assert said.code == 1
    assert "is damaged: stop the daemon and restore a backup" in said.err


def test_two_daemons_do_not_run_on_one_database(riverton: City) -> None:
    first = process("-C", str(riverton.root), "daemon")
    assert first.stderr is not None
    assert any("the head of the event chain" in line for line in iter(first.stderr.readline, ""))
    second = finish(process("-C", str(riverton.root), "daemon"))
    assert second.code == 1
    assert "a daemon is already running on this database" in second.err
    first.terminate()
    assert finish(first).code == 0


def test_each_of_several_mistakes_has_its_own_tip_below_it(riverton: City) -> None:
    riverton.write("alpha")
    (riverton.root / "content" / "alpha.md").write_text("---\ntitel: Lost\nlink: riverton\n---\nText.\n")
    said = riverton.run("post", "check", "content/alpha.md", by="ana")
    assert said.code == 1
    lines = said.err.splitlines()
    assert [line.startswith("  tip: ") for line in lines] == [False, True] * 3
    assert lines[0].endswith("the post has no title")
