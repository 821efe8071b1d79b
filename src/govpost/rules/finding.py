"""How the built-in rules say what they found."""

from __future__ import annotations

from collections.abc import Iterator

from govpost.contract import RuleContext
from govpost.domain import Draft, Finding, Severity


def blocks(
    context: RuleContext,
    rule: str,
    message: str,
    tip: str,
    *,
    at: str,
    down: int = 0,
    channel: str | None = None,
) -> Finding:
    """Make a finding that stops the post, at the line of a front-matter key, `down` lines below it."""
    return Finding(
        rule=rule,
        severity=Severity.BLOCKS,
        message=message,
        tip=tip,
        file=str(context.draft.path),
        line=line_of(context.draft, at) + down,
        channel=channel,
    )


def line_of(draft: Draft, key: str) -> int:
    """Return the line of a key, of the nearest key around it, or the first line."""
    while key:
        if key in draft.lines:
            return draft.lines[key]
        key = key.rpartition(".")[0]
    return 1


def words_key(draft: Draft, channel: str) -> str:
    """Name the place of the words that go out on a channel."""
    return f"wording.{channel}" if channel in draft.wording else "body"


def words(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Yield every text the author wrote: its key, what it is called, and its words."""
    yield "title", "the title", draft.title
    yield "body", "the text", draft.body
    for channel, parts in draft.wording.items():
        for part in parts:
            yield f"wording.{channel}", f"the wording for '{channel}'", part
    for index, medium in enumerate(draft.media):
        yield f"media.{index}.alt", f"the description of {medium.path.name}", medium.alt
