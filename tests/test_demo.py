"""The demo tells the whole story, on a terminal and elsewhere, and leaves a real site and a whole record behind."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from govpost.cli.root import cli
from govpost.config import load
from govpost.content import find
from govpost.content import load as load_draft
from govpost.demo import city
from govpost.demo.receiver import Board
from govpost.errors import Refused
from govpost.times import utcnow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("demo") / "city"
    result = CliRunner().invoke(cli, ["demo", "--dir", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output, folder


def test_it_shows_what_the_checks_found_and_that_nobody_approves_their_own_words(
    told: tuple[str, Path],
) -> None:
    output, _ = told
    assert "blocks A01: the description of the picture job-fair.png is missing" in output
    assert "Ana Ruiz wrote job-fair and may not approve it" in output


def test_the_hub_answers_503_first_and_later_loses_an_answer_that_a_person_settles(
    told: tuple[str, Path],
) -> None:
    output, _ = told
    assert re.search(r"on hub will be tried again: .* answered 503", output)
    (key,) = re.findall(r"govpost delivery resolve (\S+) --live URL", output)
    assert "on hub is UNCERTAIN" in output
    assert f"delivery resolve {key} --live http://127.0.0.1:" in output


def test_some_posts_stay_planned_for_later(told: tuple[str, Path]) -> None:
    output, folder = told
    listed = CliRunner().invoke(cli, ["-C", str(folder), "--json", "delivery", "list"])
    states = {(row["channel"], row["state"]) for row in json.loads(listed.output)}
    assert states == {("website", "live"), ("hub", "live"), ("hub", "queued")}
    assert "What is planned for later stays planned" in output


def test_it_ends_with_the_outcomes_the_verified_record_and_the_site(told: tuple[str, Path]) -> None:
    output, folder = told
    assert "nothing was changed" in output
    assert str(folder / "public" / "index.html") in output
    index = (folder / "public" / "index.html").read_text()
    assert "Tap water is safe again" in index
    assert "Corrected" in index


def test_it_builds_only_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    result = CliRunner().invoke(cli, ["demo", "--dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "is not empty" in result.stderr


def test_the_city_is_valid_ten_years_on(tmp_path: Path) -> None:
    later = utcnow().replace(year=utcnow().year + 10, month=6, day=1)
    city.build(tmp_path, "http://127.0.0.1:9/notices", later)
    config = load(tmp_path)
    drafts = [load_draft(path, config) for path in find([tmp_path / "content"])]
    assert len(drafts) >= 8
    assert all(draft.expires is None or draft.expires.utc > later for draft in drafts)
    assert config.strategy.reviewed == later.date()


def test_a_city_that_is_not_as_expected_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("[agency]\n")
    (tmp_path / "content").mkdir()
    monkeypatch.setattr(city, "example", lambda: tmp_path)
    with pytest.raises(Refused, match="not as the demo knows it"):
        city.build(tmp_path / "new", "http://127.0.0.1:9/", utcnow())
    monkeypatch.setattr(city, "example", lambda: tmp_path / "nowhere")
    with pytest.raises(Refused, match="missing from this installation"):
        city.build(tmp_path / "other", "http://127.0.0.1:9/", utcnow())


def test_the_board_shows_what_it_took_in_and_refuses_what_the_city_did_not_sign() -> None:
    with Board("key") as board:
        request = urllib.request.Request(board.address, data=b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{board.address}/1")
        board.notices["k"] = {"key": "k", "text": "hello"}
        assert json.load(urllib.request.urlopen(board.url("k")))["text"] == "hello"
