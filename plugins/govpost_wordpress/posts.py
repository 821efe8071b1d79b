"""One post on the site: found by its address, kept as a draft until it is whole, then made public by one request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from types import MappingProxyType
from typing import Any

from govpost import Action, Channel, Receipt, Rejected, Unavailable, Uncertain, Variant
from govpost_wordpress import blocks, media, terms, words
from govpost_wordpress.api import Api, said
from govpost_wordpress.settings import Kind, Options, Settings
from govpost_wordpress.slugs import slug_of

PUBLIC = "publish"
OPEN = frozenset({"draft", "pending"})
_TAKEN_DOWN = MappingProxyType({"trash": "in the trash", "private": "private"})
_RANK = (PUBLIC, "future", "private", "pending", "draft", "trash")
_LISTED = MappingProxyType({"status": ",".join(_RANK), "context": "edit", "per_page": 100})
_FIELDS = "id,slug,status,link,date,date_gmt,modified_gmt,_links.predecessor-version"
_KINDS: Mapping[Kind, str] = {"post": "posts", "page": "pages"}
_WORDS = ("title", "content", "excerpt")

Remote = dict[str, Any]


class Plan:
    """What a variant asks for on a channel: the post's own options, else, for a new post, the channel's settings."""

    def __init__(self, variant: Variant, channel: Channel) -> None:
        self.variant, self.limits = variant, channel.limits
        self.settings = Settings.of(channel)
        self.options = Options.model_validate(dict(variant.options))
        self.kind = _KINDS[self.options.type or self.settings.type]
        self.slug = slug_of(variant)
        self.amends = variant.action is Action.AMEND

    @property
    def terms(self) -> dict[terms.Taxonomy, tuple[str, ...]]:
        """Return the names of categories and tags: a page has none, and a correction only those that it names."""
        if self.kind == "pages":
            return {}
        asked, usual = self.options, self.settings
        named: dict[terms.Taxonomy, tuple[str, ...] | None] = {
            "categories": asked.categories,
            "tags": asked.tags,
        }
        usually = {} if self.amends else {"categories": usual.categories, "tags": usual.tags}
        found = {taxonomy: usually.get(taxonomy) if own is None else own for taxonomy, own in named.items()}
        return {taxonomy: names for taxonomy, names in found.items() if names is not None}

    def body(self, staged: Mapping[str, Any], note: str | None = None) -> Remote:
        """Return all that the site is told of the post but for its address, date and status."""
        kept, files = list(staged.get("media", ())), self.variant.media
        above = (
            media.lead(kept, files, self.options.featured) if self.limits.get("thumbnails", True) else None
        )
        lang = self.language
        written = [
            *([blocks.paragraph(note, lang)] if note else []),
            blocks.blocks(self.variant.text, lang),
            *media.pictures(kept, files, above),
        ]
        told: Remote = {
            "title": blocks.text(self.variant.title or ""),
            "content": "\n\n".join(filter(None, written)),
            "featured_media": 0 if above is None else kept[above]["id"],
        }
        terms = {name: list(staged[name]) for name, asked in self.terms.items() if asked or self.amends}
        return told | terms | self._asked()

    def _asked(self) -> Remote:
        """Return what a new post is told besides its words; a correction leaves alone what it does not name."""
        own = self.options
        comments = own.comments or (None if self.amends else self.settings.comments)
        sticky = own.sticky or (self.amends and "sticky" in own.model_fields_set)
        asked: tuple[tuple[str, Any, bool], ...] = (
            ("excerpt", blocks.text(own.excerpt or ""), own.excerpt is not None or not self.amends),
            ("sticky", own.sticky, sticky and self.kind == "posts"),
            ("comment_status", comments, comments is not None),
            ("template", own.template, own.template is not None),
        )
        return {name: value for name, value, named in asked if named}

    @property
    def language(self) -> str | None:
        """Return the content's language where it is another than the site's."""
        own, site = self.variant.language, str(self.limits.get("language", ""))
        return own if own and own.partition("-")[0].lower() != site.partition("-")[0].lower() else None

    def note(self) -> str:
        """Return the note that the post was corrected."""
        return words.correction(self.variant, self.settings.correction, self.limits.get("timezone"))


def corrected(api: Api, plan: Plan, now: Mapping[str, Any]) -> Remote:
    """Return what a post is told by its correction; a picture that others put above it stays, if it has no other."""
    told = plan.body(plan.variant.staged, plan.note())
    own = bool(told["featured_media"]) or "featured" in plan.options.model_fields_set
    if not own and not media.is_ours(api, int(now.get("featured_media") or 0)):
        del told["featured_media"]
    return told


def find(api: Api, kind: str, slug: str) -> list[Remote]:
    """Return what the site holds under an address that is ours, the public ones first, then the oldest."""
    asked = {"slug": f"{slug},{slug}-2,{slug}__trashed"}
    return _ranked(said(api.get(f"wp/v2/{kind}", **asked, **_LISTED, _fields=_FIELDS)))


def held(api: Api, kind: str, **asked: Any) -> list[Remote]:
    """Return posts with their words, in any state, ranked as those of `find`."""
    return _ranked(said(api.get(f"wp/v2/{kind}", **asked, **_LISTED, _fields=f"{_FIELDS},title,content")))


def _ranked(found: list[Remote]) -> list[Remote]:
    return sorted(found, key=lambda post: (_RANK.index(post["status"]), post["id"]))


def not_taken_down(post: Mapping[str, Any]) -> None:
    """Raise `Rejected` when a person took the post down on the site."""
    if post["status"] in _TAKEN_DOWN:
        tip = "make it a draft there, or cancel this delivery"
        where = _TAKEN_DOWN[post["status"]]
        raise Rejected(f"somebody took the post down on the site: it is {where}", tip=tip)


def moved(plan: Plan, post: Mapping[str, Any]) -> bool:
    """Say whether the site gave a post another address than it asked for; ``-2`` is one that a second post has."""
    own = (plan.slug, f"{plan.slug}-2", f"{plan.slug}__trashed")
    return post.get("slug", plan.slug) not in own


def address(plan: Plan, staged: Mapping[str, Any]) -> Remote:
    """Return the address to ask for; none where the site has already given another."""
    return {} if staged.get("moved") else {"slug": plan.slug}


def standing(plan: Plan, post: Mapping[str, Any]) -> Remote:
    """Return what `publish` must know of the post that it makes public, or that an earlier try made public."""
    state = {"moved": moved(plan, post), "public": post["status"] == PUBLIC}
    return {"id": post["id"], **{name: True for name, so in state.items() if so}, **dated(plan, post)}


def again(api: Api, plan: Plan) -> Receipt:
    """Return the receipt of a post that is public already; an editor may have mended its words, which then stay."""
    staged = plan.variant.staged
    kept = look(api, Receipt(remote_id=f"{plan.kind}/{staged['id']}"))
    if kept is None or kept["status"] != PUBLIC:
        raise Unavailable("the post was public on the site, and somebody is changing that now")
    whole({name: asked for name, asked in plan.body(staged).items() if name not in _WORDS}, kept)
    return receipt(plan.kind, kept, staged["media"])


def fill(api: Api, plan: Plan, post: Remote, staged: Mapping[str, Any]) -> None:
    """Put everything into a draft and see that the site kept all of it; a post that is public is left alone."""
    if post["status"] not in OPEN:
        return
    told = plan.body(staged) | address(plan, {"moved": moved(plan, post)}) | {"status": "draft"}
    lost = missing(told, api.post(f"wp/v2/{plan.kind}/{post['id']}", told))
    changed = [name for name in lost if name in _WORDS]
    if changed:
        tip = "a plugin of the site or the rights of the user may do that; ask the site's admin"
        raise Rejected(f"the site changes the words of the {' and '.join(changed)}", tip=tip)
    if lost:
        raise Unavailable(f"the site kept the draft without its {', '.join(lost)}")


def dated(plan: Plan, post: Mapping[str, Any]) -> dict[str, str]:
    """Return the post's own date where the site's clock is past it; a later one would leave it to WordPress's timer."""
    due = plan.variant.at
    if due is None:
        return {}
    moment = due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {"date_gmt": moment} if moment <= str(post.get("modified_gmt", "")) else {}


def missing(told: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """Return the names of what the site was told and does not say back."""
    return [name for name, asked in told.items() if name in kept and not _agrees(name, asked, kept[name])]


def _agrees(name: str, asked: Any, kept: Any) -> bool:
    if name in _WORDS:
        return shown(asked) == shown(str(kept.get("raw", "")) if isinstance(kept, Mapping) else str(kept))
    if isinstance(asked, list):
        return set(asked) <= set(kept)
    return bool(asked == kept)


def shown(markup: str) -> str:
    """Return the words that a reader of some HTML sees, with the descriptions of its pictures."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", _described, markup)).split())


def _described(tag: re.Match[str]) -> str:
    alt = re.search(r'\balt="([^"]*)"', tag[0]) if tag[0].startswith("<img") else None
    return f" {alt[1]} " if alt else " "


def look(api: Api, receipt: Receipt) -> Remote | None:
    """Return the post of a receipt as it is now, None when it is gone for good."""
    answer = api.send("GET", f"wp/v2/{receipt.remote_id}", params={"context": "edit"})
    return None if answer.status_code == 404 else dict(said(api.good(answer)))


def receipt(kind: str, post: Mapping[str, Any], files: Iterable[Mapping[str, Any]] = ()) -> Receipt:
    """Return what the site says of a post; pending until it shows it."""
    revisions = post.get("_links", {}).get("predecessor-version", [{}])
    names = ("id", "slug", "status", "date", "date_gmt", "modified_gmt")
    raw = {name: post[name] for name in names if name in post}
    raw |= {"revision": revisions[0].get("id")} if revisions else {}
    raw |= {"media": [file["id"] for file in files]} if files else {}
    return Receipt(
        remote_id=f"{kind}/{post['id']}",
        url=str(post["link"]),
        pending=post["status"] != PUBLIC,
        raw=raw,
    )


def whole(told: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Raise `Uncertain` when the site took a post in and left something out."""
    # A plugin that changes addresses makes no other post of it; one of ours with -2 would be the second.
    other = kept.get("slug") != f"{told.get('slug')}-2"
    lost = [name for name in missing(told, kept) if name != "slug" or not other]
    if lost:
        tip = f"look at {kept.get('link')}: a second post may have the address, or a plugin changed it"
        raise Uncertain(f"the site took it in, but without its {', '.join(lost)}", tip=tip)
