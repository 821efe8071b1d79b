"""What a server is known to refuse, said before anybody approves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from govpost import Channel, Media, Variant
from govpost_mastodon.api import table
from govpost_mastodon.servers import Software, known
from govpost_mastodon.settings import Poll, options_of


def refusals(variant: Variant, channel: Channel) -> Iterator[str]:
    """Say what the server of a channel will not take, by the limits that `verify` found there."""
    poll, software = options_of(variant).poll, known(channel.limits)
    if poll:
        yield from _of_poll(poll, variant, table(channel.limits.get("poll")), software)
    if software and software.needs_media and not _has_place(variant):
        yield f"{software.title} takes no post without a picture"
    for medium in variant.media:
        yield from _too_large(medium, channel.limits)


def _has_place(variant: Variant) -> bool:
    """Say whether a post can stand where each needs a picture: with one, or below another post."""
    return bool(variant.media or variant.reply_to or variant.answers)


def _of_poll(
    poll: Poll, variant: Variant, limits: Mapping[str, int], software: Software | None
) -> Iterator[str]:
    if software and not software.polls:
        yield f"{software.title} has no polls"
        return
    if variant.media:
        yield "a post cannot hold a poll and pictures"
    most, longest = limits.get("max_options", 4), limits.get("max_chars", 50)
    if len(poll.options) > most:
        yield f"the poll has {len(poll.options)} answers; the server takes {most}"
    for answer in poll.options:
        if len(answer) > longest:
            yield f"the poll's answer {answer!r} has {len(answer)} characters; the server takes {longest}"
    if (least := limits.get("shortest")) and poll.expires_in < least:
        yield f"the poll is open for {poll.expires_in:,} s; the server takes {least:,} s or more"
    if (end := limits.get("longest")) and poll.expires_in > end:
        yield f"the poll is open for {poll.expires_in:,} s; the server takes {end:,} s at most"


def _too_large(medium: Media, limits: Mapping[str, Any]) -> Iterator[str]:
    kind = "image" if medium.mime.startswith("image/") else "video"
    most = limits.get(f"{kind}_bytes")
    try:
        size = medium.path.stat().st_size
    except OSError:
        return
    if most and size > most:
        yield f"{medium.path.name} has {size:,} bytes; the server takes {kind}s of {most:,} bytes"
