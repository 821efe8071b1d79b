"""Addresses that follow from a post's title and key, so that a second look finds what a first try made."""

from __future__ import annotations

import re
import unicodedata

from govpost import Media, Variant

_LONGEST = 60
FILE_SLUG = re.compile(r"(^|-)gp[a-z0-9]{1,12}-[0-9a-f]{12}$")
"""What `file_slug` makes."""


def readable(title: str) -> str:
    """Return a title in small ASCII letters and dashes, cut at a word; nothing when no letter is left."""
    ascii_only = unicodedata.normalize("NFKD", title.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_only.lower())
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:_LONGEST]
        if len(longer) > _LONGEST:
            break
        slug = longer
    return slug


def slug_of(variant: Variant) -> str:
    """Return the last part of the post's address: readable, and with enough of the key to be nobody else's."""
    return "-".join(filter(None, (readable(variant.title or ""), mark_of(variant))))


def mark_of(variant: Variant) -> str:
    """Return what of the key stands in an address."""
    return "gp" + re.sub(r"[^a-z0-9]", "", variant.key.lower())[-12:]


def file_slug(slug: str, medium: Media) -> str:
    """Return what a file of the post is called in the media library."""
    return f"{slug}-{medium.sha256[:12]}"
