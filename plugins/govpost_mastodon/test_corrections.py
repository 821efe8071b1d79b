"""A correction that cannot be made in place: a post of its own that answers the one it corrects."""

from dataclasses import replace

import pytest

from govpost import Unavailable
from govpost_mastodon.test_common import VERIFIED, Odd, Server, channel, confirm, publish, stage, variant

QUIET = {"visibility": "unlisted"}


def correction(old, text="The bridge is open.", **more):
    return variant(text, **{"key": "k9", "corrects": old.url, **more})


def corrected(asked, server, on=VERIFIED):
    return publish(stage(asked, server, on), server, on)


def test_it_answers_the_post_that_it_corrects():
    server = Server()
    old, _ = publish(variant(), server)
    new, wire = corrected(correction(old), server)
    assert wire.body()["in_reply_to_id"] == old.remote_id
    assert wire.body()["visibility"] == "public"
    assert new.remote_id != old.remote_id


@pytest.mark.parametrize("seen", ["unlisted", "private", "direct"])
def test_no_more_people_see_it_than_saw_the_first(seen):
    server = Server()
    old, _ = publish(variant(), server)
    server.posts[old.remote_id]["visibility"] = seen
    first, wire = corrected(correction(old, options={"visibility": "public"}), server)
    assert wire.body()["visibility"] == seen
    later = correction(old, "More of it.", key="k10", reply_to=first.remote_id)
    _, wire = corrected(later, server)
    assert (wire.body()["in_reply_to_id"], wire.body()["visibility"]) == (first.remote_id, seen)


def test_what_was_public_may_be_corrected_more_quietly():
    server = Server()
    old, _ = publish(variant(), server)
    assert corrected(correction(old, options=QUIET), server)[1].body()["visibility"] == "unlisted"


def test_where_the_first_is_gone_it_stands_alone():
    server = Server()
    old, _ = publish(variant(), server)
    server.posts.clear()
    _, wire = corrected(correction(old), server)
    assert "in_reply_to_id" not in wire.body()
    assert wire.body()["visibility"] == "public"
    late = correction(old, "More of it.", key="k10", reply_to="999")
    assert stage(late, server).staged == {"media": []}


def test_it_never_answers_a_post_of_somebody_else():
    server = Server()
    old, _ = publish(variant(), server)
    server.posts[old.remote_id]["account"] = {"id": "2"}
    assert "in_reply_to_id" not in corrected(correction(old), server)[1].body()


def test_it_never_answers_another_post_of_ours():
    server = Server()
    old, _ = publish(variant(), server)
    moved = replace(old, url=f"https://other.example/@1/{old.remote_id}")
    assert "in_reply_to_id" not in corrected(correction(moved), server)[1].body()


@pytest.mark.parametrize(
    ("address", "refusal"), [("objects/5a1c", 404), ("objects/5a1c", 422), ("?p=5a1c", 0)]
)
def test_where_addresses_do_not_end_with_the_id_it_is_found_among_our_posts(address, refusal):
    server = Server()
    old, _ = publish(variant(), server)
    for number in range(50):
        publish(variant(f"Notice {number}", key=f"n{number}"), server)
    server.posts[old.remote_id]["uri"] = f"https://social.example/{address}"
    odd = Odd(server).at("/api/v1/statuses/5a1c", refusal)
    asked = correction(replace(old, url=f"https://social.example/{address}"))
    assert corrected(asked, odd)[1].body()["in_reply_to_id"] == old.remote_id


def test_it_is_not_looked_for_among_all_that_we_ever_posted():
    server = Server()
    old, _ = publish(variant(), server)
    for number in range(130):
        publish(variant(f"Notice {number}", key=f"n{number}"), server)
    server.posts[old.remote_id]["uri"] = "https://social.example/objects/5a1c"
    asked = correction(replace(old, url="https://social.example/objects/5a1c"))
    assert stage(asked, server).staged == {"media": []}


def test_an_id_alone_is_enough_and_an_account_that_was_never_verified_is_asked_for():
    server = Server()
    old, _ = publish(variant(), server)
    asked = correction(replace(old, url=old.remote_id))
    assert corrected(asked, server, channel())[1].body()["in_reply_to_id"] == old.remote_id


def test_a_lost_correction_is_found_by_what_it_answers():
    server = Server()
    old, _ = publish(variant(), server)
    new, _ = corrected(correction(old), server)
    assert confirm(correction(old), server).remote_id == new.remote_id
    server.posts[new.remote_id]["in_reply_to_id"] = None
    with pytest.raises(Unavailable, match="does not answer the post that it corrects"):
        confirm(correction(old), server)
    del server.posts[old.remote_id]
    assert confirm(correction(old), server).remote_id == new.remote_id
