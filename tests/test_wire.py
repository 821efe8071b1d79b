"""What an HTTP failure means for a delivery, row by row of the table."""

import json
import time
from datetime import datetime, timedelta

import httpx2
import pytest

from govpost.domain import Channel, Receipt
from govpost.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.testing import Fake, FakeWire
from govpost.wire import (
    Attempt,
    is_plugin_fault,
    judge,
    judge_gone,
    publish_error,
    quick_tries,
    read_error,
    stage_error,
)

URL = "https://platform.example/posts"
CHANNEL = Channel(name="news", platform="fake", settings={"url": URL}, secrets={"token": "s3cret/tok en+"})
ELSEWHERE = {"location": "https://elsewhere.example/"}


def attempt(*answers, channel=CHANNEL, seconds=30.0, **more):
    return Attempt(channel, deadline=time.monotonic() + seconds, transport=FakeWire(*answers), **more)


def failure(call, *answers, meaning=publish_error):
    """Return what `call(client)` means when the platform answers so."""
    with attempt(*answers) as one, pytest.raises(BaseException) as caught:
        call(one.client)
        raise AssertionError("nothing was raised")
    return meaning(caught.value, one)


def post(http):
    http.post(URL, json={"text": "x"}).raise_for_status()


def get(http):
    http.get(URL).raise_for_status()


def twice(http):
    post(http)
    post(http)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ((307, None, ELSEWHERE), Rejected),
        ((308, None, ELSEWHERE), Rejected),
        (400, Rejected),
        (403, Rejected),
        (404, Rejected),
        (410, Rejected),
        (422, Rejected),
        (Fake.REFUSED, Unavailable),
        (Fake.UNREACHABLE, Unavailable),
        (Fake.NO_POOL, Unavailable),
        (429, RateLimited),
        ((503, None, {"retry-after": "5"}), RateLimited),
        ((503, None, {"retry-after": "soon"}), Unavailable),
        (408, Unavailable),
        (425, Unavailable),
        (503, Unavailable),
        (401, Unauthorized),
        (Fake.SILENT, Uncertain),
        (Fake.LOST_BEFORE, Uncertain),
        (Fake.LOST_AFTER, Uncertain),
        (301, Uncertain),
        (302, Uncertain),
        (303, Uncertain),
        (300, Uncertain),
        (500, Uncertain),
        (502, Uncertain),
        (504, Uncertain),
    ],
)
def test_each_answer_to_the_first_write_has_one_meaning(answer, meaning):
    assert type(failure(post, answer)) is meaning


@pytest.mark.parametrize("answer", [401, 422, 429, 503, 500, 307, Fake.REFUSED, Fake.SILENT])
def test_once_a_write_has_left_every_later_failure_is_uncertain(answer):
    assert type(failure(twice, 201, answer)) is Uncertain

    def then_read(http):
        post(http)
        get(http)

    assert type(failure(then_read, 201, answer)) is Uncertain


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (401, Unauthorized),
        (404, Rejected),
        (429, RateLimited),
        (500, Unavailable),
        (Fake.SILENT, Unavailable),
    ],
)
def test_a_read_that_fails_before_anything_was_written_published_nothing(answer, meaning):
    assert type(failure(get, answer)) is meaning


@pytest.mark.parametrize(
    "build",
    [
        lambda http: http.post("https://exa mple:port/"),
        lambda http: http.post("gopher://platform.example/"),
        lambda http: http.post("/relative"),
        lambda http: http.post(URL, headers={"X-Name": "ünï\n\u2603"}),
        lambda http: http.post(URL, json={"x": object()}),
        lambda http: http.post(URL, auth=object()),
    ],
)
def test_a_request_that_cannot_be_built_is_rejected(build):
    assert type(failure(build)) is Rejected
    assert type(failure(lambda http: (post(http), build(http)))) is Uncertain


def crash(http):
    raise KeyError("id")


def leave(http):
    raise SystemExit(3)


@pytest.mark.parametrize("call", [crash, leave, lambda http: http.post(URL).json()])
def test_any_other_exception_in_a_plugin_is_uncertain(call):
    assert type(failure(call, 201)) is Uncertain


def test_an_error_about_an_answer_we_never_saw_is_uncertain():
    def elsewhere(http):
        httpx2.Response(422, request=httpx2.Request("POST", URL)).raise_for_status()

    assert type(failure(elsewhere)) is Uncertain


def test_a_crash_is_told_from_a_platform_that_says_no():
    assert is_plugin_fault(KeyError("id"))
    assert not is_plugin_fault(Rejected())
    assert not is_plugin_fault(httpx2.ReadTimeout("late"))


def saying(error, *before):
    def call(http):
        for step in before:
            step(http)
        raise error

    return call


@pytest.mark.parametrize(
    "error", [Rejected("no"), Unavailable("later"), Unauthorized("who"), RateLimited("slow")]
)
def test_a_plugins_own_word_stands_for_its_one_answered_write(error):
    assert type(failure(saying(error, post), 201)) is type(error)
    assert type(failure(saying(error))) is type(error)


@pytest.mark.parametrize(
    "error", [Rejected("no"), Unavailable("later"), Unauthorized("who"), RateLimited("slow")]
)
def test_a_plugins_own_word_cannot_hide_an_earlier_write(error):
    assert type(failure(saying(error, post, post), 201)) is Uncertain


def test_a_plugins_own_word_cannot_hide_a_lost_answer():
    def swallow(http):
        try:
            post(http)
        except httpx2.HTTPError:
            raise Unavailable("later") from None

    assert type(failure(swallow, Fake.SILENT)) is Uncertain
    assert type(failure(swallow, Fake.REFUSED)) is Unavailable


def test_a_plugins_own_word_after_a_read_that_failed_is_uncertain():
    assert type(failure(saying(Rejected("no"), post, lambda http: http.get(URL)), 201, 500)) is Uncertain
    assert type(failure(saying(Rejected("no"), post, lambda http: http.get(URL)), 202, 200)) is Rejected


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (422, Rejected),
        (401, Unauthorized),
        (429, RateLimited),
        (500, Unavailable),
        (301, Unavailable),
        (408, Unavailable),
    ],
)
def test_whatever_happens_while_staging_published_nothing(answer, meaning):
    assert type(failure(twice, 201, answer, meaning=stage_error)) is meaning


def test_a_plugin_that_fails_while_staging_is_unavailable():
    assert type(failure(crash, meaning=stage_error)) is Unavailable
    assert type(failure(saying(Uncertain("?")), meaning=stage_error)) is Unavailable
    assert type(failure(saying(Rejected("too big")), meaning=stage_error)) is Rejected


@pytest.mark.parametrize(
    ("call", "answer", "meaning"),
    [
        (get, 401, Unauthorized),
        (get, 429, RateLimited),
        (get, 404, Unavailable),
        (get, Fake.SILENT, Unavailable),
        (crash, 200, Unavailable),
        (saying(Rejected("no")), 200, Unavailable),
        (saying(Unauthorized("who")), 200, Unauthorized),
    ],
)
def test_a_question_that_fails_only_means_that_it_cannot_be_told(call, answer, meaning):
    assert type(failure(call, answer, meaning=read_error)) is meaning
    assert type(failure(call, answer, meaning=lambda error, _: read_error(error))) is meaning


def test_only_reading_is_allowed_where_reading_is_meant():
    wire = FakeWire()
    with Attempt(CHANNEL, deadline=time.monotonic() + 9, transport=wire, read_only=True) as one:
        with pytest.raises(Rejected, match="only reading"):
            one.client.post(URL)
        assert one.client.get(URL).status_code == 201
    assert one.left == 0
    assert len(wire.requests) == 1


def test_a_wait_that_a_plugin_asks_for_is_bounded_too():
    error = failure(saying(RateLimited("slow", retry_after=timedelta(days=9))))
    assert error.retry_after == timedelta(hours=24)


def test_the_message_names_the_answer_in_short_and_without_secrets():
    body = {"error": "no token s3cret/tok en+ here", "more": "x" * 500}
    with attempt((422, body)) as one, pytest.raises(httpx2.HTTPStatusError) as caught:
        one.client.post(URL, params={"token": "s3cret/tok en+"}).raise_for_status()
    told = str(publish_error(caught.value, one))
    assert told.startswith(f'POST {URL} answered 422: {{"error": "no token [secret] here"')
    assert len(told) < 300


def test_a_moved_address_is_given_as_the_tip():
    assert failure(post, (308, None, ELSEWHERE)).tip == "the address has moved: https://elsewhere.example/"
    assert failure(post, 307).tip == "the address has moved"
    secret = {"location": "https://elsewhere.example/hooks/s3cret%2Ftok%20en%2B"}
    assert failure(post, (308, None, secret)).tip.endswith("https://elsewhere.example/hooks/[secret]")


def test_what_a_plugin_says_is_shown_without_secrets():
    error = failure(saying(Rejected("bad s3cret/tok en+", tip="try s3cret/tok en+")))
    assert (str(error), error.tip) == ("bad [secret]", "try [secret]")
    assert "s3cret" not in str(failure(saying(ValueError("s3cret/tok en+"))))


# Receipts


def judged(receipt, call=post, *answers):
    with attempt(*answers) as one:
        call(one.client)
        return judge(receipt, one)


GOOD = Receipt(remote_id="42", url="https://platform.example/42", raw={"id": "42"})


def test_a_receipt_after_a_yes_is_believed():
    assert judged(GOOD) == GOOD


def test_a_receipt_of_a_platform_without_the_wire_is_believed():
    assert judged(GOOD, lambda http: None) == GOOD


@pytest.mark.parametrize("receipt", [None, "42", {"id": 42}, Receipt(remote_id=""), Receipt(remote_id=" ")])
def test_what_is_no_receipt_is_uncertain(receipt):
    with pytest.raises(Uncertain):
        judged(receipt)


@pytest.mark.parametrize("answer", [301, 307, 400, 401, 409, 422, 500, 503])
def test_a_receipt_after_a_no_is_uncertain(answer):
    with pytest.raises(Uncertain, match=f"answered {answer}"):
        judged(GOOD, lambda http: http.post(URL), answer)


def test_a_receipt_after_a_swallowed_failure_is_uncertain():
    def swallow(http):
        with pytest.raises(httpx2.ReadTimeout):
            http.post(URL)

    with pytest.raises(Uncertain, match="ReadTimeout"):
        judged(GOOD, swallow, Fake.SILENT)


def test_a_duplicate_that_the_plugin_looked_up_is_the_original():
    assert judged(GOOD, lambda http: (http.post(URL), http.get(URL)), 409, 200) == GOOD


def test_a_receipt_is_kept_as_json_and_without_secrets():
    raw = {"when": datetime(2026, 1, 1), "echo": ["s3cret/tok en+"], "access_token": "fresh", "n": 1}
    kept = judged(Receipt(remote_id="42", url=7, raw=raw))
    assert kept.url is None
    assert kept.raw == {
        "when": "2026-01-01 00:00:00",
        "echo": ["[secret]"],
        "access_token": "[secret]",
        "n": 1,
    }
    json.dumps(kept.raw)


@pytest.mark.parametrize(
    ("answer", "fine"), [(200, True), (404, True), (410, True), (500, False), (401, False)]
)
def test_what_is_said_to_be_gone_must_have_been_said_by_the_platform(answer, fine):
    with attempt(answer) as one:
        judge_gone(one)
        one.client.delete(URL)
        if fine:
            judge_gone(one)
        else:
            with pytest.raises(Uncertain):
                judge_gone(one)


# Quick tries


def tries(answers, *, stop=lambda: False, seconds=300.0):
    slept = []
    with attempt(*answers, seconds=seconds, sleep=slept.append) as one:
        try:
            return quick_tries(lambda: one.client.get(URL).raise_for_status(), one, stop, read_error), slept
        except PublishError as error:
            return error, slept


def test_quick_tries_end_with_the_first_success():
    answer, slept = tries([503, 500, 200])
    assert answer.status_code == 200
    assert sum(slept) == pytest.approx(1 + 4)
    assert max(slept) <= 0.25


def test_three_tries_are_all():
    error, slept = tries([503])
    assert type(error) is Unavailable
    assert sum(slept) == pytest.approx(5)


def test_only_unavailable_is_tried_again():
    error, slept = tries([401, 200])
    assert type(error) is Unauthorized
    assert slept == []


def test_quick_tries_wait_as_long_as_they_are_asked_within_a_minute():
    answer, slept = tries([(429, None, {"retry-after": "30"}), 200])
    assert answer.status_code == 200
    assert sum(slept) == pytest.approx(30)
    error, slept = tries([(429, None, {"retry-after": "61"}), 200])
    assert (type(error), slept) == (RateLimited, [])
    error, slept = tries([(429, None, {"retry-after": "40"})])
    assert (type(error), sum(slept)) == (RateLimited, pytest.approx(40))


def test_quick_tries_never_wait_past_the_deadline():
    error, slept = tries([(429, None, {"retry-after": "30"}), 200], seconds=10)
    assert (type(error), slept) == (RateLimited, [])


def test_a_freeze_ends_the_wait_for_another_try():
    assert tries([503, 200], stop=lambda: True)[1] == []
    calls = iter([False, False, False, True])
    error, slept = tries([(429, None, {"retry-after": "30"}), 200], stop=lambda: next(calls))
    assert type(error) is Unavailable
    assert sum(slept) == pytest.approx(0.5)


def test_a_broken_server_is_uncertain_whatever_the_plugin_makes_of_it():
    with attempt(500) as tried:
        tried.client.post(URL, json={"text": "x"})
        for word in (Rejected("no"), Unavailable("busy")):
            assert isinstance(publish_error(word, tried), Uncertain)


def test_a_receipt_is_kept_within_bounds_and_only_a_web_address_is_an_address():
    with attempt() as tried:
        with pytest.raises(Uncertain):
            judge(Receipt(remote_id="x" * 2_000), tried)
        kept = judge(Receipt(remote_id="1", url="javascript:alert(1)\n", raw={"a": "b" * 100_000}), tried)
        assert kept.url is None
        assert set(kept.raw) == {"bytes", "sha256"}
        assert judge(Receipt(remote_id="1", url="https://a.example/ñ"), tried).url == "https://a.example/ñ"
