"""What a platform can and cannot, read from the platform itself: for `plugin show` and for the READMEs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from govpost.contract import (
    Adapts,
    Addresses,
    Amends,
    Answers,
    Authorises,
    Confirms,
    Listens,
    Measures,
    Platform,
    Refreshes,
    Stages,
    Verifies,
    Withdraws,
)
from govpost.domain import Capabilities
from govpost.times import describe

_FOR_EVER = timedelta(days=365)
_UNITS = {
    "graphemes": "characters as people see them",
    "codepoints": "Unicode characters",
    "utf16": "UTF-16 units",
    "bytes": "bytes",
    "weighted": "weighted characters",
}
_MARKUP = {"plain": "plain text", "markdown": "Markdown", "html": "HTML"}

_PARTS: tuple[tuple[type, str, str, str], ...] = (
    (
        Confirms,
        "look whether a post is there",
        "a post whose answer was lost is looked for before anything else happens",
        "a post whose answer was lost stays uncertain until a person has looked",
    ),
    (
        Amends,
        "correct a post",
        "in place, at the same address, shown as corrected where the platform shows it",
        "a correction is published as a new post that points to the old one",
    ),
    (
        Withdraws,
        "take a post down",
        "`govpost post withdraw` takes it down; the record of it stays",
        "govpost says so and names the address; a person takes it down by hand",
    ),
    (
        Measures,
        "count what became of a post",
        "`govpost metrics collect`, up to {able.measure_batch} posts in one request",
        "there are no counts from this platform",
    ),
    (
        Listens,
        "read what the public answers",
        "replies are read and kept with the post",
        "what people answer there is not seen by govpost",
    ),
    (
        Answers,
        "answer the public",
        "one post under what it answers, approved like any other",
        "an answer is written by hand, over there",
    ),
    (
        Addresses,
        "send a copy to each recipient",
        "one copy each, with a state of its own; records hold a reference and no address",
        "one post for everybody",
    ),
    (
        Authorises,
        "log in",
        "`govpost channel login` leads through it; the secrets are kept encrypted",
        "secrets stand in config.toml by reference",
    ),
    (
        Verifies,
        "say who we are there",
        "`govpost channel verify` shows the account, the server's limits and missing rights",
        "the first post shows whether the settings are right",
    ),
    (
        Refreshes,
        "renew credentials by itself",
        "once they expire, without a person",
        "credentials that are refused pause the channel until a person has acted",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ability:
    """One thing that platforms may do: whether this one does, and how, or what happens instead."""

    what: str
    can: bool
    how: str


def abilities(platform: Platform) -> tuple[Ability, ...]:
    """Return what a platform can and cannot."""
    able = platform.capabilities
    return (*_posts(able), *_files(platform, able), *_repeats(able), *_parts(platform, able), *_own(platform))


def markdown(platform: Platform) -> str:
    """Return the same as a table for a README."""
    rows = [f"| {each.what} | {'yes' if each.can else 'no'} | {each.how} |" for each in abilities(platform)]
    return "\n".join(["| what | can it | how, or what happens instead |", "|---|---|---|", *rows])


def _posts(able: Capabilities) -> Iterator[Ability]:
    yield Ability(what="text", can=True, how=f"{_MARKUP[able.markup]}, {_length(able)}")
    fields = [name for name, has in (("title", able.title), ("link", able.link)) if has]
    yield Ability(
        what="fields for title and link",
        can=bool(fields),
        how=f"a field for the {' and the '.join(fields)}" if fields else "title and link stand in the text",
    )
    yield Ability(
        what="threads",
        can=able.threads,
        how="a long text becomes a thread, each part a reply to the one before"
        if able.threads
        else "a text that is too long is refused before it is approved",
    )


def _length(able: Capabilities) -> str:
    said = [f"up to {able.max_chars:,} {_UNITS[able.count]}" if able.max_chars else "of any length"]
    if able.max_bytes:
        said.append(f"{able.max_bytes:,} bytes at most")
    if able.link_chars:
        said.append(f"each link counts {able.link_chars}")
    if able.short_mentions:
        said.append("of @user@host only @user counts")
    if able.counted_options:
        said.append(f"{_named(able.counted_options)} counts as well")
    return "; ".join(said)


def _files(platform: Platform, able: Capabilities) -> Iterator[Ability]:
    if not able.max_media:
        yield Ability(what="pictures", can=False, how="a post with pictures is refused before it is approved")
        return
    kinds = ", ".join(able.media_types)
    size = f"{able.max_media_bytes / 1_000_000:g} MB"
    yield Ability(what="pictures", can=True, how=f"up to {able.max_media} of {size} each: {kinds}")
    films = [kind for kind in able.alone if kind in able.media_types]
    if films:
        yield Ability(what="a file that goes out alone", can=True, how=", ".join(films))
    length = f"up to {able.max_alt:,} characters" if able.max_alt else "of any length"
    yield Ability(what="descriptions of pictures", can=True, how=length)
    if isinstance(platform, Stages):
        yield Ability(
            what="files go up before the post", can=True, how="nothing is public until all are there"
        )


def _repeats(able: Capabilities) -> Iterator[Ability]:
    safe = able.idempotent_for
    yield Ability(
        what="repeat a lost request safely",
        can=safe is not None,
        how=f"{_while(safe)} the platform knows the key again"
        if safe is not None
        else "never repeated blindly",
    )


def _while(span: timedelta) -> str:
    return "at any time:" if span >= _FOR_EVER else f"for {describe(span)}:"


def _parts(platform: Platform, able: Capabilities) -> Iterator[Ability]:
    for part, what, how, instead in _PARTS:
        can = isinstance(platform, part)
        yield Ability(what=what, can=can, how=how.format(able=able) if can else instead)


def _own(platform: Platform) -> Iterator[Ability]:
    if isinstance(platform, Adapts):
        source = (
            "what the server says of itself" if isinstance(platform, Verifies) else "the channel's settings"
        )
        yield Ability(
            what="limits that differ by channel", can=True, how=f"taken from {source}; above are the defaults"
        )
    model: Any = getattr(platform, "Options", None)
    names = tuple(model.model_fields) if model is not None else ()
    told = f"{_named(names)}, under `options:` in the front matter" if names else "there is nothing to choose"
    yield Ability(what="options of its own in a post", can=bool(names), how=told)


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
