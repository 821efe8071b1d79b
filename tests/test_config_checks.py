"""Names exist, no literal secrets, goals serve the mission."""

from __future__ import annotations

from datetime import date

import pytest

from govpost import config_checks
from govpost.errors import Mistakes
from riverton import said, small


def mistakes(root, *changes, more=""):
    with pytest.raises(Mistakes) as caught:
        small(root, *changes, more=more)
    return said(caught.value), caught.value


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[channels.hub.pilot]\ngoal = "servises"', "names no goal: 'servises' – did you mean 'services'?"),
        ('[channels.hub.pilot]\naudience = "everybody"', "names no audience: 'everybody'"),
        ('[channels.hub.pilot]\ndeputy = "zoe"', "names no person: 'zoe'"),
        ('[people.zoe]\nname = "Z"\nlogin = "ana"\n', "login 'ana' is taken by 'ana' (line 25)"),
        ('[people.daemon]\nname = "D"\nlogin = "d"\n', "nobody may be called 'daemon'"),
        ('[[review.stages]]\nname = "a"\nfrom = ["comunications"]', "– did you mean 'communications'?"),
        ('[[review.stages]]\nname = "a"\n[[review.stages]]\nname = "a"', "a second stage is called 'a'"),
    ],
)
def test_a_name_must_exist(tmp_path, more, words):
    [found], _ = mistakes(tmp_path, more=more)
    assert words in found


def test_the_main_channel_must_exist(tmp_path):
    [found], error = mistakes(tmp_path, ('main_channel = "website"', 'main_channel = "web"'))
    assert found == "config.toml:8:1: 'main_channel' names no channel: 'web' – did you mean 'website'?"
    assert error.tip == "channels here: website, hub"


def test_names_in_an_empty_file_have_nobody_to_mean(tmp_path):
    [found] = list(config_checks.check({"strategy": {"main_channel": "web"}}))
    assert found.tip == "there is no channel in this file yet"


@pytest.mark.parametrize("serves", ["WHAT  they\\nneed", "Riverton", "in time"])
def test_a_goal_serves_words_of_the_mission(tmp_path, serves):
    assert small(tmp_path, ('serves = "what they need"', f'serves = "{serves}"'))


@pytest.mark.parametrize("serves", ["world peace", "in tim", "hat they need"])
def test_a_goal_that_serves_no_words_of_the_mission_is_told_with_both_lines(tmp_path, serves):
    [found], _ = mistakes(tmp_path, ('serves = "what they need"', f'serves = "{serves}"'))
    assert found == (
        f"config.toml:12:1: goal 'services' serves {serves!r}, words that the mission does not hold (line 7)"
    )


@pytest.mark.parametrize(
    "settings",
    [
        'token = "hunter2"',
        'apiKey = "hunter2"',
        'signing_key = "env:HUB"',
        'headers = { Authorization = "Bearer hunter2" }',
        'client_secret = ["hunter2"]',
        'password = { value = "hunter2" }',
        'url = "https://ana:hunter2@hub.example.gov/"',
        'url = "https://hub.example.gov/?v=1&token=hunter2"',
    ],
)
def test_a_literal_secret_in_settings_is_refused_and_never_repeated(tmp_path, settings):
    [found], error = mistakes(tmp_path, more=f"[channels.hub.settings]\n{settings}\n")
    assert "hunter2" not in found + error.tip
    assert "env:NAME" in error.tip


@pytest.mark.parametrize(
    "settings",
    [
        'token_url = "https://hub.example.gov/token"',
        'public_key = "abc"',
        'url = "https://ana@hub.example.gov:8443/a?b=c"',
        "max_tokens = 500",
        'token = ""',
        'key = "value"',
        '"" = "x"',
    ],
)
def test_harmless_settings_are_taken(tmp_path, settings):
    assert small(tmp_path, more=f"[channels.hub.settings]\n{settings}\n")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://govpost:hunter2@db/govpost",
        "postgresql+psycopg://govpost:hunter2/%40:3@db/govpost",
        "postgresql+psycopg://:hunter2@db/govpost",
        "postgresql+psycopg://db/govpost?password=hunter2",
        "postgresql+psycopg://db/govpost?sslmode=require&sslpassword=hunter2",
    ],
)
def test_a_password_in_the_database_address_is_refused_and_not_repeated(tmp_path, address):
    [found], error = mistakes(tmp_path, more=f'[store]\ndatabase = "{address}"\n')
    assert "'database' holds an address with a password in it" in found
    assert 'password = "file:PATH"' in error.tip
    assert "hunter2" not in found + error.tip


@pytest.mark.parametrize("address", ["postgresql+psycopg://govpost@db:5432/govpost", "sqlite:///a:b@c.db"])
def test_a_database_address_without_a_password_is_taken(tmp_path, address):
    more = f'[store]\ndatabase = "{address}"\npassword = "env:GOVPOST_DATABASE_PASSWORD"\n'
    assert small(tmp_path, more=more).store.password == "env:GOVPOST_DATABASE_PASSWORD"


def test_a_literal_password_of_the_database_is_refused_and_not_repeated(tmp_path):
    [found], _ = mistakes(tmp_path, more='[store]\npassword = "hunter2"\n')
    assert "holds a literal secret" in found
    assert "hunter2" not in found


def test_dates_in_settings_become_text_that_a_digest_can_hold(tmp_path):
    loaded = small(tmp_path, more="[channels.hub.settings]\nsince = [2026-11-01, 10:00:00]\n")
    assert loaded.channels["hub"].settings == {"since": ["2026-11-01", "10:00:00"]}
    assert config_checks.plain(date(2026, 1, 2)) == "2026-01-02"
