"""The pages that people read, each made from records, settings and templates alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from govpost_website import bodies, words
from govpost_website.catalog import Card
from govpost_website.records import Record, Tombstone
from govpost_website.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A post in full: its versions, the oldest first, or what is left of it."""

    card: Card
    versions: tuple[Record, ...] = ()
    tombstone: Tombstone | None = None

    @property
    def latest(self) -> Record:
        """Return the words in force."""
        return self.versions[-1]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill(template: str, **values: Any) -> str:
    """Fill a template; every value is escaped unless it is markup already."""
    return _environment().get_template(template).render(**values)


def style() -> bytes:
    """Return the style sheet."""
    return (_TEMPLATES / "style.css").read_bytes()


def heading(card: Card, settings: Settings) -> str:
    """Return what a post is called: its title, or the day it was published; whether it was withdrawn."""
    spoken = words.spoken(card.language, settings.language)
    said = words.texts(spoken)
    title = _title(card.title, card.published, settings, spoken)
    return said["withdrawn_title"].format(title=title) if card.withdrawn else title


def page(post: Post, settings: Settings) -> bytes:
    """Make a post's own page."""
    spoken = words.spoken(post.card.language, settings.language)
    frame = _frame(settings, spoken, settings.page_url(post.card.page), up="../")
    title = heading(post.card, settings)
    if post.tombstone is not None:
        return _tombstone(post.tombstone, title, settings, frame)
    latest, address = post.latest, settings.page_url(post.card.page)
    return fill(
        "post.html",
        **frame,
        title=title,
        latest=latest,
        html=bodies.html(latest.text, address),
        published=_time(post.versions[0].at, settings, spoken),
        corrected=_time(latest.at, settings, spoken) if len(post.versions) > 1 else None,
        earlier=[_earlier(record, settings, address, spoken) for record in reversed(post.versions[:-1])],
    ).encode()


def content(post: Post, settings: Settings) -> str:
    """Return what a feed shows of a post, with full addresses."""
    spoken = words.spoken(post.card.language, settings.language)
    said, stone = words.texts(spoken), post.tombstone
    if stone is not None:
        withdrawn = words.moment(stone.at, settings.zone, spoken)
        return fill("content_withdrawn.html", words=said, stone=stone, withdrawn=withdrawn)
    latest = post.latest
    corrected = words.moment(latest.at, settings.zone, spoken) if len(post.versions) > 1 else None
    html = bodies.html(latest.text, settings.page_url(post.card.page))
    return fill("content.html", words=said, site=settings, version=latest, html=html, corrected=corrected)


def index(posts: Sequence[Post], settings: Settings) -> bytes:
    """Make the front page from the newest posts."""
    spoken = words.spoken(settings.language, "en")
    frame = _frame(settings, spoken, settings.base_url, up="", here="latest")
    rows = [_row(post.card, settings, spoken, lead=_lead(post)) for post in posts]
    return fill("index.html", **frame, posts=rows).encode()


def month(name: str, cards: Sequence[Card], settings: Settings) -> bytes:
    """Make the list of one month, ``2026-11``."""
    spoken = words.spoken(settings.language, "en")
    frame = _frame(settings, spoken, f"{settings.base_url}archive/{name}.html", up="../", here="month")
    rows = [_row(card, settings, spoken) for card in cards]
    return fill("month.html", **frame, heading=words.month(name, spoken), posts=rows).encode()


def archive(months: Sequence[tuple[str, int]], settings: Settings) -> bytes:
    """Make the list of months, each with how many posts it has."""
    spoken = words.spoken(settings.language, "en")
    frame = _frame(settings, spoken, f"{settings.base_url}archive/index.html", up="../", here="archive")
    rows = [{"name": name, "said": words.month(name, spoken), "count": count} for name, count in months]
    return fill("archive.html", **frame, months=rows).encode()


def _tombstone(stone: Tombstone, title: str, settings: Settings, frame: dict[str, Any]) -> bytes:
    zone, spoken = settings.zone, frame["spoken"]
    return fill(
        "tombstone.html",
        **frame,
        title=title,
        stone=stone,
        withdrawn=words.moment(stone.at, zone, spoken),
        published=words.moment(stone.published, zone, spoken),
    ).encode()


def _frame(settings: Settings, spoken: str, address: str, *, up: str, here: str = "") -> dict[str, Any]:
    return {
        "site": settings,
        "spoken": spoken,
        "words": words.texts(spoken),
        "address": address,
        "up": up,
        "here": here,
    }


def _row(card: Card, settings: Settings, spoken: str, lead: str = "") -> dict[str, Any]:
    return {
        "page": card.page,
        "published": card.published,
        "day": words.day(card.published, settings.zone, spoken),
        "title": heading(card, settings),
        "language": card.language,
        "lead": lead,
        "withdrawn": card.withdrawn,
        "corrected": len(card.versions) > 1,
        "words": words.texts(spoken),
    }


def _lead(post: Post) -> str:
    return "" if post.tombstone is not None else bodies.lead(post.latest.text)


def _title(title: str, published: str, settings: Settings, spoken: str) -> str:
    date = words.day(published, settings.zone, spoken)
    return title or words.texts(spoken)["untitled"].format(date=date)


def _time(at: str, settings: Settings, spoken: str) -> dict[str, str]:
    return {"at": at, "said": words.moment(at, settings.zone, spoken)}


def _earlier(record: Record, settings: Settings, address: str, spoken: str) -> dict[str, Any]:
    return {
        "record": record,
        "title": _title(record.title, record.at, settings, spoken),
        "said": words.moment(record.at, settings.zone, spoken),
        "html": bodies.html(record.text, address, level=4),
    }
