"""Every word on the site that is not the agency's own, in English and Spanish, and how times are written."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

ENGLISH = MappingProxyType(
    {
        "skip": "Skip to content",
        "latest": "Latest notices",
        "archive": "All notices",
        "archive_intro": "Notices by month, newest first.",
        "main_navigation": "Main",
        "published": "Published",
        "by": "by",
        "corrected": "Corrected",
        "corrected_on": "Corrected on",
        "corrected_below": "What it said before is at the end of this page.",
        "withdrawn_title": "Withdrawn: {title}",
        "withdrawn_on": "This notice was withdrawn on",
        "corrects": "This notice corrects an earlier one:",
        "corrects_earlier": "This notice corrects an earlier one.",
        "more": "More information:",
        "earlier": "Earlier versions",
        "earlier_from": "As published on",
        "untitled": "Notice of {date}",
        "feeds": "Get new notices by feed:",
    }
)
SPANISH = MappingProxyType(
    {
        "skip": "Saltar al contenido",
        "latest": "Avisos recientes",
        "archive": "Todos los avisos",
        "archive_intro": "Avisos por mes, los más recientes primero.",
        "main_navigation": "Principal",
        "published": "Publicado",
        "by": "por",
        "corrected": "Corregido",
        "corrected_on": "Corregido el",
        "corrected_below": "Lo que decía antes está al final de esta página.",
        "withdrawn_title": "Retirado: {title}",
        "withdrawn_on": "Este aviso se retiró el",
        "corrects": "Este aviso corrige uno anterior:",
        "corrects_earlier": "Este aviso corrige uno anterior.",
        "more": "Más información:",
        "earlier": "Versiones anteriores",
        "earlier_from": "Tal como se publicó el",
        "untitled": "Aviso del {date}",
        "feeds": "Reciba los avisos nuevos por fuente web:",
    }
)
_TEXTS = MappingProxyType({"en": ENGLISH, "es": SPANISH})
# fmt: off
_MONTHS = MappingProxyType(
    {
        "en": ("January", "February", "March", "April", "May", "June",
               "July", "August", "September", "October", "November", "December"),
        "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio",
               "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    }
)
# fmt: on


def spoken(language: str, otherwise: str) -> str:
    """Return the language the site's own words take on a page: the post's, the site's, or English."""
    for wanted in (language, otherwise):
        primary = wanted.split("-")[0].lower()
        if primary in _TEXTS:
            return primary
    return "en"


def texts(language: str) -> MappingProxyType[str, str]:
    """Return the site's own words in a language that `spoken` gave."""
    return _TEXTS[language]


def day(at: str, zone: ZoneInfo, language: str) -> str:
    """Write the local day of an RFC 3339 time for people: 27 November 2026."""
    local = datetime.fromisoformat(at).astimezone(zone)
    joint = " de " if language == "es" else " "
    return joint.join((str(local.day), _MONTHS[language][local.month - 1], str(local.year)))


def moment(at: str, zone: ZoneInfo, language: str) -> str:
    """Write an RFC 3339 time for people, with its zone: 27 November 2026, 08:00 CST."""
    local = datetime.fromisoformat(at).astimezone(zone)
    name = local.tzname() or ""
    return f"{day(at, zone, language)}, {local:%H:%M} {f'UTC{name}' if name[:1] in '+-' else name}"


def month(year_month: str, language: str) -> str:
    """Write ``2026-11`` for people: November 2026."""
    year, number = year_month.split("-")
    joint, name = (" de " if language == "es" else " "), _MONTHS[language][int(number) - 1]
    return joint.join((name[0].upper() + name[1:], year))
