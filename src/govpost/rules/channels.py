"""Rules about where a post goes: known channels, their limits, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.errors import did_you_mean
from govpost.render import over_limit, wrong_media
from govpost.rules.finding import blocks, words_key


def _unknown(context: RuleContext) -> Iterator[Finding]:
    draft = context.draft
    known = f"known: {', '.join(sorted(context.channels)) or 'none yet'}"
    if not draft.channels:
        tip = f"write 'channels: […]' in the front matter; {known}"
        yield blocks(context, "U10", "the post goes to no channel", tip, at="channels")
    named = [(f"channels.{index}", name) for index, name in enumerate(draft.channels)]
    named += [(f"wording.{name}", name) for name in draft.wording]
    named += [(f"options.{name}", name) for name in draft.options]
    for key, name in named:
        if name not in context.channels:
            message = f"no channel is called '{name}'{did_you_mean(name, context.channels)}"
            yield blocks(context, "U10", message, known, at=key, channel=name)
    for key in [key for key, name in named if name in context.channels and name not in draft.channels]:
        message = f"{key} is not used: the post does not go there"
        unused = blocks(context, "U10", message, "add the channel to 'channels', or delete the line", at=key)
        yield replace(unused, severity=Severity.WARNS)
    for index, name in enumerate(draft.channels):
        if name in draft.channels[:index]:
            message = f"channel '{name}' stands twice"
            yield blocks(context, "U10", message, "keep it once", at=f"channels.{index}", channel=name)


def _over_limit(context: RuleContext) -> Iterator[Finding]:
    yield from _refused(context)
    for channel, variants in context.variants.items():
        capabilities = context.capabilities.get(channel)
        if capabilities is None:
            continue
        if len(variants) > 1 and not capabilities.threads:
            message = f"on {channel} there are no threads, and the wording has {len(variants)} parts"
            yield _misfit(context, channel, message, _reword(channel))
        for number, variant in enumerate(variants, 1):
            where = (
                f"on {channel}" if len(variants) == 1 else f"on {channel}, part {number} of {len(variants)}:"
            )
            over = over_limit(variant, capabilities)
            if over:
                yield _misfit(context, channel, f"{where} {over}", _reword(channel))
            for index, reason in wrong_media(variant, capabilities):
                yield _misfit_file(context, channel, f"{where} {reason}", index)


def _refused(context: RuleContext) -> Iterator[Finding]:
    for channel, reasons in context.refusals.items():
        for why in reasons:
            key = (
                f"options.{channel}"
                if channel in context.draft.options
                else words_key(context.draft, channel)
            )
            tip = f"change it, or take {channel} out of 'channels'"
            yield blocks(context, "S05", f"{channel} will not take it: {why}", tip, at=key, channel=channel)


def _misfit(context: RuleContext, channel: str, message: str, tip: str) -> Finding:
    return blocks(context, "S05", message, tip, at=words_key(context.draft, channel), channel=channel)


def _misfit_file(context: RuleContext, channel: str, message: str, index: int | None) -> Finding:
    at = "media" if index is None else f"media.{index}"
    tip = f"change or remove the file, or take {channel} out of 'channels'"
    return blocks(context, "S05", message, tip, at=at, channel=channel)


def _reword(channel: str) -> str:
    return f'write shorter words for this channel in the front matter: wording: {{ {channel}: "…" }}'


def _repeated(context: RuleContext) -> Iterator[Finding]:
    for channel, slug in context.repeats.items():
        message = f"on {channel} the same text is in the post '{slug}' within seven days"
        tip = f"say what is new, or take {channel} out of 'channels'"
        key = words_key(context.draft, channel)
        yield blocks(context, "S03", message, tip, at=key, channel=channel)


UNKNOWN = Rule(id="U10", title="Unknown channel", severity=Severity.BLOCKS, check=_unknown)
OVER_LIMIT = Rule(id="S05", title="Over a channel's limit", severity=Severity.BLOCKS, check=_over_limit)
REPEATED = Rule(
    id="S03",
    title="Same text on the same channel within seven days",
    severity=Severity.BLOCKS,
    check=_repeated,
)
