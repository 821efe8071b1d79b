"""Logging in, staying logged in, and who we are there. What the real PDS answers stands in the cassettes."""

import base64
import json
from datetime import UTC, datetime

import httpx2
import pytest

from govpost import RateLimited, Rejected, Unauthorized, Unavailable
from govpost_bluesky.example import DID, PASSWORD, PDS, ExamplePds
from govpost_bluesky.test_common import BLUESKY, SECRETS, Wire, called, channel, instead, said, verified

FOUND = {"service": [{"id": "#other"}, {"id": "#atproto_pds", "serviceEndpoint": f"{PDS}/"}]}
DEAD = {**SECRETS, "refresh": "a-token-of-last-year"}
FRESH = {
    "access": "access-token-anew",
    "refresh": "refresh-token-anew",
    "session": json.dumps({"did": DID, "pds": PDS, "handle": "riverton.example.gov"}),
}


class Clerk:
    def __init__(self, typed=PASSWORD):
        self.typed, self.told, self.asked = typed, [], []

    def say(self, words):
        self.told.append(words)

    def ask(self, question, *, secret=False):
        self.asked.append((question, secret))
        return self.typed


def log_in(on, wire, clerk=None):
    return called(BLUESKY.login, on, clerk or Clerk(), on=on, wire=wire)


def renew(on, wire):
    return called(BLUESKY.refresh, on, on=on, wire=wire)


def wild():
    return channel(pds=None)


def world(well_known=None, document=None):
    """Answer as the internet does that leads from a handle to a PDS."""

    def answers(request):
        host, path = request.url.host, request.url.path
        if path == "/.well-known/atproto-did":
            if well_known is None:
                raise httpx2.ConnectError("no such host", request=request)
            return httpx2.Response(200, text=well_known)
        if host == "plc.directory" or path == "/.well-known/did.json":
            return said(200, document or FOUND)
        if host == "public.api.bsky.app":
            known = request.url.params["handle"] == "riverton.example.gov"
            return said(200, {"did": DID}) if known else said(400, {"error": "HandleNotFound"})
        assert host == "pds.example"
        return pds(request)

    pds = ExamplePds()
    return Wire(answers)


def test_log_in_asks_for_an_app_password_and_keeps_it():
    clerk = Clerk(f" {PASSWORD} ")
    assert log_in(channel(), Wire(ExamplePds()), clerk) == {**FRESH, "password": PASSWORD}
    assert clerk.asked == [("App password", True)]
    assert not any(PASSWORD in words for words in clerk.told)


def test_a_wrong_password_is_told_with_the_way_out():
    with pytest.raises(Unauthorized, match="does not take this password") as caught:
        log_in(channel(), Wire(ExamplePds()), Clerk("wrong"))
    assert caught.value.tip == "make a new app password and run: govpost channel login bsky"


def test_the_account_s_own_password_is_told_apart():
    asks = said(401, {"error": "AuthFactorTokenRequired", "message": "A sign in code has been sent"})
    with pytest.raises(Unauthorized, match="code by e-mail") as caught:
        log_in(channel(), Wire(instead(ExamplePds(), createSession=asks)))
    assert "app password" in caught.value.tip
    assert caught.value.tip.endswith("govpost channel login bsky")


def token(scope):
    """Write a token as a PDS does, without a signature that anyone could check."""
    claims = base64.urlsafe_b64encode(json.dumps({"scope": scope, "sub": DID}).encode()).decode()
    return f"eyJ0eXAiOiJhdCtqd3QifQ.{claims.rstrip('=')}.x"


@pytest.mark.parametrize(
    ("scope", "noted"),
    [
        ("com.atproto.access", "the account's own password, which can change and delete the account"),
        ("com.atproto.appPassPrivileged", "this app password may read direct messages"),
        ("com.atproto.appPass", None),
        (None, None),
    ],
)
def test_a_password_that_may_too_much_is_noted(scope, noted):
    access = token(scope)
    session = said(200, {"did": DID, "accessJwt": access, "refreshJwt": "r"})
    clerk = Clerk()
    log_in(channel(), Wire(instead(ExamplePds(), createSession=session)), clerk)
    who = said(200, {"did": DID, "handle": "riverton.example.gov"})
    pds = ExamplePds()
    known = instead(
        pds, getSession=who, describeServer=said(200, {"availableUserDomains": []}), getProfile=who
    )
    notes = verified(channel(secrets={**SECRETS, "access": access}), Wire(known)).notes
    if noted is None:
        assert (len(clerk.told), notes) == (2, ())
    else:
        assert noted in clerk.told[-1]
        assert noted in notes[0]
        assert notes[0].endswith("run: govpost channel login bsky")


def test_too_many_log_ins_are_a_wait():
    full = said(429, {"error": "RateLimitExceeded"}, **{"retry-after": "270"})
    with pytest.raises(RateLimited) as caught:
        log_in(channel(), Wire(instead(ExamplePds(), createSession=full)))
    assert caught.value.retry_after.total_seconds() == 270


# From the handle to the PDS


def test_the_pds_is_found_by_the_domain_itself():
    wire = world(well_known=f"{DID}\n")
    kept = json.loads(log_in(wild(), wire)["session"])
    assert (kept["did"], kept["pds"]) == (DID, PDS)
    assert [request.url.host for request in wire.requests[:2]] == ["riverton.example.gov", "plc.directory"]


@pytest.mark.parametrize("well_known", [None, "<html>no such page</html>", "x" * 3_000])
def test_a_domain_that_proves_itself_by_dns_is_resolved_elsewhere(well_known):
    wire = world(well_known=well_known)
    assert json.loads(log_in(wild(), wire)["session"])["pds"] == PDS
    assert wire.requests[1].url.host == "public.api.bsky.app"


def test_a_did_needs_no_handle():
    assert log_in(channel(pds=None, handle=DID), world())["access"] == "access-token-anew"
    wire = world()
    log_in(channel(pds=None, handle="did:web:riverton.example.gov"), wire)
    assert str(wire.requests[0].url) == "https://riverton.example.gov/.well-known/did.json"


def test_a_handle_that_nobody_has_is_told():
    with pytest.raises(Rejected, match=r"no account is known by the handle nobody\.example\.gov"):
        log_in(channel(pds=None, handle="nobody.example.gov"), world())


def test_an_account_without_a_pds_is_told():
    with pytest.raises(Rejected, match="names no PDS"):
        log_in(wild(), world(document={"service": []}))


# Staying logged in


def test_a_session_is_renewed_by_its_refresh_token():
    wire = Wire(ExamplePds())
    assert renew(channel(secrets={**SECRETS, "password": PASSWORD}), wire) == FRESH
    assert wire.methods() == ["com.atproto.server.refreshSession"]
    assert wire.requests[0].content == b""


def test_a_dead_refresh_token_heals_by_the_app_password():
    wire = Wire(ExamplePds())
    assert renew(channel(secrets={**DEAD, "password": PASSWORD}), wire) == FRESH
    assert wire.methods() == ["com.atproto.server.refreshSession", "com.atproto.server.createSession"]


def test_the_first_session_begins_by_the_app_password():
    wire = Wire(ExamplePds())
    assert renew(channel(secrets={"password": PASSWORD}), wire) == FRESH
    assert wire.methods() == ["com.atproto.server.createSession"]


def test_without_either_a_person_logs_in_again():
    for secrets in (DEAD, {}, {"refresh": "x"}):
        with pytest.raises(Unauthorized, match="no app password is kept") as caught:
            renew(channel(secrets=secrets), Wire(ExamplePds()))
        assert caught.value.tip == "run: govpost channel login bsky"


def test_another_account_in_the_config_ends_the_old_one_s_session():
    moved = channel(handle="parks.riverton.example.gov", secrets=FRESH)
    with pytest.raises(Unauthorized, match="no session"):
        verified(moved, Wire(ExamplePds()))
    wire = Wire(ExamplePds())
    fresh = renew(channel(handle="parks.riverton.example.gov", secrets={**FRESH, "password": PASSWORD}), wire)
    assert wire.methods() == ["com.atproto.server.createSession"]
    assert json.loads(fresh["session"])["handle"] == "parks.riverton.example.gov"


def test_a_server_in_trouble_costs_no_session():
    with pytest.raises(Exception, match="500") as caught:
        renew(channel(), Wire(instead(ExamplePds(), refreshSession=said(500))))
    assert not isinstance(caught.value, Unauthorized)


# Who we are there


def test_verify_says_who_and_where_and_what_is_taken():
    pds = ExamplePds()
    account = verified(channel(), Wire(pds))
    assert account.remote_id == DID
    assert account.name == "@riverton.example.gov"
    assert account.url == f"https://bsky.app/profile/{DID}"
    assert account.server == "PDS 0.5 at https://pds.example"
    assert account.limits == {"blob": 5_242_880, "appview": True}
    assert (account.links, account.notes, account.missing) == ((), (), ())


def test_the_profile_s_links_are_read():
    words = "The city of Riverton. https://riverton.example.gov/ and https://riverton.example.gov/rules."
    profile = {"description": words, "website": "https://riverton.example.gov/"}
    found = said(200, {"uri": "at://x", "value": profile})
    account = verified(channel(), Wire(instead(ExamplePds(), getRecord=found)))
    assert account.links == ("https://riverton.example.gov/", "https://riverton.example.gov/rules")


def test_what_a_person_should_know_is_noted():
    who = {
        "did": DID,
        "handle": "riverton.example",
        "emailConfirmed": False,
        "active": False,
        "status": "deactivated",
    }
    none = said(
        400, {"error": "InvalidRequest", "message": "No service configured for app.bsky.actor.getProfile"}
    )
    wire = Wire(
        instead(
            ExamplePds(),
            getSession=said(200, who),
            getProfile=none,
            _health=said(404),
            getRecord=said(200, {}),
        )
    )
    account = verified(channel(), wire)
    assert account.notes == (
        "the account's e-mail address is not confirmed; videos need that",
        "the account is not active: deactivated",
        "the account is now called riverton.example; settings say riverton.example.gov",
        "this server has no AppView: likes and replies cannot be read",
    )
    assert account.limits["appview"] is False


@pytest.mark.parametrize("trouble", [said(502), said(400, {"error": "InvalidToken"})])
def test_an_appview_in_trouble_is_not_missing(trouble):
    account = verified(channel(), Wire(instead(ExamplePds(), getProfile=trouble)))
    assert account.limits["appview"] is None
    assert account.notes == ()


def test_a_server_that_is_down_cannot_tell():
    with pytest.raises(Unavailable):
        verified(channel(), Wire(instead(ExamplePds(), getSession=said(502))))


def claiming(**claims):
    return f"head.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sign"


def test_a_session_without_an_app_password_ends_with_its_refresh_token():
    until = datetime(2027, 1, 20, 9, tzinfo=UTC)
    kept = {"access": claiming(exp=1), "refresh": claiming(exp=until.timestamp())}
    assert BLUESKY.ends(kept) == until
    assert BLUESKY.ends({**kept, "password": "app-pass-word"}) is None


@pytest.mark.parametrize(
    "refresh",
    [
        "",
        "no-token",
        "a.b.c",
        "a.W10=.c",
        claiming(),
        claiming(exp="soon"),
        claiming(exp=1e300),
    ],
)
def test_a_refresh_token_that_does_not_say_its_end_has_none(refresh):
    assert BLUESKY.ends({"refresh": refresh}) is None
