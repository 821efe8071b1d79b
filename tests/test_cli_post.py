"""`govpost post`: from a file in content/ to a post, and whatever happens to it later."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_city import City, city
from govpost.cli import taking
from govpost.daemon.lock import Lock
from govpost.store.engine import Store
from riverton import png


@pytest.fixture
def riverton(tmp_path: Path) -> City:
    return city(tmp_path)


def test_a_post_goes_from_a_file_to_a_scheduled_delivery(riverton: City) -> None:
    riverton.write("alpha")
    (added,) = riverton.ask("post", "add", "content/alpha.md", by="ana")
    assert (added["slug"], added["blocked"], added["unchanged"]) == ("alpha", False, False)
    assert added["post"]["state"] == "submitted"
    approved = riverton.ask("review", "approve", "alpha", by="cleo")
    assert approved["state"] == "scheduled"
    assert approved["wanting"] == []
    assert [(each["person"], each["kind"]) for each in approved["approvals"]] == [("cleo", "approve")]
    (delivery,) = approved["deliveries"]
    assert delivery["id"] == delivery["key"]
    assert (delivery["post"], delivery["channel"], delivery["state"]) == ("alpha", "website", "queued")
    assert delivery["due"].endswith("Z")


def test_the_json_of_a_post_and_a_delivery_has_the_promised_keys(riverton: City) -> None:
    riverton.schedule("alpha")
    (post,) = riverton.ask("post", "list")
    assert post == riverton.ask("post", "show", "alpha")
    assert {
        *(
            "id",
            "slug",
            "title",
            "state",
            "version",
            "digest",
            "author",
            "approvals",
            "deliveries",
            "corrects",
        ),
        *("remarks", "partly_published", "content_changed", "strategy"),
    } <= post.keys()
    assert {"person", "kind", "at", "dissent", "reason", "digest", "config", "strategy"} <= post["approvals"][
        0
    ].keys()
    assert {
        *(
            "id",
            "key",
            "post",
            "post_id",
            "channel",
            "platform",
            "part",
            "parts",
            "action",
            "state",
            "due",
            "slot",
        ),
        *("wall", "zone", "attempts", "tries", "remote_id", "url", "reason"),
    } <= post["deliveries"][0].keys()


def test_people_read_tables_without_boxes(riverton: City) -> None:
    riverton.schedule("alpha")
    lines = riverton.ok("post", "list").out.splitlines()
    assert lines[0].split() == ["POST", "STATE", "TITLE", "AUTHOR", "ID"]
    assert lines[1].startswith("alpha  scheduled  About alpha")
    said = riverton.ok("post", "show", "alpha").out
    assert "approve by cleo" in said
    assert "source:  content/alpha.md" in said
    assert not set(said) & set("│┃━─┏┗\x1b")


def test_a_list_can_be_narrowed(riverton: City) -> None:
    riverton.submit("alpha")
    riverton.submit("beta")
    assert [each["slug"] for each in riverton.ask("post", "list", "--limit", "1")] == ["beta"]
    assert riverton.ask("post", "list", "--state", "draft") == []


def test_a_changed_file_is_said_until_it_is_taken_in_again(riverton: City) -> None:
    riverton.submit("alpha")
    riverton.write("alpha", "Other words.")
    assert riverton.ask("post", "show", "alpha")["content_changed"]
    assert "changed since it was taken in" in riverton.ok("post", "show", "alpha").out
    (added,) = riverton.ask("post", "add", "content", by="ana")
    assert added["post"]["version"] == 2
    assert not added["post"]["content_changed"]
    assert riverton.ask("post", "add", "content", by="ana")[0]["unchanged"]
    assert "nothing has changed" in riverton.ok("post", "add", "content", by="ana").out
    (riverton.root / "content" / "alpha.md").unlink()
    assert riverton.ask("post", "show", "alpha")["content_changed"]


def test_a_blocked_draft_is_told_with_file_line_and_tip_and_exits_1(riverton: City) -> None:
    picture = riverton.root / "content" / "fair.png"
    riverton.write("fair", more="media:\n  - file: fair.png\n")
    picture.write_bytes(png())
    said = riverton.run("post", "add", "content/fair.md", by="ana")
    assert said.code == 1
    assert "fair: blocked, and not taken in" in said.out
    assert "content/fair.md:" in said.out
    assert "tip: " in said.out
    checked = riverton.run("--json", "post", "check", "content/fair.md", by=None)
    assert checked.code == 1
    (found,) = checked.json
    assert found["blocked"]
    assert {"rule", "severity", "message", "tip", "file", "line", "channel"} == found["findings"][0].keys()
    assert found["findings"][0]["file"] == "content/fair.md"
    assert riverton.ask("post", "list") == []
    assert riverton.run("post", "preview", "content/fair.md", by=None).code == 1


def test_check_says_nothing_found_and_keeps_nothing(riverton: City) -> None:
    riverton.write("alpha")
    assert riverton.ok("post", "check", "content/alpha.md", by=None).out == "alpha: nothing found\n"
    assert riverton.ask("post", "list") == []


def test_preview_shows_just_what_would_go_out(riverton: City) -> None:
    (riverton.root / "content").mkdir(exist_ok=True)
    (riverton.root / "content" / "fair.png").write_bytes(png())
    more = "media:\n  - file: fair.png\n    alt: Two tables in a hall\nwording:\n  hub: Words for the hub 👩🏽‍🚒\n"
    riverton.write("fair", channels="website, hub", more=more)
    said = riverton.ok("post", "preview", "content/fair.md", by=None).out
    assert "website (website), 1 part" in said
    assert "part 1 of 1: 19 characters" in said
    assert "Words for the hub 👩🏽‍🚒" in said
    assert "described as: Two tables in a hall" in said
    riverton.ok("post", "add", "content/fair.md", by="ana")
    shown = riverton.ask("post", "preview", "fair", "--channel", "hub", by=None)
    (channel,) = shown["channels"]
    (part,) = channel["parts"]
    assert (part["text"], part["count"], part["media"][0]["alt"]) == (
        "Words for the hub 👩🏽‍🚒",
        19,
        "Two tables in a hall",
    )


def test_preview_of_what_is_not_there_is_a_usage_error(riverton: City) -> None:
    said = riverton.run("post", "preview", "nothing", by=None)
    assert (said.code, "no such file" in said.err) == (2, True)
    riverton.write("alpha")
    said = riverton.run("post", "preview", "content/alpha.md", "--channel", "hup", by=None)
    assert (said.code, "does not go to a channel 'hup'" in said.err) == (2, True)
    riverton.write("beta")
    assert riverton.run("post", "preview", "content", by=None).code == 2


def test_a_draft_is_kept_and_submitted_later(riverton: City) -> None:
    riverton.write("alpha")
    said = riverton.ok("post", "add", "content/alpha.md", "--draft", by="ana").out
    assert "submit it with: govpost post submit alpha" in said
    assert riverton.ask("post", "submit", "alpha", by="ana")[0]["post"]["state"] == "submitted"
    assert riverton.run("post", "submit", "alpha", by="ana").code == 1


def test_a_publisher_schedules_where_config_says_so(riverton: City) -> None:
    riverton.change("[[review.stages]]", '[review]\nschedule = "by-publisher"\n[[review.stages]]')
    riverton.submit("alpha")
    riverton.ok("review", "approve", "alpha", by="cleo")
    assert "govpost post schedule alpha" in riverton.ok("explain", "alpha").out
    assert "website: " in riverton.ok("post", "schedule", "alpha").out


def test_cancel_stops_what_has_not_gone_out(riverton: City) -> None:
    riverton.schedule("alpha")
    said = riverton.ok("post", "cancel", "alpha", "--reason", "rain").out
    assert said == "alpha is cancelled\n  website: stopped\n"
    assert "nothing of it goes out" in riverton.ok("explain", "alpha").out
    riverton.schedule("beta")
    assert riverton.ask("post", "cancel", "beta")["stopped"][0]["channel"] == "website"


def test_a_correction_is_a_post_that_names_what_it_corrects(riverton: City) -> None:
    riverton.schedule("alpha", "Open on Sunday.")
    riverton.deliver()
    riverton.write("alpha-correction", "Open on Saturday.")
    (made,) = riverton.ask("post", "correct", "alpha", "content/alpha-correction.md", by="ana")
    assert made["post"]["corrects"] == "alpha"
    assert "corrects: alpha" in " ".join(riverton.ok("post", "show", "alpha-correction").out.split())
    assert "is alpha itself" in riverton.run("post", "correct", "alpha", "content/alpha.md", by="ana").err
    assert "a correction is one" in riverton.run("post", "correct", "alpha", "content", by="ana").err
    riverton.write("other", more="corrects: beta\n")
    said = riverton.run("post", "correct", "alpha", "content/other.md", by="ana")
    assert "says that it corrects beta" in said.err


def test_withdrawing_needs_a_known_code_and_takes_down_what_is_live(riverton: City) -> None:
    riverton.schedule("alpha")
    riverton.deliver()
    assert "did you mean 'error'" in riverton.run("post", "withdraw", "alpha", "--reason", "eror").err
    assert "website: will be taken down" in riverton.ok("post", "withdraw", "alpha", "--reason", "error").out
    riverton.deliver()
    post = riverton.ask("post", "show", "alpha")
    assert post["state"] == "withdrawn"
    assert {each["action"] for each in post["deliveries"]} == {"publish", "withdraw"}


def test_many_drafts_leave_gaps_to_a_daemon_and_only_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(taking.time, "sleep", rests.append)
    store = Store("sqlite:///govpost.db", tmp_path)
    taking._rest(store)
    assert rests == []
    lock = Lock(store.folder)
    lock.take()
    taking._rest(store)
    lock.free()
    taking._rest(store)
    assert len(rests) == 1
