"""The agency's own site: static pages and feeds in a folder, built from one record a post."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from govpost import (
    Action,
    Capabilities,
    Channel,
    Example,
    Platform,
    Receipt,
    Variant,
    hookimpl,
)
from govpost_website.records import ENDINGS, Record, record_of
from govpost_website.settings import Settings
from govpost_website.site import Site, reading
from govpost_website.words import ENGLISH, SPANISH

if TYPE_CHECKING:
    from govpost_website.example import Place


def _place() -> Place:
    from govpost_website.example import Place

    return Place()


class Website:
    """Publishes on the agency's own site. `clock` tells when a post is withdrawn, and nothing else."""

    name = "website"
    capabilities = Capabilities(
        markup="markdown",
        title=True,
        link=True,
        max_media=20,
        media_types=tuple(ENDINGS),
        idempotent_for=timedelta(days=3650),
        settles_after=timedelta(),
    )
    Settings = Settings
    example = Example(
        settings={"folder": "{tmp}", "base_url": "https://news.example.gov/", "title": "City of Example"},
        words=(*ENGLISH.values(), *SPANISH.values()),
        server=_place,
    )

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock

    def publish(self, variant: Variant, channel: Channel, http: object) -> Receipt:  # noqa: ARG002 - no network
        """Put the post's record in place, then its page, the lists and the feeds."""
        site = Site(settings=Settings.of(channel))
        with reading():
            record = record_of(variant, site.settings)
        return _receipt(site.add(record, variant.media), site)

    def amend(self, receipt: Receipt, variant: Variant, channel: Channel, http: object) -> Receipt:  # noqa: ARG002
        """Replace the words on the post's page, saying when, and what it said before."""
        site = Site(settings=Settings.of(channel))
        with reading():
            record = record_of(variant, site.settings, site.first_of(receipt))
        return _receipt(site.add(record, variant.media), site)

    def confirm(
        self,
        variant: Variant,
        receipt: Receipt | None,
        channel: Channel,
        http: object,  # noqa: ARG002
    ) -> Receipt | None:
        """Look for the record, and for its words on the page."""
        site = Site(settings=Settings.of(channel))
        with reading():
            if variant.action is Action.WITHDRAW:
                return receipt if receipt and site.tombstone(receipt.remote_id) else None
            record = site.record(variant.key)
            if record is None or site.tombstone(record.post) or not site.shows(record):
                return None
        return _receipt(record, site)

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: object) -> None:  # noqa: ARG002
        """Put a notice in the post's place, at the same address, and take its words and files away."""
        site = Site(settings=Settings.of(channel))
        with reading():
            key = site.key_of(receipt)
        site.withdraw(key, notice, self._clock())


def _receipt(record: Record, site: Site) -> Receipt:
    """An amendment has the receipt of the post it amends: they are one page."""
    return Receipt(remote_id=record.post, url=site.settings.page_url(record.page))


@hookimpl
def govpost_platforms() -> Iterable[Platform]:
    """Bring the website."""
    return [Website()]
