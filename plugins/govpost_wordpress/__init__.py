"""WordPress: posts and pages through the REST API of the site itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from govpost import (
    Account,
    Action,
    Capabilities,
    Channel,
    Dialogue,
    Metrics,
    Platform,
    Receipt,
    Rejected,
    Reply,
    Unavailable,
    Variant,
    hookimpl,
)
from govpost_wordpress import account, comments, drafting, media, posts, terms
from govpost_wordpress.api import Api, code_of
from govpost_wordpress.example import EXAMPLE
from govpost_wordpress.refusals import refusals
from govpost_wordpress.settings import Options, Settings

if TYPE_CHECKING:
    import httpx2


class WordPress:
    """One site, one user with an application password."""

    name = "wordpress"
    capabilities = Capabilities(
        markup="markdown",
        title=True,
        max_media=20,
        media_types=media.TYPES,
        alone=(),
        idempotent_for=timedelta(days=1),
        settles_after=timedelta(minutes=10),
    )
    Settings = Settings
    Options = Options
    example = EXAMPLE

    def adapted(self, channel: Channel) -> Capabilities:
        """Return the capabilities on this channel: WordPress tells nobody how large an upload may be."""
        return replace(self.capabilities, max_media_bytes=Settings.of(channel).max_media_bytes)

    def refusals(self, variant: Variant, channel: Channel) -> Iterable[str]:
        """Say what of options, pictures and answers the site will not take."""
        return refusals(variant, channel)

    def verify(self, channel: Channel, http: httpx2.Client) -> Account:
        """Find the site's API, who we are there, what we may not do, and what `publish` must know of the site."""
        return account.verify(channel, http)

    def login(self, channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
        """Get an application password from the site itself."""
        return account.login(channel, talk, http)

    def stage(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Mapping[str, Any]:
        """Keep the whole post on the site as a draft, with its files, categories and tags; an answer needs nothing."""
        if variant.answers is not None:
            return {}
        api, plan = Api.of(channel, http), posts.Plan(variant, channel)
        new = variant.action is Action.PUBLISH
        post = drafting.draft(api, plan) if new else None
        staged: dict[str, Any] = {
            "media": media.put(api, variant, plan.slug, post["id"] if post else None),
            **{taxonomy: terms.ids(api, taxonomy, names) for taxonomy, names in plan.terms.items()},
        }
        if post is not None:
            posts.fill(api, plan, post, staged)
            staged |= posts.standing(plan, post)
        return staged

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Make the draft public: one request, which says everything again and may be repeated."""
        api, plan = Api.of(channel, http), posts.Plan(variant, channel)
        if variant.staged.get("public"):
            return posts.again(api, plan)
        told = plan.body(variant.staged) | posts.address(plan, variant.staged)
        when = {name: variant.staged[name] for name in ("date_gmt",) if name in variant.staged}
        kept = api.post(f"wp/v2/{plan.kind}/{variant.staged['id']}", {**told, **when, "status": posts.PUBLIC})
        posts.whole(told, kept)
        return posts.receipt(plan.kind, kept, variant.staged["media"])

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: httpx2.Client
    ) -> Receipt | None:
        """Look for the post, by its number or by its address; for an answer, by its number alone."""
        api, plan = Api.of(channel, http), posts.Plan(variant, channel)
        if receipt and comments.is_answer(receipt):
            return comments.look(api, receipt)
        if variant.answers is not None:
            raise Unavailable(
                "an answer has no address to look for; sent again, it is found under its comment"
            )
        found = [posts.look(api, receipt)] if receipt else drafting.search(api, plan)
        kept = [post for post in found if post and post["status"] not in ("draft", "trash")]
        if len(kept) > 1:
            raise Unavailable(f"the site holds it twice: {kept[0]['link']} and {kept[1]['link']}")
        return posts.receipt(plan.kind, kept[0]) if kept else None

    def amend(self, receipt: Receipt, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Replace the words of a post that is public, with a note that says so; WordPress keeps the old ones."""
        if comments.is_answer(receipt):
            raise Rejected(
                "an answer is not corrected in place", tip="withdraw it, and answer the comment anew"
            )
        api, plan = Api.of(channel, http), posts.Plan(variant, channel)
        now = posts.look(api, receipt)
        if now is None or now["status"] != posts.PUBLIC:
            where = now["status"] if now else "gone"
            raise Rejected(f"the post is not public on the site any more: {where}", tip="publish a new one")
        told = posts.corrected(api, plan, now)
        kept = api.post(f"wp/v2/{receipt.remote_id}", told)
        posts.whole(told, kept)
        return posts.receipt(receipt.remote_id.partition("/")[0], kept, variant.staged["media"])

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: httpx2.Client) -> None:  # noqa: ARG002
        """Move a post or an answer to the trash: its address answers "not found", so the notice has no place."""
        api = Api.of(channel, http)
        answer = api.send("DELETE", f"wp/v2/{receipt.remote_id}")
        if code_of(answer) == "rest_trash_not_supported":
            # A site without a trash deletes for good. Held back it is as hidden, and on the record.
            hidden = "hold" if comments.is_answer(receipt) else "draft"
            api.post(f"wp/v2/{receipt.remote_id}", {"status": hidden})
        elif answer.status_code not in (404, 410):
            api.good(answer)

    def measure(
        self, receipts: Sequence[Receipt], channel: Channel, http: httpx2.Client
    ) -> Mapping[str, Metrics]:
        """Count the comments that are shown."""
        return comments.count(Api.of(channel, http), receipts)

    def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Iterable[Reply]:
        """Return comments, those that wait for a moderator too."""
        return comments.since(Api.of(channel, http), channel, since)

    def answer(self, reply: Reply, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Answer a comment."""
        return comments.respond(Api.of(channel, http), reply, variant)


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring WordPress."""
    return [WordPress()]
