"""Who we are on a server, what is missing there, and what a person should know."""

import httpx2
import pytest

from govpost import Rejected, Unauthorized
from govpost_mastodon.account import covers
from govpost_mastodon.test_common import MASTODON, Odd, ask, channel

ME = "/api/v1/accounts/verify_credentials"
APP = "/api/v1/apps/verify_credentials"


def verify(server=None, on=None):
    on = on or channel()
    return ask(lambda http: MASTODON.verify(on, http), server or Odd(), on=on, read_only=True)[0]


def me(**more):
    return 200, {"id": "1", "acct": "riverton", "url": "https://social.example/@riverton", **more}


def test_the_account_its_server_and_its_links_are_told():
    account = verify()
    assert (account.remote_id, account.name) == ("1", "@riverton")
    assert account.server == "Mastodon 4.5.0"
    assert account.links == ("https://riverton.example.gov/",)
    assert account.limits["account_id"] == "1"
    assert account.limits["application"] == "govpost"
    assert (account.missing, account.notes) == ((), ())


def test_links_are_read_from_table_and_note_each_once():
    table = [{"name": "Site", "value": '<a href="https://riverton.example.gov/">riverton.example.gov</a>'}]
    note = '<p>News of <a href="https://news.riverton.example.gov/x"><span>news.riverton</span></a></p>'
    account = verify(Odd().at(ME, me(fields=table, note=note)))
    assert account.links == ("https://riverton.example.gov/", "https://news.riverton.example.gov/x")


def test_a_scope_that_the_application_lacks_is_named():
    server = Odd().at(APP, (200, {"name": "govpost", "scopes": ["read", "write:statuses"]}))
    assert verify(server).missing == ("the scope write:media",)


def test_a_scope_that_is_refused_when_it_is_tried_is_named():
    server = Odd().at(APP, 404).at("/api/v1/notifications", 403)
    account = verify(server)
    assert account.missing == ("the scope read:notifications",)
    assert "application" not in account.limits


def test_a_token_that_the_server_refuses_by_400_is_unauthorized():
    with pytest.raises(Unauthorized, match="does not accept the access token"):
        verify(Odd().at(ME, (400, "Invalid Bearer token")))


def test_without_a_token_the_way_to_one_is_told():
    with pytest.raises(Unauthorized, match="no access token yet") as told:
        verify(on=channel(token=""))
    assert told.value.tip == "govpost channel login fediverse"


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (404, 404),
        ((404, "<html>Not found</html>"), (404, "<html>Not found</html>")),
        ((200, "<html>Welcome</html>"), (200, "<html>Welcome</html>")),
        ((200, {"title": "Riverton"}), (200, {"title": "Riverton"})),
        (301, 301),
    ],
)
def test_an_address_without_such_a_server_is_told_with_a_tip(newer, older):
    # The site of the agency may well have nodeinfo: WordPress has it with its plugin for ActivityPub.
    server = Odd().at("/api/v2/instance", newer).at("/api/v1/instance", older)
    with pytest.raises(Rejected) as told:
        verify(server)
    assert str(told.value) == "there is no server here that speaks the Mastodon API"
    assert "settings.url of fediverse" in told.value.tip


def test_a_token_that_was_taken_back_is_told_in_words_with_the_way_to_another():
    with pytest.raises(Unauthorized, match=r"^the server does not accept the access token: ") as told:
        verify(Odd().at(ME, (401, {"error": "The access token was revoked"})))
    assert told.value.tip == "govpost channel login fediverse"


def test_a_server_in_trouble_is_not_taken_for_none():
    server = Odd().at("/api/v2/instance", 503).at("/api/v1/instance", 503)
    with pytest.raises(httpx2.HTTPStatusError):
        verify(server)


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"locked": True}, "the account is locked: new followers wait until somebody lets them in"),
        ({"moved": {"acct": "city@other.example"}}, "the account has moved to @city@other.example"),
        ({"limited": True}, "the server's moderators have limited the account"),
        ({"suspended": True}, "the server's moderators have limited the account"),
    ],
)
def test_what_a_person_should_know_of_the_account_is_noted(more, note):
    assert verify(Odd().at(ME, me(**more))).notes == (note,)


@pytest.mark.parametrize(
    ("software", "notes"),
    [
        ("takahe", ["Takahē would post a repeat twice: what is uncertain is looked up instead"]),
        (
            "pixelfed",
            [
                "Pixelfed would post a repeat twice: what is uncertain is looked up instead",
                "Pixelfed takes no post without a picture",
            ],
        ),
        ("quietnet", ["quietnet is not a server that govpost knows: what is uncertain is left to a person"]),
    ],
)
def test_what_a_person_should_know_of_the_server_is_noted(software, notes):
    server = Odd().at("/nodeinfo/2.0", (200, {"software": {"name": software, "version": "1"}}))
    server.at("/api/v2/instance", (200, {"version": "1"}))
    assert list(verify(server).notes) == [*notes, "this server knows no quote policy: anybody may quote"]


def test_a_wide_scope_covers_a_narrow_one():
    assert covers("read write", "write:media")
    assert covers(["write:media"], "write:media")
    assert not covers("write:statuses read", "write:media")
