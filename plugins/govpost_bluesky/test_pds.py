"""What answers at a server's address may be no PDS at all, or nothing."""

import httpx2
import pytest

from govpost import Rejected, Unavailable
from govpost_bluesky.example import PASSWORD
from govpost_bluesky.test_account import Clerk, log_in, renew
from govpost_bluesky.test_common import Wire, channel, verified

ELSE = [
    httpx2.Response(404, text="<!DOCTYPE html><html>Not found</html>"),
    httpx2.Response(200, text="<html>Welcome</html>"),
    httpx2.Response(404, json={"error": "Not Found"}),
    httpx2.Response(200, json={"hello": "world"}),
    httpx2.Response(403, text="Forbidden"),
]


@pytest.mark.parametrize("answer", ELSE)
def test_an_address_where_something_else_answers_is_told_in_one_sentence(answer):
    clerk = Clerk()
    wrong = r"^what answers at https://pds\.example is not a server of Bluesky \(a PDS\)$"
    with pytest.raises(Rejected, match=wrong) as caught:
        log_in(channel(), Wire(lambda _: answer), clerk)
    assert "pds in the channel's settings" in caught.value.tip
    assert (clerk.told, clerk.asked) == ([], [])
    with pytest.raises(Unavailable, match=wrong):
        verified(channel(), Wire(lambda _: answer))
    with pytest.raises(Rejected, match=wrong):
        renew(channel(secrets={"password": PASSWORD}), Wire(lambda _: answer))


def test_a_server_that_nobody_reaches_is_not_said_to_be_home():
    def nobody(request):
        raise httpx2.ConnectError("no route", request=request)

    clerk = Clerk()
    with pytest.raises(Exception, match="no route"):
        log_in(channel(), Wire(nobody), clerk)
    assert clerk.told == []


def test_a_page_that_speaks_for_a_server_that_is_down_says_nothing_of_it():
    page = httpx2.Response(502, text="<html>Bad gateway</html>")
    with pytest.raises(Exception, match="502") as caught:
        renew(channel(secrets={"password": PASSWORD}), Wire(lambda _: page))
    assert "is not a server" not in str(caught.value)
