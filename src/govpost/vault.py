"""Secrets: resolved when they are used, never stored, never shown."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from govpost.errors import Refused

_MAX_BYTES = 64_000
_BY_ALL = stat.S_IROTH | stat.S_IWOTH
_BY_GROUP = stat.S_IRGRP | stat.S_IWGRP


def resolve(reference: str, root: Path) -> str:
    """Return the secret behind ``env:NAME``, ``file:PATH`` or ``credential:NAME`` (systemd); `Refused` without one.

    A file that everybody on this machine can read or change is refused.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        return _from_environment(name)
    if kind == "file":
        return _from_file(root, name, reference)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise Refused(
            f"no systemd credentials here for {reference}",
            f"add LoadCredential={name}:… to the unit; what commands outside the unit need too lies in a file:PATH",
        )
    return _from_file(Path(folder), Path(name).name, reference)


def resolve_all(references: Mapping[str, str], root: Path) -> dict[str, str]:
    """Resolve a channel's secrets."""
    return {name: resolve(reference, root) for name, reference in references.items()}


def read_by_group(reference: str, root: Path) -> str:
    """Name the file behind ``file:PATH`` when its whole group can read or change it; "" for every other secret."""
    kind, _, name = reference.partition(":")
    try:
        path = root / Path(name).expanduser()
        return str(path) if kind == "file" and path.stat().st_mode & _BY_GROUP else ""
    except (OSError, ValueError, RuntimeError):
        return ""


def _from_environment(name: str) -> str:
    value, tip = os.environ.get(name, "").rstrip("\r\n"), f"set {name} where the daemon starts"
    if not value:
        raise Refused(f"the environment variable {name} is not set", tip)
    if value != value.encode("utf-8", "replace").decode():
        raise Refused(f"the environment variable {name} is not text", tip)
    return value


def _from_file(folder: Path, name: str, reference: str) -> str:
    tip = f"put it in {folder / name}, mode 0600"
    try:
        value = _read(folder / Path(name).expanduser(), reference).decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused(f"the secret {reference} is not text", tip) from None
    except (OSError, ValueError, RuntimeError) as error:
        # expanduser says RuntimeError for a home it does not know, open ValueError for a NUL in the name
        raise Refused(f"the secret {reference} cannot be read: {error}", tip) from error
    if not value:
        raise Refused(f"the secret {reference} is empty", tip)
    if len(value) > _MAX_BYTES:
        raise Refused(f"the secret {reference} is longer than {_MAX_BYTES} bytes", tip)
    return value


def _read(path: Path, reference: str) -> bytes:
    # Without waiting: nobody may ever write into a pipe that lies there.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise Refused(f"the secret {reference} is no file", f"put it in a file at {path}, mode 0600")
        if mode & _BY_ALL and _is_open_to_all(path):
            raise Refused(
                f"the secret {reference} lies open: everybody on this machine can read or change {path}",
                f"chmod 600 {path}, and change the secret if somebody may have seen it",
            )
        return os.read(handle, _MAX_BYTES + 1)
    finally:
        os.close(handle)


def _is_open_to_all(path: Path) -> bool:
    """Say whether every folder on the way lets everybody through."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
