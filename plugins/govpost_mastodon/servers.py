"""The servers that speak Mastodon's client API: what each is known to do, and the limits it states itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from govpost import Capabilities, Rejected
from govpost_mastodon.api import Api, rows, table

if TYPE_CHECKING:
    import httpx2

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")

CAPABILITIES = Capabilities(
    max_chars=500,
    count="graphemes",
    link_chars=23,
    short_mentions=True,
    counted_options=("warning",),
    max_media=4,
    max_media_bytes=8_000_000,
    media_types=_IMAGES,
    alone=(),
    max_alt=1_000,
    threads=True,
    measure_batch=20,
)
"""What every server of the family carries; more only where `verify` has found it."""

_SOON = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Software:
    """What is known of a kind of server that it does not say itself.

    ``repeats`` is how long a repeat with the same key gives the first post again; ``keyed`` says whether the key
    helps at all; ``exact`` whether it tells a post's source letter by letter; ``shortens`` whether a link and the host
    of a mention count less than their letters; ``needs_media`` that a post without a file is refused,
    ``polls`` whether there are any.
    """

    title: str
    repeats: timedelta | None = None
    keyed: bool = True
    shortens: bool = False
    needs_media: bool = False
    polls: bool = True
    exact: bool = False


# Mastodon keeps a key for an hour after the post was made (documentation, methods/statuses). Pleroma and Akkoma give
# the first *answer* again for six hours, a refusal or "slow down" as well (idempotency_plug.ex), so that a post could
# never be tried again: without the key, what is uncertain is looked up. Hollo looks for a post of the last hour with
# the key (api/v1/statuses.ts). The others ignore the key or refuse it.
_HOUR = timedelta(minutes=55)
KNOWN: Mapping[str, Software] = {
    "mastodon": Software(title="Mastodon", exact=True, repeats=_HOUR, shortens=True),
    "hometown": Software(title="Hometown", exact=True, repeats=_HOUR, shortens=True),
    "hollo": Software(title="Hollo", exact=True, repeats=_HOUR),
    "akkoma": Software(title="Akkoma", keyed=False),
    "pleroma": Software(title="Pleroma", keyed=False),
    "gotosocial": Software(title="GoToSocial", exact=True),
    "pixelfed": Software(title="Pixelfed", needs_media=True, polls=False),
    "takahe": Software(title="Takahē"),
    "snac": Software(title="snac"),
}


def known(limits: Mapping[str, Any]) -> Software | None:
    """Return what is known of the server that `verify` found, None for a server nobody here knows."""
    return KNOWN.get(str(limits.get("software", "")))


def detect(api: Api) -> dict[str, Any]:
    """Ask a server what it is and what it takes; return it as JSON for ``Channel.limits``.

    Raises `Rejected` when what is there does not speak the Mastodon API.
    """
    instance = _instance(api)
    software, version = _nodeinfo(api) or _from_version(str(instance.get("version", "")))
    about = table(instance.get("configuration"))
    statuses, media = table(about.get("statuses")), table(about.get("media_attachments"))
    found = {
        "software": software,
        "version": version,
        "api": _number(table(instance.get("api_versions")).get("mastodon")),
        "max_chars": _number(statuses.get("max_characters")) or _number(instance.get("max_toot_chars")),
        "link_chars": _number(statuses.get("characters_reserved_per_url")),
        "max_media": _number(statuses.get("max_media_attachments")),
        "max_alt": _number(media.get("description_limit")) or _number(instance.get("description_limit")),
        "media_types": [each for each in media.get("supported_mime_types") or () if isinstance(each, str)],
        "image_bytes": _number(media.get("image_size_limit")) or _number(instance.get("upload_limit")),
        "video_bytes": _number(media.get("video_size_limit")) or _number(instance.get("upload_limit")),
        "poll": _poll(table(about.get("polls")) or table(instance.get("poll_limits"))),
    }
    return {name: value for name, value in found.items() if value}


def capabilities(limits: Mapping[str, Any]) -> Capabilities:
    """Say what a server carries, from what `detect` found; the least of all servers where nothing was found."""
    if not limits:
        return CAPABILITIES
    software = known(limits)
    types = [each for each in limits.get("media_types") or () if each.split("/")[0] in ("image", "video")]
    sizes = [limits[name] for name in ("image_bytes", "video_bytes") if name in limits]
    return replace(
        CAPABILITIES,
        max_chars=limits.get("max_chars", CAPABILITIES.max_chars),
        **_counting(limits, software),
        max_media=limits.get("max_media", CAPABILITIES.max_media),
        max_media_bytes=max(sizes, default=CAPABILITIES.max_media_bytes),
        media_types=tuple(types) or CAPABILITIES.media_types,
        alone=tuple(each for each in types if not each.startswith("image/")),
        max_alt=limits.get("max_alt", CAPABILITIES.max_alt),
        # The pictures go with the first part: the others would have none.
        threads=not (software and software.needs_media),
        idempotent_for=software.repeats if software else None,
        settles_after=_SOON if software else None,
    )


def _counting(limits: Mapping[str, Any], software: Software | None) -> dict[str, Any]:
    """Say how a server counts. All but Mastodon count every letter of a link, whatever price they state for it.

    GoToSocial, Takahē and Pixelfed count code points, Pleroma and Akkoma graphemes, which are never more.
    """
    if software and software.shortens:
        return {"link_chars": limits.get("link_chars", CAPABILITIES.link_chars)}
    return {"count": "codepoints", "link_chars": None, "short_mentions": False}


def _instance(api: Api) -> Mapping[str, Any]:
    """Read the newer of the two descriptions; snac has only the older, and Takahē's newer one may be broken."""
    newer = api.send("GET", "/api/v2/instance")
    if newer.is_success and (about := _description(newer)):
        return about
    older = api.send("GET", "/api/v1/instance")
    if is_no_api(older):
        raise absent(api)
    if about := _description(api.checked(older)):
        return about
    raise absent(api)


def absent(api: Api) -> Rejected:
    """Return what to say where the address is that of something else, such as a web site."""
    return Rejected(
        "there is no server here that speaks the Mastodon API",
        tip=f"settings.url of {api.channel.name} must be the address where you log in to the account in a browser",
    )


def is_no_api(answer: httpx2.Response) -> bool:
    """Say whether an answer to what each server of the family knows is that of something else."""
    return answer.is_redirect or answer.status_code in (404, 405, 410)


def _description(answer: httpx2.Response) -> Mapping[str, Any]:
    """Return what a server says of itself, nothing for a page or other JSON (entities/Instance)."""
    try:
        about = table(answer.json())
    except ValueError:
        return {}
    return about if {"version", "uri", "domain", "configuration"} & about.keys() else {}


def _nodeinfo(api: Api) -> tuple[str, str] | None:
    """Read name and version as https://nodeinfo.diaspora.software says."""
    links = rows(table(api.look("/.well-known/nodeinfo")).get("links"))
    paths = [
        urlsplit(str(link.get("href", ""))).path for link in links if "nodeinfo" in str(link.get("rel", ""))
    ]
    # Only the path is taken: the document may name the host under which the server knows itself.
    about = table(table(api.look(paths[-1])).get("software")) if paths and paths[-1].startswith("/") else {}
    name = str(about.get("name", "")).lower()
    return (name, str(about.get("version", ""))) if name else None


def _from_version(version: str) -> tuple[str, str]:
    """Read ``2.7.2 (compatible; Akkoma 3.13)``; a version alone tells no name."""
    other = re.search(r"compatible;\s*([\w-]+)\s*([^)]*)", version) or re.fullmatch(
        r"([a-z]\w*)[/ ](.+)", version
    )
    return (other[1].lower(), other[2].strip()) if other else ("", version)


def _poll(about: Mapping[str, Any]) -> dict[str, int]:
    names = {
        "max_options": ("max_options",),
        "max_chars": ("max_characters_per_option", "max_option_chars"),
        "shortest": ("min_expiration",),
        "longest": ("max_expiration",),
    }
    found = {
        ours: next((n for name in theirs if (n := _number(about.get(name)))), None)
        for ours, theirs in names.items()
    }
    return {name: number for name, number in found.items() if number}


def _number(value: Any) -> int | None:
    """Return a limit above 0, None where none is stated."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
