"""The records of a post: app.bsky.feed.post, and the gates that say who may reply to it and quote it."""

from __future__ import annotations

import re
from typing import Any

from govpost import Channel, Variant
from govpost_bluesky.facets import facets
from govpost_bluesky.keys import created_at, rkey
from govpost_bluesky.settings import Wishes

POST = "app.bsky.feed.post"
THREADGATE = "app.bsky.feed.threadgate"
POSTGATE = "app.bsky.feed.postgate"

_WHOSE = r"did:[a-z]+:[A-Za-z0-9._:%-]+"
_URI = re.compile(rf"at://({_WHOSE})/{re.escape(POST)}/([A-Za-z0-9._:~-]+)")
_PERMALINK = re.compile(rf"https?://[^/\s]+/profile/({_WHOSE})/post/([A-Za-z0-9._:~-]+)")
_RULES = {"mentioned": "mentionRule", "following": "followingRule", "followers": "followerRule"}

Json = dict[str, Any]


def uri_of(did: str, variant: Variant) -> str:
    """Return the at-uri of the post that a delivery leads to."""
    return f"at://{did}/{POST}/{rkey(variant)}"


def split(name: str) -> tuple[str, str] | None:
    """Return DID and record key of a post's at-uri or permalink, None when it is neither."""
    found = _URI.fullmatch(name) or _PERMALINK.fullmatch(name)
    return (found[1], found[2]) if found else None


def post(variant: Variant, channel: Channel) -> Json:
    """Write the record of a variant with what `stage` found; the same variant gives the same bytes."""
    staged, wishes = variant.staged, Wishes.of(variant, channel)
    record: Json = {
        "$type": POST,
        "text": variant.text,
        "createdAt": created_at(variant, staged.get("after")),
    }
    if marked := facets(variant.text, staged.get("mentions", {})):
        record["facets"] = marked
    if reply := staged.get("reply"):
        record["reply"] = reply
    if embed := staged.get("embed"):
        record["embed"] = embed
    if variant.language:
        record["langs"] = [variant.language]
    if wishes.labels:
        values = [{"val": label} for label in wishes.labels]
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
    return record


def gates(variant: Variant, channel: Channel, did: str) -> list[Json]:
    """Return the gate records of a post, none where everyone may reply and quote.

    Who may reply is settled once, at the root of a thread; who may quote, at each post of it.
    """
    wishes = Wishes.of(variant, channel)
    common = {"post": uri_of(did, variant), "createdAt": created_at(variant, variant.staged.get("after"))}
    found = []
    if wishes.replies != ("everyone",) and not variant.staged.get("reply"):
        allow = [{"$type": f"{THREADGATE}#{_RULES[who]}"} for who in wishes.replies if who != "nobody"]
        found.append({"$type": THREADGATE, **common, "allow": allow})
    if not wishes.quotes:
        found.append({"$type": POSTGATE, **common, "embeddingRules": [{"$type": f"{POSTGATE}#disableRule"}]})
    return found


def same(variant: Variant, there: Json) -> bool:
    """Say whether the record at our key is ours, whatever became of its mentions and pictures meanwhile.

    The instant of a later part follows from the part before, which need not be known here.
    """
    if there.get("text") != variant.text:
        return False
    return variant.reply_to is not None or there.get("createdAt") == created_at(variant)
