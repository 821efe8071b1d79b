"""`govpost queue`, `govpost delivery` and `govpost explain`: what is planned, how it ended, and why."""

from __future__ import annotations

from pathlib import Path

from cli_city import City, city, day, receiver

WINDOWS = 'windows = ["mon-sun 09:00-17:00"]\nper_day = 1'


def test_the_queue_is_a_calendar_by_local_day_and_channel(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    assert riverton.ok("queue", "list").out == "nothing is planned within 7 days\n"
    riverton.schedule("alpha", channels="website, hub", more=f"at: {day(2)} 09:30\n")
    riverton.schedule("later", more=f"at: {day(20)} 09:30\n")
    said = riverton.ok("queue", "list").out
    lines = said.splitlines()
    assert day(2) in lines[0]
    assert lines[1:5] == ["  hub", *[lines[2]], "  website", lines[4]]
    assert "09:30 C" in lines[2]
    assert "later" not in said
    assert "later" in riverton.ok("queue", "list", "--days", "30").out
    assert [each["post"] for each in riverton.ask("queue", "list")] == ["alpha", "alpha", "later"]
    assert [each["post"] for each in riverton.ask("queue", "list", "--days", "7", "--channel", "hub")] == [
        "alpha"
    ]
    assert riverton.run("queue", "list", "--channel", "hup").code == 2


def test_a_post_is_moved_by_the_clock_of_its_channel(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.schedule("alpha", channels="website, hub")
    said = riverton.ok("queue", "move", "alpha", "--at", f"{day(2)} 08:00").out
    assert said.count(f"{day(2)} 08:00 C") == 2
    (row, _) = riverton.ask("queue", "move", "alpha", "--at", f"{day(3)}T15:00:00Z")
    assert row["slot"] == f"{day(3)}T15:00:00Z"
    riverton.ok("queue", "move", "alpha", "--at", f"{day(4)} 08:00", "--channel", "hub")
    assert "asked for that time" in riverton.ok("explain", "alpha").out


def test_a_time_that_cannot_be_read_or_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.schedule("alpha")
    for words, said in (
        ("soon", "'soon' is not a time"),
        ("2027-03-14 02:30", "does not exist"),
        ("2020-01-01", "past"),
    ):
        found = riverton.run("queue", "move", "alpha", "--at", words)
        assert found.code == 2
        assert said in found.err


def test_channels_in_several_time_zones_are_moved_one_at_a_time(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.change('platform = "webhook"', 'platform = "webhook"\ntimezone = "America/New_York"')
    riverton.schedule("alpha", channels="website, hub")
    said = riverton.run("queue", "move", "alpha", "--at", f"{day(2)} 08:00")
    assert (said.code, "several time zones" in said.err) == (2, True)
    assert (
        "08:00 E" in riverton.ok("queue", "move", "alpha", "--at", f"{day(2)} 08:00", "--channel", "hub").out
    )


def test_queue_now_needs_a_reason_and_passes_the_gap(tmp_path: Path) -> None:
    riverton = city(tmp_path, rate='min_gap = "2h"')
    riverton.schedule("alpha", channels="hub")
    riverton.schedule("beta", channels="hub")
    assert "not earlier: [channels.hub.rate] min_gap = 2 h" in riverton.ok("explain", "beta").out
    assert riverton.run("queue", "now", "beta").code == 2
    assert "beta on hub goes out from" in riverton.ok("queue", "now", "beta", "--reason", "asked for").out
    assert "by order" in riverton.ok("explain", "beta").out


def test_explain_names_the_line_of_the_config_a_slot_rests_on(tmp_path: Path) -> None:
    riverton = city(tmp_path, rate=WINDOWS)
    riverton.schedule("alpha", channels="hub")
    riverton.schedule("beta", channels="hub")
    found = riverton.ask("explain", "beta")
    reason = next(each for each in found["reasons"] if each["channel"] == "hub")
    text = (tmp_path / "config.toml").read_text().splitlines()
    assert text[reason["line"] - 1].startswith(("windows", "per_day"))
    assert f"config.toml:{reason['line']}: " in riverton.ok("explain", "beta").out


def test_explain_says_what_a_post_still_needs(tmp_path: Path) -> None:
    riverton = city(tmp_path, start=False)
    riverton.write("alpha")
    riverton.ok("post", "add", "content", "--draft", by="ana")
    assert "govpost post submit alpha" in riverton.ok("explain", "alpha").out
    riverton.ok("post", "submit", "alpha", by="ana")
    said = riverton.ok("explain", "alpha").out
    assert "it waits for communications: 1 more approval" in said
    assert "config.toml:" in said
    riverton.ok("review", "approve", "alpha", by="cleo")
    said = riverton.ok("explain", "alpha").out
    assert "it is held: the pilot of website is proposed" in said
    assert "[channels.website.pilot]" in said


def test_explain_keeps_to_a_posts_own_limits(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.schedule("alpha", more=f"not_before: {day(2)} 08:00\n")
    assert "the post says not_before" in riverton.ok("explain", "alpha").out


def test_an_uncertain_delivery_is_shown_and_settled_by_a_person(tmp_path: Path) -> None:
    with receiver(0) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="hub")
        riverton.deliver()
    (row,) = riverton.ask("delivery", "list", "--state", "uncertain")
    said = riverton.ok("delivery", "show", row["id"]).out
    assert "attempt 1 at" in said
    assert f"govpost delivery resolve {row['id']} --live URL | --not-there | --give-up" in said
    shown = riverton.ask("delivery", "show", row["id"][:18])
    assert shown["tried"][0]["outcome"] == "uncertain"
    assert shown["tried"][0]["evidence"]
    assert "!! uncertain" in riverton.ok("queue", "list").out
    assert "it is uncertain" in riverton.ok("explain", "alpha").out
    status = riverton.run("status")
    assert status.code == 1
    assert f"govpost delivery resolve {row['id']}" in status.out
    assert "it may still arrive" in riverton.run("delivery", "resolve", row["id"], "--not-there").err
    settled = riverton.ask(
        "delivery", "resolve", row["id"], "--live", "https://hub.example.gov/1", "--remote-id", "1"
    )
    assert (settled["state"], settled["remote_id"], settled["url"]) == (
        "live",
        "1",
        "https://hub.example.gov/1",
    )
    assert riverton.run("delivery", "resolve", row["id"], "--give-up").code == 1
    assert riverton.run("status").code == 0


def test_nobody_need_know_and_it_can_be_given_up(tmp_path: Path) -> None:
    with receiver(0) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="hub")
        riverton.deliver()
    (row,) = riverton.ask("delivery", "list")
    assert (
        "alpha on hub is failed (given up by ben"
        in riverton.ok("delivery", "resolve", row["id"], "--give-up").out
    )
    for told in (riverton.run("status").out, riverton.ok("explain", "alpha").out):
        assert "it may or may not be public" in told
        assert f"govpost delivery retry {row['id']} --not-there" in told
    refused = riverton.run("delivery", "retry", row["id"])
    assert (refused.code, "it may be public on hub" in refused.err) == (1, True)
    assert "look there first" in refused.err
    assert f"govpost delivery resolve {row['id']} --live URL" in refused.err
    assert "it may still arrive: wait" in riverton.run("delivery", "retry", row["id"], "--not-there").err
    said = riverton.ok("post", "cancel", "alpha", "--reason", "nobody can tell").out
    assert "hub: stopped, but it was given up and may be public: look there" in said
    assert riverton.run("status").code == 0
    (row,) = riverton.ask("delivery", "list")
    assert (row["state"], "may be public" in row["reason"]) == ("cancelled", True)


def test_a_failed_delivery_is_retried_in_a_new_slot(tmp_path: Path) -> None:
    with receiver(400, 201) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="website, hub")
        riverton.deliver()
        assert riverton.ask("post", "show", "alpha")["partly_published"]
        assert "published (partly published)" in riverton.ok("post", "list").out
        (row,) = riverton.ask("delivery", "list", "--state", "failed")
        said = riverton.ok("delivery", "list", "--post", "alpha", "--channel", "hub").out
        assert "answered 400" in said
        assert "website" not in said
        assert f"govpost delivery retry {row['id']}" in riverton.run("status").out
        assert "alpha on hub is queued" in riverton.ok("delivery", "retry", row["id"]).out
        riverton.deliver()
    assert not riverton.ask("post", "show", "alpha")["partly_published"]
    assert "it is public since" in riverton.ok("explain", "alpha").out


def test_what_is_tried_again_is_explained(tmp_path: Path) -> None:
    with receiver(503) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="hub")
        assert riverton.run("daemon", "--once", by=None).code == 0
        assert "it is tried again at" in riverton.ok("explain", "alpha").out


def test_a_thread_is_one_line_in_the_calendar(tmp_path: Path) -> None:
    plugin = """
from govpost import Capabilities, Receipt, hookimpl

class Short:
    name = "short"
    capabilities = Capabilities(max_chars=60, threads=True, max_media=0)

    def publish(self, variant, channel, http):
        return Receipt(remote_id=variant.key)

@hookimpl
def govpost_platforms():
    return [Short()]
"""
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins" / "short.py").write_text(plugin)
    (tmp_path / "plugins" / "short.py").chmod(0o644)
    riverton: City = city(tmp_path, start=False)
    riverton.change(
        'platform = "webhook"\nsettings = { url = "https://hub.example.gov/notices" }', 'platform = "short"'
    )
    riverton.ok("pilot", "start", "hub")
    body = "The first sentence has some words in it. The second one has words too. The third one ends it."
    riverton.schedule("alpha", body, channels="hub")
    lines = riverton.ok("queue", "list").out.splitlines()
    assert len(lines) == 3
    assert "parts" in lines[2]
    assert len(riverton.ask("queue", "list")) > 1
    said = riverton.ok("explain", "alpha").out
    assert "part 2: it is held: waits for part 1" in said
    assert "1/" in riverton.ok("post", "show", "alpha").out
    assert "part 1 of" in riverton.ok("post", "preview", "alpha").out
    riverton.deliver()
    assert {each["state"] for each in riverton.ask("delivery", "list")} == {"live"}


def test_a_delivery_nobody_knows_is_refused(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    assert riverton.ok("delivery", "list").out == "no deliveries\n"
    said = riverton.run("delivery", "show", "0193")
    assert (said.code, said.err.splitlines()[0]) == (1, "govpost: there is no delivery '0193'")


def test_a_pilots_cap_and_a_plugin_switched_off_are_explained_with_their_lines(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.change("caps = { posts = 200 }", "caps = { posts = 1 }")
    riverton.change("impersonation = true", "impersonation = true  # and no more")
    riverton.ok("pilot", "suspend", "hub", "--reason", "x")
    riverton.schedule("alpha", channels="hub")
    said = riverton.ok("explain", "alpha").out
    assert "the pilot of hub is suspended: x" in said
    assert "[channels.hub.pilot]" in said
    riverton.ok("pilot", "resume", "hub", "--reason", "y")
    riverton.ok("plugin", "disable", "webhook", "--reason", "z")
    assert riverton.run("daemon", "--once", by=None).code == 0
    assert riverton.ask("explain", "alpha")["reasons"][0]["state"] == "held"
    found = riverton.ask("plugin", "disable", "website", "--reason", "z")
    assert (found["state"], found["platforms"]) == ("disabled", ["website"])


def test_nothing_is_published_without_goals_and_explain_says_so(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.schedule("alpha")
    text = (tmp_path / "config.toml").read_text()
    start, end = text.index("[strategy.goals.services]"), text.index("[strategy.audiences")
    (tmp_path / "config.toml").write_text((text[:start] + text[end:]).replace('goal = "services"\n', ""))
    assert "the strategy has no goals, so nothing is published" in riverton.ok("explain", "alpha").out


def test_deliveries_too_late_to_stop_are_named(tmp_path: Path) -> None:
    with receiver(0) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="hub")
        riverton.deliver()
        assert "hub: too late, it is uncertain" in riverton.ok("post", "cancel", "alpha").out
    with receiver(201) as url:
        riverton.change(riverton.ask("delivery", "list")[0]["reason"].split()[1], url)
        riverton.schedule("beta", channels="hub")
        riverton.deliver()
        said = riverton.ok("post", "withdraw", "beta", "--reason", "error").out
        assert (
            "hub: its platform cannot take it down; do it by hand: https://hub.example.gov/notices/1" in said
        )
