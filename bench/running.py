"""Real daemons in processes of their own: started, watched through /proc, and ended by their id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
GOVPOST = "from govpost.cli import main; main()"
PATIENCE = 600.0


def environment() -> dict[str, str]:
    """Return the environment in which the checkout's own code is run."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE / "src"), str(HERE / "plugins")])}


def command(root: Path, *line: str) -> list[str]:
    """Return a call of the command line in a workspace."""
    return [sys.executable, "-c", GOVPOST, "-C", str(root), *line]


class Running:
    """A daemon at work."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def cpu(self) -> float:
        """Return the seconds of processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return the resident memory in MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def until(self, true: Callable[[], bool], nap: float = 0.05) -> None:
        """Wait until something is true; SystemExit when the daemon ends first, or in ten minutes."""
        end = time.monotonic() + PATIENCE
        while not true():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the daemon did not get there:\n{self.log.read_text()[-2000:]}")
            time.sleep(nap)


@contextmanager
def daemon(root: Path, name: str = "daemon") -> Iterator[Running]:
    """Run a daemon on a workspace."""
    log = root / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command(root, "daemon"), env=environment(), stdout=out, stderr=out)
        try:
            yield Running(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
