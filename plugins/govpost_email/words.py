"""Every word in a bulletin that is not the agency's own, in English and Spanish."""

from __future__ import annotations

from types import MappingProxyType

ENGLISH = MappingProxyType(
    {
        "more": "More information:",
        "picture": "Picture:",
        "corrects": "This bulletin corrects an earlier one.",
        "why": "You receive this bulletin because you signed up for {name}.",
        "leave": "Unsubscribe",
        "leave_by_mail": "To unsubscribe, write to",
    }
)
SPANISH = MappingProxyType(
    {
        "more": "Más información:",
        "picture": "Imagen:",
        "corrects": "Este boletín corrige uno anterior.",
        "why": "Recibe este boletín porque se suscribió a {name}.",
        "leave": "Cancelar la suscripción",
        "leave_by_mail": "Para cancelar la suscripción, escriba a",
    }
)
_TEXTS = MappingProxyType({"en": ENGLISH, "es": SPANISH})


def spoken(language: str, otherwise: str) -> str:
    """Return the language these words take in a bulletin: the post's, the channel's, or English."""
    for wanted in (language, otherwise):
        primary = wanted.split("-")[0].lower()
        if primary in _TEXTS:
            return primary
    return "en"


def texts(language: str) -> MappingProxyType[str, str]:
    """Return the words in a language that `spoken` gave."""
    return _TEXTS[language]
