"""Nothing goes out that a second person has not approved, exactly as it was shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost import people
from govpost.domain import Capabilities
from govpost.editorial import reviewing
from govpost.errors import Refused
from govpost.states import Role
from govpost.store import posts
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)

LAWYER = """
[people.eve]
name = "Eve Stone"
login = "eve"
roles = ["reviewer"]
discipline = "legal"
[people.fay]
name = "Fay Woods"
login = "fay"
roles = ["reviewer"]
"""
TWO_OF_TWO = '[[review.stages]]\nname = "both"\napprovals = "all"\nfrom = ["communications", "legal"]\n'
ONE_OF_TWO = '[[review.stages]]\nname = "either"\napprovals = 1\nfrom = ["communications", "legal"]\n'
TWO = '[[review.stages]]\nname = "any two"\napprovals = 2\n'


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


def agency(tmp_path: Path, hub: Scripted, stages: str = "", more: str = "") -> Office:
    office = Office(tmp_path, {"hub": hub}, stages=stages, more=LAWYER + more)
    office.start()
    office.write("road")
    return office


@pytest.fixture
def office(tmp_path: Path, hub: Scripted) -> Office:
    office = agency(tmp_path, hub)
    office.take_in("road")
    return office


def show(office: Office, by: str) -> str:
    return reviewing.show(office.store, office.person(by), "road")[0].digest


def give_back(office: Office, by: str = "ben", remark: str = "Say which day.") -> None:
    office.wait(1)
    reviewing.give_back(office.store, office.person(by), "road", remark)


def release(office: Office, by: str = "cleo") -> reviewing.Reviewed:
    return reviewing.release(office.store, office.desk, office.person(by), "road", "water main burst")


class TestWhoMayApprove:
    def test_a_second_person_may_and_the_post_gets_its_slots_at_once(self, office: Office) -> None:
        found = office.approve("road")
        assert (found.post.state, found.wanting, len(found.deliveries)) == ("scheduled", [], 1)

    def test_the_named_author_may_not_even_when_another_took_it_in(
        self, tmp_path: Path, hub: Scripted
    ) -> None:
        office = agency(tmp_path, hub)
        path = office.root / "content/road/post.md"
        path.write_text(path.read_text().replace("author: ana", "author: dan"))
        office.take_in("road", by="ana")
        with pytest.raises(Refused, match="Dan Fox wrote road"):
            office.approve("road", by="dan")

    def test_who_took_in_any_version_may_not(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub)
        office.take_in("road", by="dan")
        office.write("road", "Better words.")
        office.take_in("road", by="ana")
        with pytest.raises(Refused, match="Dan Fox took road in"):
            office.approve("road", by="dan")
        assert office.state("road") == "submitted"

    def test_who_is_no_reviewer_may_not(self, office: Office) -> None:
        eve = people.Actor(id="eve", name="Eve Moss", roles=frozenset({Role.PUBLISHER}))
        with pytest.raises(Refused, match="Eve Moss may not approve posts: that needs the role reviewer"):
            reviewing.approve(office.store, office.desk, eve, "road")
        with pytest.raises(Refused, match="Ana Ruiz wrote road"):
            office.approve("road", by="ana")
        stranger = people.Actor(id="mallory", name="mallory", known=False)
        with pytest.raises(Refused, match=r"nobody in config\.toml"):
            reviewing.approve(office.store, office.desk, stranger, "road")

    @pytest.mark.parametrize("state", ["draft", "scheduled", "cancelled"])
    def test_only_what_is_submitted_can_be_approved(self, office: Office, state: str) -> None:
        if state == "draft":
            give_back(office)
        elif state == "scheduled":
            office.approve("road")
        else:
            office.cancel("road")
        with pytest.raises(Refused, match=f"road is {state}"):
            office.approve("road", by="cleo")


class TestWhatWasShown:
    def test_is_what_may_be_approved(self, office: Office) -> None:
        show(office, "ben")
        assert office.approve("road").post.state == "scheduled"

    def test_if_another_digest_was_shown_last_the_approval_is_refused(self, office: Office) -> None:
        show(office, "ben")
        office.write("road", "Better words.")
        office.take_in("road")
        with pytest.raises(Refused, match="has changed since it was shown to Ben Cole"):
            office.approve("road")
        show(office, "ben")
        assert office.approve("road").post.state == "scheduled"

    def test_may_be_named_by_its_digest(self, office: Office) -> None:
        digest = office.post("road").digest
        office.write("road", "Better words.")
        office.take_in("road")
        with pytest.raises(Refused, match="no longer what digest"):
            office.approve("road", digest=digest)
        with pytest.raises(Refused, match="no longer what digest"):
            office.approve("road", digest="")
        assert office.approve("road", digest=office.post("road").digest[:12]).post.state == "scheduled"

    def test_to_somebody_who_cannot_review_is_not_written_down(self, office: Office) -> None:
        show(office, "ana")
        with office.store.read() as conn:
            assert posts.last_shown(conn, office.post("road").id, "ana") is None


class TestStages:
    def test_any_of_wants_one_from_the_disciplines_it_names(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub, ONE_OF_TWO)
        office.take_in("road")
        assert office.approve("road", by="eve").post.state == "scheduled"

    def test_all_of_wants_each_discipline(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub, TWO_OF_TWO)
        office.take_in("road")
        first = office.approve("road", by="ben")
        assert (first.post.state, first.wanting) == ("submitted", ["both: approval from legal"])
        office.work()
        assert hub.calls == []
        with pytest.raises(Refused, match="Ben Cole has approved road already"):
            office.approve("road", by="ben")
        assert "approval from legal" in office.approve("road", by="cleo").wanting[0]
        assert office.approve("road", by="eve").post.state == "scheduled"

    def test_a_number_of_approvals_from_anybody(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub, TWO)
        office.take_in("road")
        assert office.approve("road", by="fay").wanting == ["any two: 1 more approval"]
        assert office.approve("road", by="eve").post.state == "scheduled"

    def test_the_wish_names_the_disciplines(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub, ONE_OF_TWO.replace("1", "2"))
        office.take_in("road")
        assert office.approve("road").wanting == ["either: 1 more approval from communications or legal"]
        assert reviewing.wanting(office.config, []) == [
            "either: 2 more approvals from communications or legal"
        ]

    def test_a_reviewer_whom_no_stage_asks_is_refused(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub, ONE_OF_TWO)
        office.take_in("road")
        with pytest.raises(Refused, match=r"no review stage asks for Fay Woods's discipline \(none\)"):
            office.approve("road", by="fay")

    def test_an_approval_of_somebody_who_left_no_longer_counts(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub, TWO)
        office.take_in("road")
        office.approve("road", by="fay")
        office.edit_config(LAWYER[LAWYER.index("[people.fay]") :], "")
        assert office.approve("road", by="eve").wanting == ["any two: 1 more approval"]


class TestReturning:
    def test_leads_back_to_draft_with_the_remark_kept(self, office: Office) -> None:
        give_back(office)
        assert office.state("road") == "draft"
        with office.store.read() as conn:
            (remark,) = posts.remarks(conn, office.post("road").id)
        assert (remark.person, remark.text, remark.version) == ("ben", "Say which day.", 1)
        assert office.events("post.draft")[-1].why == "Say which day."

    def test_voids_the_approvals_given_before_even_of_the_same_words(
        self, tmp_path: Path, hub: Scripted
    ) -> None:
        office = agency(tmp_path, hub, TWO_OF_TWO)
        office.take_in("road")
        office.approve("road", by="eve")
        give_back(office)
        office.wait(1)
        assert office.take_in("road").unchanged
        assert office.approve("road", by="ben").post.state == "submitted"
        assert office.approve("road", by="eve").post.state == "scheduled"

    def test_is_for_reviewers_and_for_what_is_submitted(self, office: Office) -> None:
        with pytest.raises(Refused, match="may not return posts"):
            give_back(office, by="ana")
        office.approve("road")
        with pytest.raises(Refused, match="only a submitted post can be returned"):
            give_back(office)


class TestDissent:
    def test_and_the_decisions_strategy_are_kept(self, office: Office) -> None:
        office.approve("road", dissent="The tone is too casual.")
        with office.store.read() as conn:
            (approval,) = posts.approvals(conn, office.post("road").id)
        assert (approval.dissent, approval.kind) == ("The tone is too casual.", "approve")
        assert (approval.config_hash, approval.strategy_hash) == (
            office.config.hash,
            office.config.strategy_hash,
        )
        (event,) = office.events("review.approve")
        assert (event.detail["dissent"], event.why) == (True, "The tone is too casual.")
        assert event.detail["strategy"] == office.config.strategy_hash[:16]
        assert event.detail["digest"] == approval.digest


class TestAnEmergency:
    def test_an_officer_releases_alone_and_it_waits_for_a_later_review(
        self, office: Office, hub: Scripted
    ) -> None:
        found = release(office)
        assert (found.post.state, found.post.review_later) == ("scheduled", True)
        office.work()
        assert len(hub.calls) == 1
        with office.store.read() as conn:
            assert [post.slug for post in posts.later_reviews(conn)] == ["road"]
        (event,) = office.events("review.release")
        assert (event.actor, event.why) == ("cleo", "water main burst")

    def test_is_reviewed_by_another_person_afterwards(self, office: Office) -> None:
        release(office)
        office.work()
        with pytest.raises(Refused, match="Cleo Park released road; another person must review it"):
            office.approve("road", by="cleo")
        found = office.approve("road", by="ben", dissent="It could have waited.")
        assert (found.post.review_later, found.post.state) == (False, "published")
        assert office.events("review.later")[-1].actor == "ben"
        with pytest.raises(Refused, match="road is published"):
            office.approve("road", by="fay")

    def test_only_an_officer_may_and_only_what_is_submitted(self, office: Office) -> None:
        with pytest.raises(Refused, match="may not release posts alone"):
            release(office, by="ben")
        office.approve("road")
        with pytest.raises(Refused, match="only a submitted post can be released"):
            release(office)

    def test_does_not_pass_the_rules_or_what_was_shown(self, office: Office) -> None:
        show(office, "cleo")
        office.write("road", "Better words.")
        office.take_in("road")
        with pytest.raises(Refused, match="has changed since it was shown"):
            release(office)

    def test_a_new_version_after_it_is_reviewed_like_any_other(self, office: Office) -> None:
        release(office)
        office.write("road", "Better words.")
        office.take_in("road")
        assert not office.post("road").review_later
        assert office.approve("road").post.state == "scheduled"


class TestByPublisher:
    def test_the_last_approval_gives_no_slots_and_a_publisher_does(
        self, tmp_path: Path, hub: Scripted
    ) -> None:
        office = agency(tmp_path, hub, '[review]\nschedule = "by-publisher"\n')
        office.take_in("road")
        found = office.approve("road", by="cleo")
        assert (found.post.state, found.deliveries) == ("approved", [])
        with pytest.raises(Refused, match="may not schedule posts"):
            reviewing.schedule(office.store, office.desk, office.person("cleo"), "road")
        found = reviewing.schedule(office.store, office.desk, office.person("ben"), "road")
        assert (found.post.state, len(found.deliveries)) == ("scheduled", 1)
        with pytest.raises(Refused, match="only an approved post"):
            reviewing.schedule(office.store, office.desk, office.person("ben"), "road")

    def test_a_new_version_of_an_approved_post_goes_back_to_review(
        self, tmp_path: Path, hub: Scripted
    ) -> None:
        office = agency(tmp_path, hub, '[review]\nschedule = "by-publisher"\n')
        office.take_in("road")
        office.approve("road")
        office.write("road", "Better words.")
        office.take_in("road")
        assert office.state("road") == "submitted"


class TestWhatChangedSinceItWasTakenIn:
    def test_settings_stop_the_approval(self, office: Office) -> None:
        office.edit_config('room = "hub"', 'room = "other"')
        with pytest.raises(Refused, match="the settings of hub changed") as refusal:
            office.approve("road")
        assert "post add content/road/post.md" in refusal.value.tip
        assert office.state("road") == "submitted"

    def test_a_platform_that_would_write_it_differently_stops_the_approval(
        self, office: Office, hub: Scripted
    ) -> None:
        hub.capabilities = Capabilities(title=False, link=True)
        office.read_config()
        with pytest.raises(Refused, match="would be written differently now"):
            office.approve("road")

    def test_what_the_rules_block_now_is_not_approved(self, tmp_path: Path, hub: Scripted) -> None:
        office = agency(tmp_path, hub)
        office.write("road", more="expires: 2026-11-26 10:00")
        office.take_in("road")
        office.wait(timedelta(days=1))
        with pytest.raises(Refused, match="S06"):
            office.approve("road")
