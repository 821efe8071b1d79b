"""One delivery, one record: however often it is sent, whatever changes meanwhile, with its gates or without."""

import json
from dataclasses import replace

import pytest

from govpost import Receipt, Rejected, Reply, Unauthorized, Unavailable, Uncertain
from govpost_bluesky.example import DID, ExamplePds
from govpost_bluesky.keys import rkey
from govpost_bluesky.records import POST, POSTGATE, THREADGATE
from govpost_bluesky.test_common import (
    BLUESKY,
    Wire,
    called,
    channel,
    confirmed,
    instead,
    key,
    published,
    said,
    staged,
    variant,
)

URI = f"at://{DID}/{POST}/{rkey(variant())}"
PLAIN = channel()
GATED = channel(replies=["mentioned", "following"], quotes=False)


def held(pds, collection=POST):
    return [record for (kind, _), record in pds.records.items() if kind == collection]


def test_the_record_is_what_the_lexicon_asks_for():
    pds = ExamplePds()
    wire = Wire(pds)
    receipt = published(variant("Closed. #bridge", options={"labels": ["bot"]}), PLAIN, wire)
    assert wire.body("putRecord") == {
        "repo": DID,
        "collection": POST,
        "rkey": rkey(variant()),
        "swapRecord": None,
        "record": {
            "$type": POST,
            "text": "Closed. #bridge",
            "createdAt": "2026-11-27T09:30:00.000Z",
            "facets": [
                {
                    "index": {"byteStart": 8, "byteEnd": 15},
                    "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "bridge"}],
                }
            ],
            "langs": ["en"],
            "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "bot"}]},
        },
    }
    assert (receipt.remote_id, receipt.url) == (URI, f"https://bsky.app/profile/{DID}/post/{rkey(variant())}")


def test_a_repeat_is_the_same_bytes_and_no_second_post():
    pds = ExamplePds()
    first, again = Wire(pds), Wire(pds)
    assert published(variant(), PLAIN, first) == published(variant(), PLAIN, again)
    assert first.body("putRecord") == again.body("putRecord")
    assert len(held(pds)) == 1


def test_a_mention_that_leads_elsewhere_by_now_makes_no_second_post():
    pds = ExamplePds()
    words = variant("Thanks @maria.example")
    published(words, PLAIN, Wire(instead(pds, resolveHandle=said(200, {"did": "did:plc:other"}))))
    receipt = published(words, PLAIN, Wire(pds))
    assert receipt.remote_id == URI
    assert "did:plc:other" in json.dumps(held(pds))


def test_another_text_at_our_key_is_for_a_person_to_settle():
    pds = ExamplePds()
    published(variant("Closed."), PLAIN, Wire(pds))
    with pytest.raises(Uncertain, match="another text stands where this post belongs"):
        published(variant("Open."), PLAIN, Wire(pds))
    with pytest.raises(Unavailable, match="another text stands"):
        confirmed(variant("Open."), PLAIN, Wire(pds))
    assert [record["text"] for record in held(pds)] == ["Closed."]


def test_a_swap_that_is_refused_though_nothing_stands_there_is_a_no():
    refused = said(400, {"error": "InvalidSwap", "message": "Record was at null"})
    with pytest.raises(Rejected):
        published(variant(), PLAIN, Wire(instead(ExamplePds(), putRecord=refused)))


@pytest.mark.parametrize("name", ["ExpiredToken", "InvalidToken", "AccountTakedown"])
def test_a_dead_token_is_found_out_though_the_status_says_400(name):
    dead = said(400, {"error": name, "message": "Token has expired"})
    with pytest.raises(Unauthorized, match=name) as caught:
        published(variant(), PLAIN, Wire(instead(ExamplePds(), putRecord=dead)))
    assert caught.value.tip == "run: govpost channel login bsky"


def test_without_a_session_nothing_is_sent():
    wire = Wire(ExamplePds())
    with pytest.raises(Unauthorized, match="no session"):
        published(variant(), channel(secrets={"password": "abcd-efgh-ijkl-mnop"}), wire)
    assert wire.requests == []


# Gates


def test_a_post_and_its_gates_are_one_commit():
    pds = ExamplePds()
    wire = Wire(pds)
    receipt = published(variant(), GATED, wire)
    assert wire.methods() == ["com.atproto.repo.getRecord", "com.atproto.repo.applyWrites"]
    common = {"post": URI, "createdAt": "2026-11-27T09:30:00.000Z"}
    allow = [{"$type": f"{THREADGATE}#mentionRule"}, {"$type": f"{THREADGATE}#followingRule"}]
    assert held(pds, THREADGATE) == [{"$type": THREADGATE, **common, "allow": allow}]
    rule = {"$type": f"{POSTGATE}#disableRule"}
    assert held(pds, POSTGATE) == [{"$type": POSTGATE, **common, "embeddingRules": [rule]}]
    assert {place[1] for place in pds.records} == {rkey(variant())}
    assert receipt.raw["gates"] == [THREADGATE, POSTGATE]


def test_nobody_is_an_empty_list():
    pds = ExamplePds()
    published(variant(options={"replies": ["nobody"]}), PLAIN, Wire(pds))
    assert held(pds, THREADGATE)[0]["allow"] == []


def test_a_gated_post_sent_again_is_only_looked_at():
    pds = ExamplePds()
    first = published(variant(), GATED, Wire(pds))
    wire = Wire(pds)
    assert published(variant(), GATED, wire) == first
    assert "com.atproto.repo.applyWrites" not in wire.methods()
    with pytest.raises(Uncertain, match="another text"):
        published(variant("Other words."), GATED, Wire(pds))


def test_a_repeat_that_overtakes_the_first_is_uncertain_and_then_found():
    pds = ExamplePds()
    published(variant(), GATED, Wire(pds))
    missed = said(400, {"error": "RecordNotFound", "message": "Could not locate record"})
    with pytest.raises(Uncertain):
        published(variant(), GATED, Wire(instead(pds, getRecord=missed)))
    found = confirmed(variant(), GATED, Wire(pds))
    assert found is not None
    assert found.raw["gates"] == [THREADGATE, POSTGATE]


def test_who_may_reply_is_settled_at_the_root_alone():
    pds = ExamplePds()
    root = published(variant(), GATED, Wire(pds))
    published(variant("Part two.", key=key(2), reply_to=root.remote_id), GATED, Wire(pds))
    assert len(held(pds, THREADGATE)) == 1
    assert len(held(pds, POSTGATE)) == 2


# Threads, corrections, answers


def test_each_part_names_the_root_and_the_one_before():
    pds = ExamplePds()
    parent, receipts = None, []
    for number in range(1, 5):
        part = variant(f"Part {number}.", key=key(number), reply_to=parent)
        receipts.append(published(part, PLAIN, Wire(pds)))
        parent = receipts[-1].remote_id
    records = held(pds)
    assert "reply" not in records[0]
    for number in range(1, 4):
        reply = records[number]["reply"]
        assert reply["root"] == {"uri": receipts[0].remote_id, "cid": receipts[0].raw["cid"]}
        assert reply["parent"] == {
            "uri": receipts[number - 1].remote_id,
            "cid": receipts[number - 1].raw["cid"],
        }
    instants = [record["createdAt"] for record in records]
    assert instants == sorted(set(instants))


def test_a_part_is_found_though_what_was_staged_is_forgotten():
    pds = ExamplePds()
    root = published(variant(), GATED, Wire(pds))
    part = variant("Part two.", key=key(2), reply_to=root.remote_id)
    receipt = published(part, GATED, Wire(pds))
    assert confirmed(part, GATED, Wire(pds)) == receipt
    with pytest.raises(Unavailable, match="another text"):
        confirmed(replace(part, text="Part three."), GATED, Wire(pds))


def test_a_part_whose_parent_is_gone_is_refused():
    with pytest.raises(Rejected, match="the part before is not there any more"):
        published(variant(reply_to=f"at://{DID}/{POST}/3mbfvv7intp22"), PLAIN, Wire(ExamplePds()))


def test_a_correction_stands_under_what_it_corrects():
    pds = ExamplePds()
    wrong = published(variant("Closed on Monday."), GATED, Wire(pds))
    right = variant("Correction: closed on Tuesday.", key=key(2), corrects=wrong.url)
    published(right, GATED, Wire(pds))
    assert held(pds)[1]["reply"]["parent"]["uri"] == wrong.remote_id
    assert len(held(pds, THREADGATE)) == 1


def test_a_correction_of_what_is_gone_stands_alone():
    pds = ExamplePds()
    gone = f"https://bsky.app/profile/{DID}/post/3mbfvv7intp22"
    published(variant(corrects=gone), PLAIN, Wire(pds))
    published(variant(key=key(2), corrects="https://elsewhere.example/1"), PLAIN, Wire(pds))
    assert all("reply" not in record for record in held(pds))


def citizens_reply(**raw):
    return Reply(
        remote_id=f"at://did:plc:maria/{POST}/3mbfvv7inta22", text="When?", author="Maria", at=None, raw=raw
    )


def test_an_answer_goes_under_the_reply_in_its_thread():
    pds = ExamplePds()
    root = {"uri": URI, "cid": "bafyroot"}
    reply = citizens_reply(cid="bafyreply", root=root)
    wire = Wire(pds)
    receipt = called(BLUESKY.answer, reply, variant("At noon."), PLAIN, on=PLAIN, wire=wire)
    assert isinstance(receipt, Receipt)
    assert held(pds)[0]["reply"] == {"root": root, "parent": {"uri": reply.remote_id, "cid": "bafyreply"}}
    ready = staged(variant("At noon."), PLAIN, Wire(pds))
    assert (
        called(BLUESKY.answer, reply, ready, PLAIN, on=PLAIN, wire=Wire(pds)).remote_id == receipt.remote_id
    )


def test_an_answer_asks_for_what_the_reply_does_not_say():
    pds = ExamplePds()
    seen = said(200, {"posts": [{"cid": "bafyseen", "record": {}}]})
    called(
        BLUESKY.answer, citizens_reply(), variant(), PLAIN, on=PLAIN, wire=Wire(instead(pds, getPosts=seen))
    )
    parent = {"uri": citizens_reply().remote_id, "cid": "bafyseen"}
    assert held(pds)[0]["reply"] == {"root": parent, "parent": parent}


def test_a_reply_that_was_deleted_cannot_be_answered():
    with pytest.raises(Rejected, match="not there any more"):
        called(BLUESKY.answer, citizens_reply(), variant(), PLAIN, on=PLAIN, wire=Wire(ExamplePds()))


# Looking and taking down


def test_nothing_there_is_believed_of_the_server_that_hosts_the_account_alone():
    assert confirmed(variant(), PLAIN, Wire(ExamplePds())) is None
    moved = instead(ExamplePds(), describeRepo=said(400, {"error": "RepoNotFound", "message": "no"}))
    with pytest.raises(Unavailable):
        confirmed(variant(), PLAIN, Wire(moved))
    elsewhere = said(400, {"error": "InvalidRequest", "message": "Could not find repo"})
    with pytest.raises(Unavailable):
        confirmed(variant(), PLAIN, Wire(instead(ExamplePds(), getRecord=elsewhere)))


def test_a_withdrawal_takes_the_gates_with_it():
    pds = ExamplePds()
    receipt = published(variant(), GATED, Wire(pds))
    other = published(variant("Stays.", key=key(2)), PLAIN, Wire(pds))
    for _ in range(2):
        called(BLUESKY.withdraw, receipt, "wrong", GATED, on=GATED, wire=Wire(pds))
    assert [place[1] for place in pds.records] == [rkey(variant(key=key(2)))]
    assert other.raw["gates"] == []


def test_a_receipt_that_knows_no_gates_takes_down_both():
    pds = ExamplePds()
    receipt = replace(published(variant(), GATED, Wire(pds)), raw={})
    called(BLUESKY.withdraw, receipt, "wrong", GATED, on=GATED, wire=Wire(pds))
    assert pds.records == {}


def test_what_is_no_post_of_bluesky_cannot_be_withdrawn():
    with pytest.raises(Rejected, match="not the address of a Bluesky post"):
        called(BLUESKY.withdraw, Receipt(remote_id="42"), "", PLAIN, on=PLAIN, wire=Wire(ExamplePds()))
