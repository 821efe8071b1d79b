"""Every example in the documentation runs."""

from __future__ import annotations

import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest

import cli_city
from booklet import DOCS, PAGES, ROOT, Block, Scene, blocks, me
from govpost import config, config_checks, config_model, content, registry, scaffold, testing
from govpost.cli.beginning import _full_name
from govpost.cli.context import Session
from govpost.cli.root import TABLE, cli
from govpost.contract import ENTRY_POINTS
from govpost.demo import city, story
from govpost.errors import Mistakes
from govpost.front_matter import read
from govpost.times import utcnow


def examples(*kinds: str) -> list[Any]:
    found = [block for name in PAGES for block in blocks(name, *kinds)]
    return [pytest.param(block, id=block.where) for block in found]


def test_the_tutorial_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scene = Scene(tmp_path, rename={_full_name(me()): "ana", me(): "ana"})
    assert scene.act(DOCS / "tutorial.md") > 12
    assert (tmp_path / "riverton" / "public" / "index.html").is_file()


ACTED = [name for name in PAGES if name.name != "tutorial.md" and blocks(name, "console")]


@pytest.mark.parametrize("name", ACTED, ids=lambda name: str(name.relative_to(ROOT)))
def test_every_command_on_the_page_runs(name: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(story.KEY, "a key for tests")
    with cli_city.receiver(0 if name.name == "operator.md" else 201) as hub:
        city.build(tmp_path, hub, utcnow())
        monkeypatch.chdir(tmp_path)
        assert Scene(tmp_path).act(name) > 0


def merged(base: Any, more: Any) -> Any:
    """Lay one table over another; all else is replaced."""
    if isinstance(base, dict) and isinstance(more, dict):
        return base | {key: merged(base.get(key), value) for key, value in more.items()}
    return more


@pytest.mark.parametrize("block", examples("toml"))
def test_every_piece_of_config_is_good(block: Block) -> None:
    piece = tomllib.loads(block.text)
    if "plain" in block.info:
        return
    whole = merged(tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8")), piece)
    config_model.Sections.model_validate(whole)
    assert list(config_checks.check(whole)) == []


@pytest.mark.parametrize("block", examples("markdown"))
def test_every_post_shown_loads_or_makes_the_mistakes_it_shows(block: Block, tmp_path: Path) -> None:
    city.build(tmp_path, "http://127.0.0.1:9/notices", utcnow())
    path = tmp_path / (block.info.get("file") or block.info["mistakes"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    (path.parent / "bridge.png").write_bytes((ROOT / "content/job-fair/job-fair.png").read_bytes())
    if "mistakes" in block.info:
        with pytest.raises(Mistakes):
            content.load(path, config.load(tmp_path))
    else:
        assert content.load(path, config.load(tmp_path)).title


@pytest.mark.parametrize("block", examples("yaml"))
def test_every_piece_of_front_matter_is_good(block: Block) -> None:
    document = read(f"---\n{block.text}---\nText.\n", "post.md")
    assert not document.mistakes
    assert set(document.values) <= set(content.KEYS)


def bundled() -> list[str]:
    """Return the plugins that come with govpost."""
    return [entry.name for entry in entry_points(group=ENTRY_POINTS)]


@pytest.mark.parametrize("block", examples("python"))
def test_every_plugin_shown_loads_and_passes_the_suite(block: Block, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "shown.py").write_text(block.text, encoding="utf-8")
    found = registry.load(folder, tmp_path, dict.fromkeys(bundled(), "off"))
    plugin = next(each for each in found.plugins if each.name == "shown")
    assert (plugin.state, plugin.reason) == ("loaded", "")
    results = [result for platform in found.platforms.values() for result in testing.check(platform)]
    assert [result for result in results if not result.ok] == []
    assert results or found.rules


def test_the_plugin_in_the_readme_is_the_one_that_is_written(tmp_path: Path) -> None:
    (block,) = [each for each in blocks(ROOT / "README.md", "python") if "plugin" in each.info]
    assert block.text == scaffold.write(block.info["plugin"], tmp_path)[0].read_text(encoding="utf-8")


def leaves() -> Iterator[tuple[str, click.Command]]:
    root = click.Context(cli, info_name="govpost")
    for name in TABLE:
        command = cli.get_command(root, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {verb}", below) for verb, below in command.commands.items())
        else:
            yield name, command


@pytest.mark.parametrize(
    ("name", "command"), list(leaves()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_help_and_an_example_that_is_understood(name: str, command: click.Command) -> None:
    assert command.help
    assert command.epilog
    for line in command.epilog.splitlines():
        words = shlex.split(line)
        start = next(place for place, word in enumerate(words) if word in TABLE)
        called = " ".join(words[start : start + len(name.split())])
        assert called == name
        command.make_context(name, words[start + len(name.split()) :], obj=Session())


@pytest.mark.parametrize("word", ["-C", "-C/srv/other", "init", "demo"])
def test_the_script_for_sudo_lets_nobody_choose_the_workspace(word: str, tmp_path: Path) -> None:
    (block,) = [each for each in blocks(DOCS / "how-to/operator.md", "sh") if "wrapper" in each.info]
    marked = block.text.replace("exec /opt/govpost/bin/govpost", "echo ran").replace(
        "/srv/govpost", str(tmp_path)
    )

    def call(*words: str) -> tuple[int, str]:
        line = ["sh", "-c", marked, "riverton", *words]
        done = subprocess.run(line, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert call("status", word) == (2, "")
    assert call("post", "list") == (0, "ran post list\n")
