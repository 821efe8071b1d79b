"""What a server is and takes, found by nodeinfo and instance; the answers are those of the servers' documentation."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from govpost_mastodon import servers
from govpost_mastodon.api import Api
from govpost_mastodon.test_common import EXAMPLE, MASTODON, Odd, ask, channel

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "mastodon"


def found(server):
    on = channel()
    return ask(lambda http: servers.detect(Api(on, http)), server, on=on, read_only=True)[0]


def able(limits):
    return MASTODON.adapted(channel(limits))


def nodeinfo(name, version="1.0"):
    return 200, {"software": {"name": name, "version": version}}


def test_before_it_is_verified_a_channel_carries_what_every_server_does():
    plain = able({})
    assert plain == MASTODON.capabilities
    assert (plain.max_chars, plain.link_chars, plain.max_media) == (500, 23, 4)
    assert plain.idempotent_for is None
    assert plain.settles_after is None


def test_a_server_is_known_by_its_nodeinfo_and_its_newer_description():
    limits = found(Odd())
    assert (limits["software"], limits["version"], limits["api"]) == ("mastodon", "4.5.0", 7)
    full = able(limits)
    assert (full.max_chars, full.max_alt, full.max_media_bytes) == (500, 1500, 103_809_024)
    assert full.media_types == ("image/jpeg", "image/png", "video/mp4")
    assert full.alone == ("video/mp4",)
    assert full.idempotent_for == timedelta(minutes=55)
    assert full.settles_after == timedelta(minutes=5)


@pytest.mark.parametrize("broken", [404, 500, (502, "<html>Bad gateway</html>")])
def test_without_the_newer_description_the_older_one_counts(broken):
    older = {
        "version": "2.7.2 (compatible; Akkoma 3.13.2)",
        "max_toot_chars": 5000,
        "upload_limit": 16_000_000,
    }
    older |= {"description_limit": 5000, "poll_limits": {"max_options": 20, "max_option_chars": 200}}
    server = Odd().at("/api/v2/instance", broken).at("/api/v1/instance", (200, older))
    server.at("/.well-known/nodeinfo", 404)
    limits = found(server)
    assert (limits["software"], limits["version"]) == ("akkoma", "3.13.2")
    full = able(limits)
    assert (full.max_chars, full.max_alt, full.max_media_bytes) == (5000, 5000, 16_000_000)
    assert limits["poll"] == {"max_options": 20, "max_chars": 200}


@pytest.mark.parametrize(
    ("version", "software"),
    [("takahe/0.11.0", "takahe"), ("2.94 (compatible; snac 2.94)", "snac"), ("4.5.0", ""), ("", "")],
)
def test_without_nodeinfo_the_version_tells_the_name_or_nothing_does(version, software):
    server = Odd().at("/.well-known/nodeinfo", (200, {"links": "none"}))
    server.at("/api/v2/instance", (200, {"version": version}))
    assert found(server).get("software", "") == software


def test_the_path_of_the_newest_nodeinfo_is_asked_on_the_very_server():
    links = [
        {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "https://elsewhere.example/old"}
    ]
    links += [
        {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": "https://elsewhere.example/new"}
    ]
    links += [{"rel": "https://example.org/other", "href": "https://elsewhere.example/other"}]
    server = (
        Odd().at("/.well-known/nodeinfo", (200, {"links": links})).at("/new", nodeinfo("GoToSocial", "0.20"))
    )
    assert found(server)["software"] == "gotosocial"


@pytest.mark.parametrize("name", ["gotosocial", "akkoma", "pleroma", "pixelfed", "takahe", "snac"])
def test_a_repeat_is_not_safe_where_the_server_makes_a_second_post_of_it(name):
    server = Odd().at("/nodeinfo/2.0", nodeinfo(name))
    assert able(found(server)).idempotent_for is None
    assert able(found(server)).settles_after is not None


def test_where_every_post_needs_a_picture_there_are_no_threads_of_words():
    assert not able(found(Odd().at("/nodeinfo/2.0", nodeinfo("pixelfed")))).threads
    assert able(found(Odd().at("/nodeinfo/2.0", nodeinfo("takahe")))).threads


@pytest.mark.parametrize("name", ["mastodon", "hometown", "hollo"])
def test_a_repeat_is_safe_for_less_than_the_hour_that_the_server_keeps_a_key(name):
    safe = able(found(Odd().at("/nodeinfo/2.0", nodeinfo(name)))).idempotent_for
    assert safe is not None
    assert timedelta(minutes=30) < safe < timedelta(hours=1)


def test_of_a_server_that_nobody_knows_only_its_limits_are_believed():
    limits = found(Odd().at("/nodeinfo/2.0", nodeinfo("quietnet")))
    assert able(limits).max_chars == 500
    assert (able(limits).idempotent_for, able(limits).settles_after) == (None, None)


def test_limits_that_are_no_limits_are_left_out():
    odd = {"statuses": {"max_characters": "many", "max_media_attachments": True}, "media_attachments": []}
    limits = found(Odd().at("/api/v2/instance", (200, {"configuration": odd})))
    assert set(limits) == {"software", "version"}
    assert able(limits).max_chars == 500


def test_the_documented_description_is_read_whole():
    if not DATA.is_dir():
        pytest.skip("../shared/data/mastodon is not here")
    text = (DATA / "entity-Instance-0.json").read_text(encoding="utf-8")
    limits = found(Odd().at("/api/v2/instance", (200, json.loads(text))))
    assert limits["max_chars"] == 500
    assert limits["link_chars"] == 23
    assert limits["image_bytes"] == 16_777_216
    assert "image/heic" in limits["media_types"]
    assert limits["poll"]["max_options"] == 4


def test_the_example_is_what_verify_would_have_found():
    assert {**found(Odd()), **EXAMPLE.limits}["software"] == EXAMPLE.limits["software"]
    assert found(Odd())["version"] == EXAMPLE.limits["version"]
