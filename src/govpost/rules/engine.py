"""Runs the rules over one draft. A rule that breaks blocks the post: what was not checked is not released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from govpost.contract import Rule, RuleContext
from govpost.domain import Finding, Severity
from govpost.errors import said
from govpost.rules import aim, channels, dates, markings, pictures, placeholders


def builtin() -> tuple[Rule, ...]:
    """Return the rules that are always checked."""
    return (
        pictures.WITHOUT_DESCRIPTION,
        aim.MISSING,
        aim.NO_OFFICIAL_PAGE,
        channels.UNKNOWN,
        channels.OVER_LIMIT,
        channels.REPEATED,
        dates.EXPIRED,
        placeholders.PLACEHOLDER,
        markings.MARKING,
    )


def run(rules: Iterable[Rule], context: RuleContext) -> tuple[Finding, ...]:
    """Check every rule: what blocks comes first, then by line. ValueError when two rules have one id."""
    found = [finding for rule in _distinct(rules) for finding in _check(rule, context)]
    return tuple(sorted(found, key=_order))


def _distinct(rules: Iterable[Rule]) -> Iterable[Rule]:
    known: dict[str, Rule] = {}
    for rule in rules:
        other = known.setdefault(rule.id, rule)
        if other is not rule:
            raise ValueError(f"two rules are called {rule.id}: {_named(other)} and {_named(rule)}")
    return known.values()


def _named(rule: Rule) -> str:
    return f"'{rule.title}' of {_home(rule)}"


def _home(rule: Rule) -> str:
    return str(getattr(rule.check, "__module__", None) or "an unknown module")


def _check(rule: Rule, context: RuleContext) -> Iterator[Finding]:
    """Yield what a rule finds; its own failure is a finding too."""
    try:
        for finding in rule.check(context):
            if not isinstance(finding, Finding):
                raise TypeError(f"it found {finding!r}, which is no Finding")  # noqa: TRY301
            yield finding
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        yield _fault(rule, context, error)


def _fault(rule: Rule, context: RuleContext, error: BaseException) -> Finding:
    reason = " ".join(said(error).split())
    return Finding(
        rule=rule.id,
        severity=Severity.BLOCKS,
        message=f"rule {rule.id} ({rule.title}) broke and could not check this post: {reason}",
        tip=f"the fault is in {_home(rule)}, not in the post: tell who keeps it, or disable that plugin",
        file=str(context.draft.path),
    )


def _order(finding: Finding) -> tuple[bool, bool, int]:
    return finding.severity is not Severity.BLOCKS, finding.line is None, finding.line or 0
