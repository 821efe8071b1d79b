"""Whatever platforms, mailboxes and lists say, a call ends in a receipt or in an error that says what is next."""

from __future__ import annotations

import json
import time

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from govpost import Channel, PublishError, Receipt, Variant
from govpost.evidence import is_address
from govpost.wire import Attempt, judge, publish_error, read_error
from govpost_bluesky import Bluesky
from govpost_email import lists, reports
from govpost_email.settings import Settings as MailSettings
from govpost_mastodon import Mastodon
from govpost_wordpress import WordPress
from hostile import FUZZ, JSON, PROSE, TEXT, run_apart

PLATFORMS = {"bluesky": Bluesky(), "mastodon": Mastodon(), "wordpress": WordPress()}
KEY = "01920000-0000-7000-8000-0123456789ab"
_NAMES = """
    id uri url cid posts notifications cursor status link content rendered raw date_gmt account acct did handle type
    error code message data created_at indexedAt reason
"""
ANSWER = st.recursive(
    JSON,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(_NAMES.split()), inner, max_size=8), st.lists(inner, max_size=3)
    ),
    max_leaves=20,
)
BODY = st.one_of(
    ANSWER.map(json.dumps),
    PROSE,
    st.sampled_from(
        ["", "[" * 50_000, '{"id":' * 20_000, "9" * 5000, "<html>no</html>", "\ufeff{}", "null", "\0"]
    ),
)
STATUS = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503])
MAIL = MailSettings.model_validate(
    {"host": "mail.example.gov", "sender": "news@example.gov", "to": "a@example.gov"}
)


def channel(name: str) -> Channel:
    example_of = PLATFORMS[name].example
    return Channel(
        name="news",
        platform=name,
        settings=example_of.settings,
        secrets=example_of.secrets,
        limits=getattr(example_of, "limits", {}),
    )


def attempt(name: str, said: list[tuple[int, str]]) -> Attempt:
    """Answer one after the other, the last one for ever."""
    left = list(said)

    def answer(_request: httpx2.Request) -> httpx2.Response:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return httpx2.Response(
            status, content=body.encode("utf-8", "surrogatepass"), headers={"x-wp-total": "1"}
        )

    return Attempt(
        channel(name),
        deadline=time.monotonic() + 20,
        transport=httpx2.MockTransport(answer),
        sleep=lambda _: None,
    )


@settings(FUZZ, max_examples=200)
@given(st.sampled_from(sorted(PLATFORMS)), st.lists(st.tuples(STATUS, BODY), min_size=1, max_size=4))
def test_a_post_ends_in_a_receipt_that_can_be_kept_or_in_a_known_error(name, said):
    variant = Variant(key=KEY, title="Bridge", text="Closed on Friday. @ana@b.example #roads", language="en")
    with attempt(name, said) as one:
        try:
            receipt = judge(PLATFORMS[name].publish(variant, channel(name), one.client), one)
        except Exception as error:
            meant = publish_error(error, one)
            assert isinstance(meant, PublishError)
            assert str(meant)
        else:
            assert receipt.remote_id.strip()
            assert receipt.url is None or is_address(receipt.url)
            json.dumps(receipt.raw, allow_nan=False).encode()
        json.dumps(one.evidence(), allow_nan=False).encode()


READS = {
    "measure": lambda platform, where, http: platform.measure([Receipt(remote_id="1")], where, http),
    "replies": lambda platform, where, http: list(platform.replies(where, None, http)),
    "replies since": lambda platform, where, http: list(platform.replies(where, "2026-11-21T12:00:00+00:00/1", http)),
    "verify": lambda platform, where, http: platform.verify(where, http),
    "confirm": lambda platform, where, http: platform.confirm(Variant(key=KEY, text="x"), None, where, http),
}  # fmt: skip


@settings(FUZZ, max_examples=200)
@given(
    st.sampled_from(sorted(PLATFORMS)),
    st.sampled_from(sorted(READS)),
    st.lists(st.tuples(STATUS, BODY), min_size=1, max_size=4),
)
def test_a_question_ends_in_an_answer_or_in_a_known_error(name, what, said):
    with attempt(name, said) as one:
        try:
            READS[what](PLATFORMS[name], channel(name), one.client)
        except Exception as error:
            assert isinstance(read_error(error, one), PublishError)


@FUZZ
@given(st.one_of(st.binary(max_size=400), PROSE.map(lambda text: text.encode("utf-8", "surrogatepass"))))
@example(b"Content-Type: multipart/report; report-type=delivery-status; boundary=a\r\n\r\n--a\r\n")
@example(b"Content-Type: " + b"multipart/mixed; boundary=" * 50 + b"\r\n\r\n")
@example(b"From: =?utf-8?b?" + b"=" * 50 + b"\r\nContent-Type: text/html; charset=rot13\r\n\r\n<style>")
@example(
    b"".join(b"Content-Type: multipart/mixed; boundary=a%d\r\n\r\n--a%d\r\n" % (n, n) for n in range(300))
)
def test_any_mail_is_read_without_a_fault(raw):
    news = reports.read(raw, MAIL, "a list key for tests")
    assert len(news.text) <= 10_000
    assert "@" not in news.ref


LIST = st.one_of(PROSE, st.lists(st.tuples(TEXT, TEXT)).map(lambda rows: "\n".join(map(";".join, rows))))


@FUZZ
@given(st.sampled_from(["email,name\n", "email;name\n", "\ufeffemail\tname\r\n", ""]), LIST)
@example("email,name\n", '"=cmd|calc",a@b.example\nana@example.com\r\nBcc: x@y.example,"a\nb"')
@example("email\n", '"' + "a" * 200_000)
def test_any_list_gives_entries_or_says_what_is_wrong_without_addresses(tmp_path, head, text):
    path = tmp_path / "list.csv"
    path.write_bytes((head + text).encode("utf-8", "surrogatepass"))
    where = MAIL.model_copy(update={"to": None, "list_file": path})
    try:
        roll = lists._from_file(path, where, "a list key for tests")
    except PublishError as error:
        assert "@" not in str(error).replace("[address]", "")
        return
    for entry in roll.values():
        assert entry.name.isprintable()
        if entry.address:
            assert not set(entry.address.mailbox) & set("\r\n\0 <>,")


@pytest.mark.parametrize(
    "reader", ["mail plain", "mail html", "mail from", "mail raw", "addresses", "status", "status close", "comment",
               "wordpress shown", "wordpress json", "wordpress page", "evidence"],
)  # fmt: skip
def test_foreign_text_is_read_in_proportion_to_its_length(reader):
    code = f"""
import sys
sys.path[:0] = ["tests", "tests/fuzz"]
import slow
from hostile import slow_texts
read = slow.readers()[{reader!r}]
for text in slow_texts(60_000).values():
    try:
        read(text)
    except RecursionError:
        pass
print("done")
"""
    assert run_apart(code, 60) == "done\n"
