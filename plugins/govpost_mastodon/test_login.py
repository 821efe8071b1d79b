"""Logging in: with a browser, with a code to type, and what goes wrong there."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from govpost import Rejected, Unauthorized
from govpost_mastodon.login import OUT_OF_BAND, challenge
from govpost_mastodon.test_common import MASTODON, TOKEN, Odd, Server, ask, channel

BACK = "http://127.0.0.1:4000/back"


class Person:
    """Somebody at a terminal, with a browser or without one."""

    def __init__(self, server, back=BACK, code=None, **came):
        self.server, self.back, self.code, self.came = server, back, code, came
        self.said = []
        self.secret = None
        self.visited = ""

    def say(self, words):
        self.said.append(words)

    def ask(self, question, *, secret=False):
        self.said.append(question)
        self.secret = secret
        return f" {self.code} "

    def redirect(self):
        return self.back

    def visit(self, address):
        self.visited = address
        came = self.server.visit(address)
        if isinstance(came, str):
            self.code = came
            return {}
        return {**came, **self.came}


def login(person, server=None):
    on = channel(token="")
    return ask(lambda http: MASTODON.login(on, person, http), server or person.server, on=on)


def test_in_a_browser_the_code_comes_back_by_itself():
    person = Person(Server())
    secrets, wire = login(person)
    assert secrets == {"access_token": TOKEN, "client_id": "app", "client_secret": "secret-of-the-example"}
    asked = {name: values[0] for name, values in parse_qs(urlsplit(person.visited).query).items()}
    assert person.visited.startswith("https://social.example/oauth/authorize?")
    assert (asked["response_type"], asked["redirect_uri"]) == ("code", BACK)
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "read:accounts read:statuses read:notifications write:statuses write:media"
    token = parse_qs(wire.writes[-1].content.decode())
    assert challenge(token["code_verifier"][0]) == asked["code_challenge"]
    assert not any(TOKEN in words for words in person.said)


def test_the_challenge_is_that_of_the_standard():
    # RFC 7636, appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_without_a_browser_the_code_is_typed_and_not_shown():
    person = Person(Server(), back=None)
    secrets, wire = login(person)
    assert secrets["access_token"] == TOKEN
    assert person.secret is True
    assert parse_qs(wire.writes[-1].content.decode())["redirect_uri"] == [OUT_OF_BAND]


def test_a_browser_that_could_not_be_opened_falls_back_to_typing():
    server = Server()

    class Shut(Person):
        def visit(self, address):
            self.code = super().visit(address)["code"]
            return {}

    assert login(Shut(server))[0]["access_token"] == TOKEN


def test_an_answer_to_another_log_in_is_refused():
    with pytest.raises(Unauthorized, match="another log-in than this one"):
        login(Person(Server(), state="forged"))


def test_a_person_who_says_no_is_heard():
    person = Person(
        Server(), code="", error="access_denied", error_description="The owner denied the request."
    )
    person.came["code"] = ""
    with pytest.raises(Unauthorized, match=r"^nobody allowed it: The owner denied the request\.$"):
        login(person)


def test_a_code_that_is_not_typed_is_no_log_in():
    class Silent(Person):
        def ask(self, question, *, secret=False):
            return ""

    with pytest.raises(Unauthorized, match="no code was given"):
        login(Silent(Server(), back=None))


def test_a_code_that_the_server_does_not_know_is_told_in_its_words():
    server = Server()
    odd = Odd(server).at(
        "/oauth/token", (400, {"error": "invalid_grant", "error_description": "The code is used up."})
    )
    with pytest.raises(Unauthorized, match=r"^The code is used up\.$"):
        login(Person(server), odd)


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/api/v1/apps", (200, {}), "^the server registers no applications"),
        ("/oauth/token", (200, {"token_type": "Bearer"}), "^the server gave no access token"),
    ],
)
def test_a_server_that_gives_nothing_is_told(path, answer, why):
    server = Server()
    with pytest.raises(Unauthorized, match=why):
        login(Person(server), Odd(server).at(path, answer))


def test_scopes_that_were_not_granted_are_told():
    server = Server()
    odd = Odd(server).at("/oauth/token", (200, {"access_token": TOKEN, "scope": "read write:statuses"}))
    person = Person(server)
    login(person, odd)
    assert "did not grant write:media" in person.said[-1]


def page_for_people(request):
    return httpx2.Response(404, text="<html><h1>City of Riverton</h1></html>")


def moved(request):
    return httpx2.Response(301, headers={"location": "https://www.riverton.example.gov/"})


@pytest.mark.parametrize(
    "server",
    [
        page_for_people,
        moved,
        lambda request: httpx2.Response(200, text="<html>Welcome</html>"),
        lambda request: httpx2.Response(200, json={"links": []}),
        Odd().at("/api/v1/apps", (404, "<html>Not found</html>")),
    ],
)
def test_an_address_where_nobody_speaks_the_api_is_told_in_one_sentence(server):
    with pytest.raises(Rejected) as told:
        login(Person(Server()), server)
    assert str(told.value) == "there is no server here that speaks the Mastodon API"
    assert "settings.url of fediverse" in told.value.tip


def test_a_token_that_was_taken_back_does_not_stand_in_the_way_of_a_new_one():
    server = Server()
    on = channel(token="revoked")
    _, wire = ask(lambda http: MASTODON.login(on, Person(server), http), server, on=on)
    assert not [request for request in wire.requests if "authorization" in request.headers]


@pytest.mark.parametrize("software", ["pixelfed", "takahe"])
def test_where_only_wide_scopes_are_known_those_are_asked_for(software):
    server = Server()
    odd = Odd(server).at("/nodeinfo/2.0", (200, {"software": {"name": software}}))
    person = Person(server)
    login(person, odd)
    assert parse_qs(urlsplit(person.visited).query)["scope"] == ["read write"]
