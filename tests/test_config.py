"""config.toml: checked values, or every mistake at once with its place."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from govpost import config
from govpost.errors import GovpostError, Mistakes, UsageFault
from riverton import SMALL, said, small, write

ROOT = Path(__file__).parent.parent


def mistakes(root: Path, *changes: tuple[str, str], more: str = "") -> list[str]:
    with pytest.raises(Mistakes) as caught:
        small(root, *changes, more=more)
    return said(caught.value)


def test_the_example_city_loads_with_complete_charters():
    riverton = config.load(ROOT)
    assert riverton.main_channel == "website"
    assert [channel.pilot.missing() for channel in riverton.channels.values()] == [[], []]
    assert riverton.rate("hub").per_day == 3
    assert riverton.warnings(date(2036, 1, 1)) == []


def test_the_example_city_names_no_date_of_the_calendar():
    for path in [ROOT / "config.toml", *ROOT.glob("content/**/*.md")]:
        assert not re.search(r"\b(19|20)\d\d-\d\d|\b20\d\d\b", path.read_text()), path


def test_config_knows_its_place_and_its_bytes(tmp_path):
    loaded = small(tmp_path)
    assert (loaded.root, loaded.path) == (tmp_path, tmp_path / "config.toml")
    assert loaded.hash == hashlib.sha256(SMALL.encode()).hexdigest()


def test_the_strategy_hash_moves_with_strategy_and_rates_alone(tmp_path):
    before = small(tmp_path).strategy_hash
    assert small(tmp_path, ("Ana Ruiz", "Ana Diaz")).strategy_hash == before
    assert small(tmp_path, ("in time.", "in time. Always.")).strategy_hash != before
    assert small(tmp_path, more="[channels.hub.rate]\nper_day = 3\n").strategy_hash != before
    dated = small(tmp_path, ("[strategy.goals", "reviewed = 2026-11-01\n[strategy.goals"))
    assert dated.strategy_hash != before


def test_a_key_is_found_by_line(tmp_path):
    loaded = small(tmp_path, more="[channels.hub.rate]\nper_day = 3\n")
    assert loaded.line("channels", "hub", "rate", "per_day") == len(SMALL.splitlines()) + 2
    assert loaded.line("channels", "nowhere") is None


def test_empty_goals_load(tmp_path):
    write(tmp_path, '[agency]\nname = "R"\nhomepage = "https://r.example/"\n[strategy.goals]\n')
    loaded = config.load(tmp_path)
    assert loaded.strategy.goals == {}
    assert loaded.main_channel == ""


def test_everything_wrong_is_told_at_once_in_the_order_of_the_lines(tmp_path):
    found = mistakes(
        tmp_path,
        ("main_channel", "main_chanel"),
        ('mode = "serve"', 'mode = "serv"'),
        ("baseline = 1\n", 'baseline = "1"\n'),
        ('roles = ["author"]', 'roles = ["autor"]'),
        ('evidence = "census"\n', ""),
        more='[channels.hub.pilot]\nowner = "bem"\n',
    )
    assert found == [
        "config.toml:8:1: unknown key 'main_chanel' in [strategy] – did you mean 'main_channel'?",
        "config.toml:13:1: 'mode' must be one of inform, listen, engage, serve – did you mean 'serve'?",
        "config.toml:15:1: 'baseline': must be a number, without quotes",
        "config.toml:18:1: [strategy.audiences.residents] needs 'evidence'",
        "config.toml:25:10: 'roles': no role is called 'autor' – did you mean 'author'?"
        " (roles: author, reviewer, publisher, admin, officer, records)",
        "config.toml:39:1: 'owner' names no person: 'bem' – did you mean 'ben'?",
    ]


def test_an_unknown_table_is_told_from_a_missing_one(tmp_path):
    assert mistakes(tmp_path, ("[agency]", "[agencie]")) == [
        "config.toml:1:1: there is no [agency] table",
        "config.toml:1:1: unknown key 'agencie' at the top – did you mean 'agency'?",
    ]


def test_unknown_keys_are_guessed_inside_lists_and_free_tables(tmp_path):
    found = mistakes(
        tmp_path, more='[[review.stages]]\nname = "legal"\nform = ["communications"]\nzebra = 1\n'
    )
    assert "unknown key 'form' in [review.stages.0] – did you mean 'from'?" in found[0]
    assert found[1].endswith("unknown key 'zebra' in [review.stages.0]")


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ("[agency\n", "1:8"),
        ('[agency]\nname = "a"\nname = "b"\n', "3:11"),
        ("x = ", "1:4"),
        ('x = """abc\n', "1:11"),
        ("x = " + "[" * 20_000, ""),
    ],
)
def test_broken_toml_names_its_line(tmp_path, broken, place):
    with pytest.raises(Mistakes) as caught:
        config.load(write(tmp_path, broken))
    [only] = said(caught.value)
    assert re.match(rf"config\.toml:{place}", only), only
    assert caught.value.tip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'\xef\xbb\xbf[agency]\nname = "\xff"', "config.toml:2:9: is not UTF-8 text"),
        (b"[agency]\r\nname = 'a\0'", "config.toml:2:10: holds U+0000 (NUL)"),
        ("x = '\u202e'".encode(), "config.toml:1:6: holds U+202E (right-to-left override)"),
        (b"#" * 1_000_001, "config.toml: is 1,000,001 bytes; at most 1,000,000 are read"),
    ],
)
def test_bytes_that_are_no_text_are_one_line_and_a_tip(tmp_path, content, words):
    with pytest.raises(Mistakes) as caught:
        config.load(write(tmp_path, content))
    assert said(caught.value) == [words]
    assert caught.value.tip


def test_a_byte_order_mark_is_tolerated(tmp_path):
    assert config.load(write(tmp_path, b"\xef\xbb\xbf" + SMALL.encode())).agency.name == "City of Riverton"


def test_a_missing_config_says_how_to_begin(tmp_path):
    with pytest.raises(UsageFault) as caught:
        config.load(tmp_path / "nowhere")
    assert "govpost init DIR" in caught.value.tip
    assert caught.value.exit_code == 2


def test_a_folder_or_a_pipe_in_its_place_is_one_line(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(Mistakes, match="not a file"):
        config.load(tmp_path)
    (tmp_path / "config.toml").rmdir()
    os.mkfifo(tmp_path / "config.toml")
    with pytest.raises(Mistakes, match="not a file"):
        config.load(tmp_path)


def test_a_circle_of_links_is_one_line(tmp_path):
    (tmp_path / "config.toml").symlink_to("config.toml")
    with pytest.raises(Mistakes, match="cannot be read") as caught:
        config.load(tmp_path)
    assert caught.value.tip


def test_an_overdue_review_warns_and_never_blocks(tmp_path):
    with_review = (
        'main_channel = "website"',
        'main_channel = "website"\nreviewed = 2026-01-01\nreview_every = "90d"',
    )
    loaded = small(tmp_path, with_review)
    assert loaded.warnings(date(2026, 4, 1)) == []
    assert loaded.warnings(date(2026, 4, 2)) == [
        "config.toml:10: the review of the strategy was due on 2026-04-01"
    ]
    undated = small(tmp_path, ('main_channel = "website"', 'main_channel = "website"\nreview_every = "90d"'))
    assert len(undated.warnings(date(2026, 4, 2))) == 1


def test_a_rate_comes_in_the_zone_of_its_channel(tmp_path):
    loaded = small(
        tmp_path,
        ('platform = "webhook"', 'platform = "webhook"\ntimezone = "America/Denver"'),
        more='[channels.hub.rate]\nslots = ["12:30", "09:00", "09:00"]\nmin_gap = "90m"\nwindows = ["sat"]\n',
    )
    rate = loaded.rate("hub")
    assert (rate.zone, loaded.zone("website")) == ("America/Denver", "America/Chicago")
    assert [str(slot) for slot in rate.slots] == ["09:00:00", "12:30:00"]
    assert rate.min_gap == timedelta(minutes=90)
    assert [window.text for window in rate.windows] == ["sat"]


@example("[[channels]]\n[[people]]\n[[review]]\nstages = 3\n[[strategy]]")
@example('strategy = 1\nchannels = "x"\npeople = [1]\nreview.stages = [1, {name = 2, from = [3]}]')
@example("[channels]\nhub = 1\n[people]\nana = 1\n[strategy]\nmission = 1\n[strategy.goals]\nx = 1\n")
@example("[channels.x]\nsettings = 3\nrate = 3\npilot = 4\nsecrets.a = 3")
@given(st.text(alphabet=st.sampled_from("[]{}=\"'.#\nabc1-, \\"), max_size=60))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_stands_in_it_only_our_errors_come_out(tmp_path, text):
    with pytest.raises(GovpostError):
        config.load(write(tmp_path, text))


@given(st.integers(0, len(SMALL) - 1), st.text(max_size=3))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_slip_of_the_pen_is_a_mistake_with_a_place_or_none(tmp_path, where, slip):
    try:
        config.load(
            write(tmp_path, (SMALL[:where] + slip + SMALL[where + 1 :]).encode("utf-8", "surrogatepass"))
        )
    except Mistakes as error:
        assert all(mistake.line for mistake in error.mistakes)


def test_a_list_whose_words_are_wrong_is_not_called_empty_too(tmp_path: Path) -> None:
    more = '[channels.hub.rate]\nwindows = ["mo-fr 8-18"]\n'
    with pytest.raises(Mistakes) as wrong:
        small(tmp_path, more=more)
    assert len(said(wrong.value)) == 1
