"""The media library: each file goes up once, with its description, and is found again by its name."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from govpost import Media, Rejected, Variant
from govpost_wordpress import blocks
from govpost_wordpress.api import Api, said
from govpost_wordpress.slugs import FILE_SLUG, file_slug

_ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "text/vtt": ".vtt",
}
TYPES = tuple(mime for mime in _ENDINGS if mime != "text/vtt")
# What sanitize_text_field would take away: tags, percent codes, and references that are meant as they stand.
_FRAGILE = re.compile(r"<|%[0-9a-fA-F]{2}|&[#\w]+;")
_FIELDS = "id,slug,source_url,alt_text,missing_image_sizes"

Kept = dict[str, Any]


def put(api: Api, variant: Variant, slug: str, post: int | None) -> list[Kept]:
    """See that every file of a post is in the library, belonging to `post`; return what each is called there."""
    return [_put(api, medium, slug, post, variant.language) for medium in variant.media]


def _put(api: Api, medium: Media, slug: str, post: int | None, language: str | None) -> Kept:
    name = file_slug(slug, medium)
    found = _file(api, name, medium.mime, medium.path.read_bytes, medium.alt, post)
    kept = {"id": found["id"], "url": found["source_url"], "mime": medium.mime}
    if medium.captions:
        data = medium.captions.encode()
        track = _file(api, f"{name}-captions", "text/vtt", lambda: data, "", post)
        kept["captions"] = track["source_url"]
        kept["language"] = language or ""
    return kept


def _file(api: Api, name: str, mime: str, data: Any, alt: str, post: int | None) -> Kept:
    known: list[Kept] = said(api.get("wp/v2/media", slug=name, context="edit", _fields=_FIELDS))
    if not known:
        fields = {"slug": name, "title": blocks.text(alt), "alt_text": _library_alt(alt)}
        fields |= {"post": str(post)} if post is not None else {}
        known = [api.upload({"file": (name + _ENDINGS[mime], data(), mime)}, fields)]
    found = known[0]
    if found.get("missing_image_sizes"):
        # The upload's own request died before the smaller sizes were made: the site goes on where it stopped.
        found = api.post(f"wp/v2/media/{found['id']}/post-process", {"action": "create-image-subsizes"})
    if _shown(found) != _tidy(alt):
        found = api.post(f"wp/v2/media/{found['id']}", {"alt_text": _library_alt(alt)})
    if _shown(found) != _tidy(alt):
        raise Rejected(
            f"the site keeps the description of a picture as {_shown(found)!r}",
            tip="write it in plainer signs",
        )
    return found


def is_ours(api: Api, number: int) -> bool:
    """Say whether a file of the library came with a post of ours; its name tells."""
    if not number:
        return False
    answer = api.send("GET", f"wp/v2/media/{number}", params={"_fields": "slug"})
    if answer.status_code in (401, 403, 404):
        return False
    return FILE_SLUG.search(str(said(api.good(answer)).get("slug"))) is not None


def pictures(kept: list[Kept], media: tuple[Media, ...], above: int | None) -> Iterator[str]:
    """Write the blocks of the files, but for the one that stands above the post."""
    for number, (file, medium) in enumerate(zip(kept, media, strict=True)):
        if number != above:
            yield _video(file, medium) if medium.mime.startswith("video/") else _image(file, medium)


def lead(kept: list[Kept], media: tuple[Media, ...], asked: int) -> int | None:
    """Return the index of the picture that stands above the post: the one asked for, counted from 1."""
    index = asked - 1
    fits = 0 <= index < len(kept) and media[index].mime.startswith("image/")
    return index if fits else None


def _image(file: Kept, medium: Media) -> str:
    attributes = {"id": file["id"], "sizeSlug": "full", "linkDestination": "none"}
    picture = f'<img src="{blocks.text(file["url"])}" alt="{blocks.text(medium.alt)}" class="wp-image-{file["id"]}"/>'
    return blocks.block("image", f'<figure class="wp-block-image size-full">{picture}</figure>', attributes)


def _video(file: Kept, medium: Media) -> str:
    attributes: dict[str, Any] = {"id": file["id"]}
    inner = ""
    if "captions" in file:
        spoken = file["language"] or "und"
        track = {"src": file["captions"], "label": spoken, "srcLang": spoken, "kind": "captions"}
        attributes["tracks"] = [track]
        inner = f'<track src="{blocks.text(file["captions"])}" label="{spoken}" srclang="{spoken}" kind="captions"/>'
    shown = f'<video controls src="{blocks.text(file["url"])}">{inner}</video>'
    words = (
        f'<figcaption class="wp-element-caption">{blocks.text(medium.alt)}</figcaption>' if medium.alt else ""
    )
    return blocks.block("video", f'<figure class="wp-block-video">{shown}{words}</figure>', attributes)


def _library_alt(alt: str) -> str:
    """Write a description so that what cleans it keeps every sign; the reader sees the same."""
    tidy = _tidy(alt)
    return html.escape(tidy).replace("%", "&#37;") if _FRAGILE.search(tidy) else tidy


def _shown(found: Kept) -> str:
    return _tidy(html.unescape(str(found.get("alt_text", ""))))


def _tidy(words: str) -> str:
    return " ".join(words.split())
