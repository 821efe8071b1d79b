"""A rule about markings that say a text is not for the public, or not yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.rules.finding import blocks, words

_EDGE = r"(?:[^\w\n]|_)*"
# Markings are written in capitals; the same words in small letters are ordinary and never match.
_MARKING = re.compile(
    r"\bTOP SECRET\b"
    r"|\b(?:SECRET|CONFIDENTIAL|UNCLASSIFIED|CUI|RESTRICTED)//[A-Z][A-Z0-9 /,-]*"
    r"|\((?:TS|S|C|U)//[A-Z][A-Z /,-]*\)"
    rf"|^{_EDGE}\b(?:SECRET|CONFIDENTIAL|CLASSIFIED)\b{_EDGE}$"
    r"|\bOFFICIAL\s?[-–—:]\s?SENSITIVE\b"
    r"|\b(?:FOUO|NOFORN)\b"
    r"|\b(?:FOR OFFICIAL USE ONLY|For Official Use Only)\b"
    r"|\b(?:LAW ENFORCEMENT SENSITIVE|Law Enforcement Sensitive)\b"
    r"|\b(?:NOT FOR PUBLIC RELEASE|Not [Ff]or Public Release)\b"
    rf"|^{_EDGE}Not for public release\b"
    r"|\b(?:EMBARGOED (?:UNTIL|TILL|FOR)|UNDER EMBARGO)\b"
    rf"|^{_EDGE}(?:Strictly e|E)mbargoed (?:until|till|for release)\b",
    re.MULTILINE,
)
_TIP = "make sure that it may be published, and then delete the marking; if it may not, take the post back"


def _marking(context: RuleContext) -> Iterator[Finding]:
    for key, called, text in words(context.draft):
        for match in _MARKING.finditer(text):
            down = text.count("\n", 0, match.start()) if key == "body" else 0
            marking = match[0].strip(" \t\r\n*_#>")
            message = f"{called} carries the marking {marking!r}"
            yield blocks(context, "G08", message, _TIP, at=key, down=down)


MARKING = Rule(id="G08", title="Classification or embargo marking", severity=Severity.BLOCKS, check=_marking)
