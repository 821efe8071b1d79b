"""Which posts there are, without reading ten thousand records each time.

The catalog keeps one small summary a record in ``.work/catalog.json``, with the size and time of the file it
was made from. It is written last: what it knows has its page and its place in the lists; the rest is news.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from govpost_website import files
from govpost_website.records import MEDIA, RECORDS, WITHDRAWN, Record, Tombstone, read
from govpost_website.settings import Settings

_FILE = "catalog.json"
_Entry = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A post as the lists show it; times are RFC 3339."""

    key: str
    page: str
    published: str
    updated: str
    title: str
    language: str
    versions: tuple[str, ...] = ()
    withdrawn: bool = False

    @property
    def month(self) -> str:
        """Return the month of publishing in UTC, as ``2026-11``."""
        return self.published[:7]


@dataclass(kw_only=True)
class Catalog:
    """Every record's summary; `news` are the keys of posts that changed since the site was complete."""

    fingerprint: str
    entries: dict[str, _Entry] = field(default_factory=dict)
    news: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, settings: Settings) -> Catalog:
        """Compare the records with what was known of them. OSError when they cannot be read."""
        catalog = cls(fingerprint=_fingerprint(settings))
        known = _known(settings.folder, catalog.fingerprint)
        for name, signature in _scan(settings.folder):
            entry = known.get(name)
            if entry is None or entry["signature"] != signature:
                entry = _summary(settings.folder, name, signature)
                if entry is None:
                    catalog.broken.append(name)
                    continue
                catalog.news.add(entry["post"])
            catalog.entries[name] = entry
        catalog.news |= {entry["post"] for name, entry in known.items() if name not in catalog.entries}
        return catalog

    def cards(self) -> list[Card]:
        """Return every post with a page, newest first."""
        posts: dict[str, list[_Entry]] = {}
        for entry in self.entries.values():
            posts.setdefault(entry["post"], []).append(entry)
        found = [card for entries in posts.values() if (card := _card(entries)) is not None]
        return sorted(found, key=lambda card: (card.published, card.key), reverse=True)

    def media(self) -> set[str]:
        """Return the names of all files under media/ that a post still shows."""
        return {name for entry in self.entries.values() for name in entry["media"]}

    def withdrawn(self) -> set[str]:
        """Return the keys of the withdrawn posts."""
        return {entry["key"] for entry in self.entries.values() if entry["withdrawn"]}

    def records_of(self, posts: set[str]) -> list[str]:
        """Return the names of the record files of these posts, tombstones aside."""
        return [n for n, entry in self.entries.items() if entry["post"] in posts and not entry["withdrawn"]]

    def save(self, settings: Settings) -> None:
        """Write down that all of this is built."""
        kept = {"fingerprint": self.fingerprint, "entries": self.entries}
        data = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        files.write(settings.folder, settings.folder / files.WORK / _FILE, data)


def _fingerprint(settings: Settings) -> str:
    """Digest what every page depends on besides its record, so that a new look or title rebuilds them all."""
    package = Path(__file__).parent
    sources = sorted([*package.glob("[!t]*.py"), *package.glob("templates/*")])
    about = settings.model_dump_json(exclude={"folder"}).encode()
    return hashlib.sha256(about + b"".join(path.read_bytes() for path in sources)).hexdigest()


def _known(folder: Path, fingerprint: str) -> Mapping[str, _Entry]:
    try:
        kept = json.loads((folder / files.WORK / _FILE).read_bytes())
        return kept["entries"] if kept["fingerprint"] == fingerprint else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _scan(folder: Path) -> list[tuple[str, list[int]]]:
    """List the record files with what tells that one has changed: its time and size."""
    found = []
    for kind in (RECORDS, WITHDRAWN):
        if not (folder / kind).is_dir():
            continue
        with os.scandir(folder / kind) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    about = entry.stat()
                    found.append((f"{kind}/{entry.name}", [about.st_mtime_ns, about.st_size]))
    return sorted(found)


def _summary(folder: Path, name: str, signature: list[int]) -> _Entry | None:
    withdrawn = name.startswith(WITHDRAWN)
    kept = read(folder / name, Tombstone) if withdrawn else read(folder / name, Record)
    if kept is None or kept.key != Path(name).stem:
        return None
    media: list[str] = []
    if isinstance(kept, Record):
        media = [each for file in kept.media for each in (file.name, file.captions_name) if each]
    return {
        "signature": signature,
        "key": kept.key,
        "post": kept.post if isinstance(kept, Record) else kept.key,
        "page": kept.page,
        "at": kept.at,
        "published": kept.published if isinstance(kept, Tombstone) else kept.at,
        "title": kept.title,
        "language": kept.language,
        "media": media,
        "withdrawn": withdrawn,
    }


def _card(entries: list[_Entry]) -> Card | None:
    """Sum a post up; None while its own record is missing or there is no page to lead to."""
    stones = [entry for entry in entries if entry["withdrawn"]]
    if stones:
        entry = stones[0]
        first, last, versions = entry, entry, ()
    else:
        ordered = sorted(entries, key=_age)
        first, last, versions = ordered[0], ordered[-1], tuple(entry["key"] for entry in ordered)
        if first["key"] != first["post"]:
            return None
    if not first["page"]:
        return None
    return Card(
        key=first["post"],
        page=first["page"],
        published=first["published"],
        updated=max(first["published"], last["at"]),
        title=last["title"],
        language=last["language"],
        versions=versions,
        withdrawn=bool(stones),
    )


def _age(entry: _Entry) -> tuple[bool, str, str]:
    return (entry["key"] != entry["post"], entry["at"], entry["key"])


def media_files(folder: Path) -> list[str]:
    """Return the names of the files under media/ that are ours: named by their own digest."""
    if not (folder / MEDIA).is_dir():
        return []
    return [path.name for path in (folder / MEDIA).iterdir() if len(path.stem) == 64]
