"""Rules about pictures."""

from __future__ import annotations

from collections.abc import Iterator

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.rules.finding import blocks

_SHORTEST = 5


def _without_description(context: RuleContext) -> Iterator[Finding]:
    for index, medium in enumerate(context.draft.media):
        alt = medium.alt.strip()
        if not medium.mime.startswith("image/") or len(alt) >= _SHORTEST:
            continue
        name = medium.path.name
        what = f"says too little: {alt!r}" if alt else "is missing"
        message = f"the description of the picture {name} {what}"
        tip = f"under '- file: {name}' write a line such as 'alt: Orange barriers across the bridge'"
        yield blocks(context, "A01", message, tip, at=f"media.{index}")


WITHOUT_DESCRIPTION = Rule(
    id="A01", title="Picture without a description", severity=Severity.BLOCKS, check=_without_description
)
