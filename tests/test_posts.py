"""A post is found by what people call it, and never moved twice by two hands."""

from __future__ import annotations

from pathlib import Path

import pytest

from govpost.domain import Capabilities
from govpost.errors import Refused
from govpost.states import PilotState, PostState, Role
from govpost.store import pilots, posts
from office import Office, Scripted


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities(title=True, link=True))})
    office.start()
    for slug in ("road", "water"):
        office.write(slug)
        office.take_in(slug)
    return office


def test_a_post_is_found_by_slug_id_or_a_unique_prefix(office: Office) -> None:
    post = office.post("road")
    with office.store.read() as conn:
        assert {posts.find(conn, name).slug for name in ("road", post.id, post.id[:-1])} == {"road"}
        assert posts.by_slug(conn, "gas") is None
        with pytest.raises(Refused, match="more than one post begins with"):
            posts.find(conn, post.id[:4])
        with pytest.raises(Refused, match="there is no post 'raod' – did you mean 'road'"):
            posts.find(conn, "raod")
        with pytest.raises(Refused, match="there is no post 'x'"):
            posts.find(conn, "x")


def test_posts_are_listed_newest_first_and_by_state(office: Office) -> None:
    office.wait(1)
    office.release("gas")
    with office.store.read() as conn:
        assert next(iter(posts.every(conn))).slug == "gas"
        assert {post.slug for post in posts.every(conn, state="submitted")} == {"road", "water"}
        assert len(posts.every(conn, limit=2)) == 2


def test_a_move_of_a_post_that_moved_meanwhile_is_refused(office: Office) -> None:
    stale = office.post("road")
    office.cancel("road")
    with pytest.raises(Refused, match="road has changed meanwhile"), office.tx() as tx:
        posts.move(tx, stale, PostState.APPROVED, {Role.REVIEWER}, "late")


def test_a_post_without_deliveries_does_not_follow_them(office: Office) -> None:
    office.approve("road")
    with office.tx() as tx:
        tx.conn.exec_driver_sql("DELETE FROM delivery")
        post_id = posts.find(tx.conn, "road").id
        posts.settle(tx, post_id)
        assert posts.by_id(tx.conn, post_id).state == "scheduled"


def test_a_move_of_a_pilot_that_moved_meanwhile_changes_nothing(office: Office) -> None:
    with office.tx() as tx:
        stale = pilots.get(tx.conn, "hub")
        assert stale is not None
        assert pilots.move(tx, stale, PilotState.SUSPENDED, frozenset({Role.ADMIN}), "one")
        assert not pilots.move(tx, stale, PilotState.GRADUATED, frozenset({Role.ADMIN}), "two")
