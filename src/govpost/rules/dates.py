"""Rules about time: nothing that is over, nothing due in the past."""

from __future__ import annotations

from collections.abc import Iterator

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.rules.finding import blocks


def _expired(context: RuleContext) -> Iterator[Finding]:
    draft, now = context.draft, context.now
    if draft.expires and draft.expires.utc <= now:
        message, tip = f"the post expired at {draft.expires}", "set a later 'expires', or leave the post"
        yield blocks(context, "S06", message, tip, at="expires")
    if draft.at and draft.at.utc < now:
        message, tip = f"'at' is in the past: {draft.at}", "set a later 'at', or delete the line"
        yield blocks(context, "S06", message, tip, at="at")
    if draft.not_before and draft.expires and draft.expires.utc <= draft.not_before.utc:
        message = f"'not_before' ({draft.not_before}) leaves no time before 'expires' ({draft.expires})"
        yield blocks(context, "S06", message, "correct one of the two", at="not_before")


EXPIRED = Rule(id="S06", title="Expired or due in the past", severity=Severity.BLOCKS, check=_expired)
