"""A small disk of the run's own, so that it can be full: a tmpfs where this user may mount one.

It is mounted in a mount namespace of the harness, so it is gone with the harness, however that ends.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_CHUNK = 1 << 16


@dataclass
class Disk:
    """The small disk under `folder`."""

    folder: Path

    def fill(self) -> None:
        """Leave not a byte free."""
        with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as handle:
            size = _CHUNK
            while size:
                try:
                    handle.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink(missing_ok=True)

    def unmount(self, kept: Path) -> None:
        """Copy what is on it to where it can still be seen afterwards, and take it away."""
        shutil.copytree(self.folder, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("filler"))
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


def mount(folder: Path, megabytes: int) -> Disk | None:
    """Mount a small disk; None where that is not allowed."""
    if os.getuid() != 0 or ctypes.CDLL(None).unshare(_CLONE_NEWNS) != 0:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    size = f"size={megabytes}m,mode=0700"
    for order in (["--make-rprivate", "/"], ["-t", "tmpfs", "-o", size, "tmpfs", str(folder)]):
        if subprocess.run(["mount", *order], capture_output=True, check=False).returncode != 0:
            return None
    return Disk(folder)
