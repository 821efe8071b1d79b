"""Settings and options say what is wrong in words that help."""

import pytest
from pydantic import ValidationError

from govpost_bluesky.settings import DID, Options, Settings, Wishes
from govpost_bluesky.test_common import SHARED, channel, variant


def wrong(model=Settings, **given):
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"handle": "riverton.example.gov", **given} if model is Settings else given)
    return caught.value.errors()[0]["msg"]


def test_a_handle_is_taken_as_people_write_it():
    assert Settings(handle=" @Riverton.Example.GOV ").handle == "riverton.example.gov"
    assert Settings(handle="did:plc:ewvi7nxzyoun6zhxrhs64oiz").handle.startswith("did:plc:")


@pytest.mark.parametrize(
    "handle", ["riverton", "a@b.example", "https://bsky.app/profile/a.example", "", "a..example"]
)
def test_anything_else_is_no_handle(handle):
    assert "must be the account's handle, such as riverton.example.gov" in wrong(handle=handle)


def test_addresses_are_https_or_loopback():
    assert Settings(handle="a.example", pds="https://pds.example/").pds == "https://pds.example"
    assert Settings(handle="a.example", pds="http://localhost:2583").pds == "http://localhost:2583"
    for address in ("http://pds.example", "pds.example", "https://u@pds.example", "https://pds.example/xrpc"):
        assert "must be an https:// address" in wrong(pds=address)


def test_who_may_reply_is_a_word_or_several():
    assert Settings(handle="a.example", replies="nobody").replies == ("nobody",)
    kept = Settings(handle="a.example", replies=["mentioned", "following"])
    assert Settings.model_validate(kept.model_dump(mode="json")) == kept


def test_a_misspelt_word_is_met_with_the_right_one():
    assert "did you mean 'followers'?" in wrong(replies="follower")
    assert "known are everyone" in wrong(replies="xyz")
    assert "did you mean 'graphic-media'?" in wrong(labels=["graphic media"])
    assert "stand alone" in wrong(replies=["nobody", "following"])
    assert "must say who may reply" in wrong(replies=[])
    assert "did you mean 'nobody'?" in wrong(Options, replies="noboddy")


def test_an_appview_is_named_by_its_did():
    service = "did:web:api.bsky.app#bsky_appview"
    assert Settings(handle="a.example", appview=service).appview == service
    assert "must be a service's DID" in wrong(appview="https://api.bsky.app")


def test_a_card_needs_a_title():
    with pytest.raises(ValidationError):
        Options.model_validate({"card": {"description": "x"}})


def test_a_post_goes_before_its_channel():
    on = channel(replies="following", quotes=False, labels=["bot"])
    plain = Wishes.of(variant(), on)
    assert (plain.replies, plain.quotes, plain.labels, plain.card) == (("following",), False, ("bot",), None)
    own = Wishes.of(variant(options={"replies": ["everyone"], "quotes": True, "labels": []}), on)
    assert (own.replies, own.quotes, own.labels) == (("everyone",), True, ())


def test_dids_are_what_the_specification_says():
    for name, right in (("valid", True), ("invalid", False)):
        path = SHARED / f"interop/did_syntax_{name}.txt"
        if not path.exists():
            pytest.skip("the vectors are not on this machine: ../shared/data/bsky is missing")
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                assert bool(DID.fullmatch(line)) is right, line
