"""Rules about what a post is for: its goal, its audience, its official page."""

from __future__ import annotations

from collections.abc import Iterator

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.errors import did_you_mean
from govpost.rules.finding import blocks


def _missing(context: RuleContext) -> Iterator[Finding]:
    draft = context.draft
    yield from _named(context, "goal", draft.goal, context.goals)
    yield from _named(context, "audience", draft.audience, context.audiences)
    if draft.topic is not None and context.topics is not None:
        yield from _named(context, "topic", draft.topic, context.topics)


def _named(context: RuleContext, key: str, name: str | None, known: frozenset[str]) -> Iterator[Finding]:
    names = ", ".join(sorted(known)) or f"none yet: write [strategy.{key}s.…] in config.toml"
    if not name:
        message = f"the post has no {key}"
        yield blocks(context, "U07", message, f"write '{key}: …' in the front matter; known: {names}", at=key)
    elif name not in known:
        message = f"no {key} of the strategy is called '{name}'{did_you_mean(name, known)}"
        yield blocks(context, "U07", message, f"known: {names}", at=key)


def _no_official_page(context: RuleContext) -> Iterator[Finding]:
    draft, main = context.draft, context.main_channel
    if draft.link or (main and main in draft.channels):
        return
    message = "the post has no official page: no 'link', and it does not go to the agency's main channel"
    tip = "write 'link: https://…' in the front matter"
    if main:
        tip += f", or add {main} to 'channels'"
    yield blocks(context, "K01", message, tip, at="channels")


MISSING = Rule(
    id="U07", title="Goal or audience missing or unknown", severity=Severity.BLOCKS, check=_missing
)
NO_OFFICIAL_PAGE = Rule(
    id="K01", title="No canonical link", severity=Severity.BLOCKS, check=_no_official_page
)
