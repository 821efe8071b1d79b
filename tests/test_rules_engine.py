"""Every rule is heard: what it finds, and that it could not be checked."""

import pytest

from govpost.contract import Rule
from govpost.domain import Finding, Severity
from govpost.rules.engine import builtin, run
from ruling import context


def rule(name: str, check, severity: Severity = Severity.BLOCKS) -> Rule:
    return Rule(id=name, title=f"Rule {name}", severity=severity, check=check)


def finding(name: str, severity: Severity, line: int | None) -> Finding:
    return Finding(rule=name, severity=severity, message="m", line=line)


def test_the_built_in_rules_are_those_of_the_policy():
    assert {rule.id for rule in builtin()} == {"A01", "S05", "K01", "S03", "S10", "S06", "U07", "U10", "G08"}
    assert all(rule.severity is Severity.BLOCKS and rule.title for rule in builtin())


def test_a_post_in_order_has_no_findings():
    assert run(builtin(), context()) == ()


def test_every_finding_of_a_built_in_rule_says_where_and_what_to_do():
    found = run(builtin(), context(title="TBC", goal=None, audience="x", channels=("hup", "hup"), link=None))
    assert len(found) == 7
    for each in found:
        assert each.severity is Severity.BLOCKS
        assert each.message and each.tip and each.file and each.line


def test_what_blocks_comes_first_then_by_line_and_what_has_no_line_last():
    warns = rule("W", lambda _: [finding("W", Severity.WARNS, 1)], Severity.WARNS)
    late = rule("B", lambda _: [finding("B", Severity.BLOCKS, line) for line in (None, 9, 2)])
    found = [(each.rule, each.line) for each in run([warns, late], context())]
    assert found == [("B", 2), ("B", 9), ("B", None), ("W", 1)]


def test_a_rule_that_raises_blocks_the_post_and_names_the_rule_and_its_plugin():
    def check(_):
        yield finding("P1", Severity.WARNS, 3)
        raise KeyError("goal")

    blocked, kept = run([rule("P1", check, Severity.WARNS)], context())
    assert (blocked.rule, blocked.severity, kept.line) == ("P1", Severity.BLOCKS, 3)
    assert blocked.message == "rule P1 (Rule P1) broke and could not check this post: KeyError: 'goal'"
    assert __name__ in blocked.tip


@pytest.mark.parametrize("words", ["half a character: \ud800", "4"])
def test_a_rule_that_leaves_the_program_or_speaks_unreadably_blocks_the_post_and_no_more(words):
    def check(_):
        raise SystemExit(words)
        yield

    (blocked,) = run([rule("P1", check)], context())
    assert blocked.severity is Severity.BLOCKS
    assert "SystemExit" in blocked.message
    assert blocked.message.encode()


@pytest.mark.parametrize("answer", [None, ["a word"], 3])
def test_a_rule_that_answers_with_something_else_blocks_the_post(answer):
    (blocked,) = run([rule("P1", lambda _: answer)], context())
    assert blocked.severity is Severity.BLOCKS
    assert "TypeError" in blocked.message


def test_the_other_rules_are_still_checked_when_one_breaks():
    broken = rule("P1", lambda _: 1 / 0)
    fine = rule("P2", lambda _: [finding("P2", Severity.BLOCKS, 1)])
    assert {each.rule for each in run([broken, fine], context())} == {"P1", "P2"}


def test_two_rules_of_one_name_are_refused_and_both_are_named():
    ours = next(rule for rule in builtin() if rule.id == "A01")
    theirs = rule("A01", lambda _: [])
    with pytest.raises(ValueError, match=r"'Picture without .*govpost\.rules\.pictures and 'Rule A01' of"):
        run([ours, theirs], context())
