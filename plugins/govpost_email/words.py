"""Every word in a bulletin that is not the agency's own, in English and Spanish."""

from __future__ import annotations

from types import MappingProxyType

ENGLISH = MappingProxyType(
    {
        "more": "More information:",
        "picture": "Picture:",
        "corrects": "This bulletin corrects an earlier one. If you have that one, please go by this one.",
        "why": "You receive this bulletin because you signed up for {name}.",
        "why_from": "You receive this bulletin because you signed up for news from {name}.",
        "leave": "Unsubscribe",
        "leave_by_mail": "To unsubscribe, write to",
    }
)
SPANISH = MappingProxyType(
    {
        "more": "Más información:",
        "picture": "Imagen:",
        "corrects": "Este boletín corrige uno anterior. Si tiene el anterior, guíese por este.",
        "why": "Recibe este boletín porque se suscribió a {name}.",
        "why_from": "Recibe este boletín porque se suscribió a las noticias de {name}.",
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
