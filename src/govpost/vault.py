"""Secrets: resolved when they are used, never stored, never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from govpost.errors import Refused

_MAX_BYTES = 64_000


def resolve(reference: str, root: Path) -> str:
    """Return the secret behind ``env:NAME``, ``file:PATH`` or ``credential:NAME`` (systemd); `Refused` without one."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return _from_environment(name)
    if kind == "file":
        return _from_file(root, name, reference)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise Refused(
            f"no systemd credentials here for {reference}", f"add LoadCredential={name}:… to the unit"
        )
    return _from_file(Path(folder), Path(name).name, reference)


def resolve_all(references: Mapping[str, str], root: Path) -> dict[str, str]:
    """Resolve a channel's secrets."""
    return {name: resolve(reference, root) for name, reference in references.items()}


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Refused(f"the environment variable {name} is not set", f"set {name} where the daemon starts")
    return value


def _from_file(folder: Path, name: str, reference: str) -> str:
    tip = f"put it in {folder / name}, mode 0600"
    try:
        with (folder / Path(name).expanduser()).open("rb") as stream:
            value = stream.read(_MAX_BYTES + 1).decode().rstrip("\r\n")
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
