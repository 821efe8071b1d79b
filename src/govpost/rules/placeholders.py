"""A rule about words that stand in for others not yet written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.rules.finding import blocks, words

_FIELDS = (
    "name|date|day|time|place|location|address|phone|number|amount|link|url|title|department|contact|email|text|"
    "nombre|fecha|hora|lugar|dirección|teléfono|enlace|título"
)
# Capitals alone count where small letters make an ordinary word or a kiss.
_PLACEHOLDER = re.compile(
    r"\b(?i:tbc|tbd)\b"
    r"|\bTODO\b"
    r"|\bX{2,}\b"
    r"|\bxxx+\b"
    r"|(?i:\blorem ipsum\b)"
    rf"|\[\s*(?i:(?:insert|insertar|inserte)\b[^\]\n]{{0,200}}|(?:your |the )?(?:{_FIELDS}))\s*\](?![(\[:])"
    r"|<<[^<>\n]{1,80}>>"
    r"|\?{3,}"
)
_ADDRESS = re.compile(r"https?://\S+")
_CENTURY = re.compile(
    r"(?i:\b(?:siglos?|século|century|s\.|volume|act|super bowl)\s+|\b[IVXLC]+(?:\s*[-–,y]\s*|\s+and\s+))\Z"
)
_ORDINAL = re.compile(r"(?i:\s+(?:century|olympi))")
_SPANISH_TODO = re.compile(r"\s*(?:[:(\])]|\Z)")


def _placeholder(context: RuleContext) -> Iterator[Finding]:
    for key, called, text in words(context.draft):
        for match in _PLACEHOLDER.finditer(_ADDRESS.sub(_blank, text)):
            if _is_ordinary(match, context.draft.language):
                continue
            down = text.count("\n", 0, match.start()) if key == "body" else 0
            message = f"{called} still holds the placeholder {match[0]!r}"
            yield blocks(context, "S10", message, "write what belongs there", at=key, down=down)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _is_ordinary(match: re.Match[str], language: str | None) -> bool:
    """Say whether it is a Roman numeral, or the Spanish or Portuguese word for all."""
    if match[0] == "TODO" and (language or "")[:2].lower() in {"es", "pt"}:
        return _SPANISH_TODO.match(match.string, match.end()) is None
    if set(match[0]) == {"X"}:
        before = match.string[max(0, match.start() - 30) : match.start()]
        return bool(_CENTURY.search(before) or _ORDINAL.match(match.string, match.end()))
    return False


PLACEHOLDER = Rule(id="S10", title="Placeholder words", severity=Severity.BLOCKS, check=_placeholder)
