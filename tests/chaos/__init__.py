"""The chaos harness: real daemons against a hostile platform, under kill, fault and load.

`make chaos` runs it; docs/reliability.md says what it shows.
"""
