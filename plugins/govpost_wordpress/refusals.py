"""What a site will not take, said before approval: known from the post, the settings and the last `verify`."""

from __future__ import annotations

from collections.abc import Iterator

from govpost import Action, Channel, Variant
from govpost_wordpress import comments
from govpost_wordpress.posts import Plan


def refusals(variant: Variant, channel: Channel) -> Iterator[str]:
    """Say in words what of a variant the site will not take."""
    if variant.answers is not None:
        yield from _answer(variant)
    elif variant.action is Action.AMEND and "#comment-" in (variant.corrects or ""):
        yield "an answer is not corrected in place: withdraw it, and answer the comment anew"
    else:
        plan = Plan(variant, channel)
        yield from _above(plan)
        yield from _page(plan) if plan.kind == "pages" else _sticky(plan)


def _answer(variant: Variant) -> Iterator[str]:
    if variant.media:
        yield "an answer is a comment on the site, and a comment carries no pictures"
    if variant.options:
        yield f"an answer is a comment on the site: it has no {', '.join(variant.options)}"
    size = len(comments.written(variant).encode())
    if size > comments.LONGEST:
        yield f"an answer has room for {comments.LONGEST} bytes on the site, this one takes {size}"


def _above(plan: Plan) -> Iterator[str]:
    asked, files = plan.options.featured, plan.variant.media
    if asked == 0 or "featured" not in plan.options.model_fields_set:
        return
    if asked > len(files):
        yield f"featured asks for picture {asked}, and the post has {len(files) or 'none'}"
    elif not files[asked - 1].mime.startswith("image/"):
        yield f"featured asks for {files[asked - 1].path.name}, and only a picture can stand above a post"


def _page(plan: Plan) -> Iterator[str]:
    own = {"categories": plan.options.categories, "tags": plan.options.tags, "sticky": plan.options.sticky}
    yield from (f"a page on the site takes no {name}" for name, asked in own.items() if asked)
    if plan.limits.get("pages") is False:
        yield f"{plan.settings.user} may not publish pages on the site"


def _sticky(plan: Plan) -> Iterator[str]:
    if plan.options.sticky and plan.limits.get("sticky") is False:
        yield f"{plan.settings.user} may not make posts sticky on the site"
