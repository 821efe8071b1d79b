"""What of a bulletin this channel will not take, found without the network when a post is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from govpost import Channel, Media, Rejected, Variant
from govpost_email import message
from govpost_email.addresses import parse
from govpost_email.lists import Entry
from govpost_email.settings import Settings

_KEY = "0" * 36
_REF = "0" * 20
_READER = Entry(ref=_REF, place="the list", address=parse("reader@example.gov"))
# What one reader's copy may have more than another's: their name and address, and a signature for each key.
_ROOM_FOR_READER = 2_000
_ROOM_FOR_SIGNATURE = 1_500
_ROOM_FOR_PART = 1_000


def refusals(variant: Variant, channel: Channel) -> Iterator[str]:
    """Say what of a variant no reader could be sent, by the settings and by what `verify` found on the server."""
    settings = Settings.of(channel)
    if settings.from_address.international and channel.limits.get("smtputf8") is False:
        yield f"the server takes no sender such as {settings.sender} (it lacks SMTPUTF8): use another address"
    found = [why for check in _checks(variant) for why in _said(check)]
    yield from found or _whole(variant, settings, channel)


def _checks(variant: Variant) -> Iterator[Callable[[], object]]:
    yield partial(message.subject, variant)
    yield partial(message.web_address, variant.link)
    for medium in variant.media:
        yield partial(message.kind, medium)


def _whole(variant: Variant, settings: Settings, channel: Channel) -> Iterator[str]:
    """Write a copy as it would go out; pictures are reckoned by the size of their files, for the gate asks again."""
    words = replace(variant, key=_KEY, media=())
    try:
        letter = message.write(words, settings, _READER, None if settings.to else f"{_REF}-{_REF}")
    except Rejected as error:
        yield _words(error)
        return
    most = channel.limits.get("size")
    size = len(letter.data) + _ROOM_FOR_READER + _ROOM_FOR_SIGNATURE * len(settings.dkim_selectors)
    size += sum(map(_room, variant.media))
    if isinstance(most, int) and 0 < most < size:
        yield (
            f"each copy would have up to {size:,} bytes with its pictures, and the server takes {most:,}:"
            " take a smaller picture, or fewer"
        )


def _room(medium: Media) -> int:
    """Return how many bytes a picture takes in base64 (RFC 2045, section 6.8) with its description; 0 if not there."""
    try:
        pure = medium.path.stat().st_size
    except OSError:
        return 0
    return pure * 4 // 3 * 78 // 76 + _ROOM_FOR_PART + 6 * len(medium.alt.encode())


def _said(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except Rejected as error:
        yield _words(error)


def _words(error: Rejected) -> str:
    return f"{error}: {error.tip}" if error.tip else str(error)
