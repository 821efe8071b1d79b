"""The command line. `main` is the entry point; each noun has a module of its own, loaded only when it is used."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from govpost.cli.root import cli

        cli.main(prog_name="govpost")
    except KeyboardInterrupt:
        sys.stderr.write("govpost: interrupted\n")
        sys.exit(130)
