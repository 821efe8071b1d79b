"""The feeds: Atom 1.0 (RFC 4287) and JSON Feed 1.1. An entry keeps its id for ever; `updated` changes.

A withdrawn post stays in the feeds as a notice under the same id. RFC 6721's deleted-entry is not used: most
readers do not know it, and those that do would take the notice away with the entry.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from govpost_website.pages import Post, content, fill, heading
from govpost_website.settings import Settings


def atom(posts: Sequence[Post], feed_id: str, settings: Settings) -> bytes:
    """Make the Atom feed of these posts, the latest change first."""
    entries = [_entry(post, settings) for post in posts]
    updated = max((entry["updated"] for entry in entries), default="1970-01-01T00:00:00Z")
    return fill("feed.atom", site=settings, id=feed_id, updated=updated, entries=entries).encode()


def json_feed(posts: Sequence[Post], settings: Settings) -> bytes:
    """Make the JSON Feed of these posts, the latest change first."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": settings.name,
        "home_page_url": settings.base_url,
        "feed_url": f"{settings.base_url}feed.json",
        "language": settings.language,
        "authors": [{"name": settings.author or settings.name, "url": settings.base_url}],
        "items": [_item(post, settings) for post in posts],
    }
    return (json.dumps(feed, indent=1, ensure_ascii=False) + "\n").encode()


def _entry(post: Post, settings: Settings) -> dict[str, str]:
    card = post.card
    return {
        "id": post.tombstone.id if post.tombstone else post.latest.id,
        "url": settings.page_url(card.page),
        "title": heading(card, settings),
        "language": card.language,
        "published": card.published,
        "updated": card.updated,
        "html": str(content(post, settings)),
    }


def _item(post: Post, settings: Settings) -> dict[str, Any]:
    entry = _entry(post, settings)
    item = {
        "id": entry["id"],
        "url": entry["url"],
        "title": entry["title"],
        "content_html": entry["html"],
        "date_published": entry["published"],
        "date_modified": entry["updated"],
        "language": entry["language"],
    }
    files = () if post.tombstone else post.latest.media
    pictures = [f"{settings.base_url}media/{file.name}" for file in files if file.mime.startswith("image/")]
    films = [
        {"url": f"{settings.base_url}media/{file.name}", "mime_type": file.mime}
        for file in files
        if file.mime.startswith("video/")
    ]
    if pictures:
        item["image"] = pictures[0]
    return item | ({"attachments": films} if films else {})
