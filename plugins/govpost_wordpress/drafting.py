"""Our draft and our post, found again also on a site that gives them other addresses than they ask for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from govpost import Rejected
from govpost_wordpress import blocks, posts
from govpost_wordpress.api import Api, said
from govpost_wordpress.posts import Plan, Remote
from govpost_wordpress.slugs import mark_of

# The site's clock may be behind ours by this much.
_MARGIN = timedelta(minutes=10)
_ANY_MARK = re.compile(r"gp[0-9a-z]{12}")


def search(api: Api, plan: Plan) -> list[Remote]:
    """Return what the site holds of a post: under its address, else among the newest of what this user wrote."""
    return posts.find(api, plan.kind, plan.slug) or _elsewhere(api, plan)


def draft(api: Api, plan: Plan) -> Remote:
    """Return the post that will go public: the one that is there, else a new draft with nothing but its title."""
    found = search(api, plan)
    if not found:
        told = {"title": _title(plan), "slug": plan.slug, "status": "draft"}
        return _addressed(api, plan, dict(api.post(f"wp/v2/{plan.kind}", told)))
    posts.not_taken_down(found[0])
    for spare in found[1:]:
        if spare["status"] in posts.OPEN and mark_of(plan.variant) in spare["slug"]:
            _discard(api, plan, spare)
    return found[0]


def _elsewhere(api: Api, plan: Plan) -> list[Remote]:
    """Return our post under whatever address the site made of it; nothing before `verify` has said who we are."""
    me, due = plan.limits.get("user_id"), plan.variant.at
    if me is None:
        return []
    asked = {"author": me, "orderby": "modified", "order": "desc"}
    asked |= {"modified_after": _instant(due - _MARGIN) + "Z"} if due else {}
    return [post for post in posts.held(api, plan.kind, **asked) if _is_ours(plan, post)]


def _is_ours(plan: Plan, post: Remote) -> bool:
    """Say whether a post has our key in its address or, without any key there, two of our title, words and hour."""
    slug, due = str(post.get("slug", "")), plan.variant.at
    if mark_of(plan.variant) in slug:
        return True
    if _ANY_MARK.search(slug) or due is None or post["status"] == "draft":
        return False
    written = str(post.get("date_gmt", ""))
    words = posts.shown(blocks.blocks(plan.variant.text, plan.language))
    same = (
        posts.shown(_raw(post, "title")) == posts.shown(_title(plan)),
        bool(words) and posts.shown(_raw(post, "content")).startswith(words),
        written == _instant(due),
    )
    return sum(same) > 1 and written >= _instant(due - _MARGIN)


def _addressed(api: Api, plan: Plan, made: Remote) -> Remote:
    """Return a new draft when its address tells whose it is; one that nobody could find again is not left there."""
    if not posts.moved(plan, made):
        return made
    given, mark, now = made["slug"], mark_of(plan.variant), made
    if "user_id" in plan.limits:
        _tidy(api, plan, made)
        if mark not in given:
            told = {"slug": mark, "status": "draft"}
            now = dict(api.post(f"wp/v2/{plan.kind}/{made['id']}", told))
        if mark in now["slug"]:
            return now
    _discard(api, plan, made)
    tip = "a plugin of the site changes addresses: run `govpost channel verify`, or ask the site's admin"
    raise Rejected(f"the site makes {given!r} of the address {plan.slug!r}", tip=tip)


def _tidy(api: Api, plan: Plan, made: Remote) -> None:
    """Put empty drafts of the same title and address in the trash: answers that were lost left them there."""
    asked = {"slug": made["slug"], "status": "draft", "context": "edit", "_fields": "id,title,content"}
    for each in said(api.get(f"wp/v2/{plan.kind}", **asked)):
        same = posts.shown(_raw(each, "title")) == posts.shown(_title(plan))
        if same and each["id"] != made["id"] and not _raw(each, "content"):
            _discard(api, plan, each)


def _discard(api: Api, plan: Plan, post: Remote) -> None:
    # Only tidying up: a draft that stays is seen by nobody.
    api.send("DELETE", f"wp/v2/{plan.kind}/{post['id']}")


def _title(plan: Plan) -> str:
    return blocks.text(plan.variant.title or "")


def _raw(post: Remote, name: str) -> str:
    kept: Any = post.get(name)
    return str(kept.get("raw", "")) if isinstance(kept, dict) else ""


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
