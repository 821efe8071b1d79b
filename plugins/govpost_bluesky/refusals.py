"""What Bluesky will not take, told without the network: while it can still be changed, and again before it goes out."""

from __future__ import annotations

from collections.abc import Iterator

from govpost import Channel, Variant
from govpost_bluesky import video
from govpost_bluesky.media import link_of
from govpost_bluesky.pictures import TYPES, flaw
from govpost_bluesky.settings import Card, Wishes


def refusals(variant: Variant, channel: Channel) -> Iterator[str]:
    """Say what of a variant cannot go out; whether a picture can be made small enough shows only as it is written."""
    card = Wishes.of(variant, channel).card
    if card is not None and variant.reply_to is None:
        yield from _of_card(card, variant)
    for medium in variant.media:
        if medium.mime == video.MIME:
            yield from video.refusals(medium, channel)
        elif medium.mime in TYPES and (why := flaw(medium)):
            yield why


def _of_card(card: Card, variant: Variant) -> Iterator[str]:
    # Before the approval the parts of a thread do not know their place: there a card has to name its link itself.
    if link_of(card, variant) is None:
        yield "the card has no link; name it, in a thread always: card: { link: https://…, title: … }"
    if len(variant.media) > 1 or any(medium.mime == video.MIME for medium in variant.media):
        yield "a card holds one picture and nothing else; leave out the card, or all but one picture"
