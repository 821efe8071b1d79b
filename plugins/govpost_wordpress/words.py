"""The few words that the plugin adds by itself: the note that a post was corrected."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from govpost import Variant

NOTES = MappingProxyType({"en": "Corrected on {date}.", "es": "Corregido el {date}."})
_UNDATED = MappingProxyType({"en": "Corrected.", "es": "Corregido."})
_DAYS = MappingProxyType({"en": "{day} {month} {year}", "es": "{day} de {month} de {year}"})
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


def correction(variant: Variant, template: str | None, zone: str | None) -> str:
    """Say that a post was corrected, and on which day in the site's zone."""
    spoken = (variant.language or "en").partition("-")[0].lower()
    words = template or NOTES.get(spoken, NOTES["en"])
    if variant.at is None:
        return template.replace("{date}", "").strip() if template else _UNDATED.get(spoken, _UNDATED["en"])
    return words.replace("{date}", _day(variant.at, spoken if spoken in NOTES else "", zone))


def _day(moment: datetime, spoken: str, zone: str | None) -> str:
    local = moment.astimezone(ZoneInfo(zone) if zone else UTC)
    if spoken not in _DAYS:
        return local.date().isoformat()
    month = _MONTHS[spoken][local.month - 1]
    return _DAYS[spoken].format(day=local.day, month=month, year=local.year)
