"""A folder in place of a server, to try a channel out: each copy becomes a file, and nothing leaves the machine."""

from __future__ import annotations

from pathlib import Path

from govpost import Unavailable
from govpost_email.message import Letter


def put(folder: Path, letter: Letter) -> str:
    """Write a copy under its Message-ID, as a whole or not at all; a repeat writes the same file."""
    path = folder / f"{letter.message_id.strip('<>').partition('@')[0]}.eml"
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(letter.data)
        part.replace(path)
    except OSError as error:
        raise Unavailable(f"the outbox {folder.name} cannot be written: {error.strerror}") from error
    return f"written to {path.name}"
