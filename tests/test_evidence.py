"""What was said on the wire is kept, short and without secrets."""

import base64
import hashlib
import json
import time

from hypothesis import given
from hypothesis import strategies as st

from govpost.domain import Channel
from govpost.evidence import Body, Redactor, parts
from govpost.testing import FakeWire
from govpost.wire import Attempt

URL = "https://platform.example/posts"
CHANNEL = Channel(name="news", platform="fake", settings={"url": URL}, secrets={"token": "s3cret/tok en+"})


def attempt(*answers, channel=CHANNEL, seconds=30.0):
    return Attempt(channel, deadline=time.monotonic() + seconds, transport=FakeWire(*answers))


def test_evidence_holds_no_secret_in_any_form():
    secret = CHANNEL.secrets["token"]
    basic = base64.b64encode(f"user:{secret}".encode()).decode()
    channel = Channel(
        name="n", platform="f", settings={"url": URL, "user": "user"}, secrets={"token": secret}
    )
    echo = {"you said": secret, "basic": basic, "b64": base64.b64encode(secret.encode()).decode()}
    with attempt((201, echo, {"set-cookie": "a=b", "x-echo": secret}), channel=channel) as one:
        one.client.post(
            f"{URL}/{secret}",
            params={"t": secret},
            data={"t": secret},
            headers={"Authorization": f"Basic {basic}", "Cookie": "c=d", "X-Token": secret},
        )
    shown = json.dumps(one.evidence())
    assert "s3cret" not in shown
    assert basic not in shown
    assert echo["b64"] not in shown
    headers = one.evidence()[0]["request"]["headers"]
    assert not {"authorization", "cookie"} & set(headers)
    assert "set-cookie" not in one.evidence()[0]["response"]["headers"]
    assert headers["x-token"] == "[secret]"


def test_evidence_shows_files_as_digests(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n--\r\n\0")
    with attempt() as one, picture.open("rb") as stream:
        one.client.post(URL, data={"alt": "A bridge"}, files={"file": ("a.png", stream, "image/png")})
        one.client.post(URL, content=iter([b"\xff", b"\xfe"]))
        one.client.post(URL, content="y" * 70_000)
    form, binary, long = (entry["request"]["body"] for entry in one.evidence())
    sha = hashlib.sha256(picture.read_bytes()).hexdigest()
    assert form == [
        {"name": "alt", "body": "A bridge"},
        {"name": "file", "filename": "a.png", "body": {"sha256": sha, "length": 11}},
    ]
    assert binary["length"] == 2
    assert long["length"] == 70_000


def test_a_streamed_answer_is_noted_as_far_as_it_was_read():
    with attempt((200, {"id": "1"})) as one, one.client.stream("GET", URL) as answer:
        answer.read()
        assert b"".join(answer.iter_bytes()) == b'{"id": "1"}'
    assert one.evidence()[0]["response"]["body"] == '{"id": "1"}'


@given(
    st.text(min_size=4, max_size=20).filter(
        lambda s: s.strip() == s and "secret" not in s and s not in '{"said": "[secret]"}'
    ),
    st.text(max_size=20),
)
def test_no_secret_survives_in_json(secret, around):
    clean = Redactor({"token": secret})
    assert secret not in clean(around + secret).replace("[secret]", "") or secret in around
    assert clean(json.dumps({"said": secret})) == '{"said": "[secret]"}'


def test_new_tokens_in_an_answer_are_secrets_too():
    clean = Redactor({})
    assert clean('{"access_token": "abc", "accessJwt":"d\\"e", "n": "1"}') == (
        '{"access_token": "[secret]", "accessJwt":"[secret]", "n": "1"}'
    )
    assert clean("grant=x&refresh_token=abc&y=z") == "grant=x&refresh_token=[secret]&y=z"


def test_a_very_short_secret_does_not_eat_the_evidence():
    assert Redactor({"flag": "1"})("1 of 1") == "1 of 1"


def test_repeated_headers_are_kept_together():
    shown = Redactor({}).headers([("Link", "a"), ("link", "b"), ("Authorization", "x")])
    assert shown == {"link": "a, b"}


def test_a_body_that_is_not_multipart_has_no_parts():
    assert parts("application/json", b"{}") == []


def test_a_broken_body_is_shown_as_well_as_it_goes():
    body = Body()
    body.add(b"caf\xe9")
    assert body.text() == "caf\ufffd"
    assert body.show("", str)["length"] == 4
