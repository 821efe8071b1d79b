"""Starts daemons quickly: one process imports govpost and forks a daemon for every order it gets.

Orders are JSON lines on standard input: {"host": 0, "port": null}. Answers are JSON lines too: {"pid": …} for each
order, {"ended": pid, "code": …} for each daemon that is gone.
"""

from __future__ import annotations

import json
import logging
import os
import select
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos import rights
from chaos.clock import Clock, Offsets, push_the_clock

if TYPE_CHECKING:
    from govpost.config import Config

MARGIN = timedelta(seconds=2)
"""Stands for the 30 seconds by which a lease outlasts an attempt, so that SIGSTOP can outlast a lease within a run."""


def prepare(root: Path) -> Clock:
    """Import everything a daemon needs, under the clock that can be pushed."""
    clock = Clock(Offsets(root / "clock.bin"))
    push_the_clock(clock)
    from govpost import publisher

    patience, publisher.LEASE_MARGIN = publisher.LEASE_MARGIN, MARGIN
    from govpost import settling
    from govpost.daemon import loop
    from govpost.workspace import open_workspace

    # How long a thread may stay away is left as it is: here many of them wait long for SQLite's one lock.
    assert vars(settling)["LEASE_MARGIN"] == MARGIN
    vars(loop)["LEASE_MARGIN"] = patience
    open_workspace(root).bench()
    return clock


def run(root: Path, clock: Clock, order: dict[str, Any]) -> int:
    """Be a daemon until the end."""
    from govpost.daemon.loop import Daemon
    from govpost.errors import GovpostError
    from govpost.workspace import open_workspace

    clock.host = order.get("host", 0)
    rights.give_up()
    try:
        daemon = Daemon(open_workspace(root, config=_through(root, order.get("port"))))
        daemon.handle_signals()
        daemon.run()
    except GovpostError as error:
        logging.getLogger("govpost").error("REFUSED %s", error)
        return int(error.exit_code)
    return 0


def _through(root: Path, port: int | None) -> Config | None:
    """Return the workspace's config with its database behind another port; None without one."""
    if port is None:
        return None
    from sqlalchemy.engine import make_url

    from govpost import config

    found = config.load(root)
    url = make_url(found.store.database).set(port=port).render_as_string(hide_password=False)
    return found.model_copy(update={"store": found.store.model_copy(update={"database": url})})


def fork(root: Path, clock: Clock, order: dict[str, Any]) -> int:
    """Start a daemon and return its process."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        log = os.open(root / "daemons.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        style = f"%(asctime)s {os.getpid()} %(levelname)s %(message)s"
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=style)
        for name in ("httpx2", "apscheduler"):
            logging.getLogger(name).setLevel(logging.WARNING)
        code = run(root, clock, order)
    except BaseException:
        logging.getLogger("govpost").exception("the daemon broke")
    finally:
        logging.shutdown()
        os._exit(code)


def say(**words: Any) -> None:
    """Answer."""
    os.write(1, (json.dumps(words) + "\n").encode())


def bury() -> None:
    """Tell of each daemon that is gone."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            say(ended=pid, code=os.waitstatus_to_exitcode(status))


def main() -> None:
    """Serve until standard input ends."""
    root = Path(sys.argv[1])
    clock = prepare(root)
    say(ready=True)
    while True:
        if select.select([0], [], [], 0.02)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            say(pid=fork(root, clock, json.loads(line)))
        bury()


if __name__ == "__main__":
    main()
