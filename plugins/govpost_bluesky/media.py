"""From a variant's files to the embed of its record: uploaded, described, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from govpost import Channel, Media, Variant
from govpost_bluesky import video
from govpost_bluesky.facets import last_link
from govpost_bluesky.pictures import MOST_BYTES, called, prepared
from govpost_bluesky.settings import Card, Wishes
from govpost_bluesky.xrpc import Session

if TYPE_CHECKING:
    import httpx2

Json = dict[str, Any]


def embed(variant: Variant, channel: Channel, session: Session, http: httpx2.Client) -> Json | None:
    """Upload what a post shows under its text and return the embed; None where it shows nothing.

    The card stands at the first part of a thread, where the pictures stand, too.
    """
    card = Wishes.of(variant, channel).card
    if card is not None and variant.reply_to is None:
        return _card(card, variant, channel, session, http)
    if not variant.media:
        return None
    if variant.media[0].mime == video.MIME:
        return video.embed(variant, channel, session, http)
    images = [_image(medium, channel, session, http) for medium in variant.media]
    return {"$type": "app.bsky.embed.images", "images": images}


def link_of(card: Card, variant: Variant) -> str | None:
    """Return the link that a card shows: its own, else the last one of the text."""
    return card.link or last_link(variant.text)


def _image(medium: Media, channel: Channel, session: Session, http: httpx2.Client) -> Json:
    picture = prepared(medium.path, _most(channel), name=called(medium))
    blob = session.upload(http, picture.data, picture.mime)
    ratio = {"width": picture.width, "height": picture.height}
    return {"image": blob, "alt": medium.alt, "aspectRatio": ratio}


def _card(card: Card, variant: Variant, channel: Channel, session: Session, http: httpx2.Client) -> Json:
    external: Json = {"uri": link_of(card, variant), "title": card.title, "description": card.description}
    for medium in variant.media:
        picture = prepared(medium.path, _most(channel), name=called(medium))
        external["thumb"] = session.upload(http, picture.data, picture.mime)
    return {"$type": "app.bsky.embed.external", "external": external}


def _most(channel: Channel) -> int:
    return min(MOST_BYTES, channel.limits.get("blob") or MOST_BYTES)
