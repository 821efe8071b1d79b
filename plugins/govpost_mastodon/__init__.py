"""mastodon: posts, threads and pictures on Mastodon and the servers that speak its client API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from govpost import (
    Account,
    Capabilities,
    Channel,
    Dialogue,
    Metrics,
    Platform,
    Receipt,
    Reply,
    Variant,
    hookimpl,
)
from govpost_mastodon import account, finding, login, media, ours, reading, refusals, servers, statuses
from govpost_mastodon.api import Api
from govpost_mastodon.example import EXAMPLE
from govpost_mastodon.settings import Options, Settings

if TYPE_CHECKING:
    import httpx2


class Mastodon:
    """One account on one server of the Mastodon family."""

    name = "mastodon"
    Settings = Settings
    Options = Options
    capabilities = servers.CAPABILITIES
    example = EXAMPLE

    def adapted(self, channel: Channel) -> Capabilities:
        """Return what the server that `verify` found carries."""
        return servers.capabilities(channel.limits)

    def refusals(self, variant: Variant, channel: Channel) -> Iterable[str]:
        """Say what of polls, pictures and sizes of files the server will not take."""
        return refusals.refusals(variant, channel)

    def verify(self, channel: Channel, http: httpx2.Client) -> Account:
        """Ask the server what it is, what it takes and who we are there."""
        return account.verify(Api(channel, http))

    def login(self, channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
        """Log in with OAuth: in the browser, or with a code to type where there is none."""
        return login.login(Api(channel, http), talk)

    def stage(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Mapping[str, Any]:
        """Upload the files with their descriptions, and look for the post that a correction answers."""
        api = Api(channel, http)
        corrected = ours.corrected(api, variant)
        return {**media.upload(api, variant), **({"corrected": corrected} if corrected else {})}

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Make one post."""
        return statuses.post(Api(channel, http), variant)

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: httpx2.Client
    ) -> Receipt | None:
        """Ask for the post of the receipt, or look for it among the account's own."""
        api = Api(channel, http)
        return finding.known(api, receipt) if receipt else finding.search(api, variant)

    def amend(self, receipt: Receipt, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Edit the post; the server shows that it was edited, and its history."""
        return statuses.change(Api(channel, http), receipt, variant)

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: httpx2.Client) -> None:  # noqa: ARG002 - nothing can stand in the place of a deleted post
        """Delete the post with its files."""
        statuses.remove(Api(channel, http), receipt)

    def measure(
        self, receipts: Sequence[Receipt], channel: Channel, http: httpx2.Client
    ) -> Mapping[str, Metrics]:
        """Count favourites, boosts, replies and quotes, as far as this server has heard of them."""
        return reading.measure(Api(channel, http), receipts)

    def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Iterable[Reply]:
        """Return answers to us, mentions of us and quotes."""
        return reading.replies(Api(channel, http), since)

    def answer(self, reply: Reply, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Answer somebody. Only who is named in the words is told of it: they begin with ``reply.author``."""
        return statuses.post(Api(channel, http), variant, **reading.respond(reply, variant, channel))


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring the one platform of this plugin."""
    return [Mastodon()]
