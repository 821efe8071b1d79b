"""Where platforms that lie are noted, each with the checks that must catch it."""

from __future__ import annotations

import dataclasses

from board import Board

SINS: list[tuple[type, type, set[str]]] = []


def caught(part, *names):
    """Note which checks must catch the platform below; their names stand in the report as they do here."""

    def note(sin):
        SINS.append((sin, part, set(names)))
        return sin

    return note


def with_(**changes):
    """Return the honest example, changed."""
    return dataclasses.replace(Board.example, **changes)


def able(**changes):
    """Return the honest capabilities, changed."""
    return dataclasses.replace(Board.capabilities, **changes)
