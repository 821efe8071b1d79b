"""email: a bulletin to each address of a list, one SMTP transaction a copy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from govpost import (
    Account,
    Capabilities,
    Channel,
    Dialogue,
    NotWanted,
    Platform,
    Receipt,
    Rejected,
    Reply,
    Unavailable,
    Variant,
    hookimpl,
    time_left,
)
from govpost_email import account, foreseeing, mailbox, signing, submission
from govpost_email.addresses import token
from govpost_email.example import EXAMPLE
from govpost_email.freshness import certain, settled
from govpost_email.lists import Entry, Roll, list_key, roll
from govpost_email.message import MEDIA_TYPES, Letter, write
from govpost_email.settings import Settings
from govpost_email.wishes import wishes

if TYPE_CHECKING:
    import httpx2

_OVERHEAD = 100_000


class Email:
    """Sends each recipient of a channel's list a copy of their own."""

    name = "email"
    capabilities = Capabilities(
        markup="markdown",
        title=True,
        link=True,
        max_media=10,
        max_media_bytes=5_000_000,
        media_types=MEDIA_TYPES,
        alone=(),
    )
    Settings = Settings
    example = EXAMPLE

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def adapted(self, channel: Channel) -> Capabilities:
        """Return the capabilities on this channel: a picture grows by a third on its way (base64)."""
        most = channel.limits.get("size")
        if not isinstance(most, int) or most <= 0:
            return self.capabilities
        room = max(1, (most - _OVERHEAD) * 7 // 10)
        return replace(self.capabilities, max_media_bytes=min(room, self.capabilities.max_media_bytes))

    def refusals(self, variant: Variant, channel: Channel) -> Iterable[str]:
        """Say what of a variant no reader could be sent."""
        return foreseeing.refusals(variant, channel)

    def login(self, channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
        """Ask for user and password and try them."""
        return account.login(channel, talk, http)

    def verify(self, channel: Channel, http: httpx2.Client) -> Account:
        """Say who sends and what the server can; nothing is sent."""
        return account.verify(channel, http)

    def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Iterable[Reply]:
        """Return what came back to the channel's mailbox; nothing where it has none."""
        settings = Settings.of(channel)
        if not settings.imap_host:
            return ()
        return mailbox.replies(settings, channel, since, lambda: time_left(http))

    def recipients(self, channel: Channel, http: httpx2.Client) -> Iterable[str]:
        """Return the references of all on the list who still want the bulletin."""
        settings = Settings.of(channel)
        everyone = _everyone(settings, channel, self._clock)
        gone = wishes(settings, channel, http)
        settled(settings.list_file, "the list", self._clock())
        _settled(settings, self._clock())
        unwanted = gone.understood()
        return [ref for ref in everyone if ref not in unwanted]

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Send one recipient their copy; `NotWanted` when they left the list meanwhile."""
        settings = Settings.of(channel)
        everyone = _everyone(settings, channel, self._clock)
        if variant.recipient not in everyone:
            certain(settings.list_file, "the list", self._clock())
        entry = _entry(everyone, variant)
        gone = wishes(settings, channel, http, entry.ref)
        _settled(settings, self._clock())
        if entry.ref in gone.understood():
            raise NotWanted(f"recipient {entry.ref} no longer wants the bulletin")
        mark = None if settings.to else token(entry.ref, list_key(channel))
        letter = write(variant, settings, entry, mark)
        signed = replace(letter, data=signing.sign(letter.data, settings, channel))
        said = _sent(signed, settings, channel, http)
        return Receipt(remote_id=letter.message_id, raw={"reply": said})


def _everyone(settings: Settings, channel: Channel, clock: Callable[[], float]) -> Roll:
    try:
        return roll(settings, channel)
    except Unavailable:
        certain(settings.list_file, "the list", clock())
        raise


def _settled(settings: Settings, now: float) -> None:
    """Ask after reading: from a file that is being written, a copy might go to somebody who left."""
    for path in (settings.unsubscribed_file, settings.suppressed_file):
        settled(path, "the file of those who left", now)


def _entry(everyone: Roll, variant: Variant) -> Entry:
    found = everyone.get(variant.recipient or "")
    if found is None and variant.recipient:
        raise NotWanted(
            f"recipient {variant.recipient} is no longer on the list; an address that was mended gets the next bulletin"
        )
    if found is None:
        raise Rejected("it is not said for whom this copy is")
    return found


def _sent(letter: Letter, settings: Settings, channel: Channel, http: httpx2.Client) -> str:
    def left() -> float:
        return time_left(http)

    with submission.connected(settings, channel, left) as talk:
        return submission.submit(talk, letter, settings, left)


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring the one platform of this plugin."""
    return [Email()]
