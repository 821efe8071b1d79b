"""The agency's policy: one small function a rule. `engine` runs them, `finding` points at the line to mend.

A rule looks at a `RuleContext` and yields a `Finding` for each thing wrong. Plugins bring theirs by the hook
``govpost_rules``; the ones here are always checked.
"""
