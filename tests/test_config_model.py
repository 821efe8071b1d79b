"""The shape of config.toml and what its values answer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from govpost.config import Charter
from govpost.states import Role
from riverton import small

DEFAULTS = {
    "error": "This post contained an error and has been withdrawn.",
    "violation": "This post did not meet our publication rules and has been withdrawn.",
    "security": "This post has been withdrawn for security reasons.",
}


def test_defaults_are_the_written_ones(tmp_path):
    loaded = small(tmp_path)
    assert loaded.store.database == "sqlite:///.govpost/govpost.db"
    assert loaded.security.impersonation is False
    assert loaded.review.schedule == "on-approval"
    assert loaded.daemon.attempt == timedelta(seconds=120)
    assert loaded.channels["hub"].threads == 2
    assert loaded.rate("hub").grace == timedelta(hours=2)
    assert loaded.withdrawal == DEFAULTS
    assert loaded.people["ben"].roles == (Role.REVIEWER, Role.ADMIN)


def test_a_stage_reads_the_word_from(tmp_path):
    loaded = small(
        tmp_path, more='[[review.stages]]\nname = "a"\napprovals = "all"\nfrom = ["communications"]\n'
    )
    [stage] = loaded.review.stages
    assert (stage.approvals, stage.from_) == ("all", ("communications",))


def test_an_empty_charter_names_all_that_a_start_needs():
    assert Charter().missing() == [
        "question",
        "goal",
        "audience",
        "evidence",
        "why_here",
        "metric",
        "baseline",
        "target",
        "owner",
        "deputy",
        "ends",
        "caps",
    ]


def test_blank_words_do_not_complete_a_charter_and_zero_does():
    missing = Charter(question="  ", baseline=0.0).missing()
    assert "question" in missing
    assert "baseline" not in missing


def test_a_pilot_ends_on_its_date_or_so_long_after_its_start(tmp_path):
    loaded = small(
        tmp_path, more='[channels.hub.pilot]\nends = "120d"\n[channels.website.pilot]\nends = 2027-03-31\n'
    )
    start = date(2026, 1, 1)
    assert loaded.channels["hub"].pilot.end(start) == date(2026, 5, 1)
    assert loaded.channels["website"].pilot.end(start) == date(2027, 3, 31)
    assert Charter().end(start) is None


@pytest.mark.parametrize("never", ["0", '"0"', '"0s"', '"never"'])
def test_replies_may_be_asked_for_never(tmp_path, never):
    assert small(tmp_path, more=f"[collector]\nreplies = {never}\n").collector.replies == timedelta()


def test_the_ages_of_a_post_are_put_in_order_each_once(tmp_path):
    loaded = small(tmp_path, more='[collector]\nmeasure_at = ["1d", "60m", "1h"]\n')
    assert loaded.collector.measure_at == (timedelta(hours=1), timedelta(days=1))
    assert small(tmp_path, more="[collector]\nmeasure_at = []\n").collector.measure_at == ()
