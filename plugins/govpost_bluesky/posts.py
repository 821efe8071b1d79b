"""One post: what it needs, putting it, finding it, taking it down, answering with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from govpost import Channel, Receipt, Rejected, Reply, Uncertain, Variant
from govpost_bluesky import records
from govpost_bluesky.facets import handles
from govpost_bluesky.keys import rkey
from govpost_bluesky.media import embed
from govpost_bluesky.mentions import resolved
from govpost_bluesky.reading import ask
from govpost_bluesky.records import POST, POSTGATE, THREADGATE
from govpost_bluesky.settings import Settings
from govpost_bluesky.xrpc import Session, answered, error_of, malformed, shown, text_at

if TYPE_CHECKING:
    import httpx2

Json = dict[str, Any]
_RECORD = "a record"


def stage(variant: Variant, channel: Channel, http: httpx2.Client) -> Mapping[str, Any]:
    """Return the DIDs of mentions, the thread a post stands in, and its embed with everything uploaded."""
    session = Session.of(channel)
    mentioned, unresolved = resolved(handles(variant.text), session, http)
    staged: Json = {"mentions": mentioned}
    if unresolved:
        staged["unresolved"] = unresolved
    if place := _place(variant, session, http):
        staged |= place
    if shown := embed(variant, channel, session, http):
        staged["embed"] = shown
    return staged


def publish(variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
    """Create the record, with its gates in the same commit, unless it stands there already.

    A single record is put with ``swapRecord: null``: absent, it is created; there already, nothing happens; other
    bytes there are InvalidSwap (AT packages/pds putRecord.ts). Several are created together, after a look whether they
    are there: a repeated create is an error without a name.
    """
    session = Session.of(channel)
    record, gates = records.post(variant, channel), records.gates(variant, channel, session.did)
    if not gates:
        return _put(variant, record, channel, session, http)
    there = _standing(variant, session, http)
    if there is not None:
        return _ours(variant, there, channel, gates)
    writes = [_create(each, rkey(variant)) for each in (record, *gates)]
    body = {"repo": session.did, "writes": writes}
    results = answered(session.tell(http, "com.atproto.repo.applyWrites", body)).get("results") or [{}]
    return _receipt(variant, channel, session, results[0].get("cid"), gates)


def confirm(variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt | None:
    """Return the receipt of the record at our key, None when the PDS holds our repository and nothing stands there."""
    session = Session.of(channel)
    there = _standing(variant, session, http)
    if there is None:
        # A server that no longer hosts the account knows nothing of its posts: that says nothing.
        answered(http.get(session.at("com.atproto.repo.describeRepo"), params={"repo": session.did}))
        return None
    known = replace(variant, staged={"reply": (there.get("value") or {}).get("reply")})
    return _ours(variant, there, channel, records.gates(known, channel, session.did))


def withdraw(receipt: Receipt, channel: Channel, http: httpx2.Client) -> None:
    """Delete the post, then the gates that stood before it; deleting what is gone is a yes."""
    session = Session.of(channel)
    found = records.split(receipt.remote_id)
    if found is None:
        raise Rejected(f"{receipt.remote_id} is not the address of a Bluesky post")
    for collection in (POST, *receipt.raw.get("gates", (THREADGATE, POSTGATE))):
        body = {"repo": found[0], "collection": collection, "rkey": found[1]}
        answer = session.tell(http, "com.atproto.repo.deleteRecord", body)
        if answer.status_code not in (404, 410):
            answered(answer)


def answer(reply: Reply, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
    """Publish a post under somebody else's; the reply's own note of its thread saves a question."""
    parent = {"uri": reply.remote_id, "cid": reply.raw.get("cid")}
    root = reply.raw.get("root")
    if not parent["cid"]:
        seen = ask(channel, http, "app.bsky.feed.getPosts", uris=[reply.remote_id]).get("posts", [])
        if not seen:
            raise Rejected("the post to be answered is not there any more")
        parent["cid"], root = seen[0]["cid"], (seen[0]["record"].get("reply") or {}).get("root")
    staged = dict(variant.staged) or dict(stage(replace(variant, corrects=None), channel, http))
    staged["reply"] = {"root": root or parent, "parent": parent}
    return publish(replace(variant, staged=staged), channel, http)


def _place(variant: Variant, session: Session, http: httpx2.Client) -> Json | None:
    """Return root and parent of a later part, or of a correction, which stands under what it corrects."""
    if variant.reply_to is not None:
        part = _read(variant.reply_to, session, http)
        if part is None:
            raise Rejected(
                "the part before is not there any more", tip="publish the rest as a post of its own"
            )
        return {**_under(part), "after": _instant(part)}
    wrong = _read(variant.corrects, session, http) if variant.corrects else None
    return _under(wrong) if wrong else None


def _under(there: Json) -> Json:
    if not isinstance(there.get("cid"), str):
        raise malformed(_RECORD)
    parent = {"uri": there["uri"], "cid": there["cid"]}
    above = there["value"].get("reply")
    root = above.get("root") if isinstance(above, dict) else None
    return {"reply": {"root": root or parent, "parent": parent}}


def _instant(there: Json) -> str:
    said = str(there["value"].get("createdAt"))
    try:
        if datetime.fromisoformat(said).tzinfo:
            return said
    except ValueError:
        pass
    raise malformed(_RECORD)


def _read(name: str, session: Session, http: httpx2.Client) -> Json | None:
    found = records.split(name)
    return _record(*found, session, http) if found else None


def _standing(variant: Variant, session: Session, http: httpx2.Client) -> Json | None:
    return _record(session.did, rkey(variant), session, http)


def _record(did: str, key: str, session: Session, http: httpx2.Client) -> Json | None:
    """Return a post's record as the PDS holds it, None when the PDS says that it does not."""
    asked = {"repo": did, "collection": POST, "rkey": key}
    answer = http.get(session.at("com.atproto.repo.getRecord"), params=asked)
    return None if _is_absent(answer) else shown(answer, _RECORD, uri=str, value=dict)


def _is_absent(answer: httpx2.Response) -> bool:
    """Say whether a PDS holds no such record; older ones call that InvalidRequest (AT packages/pds getRecord.ts)."""
    if answer.status_code != 400:
        return False
    words = text_at(answer, "message").lower()
    return error_of(answer) == "RecordNotFound" or words.startswith("could not locate record")


def _create(record: Json, key: str) -> Json:
    return {
        "$type": "com.atproto.repo.applyWrites#create",
        "collection": record["$type"],
        "rkey": key,
        "value": record,
    }


def _put(variant: Variant, record: Json, channel: Channel, session: Session, http: httpx2.Client) -> Receipt:
    body = {
        "repo": session.did,
        "collection": POST,
        "rkey": rkey(variant),
        "swapRecord": None,
        "record": record,
    }
    answer = session.tell(http, "com.atproto.repo.putRecord", body)
    if answer.status_code == 400 and error_of(answer) == "InvalidSwap":
        there = _standing(variant, session, http)
        if there is not None:
            return _ours(variant, there, channel, [])
    return _receipt(variant, channel, session, answered(answer).get("cid"), [])


def _ours(variant: Variant, there: Json, channel: Channel, gates: list[Json]) -> Receipt:
    """Return the receipt of what stands at our key; `Uncertain` when it is not our words."""
    if not records.same(variant, there.get("value") or {}):
        raise Uncertain(
            "another text stands where this post belongs",
            tip=f"look at {_permalink(there['uri'], channel)} and settle it by hand",
        )
    return _held(variant, there["uri"], there.get("cid"), channel, gates)


def _receipt(
    variant: Variant, channel: Channel, session: Session, cid: str | None, gates: list[Json]
) -> Receipt:
    return _held(variant, records.uri_of(session.did, variant), cid, channel, gates)


def _held(variant: Variant, uri: str, cid: str | None, channel: Channel, gates: list[Json]) -> Receipt:
    raw = {"uri": uri, "cid": cid, "gates": [gate["$type"] for gate in gates]}
    if unresolved := variant.staged.get("unresolved"):
        raw["unresolved"] = unresolved
    return Receipt(remote_id=uri, url=_permalink(uri, channel), raw=raw)


def _permalink(uri: str, channel: Channel) -> str | None:
    found = records.split(uri)
    return f"{Settings.of(channel).web}/profile/{found[0]}/post/{found[1]}" if found else None
