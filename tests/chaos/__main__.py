"""`python -m chaos`: let it loose, print what came of it, fail when a promise was broken."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    )
    parser.add_argument("--deliveries", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--daemons", type=int)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--long", action="store_true", help="100,000 deliveries and 1,000 kills")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the workspace there")
    given = parser.parse_args()
    # Told to end, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="govpost-chaos-") as folder:
        return _run(given, given.keep or Path(folder))


def _run(given: argparse.Namespace, root: Path) -> int:
    import postgres
    from chaos.clock import Clock, Offsets, push_the_clock

    if given.store == "postgresql" and postgres.programs() is None:
        print("not run: there is no PostgreSQL here; pip install pgserver, or install PostgreSQL")
        return 0
    print(f"chaos on {given.store}, seed {given.seed} …", flush=True)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    push_the_clock(Clock(Offsets(root / "clock.bin")))
    from chaos import report
    from chaos.run import Wish, run

    chosen = {
        "deliveries": given.deliveries or (100_000 if given.long else None),
        "kills": given.kills or (1000 if given.long else None),
        "seconds": given.seconds or (7200 if given.long else None),
        "daemons": given.daemons or (4 if given.store == "postgresql" else 1),
    }
    wish = Wish(seed=given.seed, store=given.store, **{name: each for name, each in chosen.items() if each})
    found = run(wish, root)
    print(report.text(found))
    if given.json:
        given.json.write_text(report.as_json(found))
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
