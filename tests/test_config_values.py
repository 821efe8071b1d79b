"""Single values of config.toml: what is taken, and the words for what is not."""

from __future__ import annotations

import pytest

from govpost.errors import Mistakes
from riverton import said, small

RATE = "[channels.hub.rate]\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (RATE + "per_day = 0", "'per_day': must be above nothing"),
        (RATE + "per_day = true", "'per_day': must be a whole number"),
        (RATE + "per_day = 1.5", "'per_day': must be a whole number"),
        (RATE + 'windows = ["mon-fry 08:00-18:00"]', "names no day"),
        (RATE + "windows = []", "'windows': must not be empty"),
        (RATE + 'windows = "always"', "'windows': must be a list"),
        (RATE + 'slots = ["9:00"]', "is not a time of day"),
        (RATE + 'slots = ["24:00"]', "write 00:00"),
        (RATE + 'grace = "-2h"', "is not a duration"),
        (RATE + "grace = 2", "must be a duration in quotes"),
        (RATE + 'late = "later"', "must be one of send, ask, expire"),
        (RATE + 'holidays = "US-XX"', "no holidays are known"),
        (RATE + 'holidays = "Utopia"', "no holidays are known"),
        ('[collector]\nreplies = "5s"', 'must be at least "30s", or "never"'),
        ("[collector]\nreplies = 5", "must be a duration in quotes"),
        ("[collector]\nreplies = false", "must be a duration in quotes"),
        ('[collector]\nmeasure_at = ["soon"]', "is not a duration"),
        ('[collector]\nmeasure_at = ["0s"]', "must be longer than nothing"),
        ('[collector]\nmeasure_at = "1h"', "'measure_at': must be a list"),
        (f"[collector]\nmeasure_at = {[f'{n}h' for n in range(1, 50)]}", "names 49 ages; at most 48"),
        ('[daemon]\nattempt = "0s"', "must be longer than nothing"),
        ("[channels.hub.pilot]\nends = 2026-01-01T10:00:00", "must be a date such as"),
        ('[channels.hub.pilot]\nends = "soon"', "is not a duration"),
        ("[channels.hub.pilot]\ncaps = { posts = 0 }", "must be above nothing"),
        ("[channels.hub.pilot]\ntarget = nan", "must be a finite number"),
        ("[channels.hub.settings]\nshares = [1.0, inf]", "must be a finite number"),
        ('[channels.hub]\n[channels."a b"]\nplatform = "x"', "cannot be a name"),
        ('[[review.stages]]\nname = "x"\napprovals = 0', "must be a whole number above nothing"),
        ('[channels.hub.secrets]\nkey = "hunter2"', "holds a literal secret"),
        ('[channels.hub.secrets]\nkey = "env:"', "holds a literal secret"),
        ("[security]\nimpersonation = 1", "must be true or false"),
        ("[store]\nmedia = ''", "must not be empty"),
    ],
)
def test_a_wrong_value_says_what_would_be_right(tmp_path, line, words):
    line = line.replace("[channels.hub]\n[", "[")
    with pytest.raises(Mistakes) as caught:
        small(tmp_path, more=line)
    found = said(caught.value)
    assert any(words in mistake for mistake in found), found
    assert not any("hunter2" in mistake for mistake in found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("America/Chicago", "America/Chikago", "no time zone is called"),
        ("America/Chicago", "../etc/passwd", "no time zone is called"),
        ("https://riverton.example.gov/", "riverton", "must be a web address"),
        ("timezone =", 'languages = ["english!"]\ntimezone =', "is not a language code"),
        ("timezone =", "languages = []\ntimezone =", "must not be empty"),
        (
            'main_channel = "website"',
            'main_channel = "website"\nreviewed = "2026-11-01"',
            "must be a date without quotes",
        ),
        ('roles = ["author"]', 'roles = ["daemon"]', "no role is called 'daemon'"),
        ('roles = ["author"]', "roles = 5", "must be a list"),
        ('name = "Ana Ruiz"', "name = 5", "must be text, in quotes"),
    ],
)
def test_a_wrong_word_says_what_would_be_right(tmp_path, old, new, words):
    with pytest.raises(Mistakes, match=words):
        small(tmp_path, (old, new))


@pytest.mark.parametrize("reference", ["env:HUB_KEY", "file:/run/keys/hub", "credential:hub.key"])
def test_a_secret_is_named_by_reference(tmp_path, reference):
    loaded = small(tmp_path, more=f'[channels.hub.secrets]\nsigning_key = "{reference}"\n')
    assert loaded.channels["hub"].secrets == {"signing_key": reference}


def test_known_holidays_are_taken(tmp_path):
    assert small(tmp_path, more=RATE + 'holidays = "US-IL"\n').rate("hub").holidays == "US-IL"
