"""Taking a draft in: checked whole or not taken in at all, copied once, and read never again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost import content, pilots
from govpost.domain import Capabilities, Draft
from govpost.editorial import intake
from govpost.errors import Mistakes, Refused, Unavailable, Uncertain
from govpost.registry import Registry
from govpost.store import chain, posts
from office import Changing, Confirming, Office, Scripted
from riverton import png

PLAIN = Capabilities(title=True, link=True)
DAY = timedelta(days=1)
PICTURE = "media:\n  - file: bridge.png\n    alt: Barriers on the bridge"


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted) -> Office:
    office = Office(tmp_path, {"hub": hub})
    office.start()
    return office


def count(office: Office, table: str) -> int:
    with office.store.read() as conn:
        return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def rules(taken: intake.Taken) -> list[str]:
    return [finding.rule for finding in taken.checked.findings]


def everything(office: Office) -> list[int]:
    return [count(office, table) for table in ("post", "version", "delivery", "approval", "event")]


class TestABlockedDraft:
    def test_is_not_taken_in_and_leaves_nothing_half_written(self, office: Office) -> None:
        before = everything(office)
        office.write("road", more="media:\n  - file: bridge.png")
        (office.root / "content/road/bridge.png").write_bytes(png())
        taken = office.take_in("road")
        assert (taken.post, taken.checked.blocked) == (None, True)
        assert everything(office) == before
        assert not (office.root / ".govpost/media").exists()

    def test_is_taken_in_once_it_is_mended(self, office: Office) -> None:
        office.write("road", more="media:\n  - file: bridge.png")
        (office.root / "content/road/bridge.png").write_bytes(png())
        office.take_in("road")
        office.write("road", more=PICTURE)
        assert office.take_in("road").post is not None
        assert office.state("road") == "submitted"

    def test_may_be_kept_as_a_draft_but_not_submitted(self, office: Office) -> None:
        office.write("road", "TODO: words")
        assert office.take_in("road", submit=False).post is not None
        assert office.state("road") == "draft"
        draft = content.load(office.root / "content/road/post.md", office.config)
        submitted = intake.submit(
            office.store, office.desk, office.person("ana"), office.post("road"), draft, []
        )
        assert (submitted.post, office.state("road")) == (None, "draft")

    def test_by_a_channel_whose_platform_is_not_loaded_names_the_reason(self, office: Office) -> None:
        office.registry = Registry()
        office.platforms = {}
        office.read_config()
        office.write("road", channels=["hub"])
        taken = office.take_in("road")
        assert (taken.post, rules(taken)) == (None, ["U09"])

    def test_leaves_the_version_that_stands_alone(self, office: Office) -> None:
        office.release("road")
        office.write("road", "TODO: other words")
        assert office.take_in("road").post is None
        assert (office.state("road"), office.one("road").state) == ("scheduled", "queued")


class TestSubmitting:
    def draft(self, office: Office) -> content.Draft:
        return content.load(office.root / "content/road/post.md", office.config)

    def submit(self, office: Office, acks: tuple[str, ...] = ()) -> intake.Taken:
        return intake.submit(
            office.store, office.desk, office.person("ana"), office.post("road"), self.draft(office), acks
        )

    def test_a_draft_is_submitted_later_naming_what_was_acknowledged(self, office: Office) -> None:
        office.write("road")
        office.take_in("road", submit=False)
        assert office.state("road") == "draft"
        assert self.submit(office, ("S11", "A02")).post is not None
        assert office.state("road") == "submitted"
        assert office.events("post.submitted")[-1].why == "submitted, acknowledging A02, S11"

    def test_adding_a_kept_draft_again_submits_it(self, office: Office) -> None:
        office.write("road")
        office.take_in("road", submit=False)
        taken = office.take_in("road")
        assert (taken.unchanged, office.state("road"), count(office, "version")) == (True, "submitted", 1)

    def test_what_would_go_out_differently_now_is_not_submitted(self, office: Office) -> None:
        office.write("road")
        office.take_in("road", submit=False)
        office.edit_config('room = "hub"', 'room = "other"')
        with pytest.raises(Refused, match="differently"):
            self.submit(office)

    def test_only_a_draft_can_be_submitted(self, office: Office) -> None:
        office.release("road")
        with pytest.raises(Refused, match="only a draft"):
            self.submit(office)
        assert (office.state("road"), office.one("road").state) == ("scheduled", "queued")

    def test_a_new_version_of_what_was_submitted_cannot_be_kept_out_of_review(self, office: Office) -> None:
        office.write("road")
        office.take_in("road")
        office.write("road", "Other words entirely.")
        with pytest.raises(Refused, match="goes to review at once"):
            office.take_in("road", submit=False)

    def test_only_an_author_takes_posts_in(self, office: Office) -> None:
        office.write("road")
        with pytest.raises(Refused, match="author"):
            office.take_in("road", by="ben")

    def test_who_takes_it_in_is_its_author_unless_it_names_one(self, office: Office) -> None:
        path = office.write("road")
        path.write_text(path.read_text().replace("author: ana\n", ""))
        office.take_in("road", by="dan")
        assert office.post("road").author == "dan"


class TestANewVersion:
    def test_leads_back_to_submitted_and_cancels_its_deliveries(self, office: Office, hub: Scripted) -> None:
        office.release("road")
        office.write("road", "Better words.")
        assert office.take_in("road").post is not None
        assert (office.state("road"), office.states("road")) == ("submitted", ["cancelled"])
        office.work()
        assert hub.calls == []
        office.approve("road")
        office.work()
        assert hub.texts() == ["Better words."]
        assert sorted(office.states("road")) == ["cancelled", "live"]
        assert office.state("road") == "published"

    def test_may_follow_while_it_is_submitted_or_only_a_draft(self, office: Office) -> None:
        for submit, number in ((False, 1), (False, 2), (True, 3), (True, 4)):
            office.write("road", f"Wording number {number}.")
            post = office.take_in("road", submit=submit).post
            assert post is not None
            assert (post.version, post.state) == (number, "submitted" if submit else "draft")

    def test_takes_back_a_delivery_that_is_being_prepared(self, office: Office, hub: Scripted) -> None:
        from govpost.store import deliveries

        (row,) = office.release("road")
        with office.tx("daemon") as tx:
            claim = deliveries.claim(tx, "hub", owner="w", lease=DAY, gap=timedelta(), main_channel="hub")
        assert claim is not None
        office.write("road", "Better words.")
        assert office.take_in("road").post is not None
        assert office.one("road").state == "cancelled"
        with office.tx("daemon") as tx:
            assert not deliveries.gate(tx, claim, deliveries.Fence("w", claim.tries))
        assert row.id == claim.id

    @pytest.mark.parametrize("answer", [None, Unavailable("busy"), Uncertain("no answer")])
    def test_is_refused_once_one_has_passed_the_gate(
        self, office: Office, hub: Scripted, answer: BaseException | None
    ) -> None:
        hub.script = [answer] if answer else []
        office.release("road")
        office.work()
        before = everything(office)
        office.write("road", "Better words.")
        with pytest.raises(Refused) as refusal:
            office.take_in("road")
        assert "post correct" in refusal.value.tip
        assert everything(office) == before

    def test_is_refused_for_a_cancelled_post(self, office: Office) -> None:
        office.release("road")
        office.cancel("road")
        office.write("road", "Better words.")
        with pytest.raises(Refused, match="cancelled"):
            office.take_in("road")

    def test_that_is_the_same_changes_nothing(self, office: Office) -> None:
        office.release("road")
        before = everything(office)
        taken = office.take_in("road")
        assert (taken.unchanged, everything(office)) == (True, before)
        assert office.state("road") == "scheduled"

    def test_that_only_differs_outside_the_words_is_a_version_all_the_same(self, office: Office) -> None:
        office.release("road")
        path = office.root / "content/road/post.md"
        path.write_text(path.read_text().replace("goal: services", "goal: services\ntopic: roads"))
        assert not office.take_in("road").unchanged
        assert (office.post("road").version, office.state("road")) == (2, "submitted")


class TestMedia:
    def test_are_copied_once_and_content_is_never_read_again(self, office: Office, hub: Scripted) -> None:
        for slug in ("road", "water"):
            office.write(slug, more=PICTURE)
            (office.root / f"content/{slug}/bridge.png").write_bytes(png())
            office.take_in(slug)
        (stored,) = (office.root / ".govpost/media").iterdir()
        assert stored.read_bytes() == png()
        for slug in ("road", "water"):
            (office.root / f"content/{slug}/bridge.png").unlink()
            (office.root / f"content/{slug}/post.md").write_text("gone")
            office.approve(slug)
        office.work()
        assert [call.media[0].path for call in hub.calls] == [stored, stored]

    def test_keep_nothing_of_a_file_that_changes_while_it_is_read(self, office: Office) -> None:
        office.write("road", more=PICTURE)
        picture = office.root / "content/road/bridge.png"
        picture.write_bytes(png())
        draft = content.load(office.root / "content/road/post.md", office.config)
        picture.write_bytes(png(3))
        with pytest.raises(Refused, match="changed while it was read"):
            intake.take_in(office.store, office.desk, office.person("ana"), draft, submit=True)
        assert list((office.root / ".govpost/media").iterdir()) == []
        assert count(office, "post") == 0


class TestACorrection:
    @pytest.fixture
    def hub(self) -> Changing:
        return Changing("hub", PLAIN)

    def correct(
        self, office: Office, body: str = "The road opens on Monday.", more: str = ""
    ) -> intake.Taken:
        office.write("fix", body, more=f"corrects: road\n{more}")
        return office.take_in("fix")

    def test_is_amended_where_the_platform_can(self, office: Office, hub: Changing) -> None:
        office.release("road")
        office.work()
        assert self.correct(office).post is not None
        office.approve("fix")
        office.work()
        # An amended page is its own correction: it does not point at itself.
        assert [(each.text, each.corrects) for each in hub.amended] == [("The road opens on Monday.", None)]
        assert (office.state("fix"), office.one("fix").action, len(hub.calls)) == ("published", "amend", 1)
        assert office.post("fix").corrects == office.post("road").id

    def test_may_name_another_post_in_a_new_version(self, office: Office, hub: Changing) -> None:
        office.release("road")
        office.release("water")
        office.work()
        self.correct(office)
        office.write("fix", "The water is fine.", more="corrects: water")
        office.take_in("fix")
        office.approve("fix")
        office.work()
        assert (office.one("fix").state, office.one("fix").target) == ("live", office.one("water").id)

    def test_needs_a_second_person_like_any_post(self, office: Office, hub: Changing) -> None:
        office.release("road")
        office.work()
        self.correct(office)
        office.work()
        assert hub.amended == []

    def test_is_else_published_with_a_link_to_what_it_corrects(self, tmp_path: Path) -> None:
        hub = Confirming("hub", PLAIN)
        office = Office(tmp_path, {"hub": hub})
        office.start()
        office.release("road")
        office.work()
        self.correct(office)
        office.approve("fix")
        office.work()
        assert (hub.calls[1].text, hub.calls[1].corrects) == (
            "The road opens on Monday.",
            "https://hub.example/1",
        )

    def test_of_a_thread_is_a_post_of_its_own(self, tmp_path: Path) -> None:
        hub = Changing("hub", Capabilities(max_chars=60, threads=True))
        office = Office(tmp_path, {"hub": hub})
        office.start()
        office.release(
            "road", "First sentence about the storm. Second sentence about water. Third about power."
        )
        office.work()
        self.correct(office)
        rows = office.approve("fix").deliveries
        assert {row.action for row in rows} == {"publish"}

    def test_that_is_longer_than_one_part_cannot_amend(self, tmp_path: Path) -> None:
        hub = Changing("hub", Capabilities(max_chars=90, threads=True))
        office = Office(tmp_path, {"hub": hub})
        office.start()
        office.release("road")
        office.work()
        self.correct(
            office, "First sentence about the storm and wind. Second sentence about water. Third about power."
        )
        assert {row.action for row in office.approve("fix").deliveries} == {"publish"}

    def test_goes_out_no_earlier_than_it_was_approved_for_and_not_once_expired(
        self, office: Office, hub: Changing
    ) -> None:
        office.release("road")
        office.work()
        self.correct(office, more="not_before: 2026-11-26 08:00\nexpires: 2026-11-26 18:00")
        office.approve("fix")
        office.work()
        assert hub.amended == []
        office.wait(2 * DAY)
        office.work()
        assert (hub.amended, office.one("fix").state) == ([], "missed")

    def test_of_an_unknown_post_is_refused_with_the_line(self, office: Office) -> None:
        with pytest.raises(Mistakes, match=r"post.md:\d+: corrects: there is no post 'road'"):
            self.correct(office)

    @pytest.mark.parametrize("stage", ["submitted", "scheduled", "cancelled"])
    def test_of_what_was_never_public_is_refused(self, office: Office, stage: str) -> None:
        office.write("road")
        office.take_in("road")
        if stage != "submitted":
            office.approve("road")
        if stage == "cancelled":
            office.cancel("road")
        with pytest.raises(Mistakes, match=f"road is {stage}, so there is nothing public to correct"):
            self.correct(office)


class TestTheSameText:
    def test_on_the_same_channel_within_seven_days_blocks_at_check(self, office: Office) -> None:
        office.release("road", "Stay safe.")
        office.work()
        office.wait(6 * DAY)
        office.write("again", "Stay safe.")
        taken = office.take_in("again")
        assert (taken.post, rules(taken)) == (None, ["S03"])
        assert "'road'" in taken.checked.findings[0].message

    def test_after_seven_days_is_free_again(self, office: Office) -> None:
        office.release("road", "Stay safe.")
        office.work()
        office.wait(7 * DAY)
        office.write("again", "Stay safe.")
        assert office.take_in("again").post is not None

    def test_in_other_spacing_and_case_is_the_same(self, office: Office) -> None:
        office.release("road", "Stay safe.")
        office.write("again", "STAY   safe.")
        assert rules(office.take_in("again")) == ["S03"]

    def test_counts_what_is_queued_and_blocks_at_approve_too(self, office: Office) -> None:
        office.write("road", "Stay safe.")
        office.write("again", "Stay safe.")
        office.take_in("road")
        assert office.take_in("again").post is not None
        office.approve("road")
        with pytest.raises(Refused, match="S03"):
            office.approve("again")
        assert office.state("again") == "submitted"

    def test_is_not_looked_for_again_at_publish(self, office: Office, hub: Scripted) -> None:
        office.write("road", "Stay safe.", more="at: 2026-12-10 10:00")
        office.write("again", "Stay safe.", more="at: 2026-12-20 10:00")
        for slug in ("road", "again"):
            assert office.take_in(slug).post is not None
            office.approve(slug)
        with office.tx() as tx:
            tx.conn.exec_driver_sql(
                "UPDATE delivery SET slot = '2026-11-25 18:00:00.000000', due = '2026-11-25 18:00:00.000000'"
            )
        office.work()
        assert hub.texts() == ["Stay safe.", "Stay safe."]

    def test_far_enough_apart_by_their_own_times_is_allowed(self, office: Office) -> None:
        office.release("late", "Stay safe.", more="at: 2026-12-20 10:00")
        office.write("early", "Stay safe.", more="at: 2026-12-01 10:00")
        assert office.take_in("early").post is not None
        office.write("near", "Stay safe.", more="at: 2026-12-14 10:00")
        assert rules(office.take_in("near")) == ["S03"]

    def test_of_a_cancelled_post_does_not_count(self, office: Office) -> None:
        office.release("road", "Stay safe.")
        office.cancel("road")
        office.write("again", "Stay safe.")
        assert office.take_in("again").post is not None

    def test_on_another_channel_does_not_count(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"one": Scripted("one", PLAIN), "two": Scripted("two", PLAIN)})
        office.start()
        office.release("road", "Stay safe.", channels=["one"])
        office.write("again", "Stay safe.", channels=["two"])
        assert office.take_in("again").post is not None


def test_an_at_that_is_taken_names_the_nearest_free_time(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", PLAIN)}, rates={"hub": 'min_gap = "2h"'})
    office.start()
    office.release("road", more="at: 2026-11-27 10:00")
    office.write("water", more="at: 2026-11-27 11:00")
    taken = office.take_in("water")
    assert (taken.post, rules(taken)) == (None, ["S01"])
    message = taken.checked.findings[0].message
    assert "min_gap" in message
    assert "the nearest free time is 2026-11-27 12:00" in message


def test_an_expired_draft_is_blocked_for_that_alone(office: Office) -> None:
    office.write("road", more="expires: 2026-11-20 10:00")
    assert rules(office.take_in("road")) == ["S06"]


def test_a_post_without_channels_goes_to_the_main_channel_only(tmp_path: Path) -> None:
    office = Office(tmp_path, {"site": Scripted("site", PLAIN), "hub": Scripted("hub", PLAIN)})
    office.start()
    path = office.write("road")
    path.write_text(path.read_text().replace("channels: [site, hub]\n", ""))
    office.take_in("road")
    office.approve("road")
    assert [row.channel for row in office.deliveries("road")] == ["site"]


def test_every_version_is_stamped_with_the_strategy_it_was_written_under(office: Office) -> None:
    office.write("road")
    office.take_in("road")
    old = office.config.strategy_hash
    office.edit_config("Residents find city services", "Residents find all city services")
    office.write("water")
    office.take_in("water")
    with office.store.read() as conn:
        stamps = [posts.version(conn, office.post(slug).id, 1).strategy_hash for slug in ("road", "water")]
        assert chain.verify(conn)[1] == []
    assert stamps == [old, office.config.strategy_hash]
    assert old != office.config.strategy_hash


def test_a_draft_outside_the_workspace_is_named_by_its_full_path(office: Office, tmp_path: Path) -> None:
    office.write("road")
    draft = content.load(office.root / "content/road/post.md", office.config)
    moved = office.root / "post.md"
    moved.write_text((office.root / "content/road/post.md").read_text())
    office.config = office.config.model_copy(update={"root": office.root / "content"})
    desk = office.space.desk(office.bench)
    from dataclasses import replace

    desk = replace(desk, config=office.config)
    intake.take_in(office.store, desk, office.person("ana"), replace(draft, path=moved), submit=True)
    with office.store.read() as conn:
        assert posts.version(conn, office.post("road").id, 1).source == str(moved)


def test_a_post_to_a_retired_channel_is_blocked_before_anybody_reviews_it(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    office.start()
    pilots.retire(office.store, office.config, office.person("ben"), "hub", reason="the trial is over")
    office.write("road")
    taken = office.take_in("road")
    assert taken.post is None
    assert "the pilot of hub was retired: nothing goes out there any more" in [
        each.message for each in taken.checked.findings
    ]


class TestManyDrafts:
    def drafts(self, office: Office, *slugs: str, **more: str) -> list[Draft]:
        for slug in slugs:
            office.write(slug, more=more.get(slug, ""))
        return [content.load(office.root / f"content/{slug}/post.md", office.config) for slug in slugs]

    def take(self, office: Office, drafts: list[Draft], **how: Any) -> Iterator[intake.Taken]:
        return intake.take_in_all(office.store, office.desk, office.person("ana"), drafts, submit=True, **how)

    def slugs(self, office: Office) -> list[str]:
        with office.store.read() as conn:
            return [post.slug for post in reversed(posts.every(conn))]

    def commits(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        opened: list[str] = []
        write = office.store.write

        def counted(actor: str, **how: Any) -> Any:
            opened.append(actor)
            return write(actor, **how)

        monkeypatch.setattr(office.store, "write", counted)
        return opened

    def test_share_a_commit_and_are_given_once_it_is_on_the_disk(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = self.commits(office, monkeypatch)
        found = self.take(office, self.drafts(office, "road", "water", "gas"), monotonic=lambda: 0.0)
        assert next(found).post is not None
        assert sorted(self.slugs(office)) == ["gas", "road", "water"]
        assert [taken.checked.draft.slug for taken in found] == ["water", "gas"]
        assert len(opened) == 1

    def test_hold_the_store_for_a_moment_at_a_time_and_keep_their_order(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened, ticks = self.commits(office, monkeypatch), itertools.count(0, 0.02)
        names = [f"street-{number}" for number in range(9)]
        list(self.take(office, self.drafts(office, *names), monotonic=lambda: next(ticks)))
        assert len(opened) == 3
        office.wait(timedelta(seconds=1))
        assert sorted(self.slugs(office)) == names
        for start in (0, 3, 6):
            together = [slug for slug in self.slugs(office) if slug in names[start : start + 3]]
            assert together == names[start : start + 3]

    def test_end_at_the_first_that_cannot_be_taken_in_and_those_before_it_are_kept(
        self, office: Office
    ) -> None:
        drafts = self.drafts(office, "road", "water", "gas", water="corrects: nothing-of-the-kind")
        found = self.take(office, drafts)
        assert next(found).checked.draft.slug == "road"
        with pytest.raises(Mistakes, match="there is no post 'nothing-of-the-kind'"):
            next(found)
        assert self.slugs(office) == ["road"]
        with office.store.read() as conn:
            assert chain.verify(conn)[1] == []

    def test_before_one_at_which_something_breaks_are_kept_too(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked = intake.check

        def broken(tx: Any, desk: Any, draft: Draft) -> intake.Checked:
            if draft.slug == "gas":
                raise RuntimeError("a fault")
            return checked(tx, desk, draft)

        monkeypatch.setattr(intake, "check", broken)
        found = self.take(office, self.drafts(office, "road", "water", "gas"))
        assert [next(found).checked.draft.slug for _ in range(2)] == ["road", "water"]
        with pytest.raises(RuntimeError, match="a fault"):
            next(found)
        assert sorted(self.slugs(office)) == ["road", "water"]

    def test_leave_the_store_to_others_between_two_commits(self, office: Office) -> None:
        ticks, free = itertools.count(0, 0.02), list[int]()
        names = [f"street-{number}" for number in range(9)]

        def rest() -> None:
            with office.store.write("somebody else"):
                free.append(len(self.slugs(office)))

        drafts = self.drafts(office, *names)
        list(self.take(office, drafts, monotonic=lambda: next(ticks), rest=rest))
        assert free == [3, 6]

    def test_with_pictures_stand_in_their_place_among_the_others(self, office: Office) -> None:
        office.write("water", more=PICTURE)
        (office.root / "content/water/bridge.png").write_bytes(png())
        drafts = self.drafts(office, "road", "water", "gas", water=PICTURE)
        assert [taken.checked.draft.slug for taken in self.take(office, drafts)] == ["road", "water", "gas"]
        assert sorted(self.slugs(office)) == ["gas", "road", "water"]

    def test_that_are_blocked_do_not_hold_up_the_rest(self, office: Office) -> None:
        drafts = self.drafts(office, "road", "water", "gas", water="expires: 2020-01-01 10:00")
        taken = list(self.take(office, drafts))
        assert [each.post is None for each in taken] == [False, True, False]
        assert sorted(self.slugs(office)) == ["gas", "road"]
