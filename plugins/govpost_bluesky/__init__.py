"""bluesky: posts, threads, pictures, videos and link cards on a PDS of the AT Protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from govpost import (
    Account,
    Capabilities,
    Channel,
    Dialogue,
    Example,
    Metrics,
    Platform,
    Receipt,
    Reply,
    Variant,
    hookimpl,
)
from govpost_bluesky import account, posts, reading, refusals
from govpost_bluesky.settings import Options, Settings

if TYPE_CHECKING:
    import httpx2

_DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
_PHOTO_BYTES = 20_000_000


def _server() -> Callable[[httpx2.Request], httpx2.Response]:
    from govpost_bluesky.example import ExamplePds

    return ExamplePds()


class Bluesky:
    """One account on one PDS; every record's key follows from the delivery's, so a repeat makes no second post."""

    name = "bluesky"
    # The old refresh token gives the same next one for two hours (AT account-manager.ts), and a password is kept.
    refresh_repeats = True
    Settings = Settings
    Options = Options
    capabilities = Capabilities(
        max_chars=300,
        count="graphemes",
        max_bytes=3_000,
        max_media=4,
        max_media_bytes=_PHOTO_BYTES,
        media_types=("image/jpeg", "image/png", "image/webp", "video/mp4"),
        alone=("video/mp4",),
        max_alt=2_000,
        threads=True,
        measure_batch=25,
        # The key decides for as long as the account exists. After a month a person should look, not a machine.
        idempotent_for=timedelta(days=30),
        settles_after=timedelta(seconds=30),
    )
    example = Example(
        settings={"handle": "riverton.example.gov", "pds": "https://pds.example"},
        secrets={
            "access": "access-token-of-the-example",
            "refresh": "refresh-token-of-the-example",
            "session": f'{{"did": "{_DID}", "pds": "https://pds.example"}}',
        },
        limits={"blob": 5_242_880, "appview": True},
        options={"card": {"title": "Bridge closed on Friday", "link": "https://riverton.example.gov/bridge"}},
        person={"password": "abcd-efgh-ijkl-mnop"},
        server=_server,
    )

    def adapted(self, channel: Channel) -> Capabilities:
        """Return the capabilities on this channel: videos may be as large as the server's limit."""
        largest = max(_PHOTO_BYTES, channel.limits.get("blob") or 0)
        return replace(self.capabilities, max_media_bytes=largest)

    def refusals(self, variant: Variant, channel: Channel) -> Iterable[str]:
        """Say what cannot go out, as far as it shows without the network."""
        return refusals.refusals(variant, channel)

    def login(self, channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
        """Lead a person through the log-in by app password."""
        return account.login(channel, talk, http)

    def refresh(self, channel: Channel, http: httpx2.Client) -> Mapping[str, str]:
        """Renew the session."""
        return account.refresh(channel, http)

    def ends(self, secrets: Mapping[str, str]) -> datetime | None:
        """Return when a person has to log in again, None where the session renews itself."""
        return account.ends(secrets)

    def verify(self, channel: Channel, http: httpx2.Client) -> Account:
        """Say who we are there."""
        return account.verify(channel, http)

    def stage(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Mapping[str, Any]:
        """Resolve mentions, read the post this one replies to, upload the files."""
        return posts.stage(variant, channel, http)

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Put the record at its key; where it stands already, that is the receipt."""
        return posts.publish(variant, channel, http)

    def confirm(
        self,
        variant: Variant,
        receipt: Receipt | None,  # noqa: ARG002 - the key alone leads to the record
        channel: Channel,
        http: httpx2.Client,
    ) -> Receipt | None:
        """Look at the record's key on the PDS."""
        return posts.confirm(variant, channel, http)

    def withdraw(
        self,
        receipt: Receipt,
        notice: str,  # noqa: ARG002 - nothing stands in a deleted post's place
        channel: Channel,
        http: httpx2.Client,
    ) -> None:
        """Delete the post and its gates."""
        posts.withdraw(receipt, channel, http)

    def measure(
        self, receipts: Sequence[Receipt], channel: Channel, http: httpx2.Client
    ) -> Mapping[str, Metrics]:
        """Count likes, reposts, replies and quotes."""
        return reading.measure(receipts, channel, http)

    def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Iterable[Reply]:
        """Return replies, mentions and quotes."""
        return reading.replies(channel, since, http)

    def answer(self, reply: Reply, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Publish our answer under a reply."""
        return posts.answer(reply, variant, channel, http)


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring the one platform of this plugin."""
    return [Bluesky()]
