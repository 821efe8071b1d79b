"""Who we are on the site: found by its front page, checked, and logged in with an application password."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from govpost import Account, Channel, Dialogue, Rejected, Unauthorized
from govpost_wordpress.api import Api, code_of, said
from govpost_wordpress.decoding import decoded
from govpost_wordpress.settings import Settings

if TYPE_CHECKING:
    import httpx2

# Tells WordPress's list of application passwords that they are all of one program.
_APP_ID = "6f1d9c0e-52b7-4c43-9a0e-0c1b7d0f8a55"
# Without this the index lists every route of the site, some hundred kilobytes.
_INDEX = "name,namespaces,authentication,timezone_string,gmt_offset"
_REDIRECTS_SINCE = 7
_MOST_LINKS = 200
_TAG = re.compile(r"<(/?)(header|nav|footer|a)\b([^<>]*)>")
_HREF = re.compile(r"\bhref=[\"'](https?://[^\"']+)")
_RIGHTS = {
    "post": {
        "publish_posts": "publish posts",
        "edit_published_posts": "correct posts",
        "delete_published_posts": "withdraw posts",
        "upload_files": "upload pictures",
    },
    "page": {
        "publish_pages": "publish pages",
        "edit_published_pages": "correct pages",
        "delete_published_pages": "withdraw pages",
        "upload_files": "upload pictures",
    },
}
_EXTRAS = {
    "moderate_comments": "read held comments",
    "manage_categories": "make new categories",
    "edit_others_posts": "make posts sticky",
}


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a stranger sees of a site: where its API is, and what its front page says of itself."""

    root: str
    index: Mapping[str, Any]
    version: str
    language: str
    links: tuple[str, ...]

    @property
    def authorization(self) -> str | None:
        """Return the page that gives out application passwords; None where the site has switched them off."""
        offered = self.index.get("authentication") or {}
        known = offered.get("application-passwords", {}) if isinstance(offered, Mapping) else {}
        page = known.get("endpoints", {}).get("authorization")
        return str(page) if page else None


def discover(settings: Settings, http: httpx2.Client) -> Site:
    """Find the site's REST API by the Link header of its front page, else where it usually is."""
    import httpx2

    front = _front(settings.site, http)
    if front.status_code == 401:
        tip = "the web server asks for a password of its own, before WordPress does: ask the site's admin"
        raise Unauthorized(f"{settings.site} is not open to the public", tip=tip)
    if front.is_server_error:
        front.raise_for_status()
    for root in _roots(settings.site, front.headers.get("link", "")):
        index = _index(http.get(httpx2.URL(root).copy_merge_params({"_fields": _INDEX})))
        if "wp/v2" in index.get("namespaces", ()):
            return _site(root, index, front.text, http.get(f"{settings.site}/", params={"feed": "rss2"}).text)
    tip = "check the address; if it is right, a security plugin may hide the REST API: ask the site's admin"
    raise Rejected(f"there is no WordPress REST API at {settings.site}", tip=tip)


def _front(site: str, http: httpx2.Client) -> httpx2.Response:
    """Return the front page, also where the site sends its visitors on to one in their language."""
    front = http.get(f"{site}/")
    there = urljoin(f"{site}/", front.headers.get("location", ""))
    if front.is_redirect and urlsplit(there)[:2] != urlsplit(site)[:2]:
        raise Rejected(f"{site} has moved to {there}", tip="write the new address as the setting site")
    return http.get(there) if front.is_redirect else front


def _roots(site: str, link: str) -> Iterator[str]:
    """Yield where the API may be: never a place that would see the password without being the site itself."""
    linked = re.search(r'<([^<>]+)>;\s*rel="https://api\.w\.org/"', link)
    root = urljoin(f"{site}/", linked[1]) if linked else ""
    if urlsplit(root)[:2] == urlsplit(site)[:2]:
        yield root
    yield from (f"{site}/wp-json/", f"{site}/?rest_route=/")


def _index(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        index = decoded(answer) if answer.is_success else {}
    except ValueError:
        return {}
    return index if isinstance(index, dict) else {}


def _site(root: str, index: Mapping[str, Any], page: str, feed: str) -> Site:
    version = re.search(r"<generator>https?://wordpress\.org/\?v=([\d.]+)", feed)
    language = re.search(r"<html[^<>]*\blang=[\"']([\w-]+)", page)
    return Site(
        root=root,
        index=index,
        version=version[1] if version else "",
        language=language[1] if language else "",
        links=tuple(_permanent(page)),
    )


def _permanent(page: str) -> Iterator[str]:
    """Yield where the header, menus and footer of a page lead to; what its posts link to is gone tomorrow."""
    yield from islice(dict.fromkeys(map(html.unescape, _framed(page))), _MOST_LINKS)


def _framed(page: str) -> Iterator[str]:
    frame, found = "", list[str]()
    for closing, name, rest in _TAG.findall(page):
        if name == "a":
            found += _HREF.findall(rest)[:1] if frame and not closing else []
        elif not frame and not closing:
            frame, found = name, []
        elif closing and name == frame:
            yield from found
            frame = ""


def verify(channel: Channel, http: httpx2.Client) -> Account:
    """Say who the password belongs to, and what that user may not do."""
    settings = Settings.of(channel)
    site = discover(settings, http)
    api = replace(Api.of(channel, http), root=site.root)
    me = said(api.get("wp/v2/users/me", context="edit"))
    may = me.get("capabilities") or {}
    needed = _RIGHTS[settings.type]
    name = html.unescape(str(site.index.get("name", "")))
    return Account(
        remote_id=str(me["id"]),
        name=f"{me['name']} on {name or settings.site}",
        url=me.get("link"),
        server=f"WordPress {site.version}".strip(),
        limits=_limits(api, site, me),
        missing=tuple(words for right, words in needed.items() if not may.get(right)),
        links=(settings.site, *site.links),
        notes=tuple(f"the user may not {words}" for right, words in _EXTRAS.items() if not may.get(right)),
    )


def _limits(api: Api, site: Site, me: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `publish` and `refusals` have to know of this site."""
    may = me.get("capabilities") or {}
    return {
        "api": site.root,
        "user_id": me["id"],
        "language": site.language or str(me.get("locale", "")).replace("_", "-"),
        "timezone": _zone(site.index),
        "sticky": bool(may.get("edit_others_posts")),
        "pages": bool(may.get("publish_pages")),
        **_theme(api),
    }


def _theme(api: Api) -> dict[str, bool]:
    """Say whether the theme shows a picture above its posts; nothing where the user may not know."""
    answer = api.send("GET", "wp/v2/themes", params={"status": "active", "_fields": "theme_supports"})
    if answer.status_code == 403 and code_of(answer):
        return {}
    themes = said(api.good(answer))
    supports = themes[0].get("theme_supports", {}) if themes else {}
    return {"thumbnails": bool(supports.get("post-thumbnails", True))}


def _zone(index: Mapping[str, Any]) -> str:
    """Return the site's zone; one that is only so many hours from UTC has a name for whole hours."""
    named = str(index.get("timezone_string") or "")
    if named:
        return named
    hours = float(index.get("gmt_offset") or 0)
    return f"Etc/GMT{-hours:+.0f}" if hours and hours.is_integer() else "UTC"


def login(channel: Channel, talk: Dialogue, http: httpx2.Client) -> dict[str, str]:
    """Lead a person to the page of the site that gives out an application password, and try it."""
    settings = Settings.of(channel)
    site = discover(settings, http)
    if site.authorization is None:
        tip = "it needs https, and no plugin that switches them off: ask the site's admin"
        raise Rejected(f"{settings.site} gives out no application passwords", tip=tip)
    password = _given(channel, site, talk)
    tried = replace(channel, secrets={**channel.secrets, "password": password})
    me = said(replace(Api.of(tried, http), root=site.root).get("wp/v2/users/me", context="edit"))
    talk.say(f"{me['name']} is logged in.")
    return {"password": password}


def _given(channel: Channel, site: Site, talk: Dialogue) -> str:
    user = Settings.of(channel).user
    back = talk.redirect() if _comes_back(site) else None
    query = {"app_name": f"govpost {channel.name}", "app_id": _APP_ID}
    query |= {"success_url": back} if back else {}
    talk.say(f"Log in there as {user} and choose “Yes, I approve of this connection”.")
    came = talk.visit(f"{site.authorization}?{urlencode(query)}")
    if came.get("success") == "false":
        raise Unauthorized("the connection was refused on the site", tip="try again, and approve of it")
    if came.get("user_login", user) != user:
        tip = f"log out of the site and in again as {user}, or change the setting user"
        raise Unauthorized(f"the site gave a password for {came['user_login']}, not for {user}", tip=tip)
    password = came.get("password") or talk.ask("The application password that the site shows", secret=True)
    return password.strip()


def _comes_back(site: Site) -> bool:
    """Say whether the site sends a browser back to this machine: since WordPress 7.0, or when it is here itself."""
    local = re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]", site.root) is not None
    major = site.version.partition(".")[0]
    return local or (major.isdigit() and int(major) >= _REDIRECTS_SINCE)
