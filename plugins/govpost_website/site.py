"""The site in its folder: records in, everything else built from them.

A post is published when its record is in place, withdrawn when its tombstone is. Whatever follows can be
interrupted anywhere: each file is replaced whole, and the next call completes what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from govpost import Media, Receipt, Rejected, Unavailable, Uncertain
from govpost_website import feeds, files, pages, records
from govpost_website.catalog import Card, Catalog, media_files
from govpost_website.pages import Post
from govpost_website.records import MEDIA, RECORDS, WITHDRAWN, File, Record, Tombstone
from govpost_website.settings import Settings

NEWEST = 50
_SITE = "site.json"


@dataclass(frozen=True, kw_only=True)
class Site:
    """One site; every method that writes holds it alone meanwhile."""

    settings: Settings

    # What is there

    def record(self, key: str) -> Record | None:
        """Return the record of a key; None when there is none, OSError when it cannot be read."""
        return records.read(self._record_path(key), Record)

    def tombstone(self, key: str) -> Tombstone | None:
        """Return what is left of a withdrawn post; None when it was not withdrawn."""
        return records.read(self._tombstone_path(key), Tombstone)

    def shows(self, record: Record) -> bool:
        """Say whether the words of a record stand on the page they belong to."""
        try:
            html = (self.settings.folder / "posts" / f"{record.page}.html").read_text("utf-8")
        except FileNotFoundError:
            return False
        return f'data-key="{record.key}"' in html

    def key_of(self, receipt: Receipt) -> str:
        """Return the key of a receipt's post; one that a person entered may hold the address alone."""
        if records.is_key(receipt.remote_id):
            record = self.record(receipt.remote_id)
            return record.post if record else receipt.remote_id
        addresses = (receipt.url, receipt.remote_id)
        for card in Catalog.load(self.settings).cards():
            if self.settings.page_url(card.page) in addresses:
                return card.key
        raise Rejected(
            f"no page of the site is at {receipt.url or receipt.remote_id}", tip="check the address"
        )

    def first_of(self, receipt: Receipt) -> Record:
        """Return the post of a receipt as first published; `Rejected` when it is not on the site."""
        key = self.key_of(receipt)
        self._refuse_withdrawn(key)
        record = self.record(key)
        if record is None:
            raise Rejected("the post that this corrects is not on the site", tip="publish it as a new post")
        return record

    # What changes it

    def add(self, record: Record, media: Sequence[Media]) -> Record:
        """Put a record in place and build what follows; a key that is there already keeps its record.

        Unavailable: nothing is public. Uncertain: not everywhere yet. Rejected: withdrawn, or other words.
        """
        with self._hold():
            with _nothing_changed(self.settings.folder):
                kept = self._kept(record)
                for file, medium in zip(record.media, media, strict=True):
                    self._store(file, medium)
                if kept is None:
                    self._write(self._record_path(record.key), records.dump(record))
            with _partly_done(self.settings.folder):
                self._build()
        return kept or record

    def withdraw(self, key: str, notice: str, now: datetime) -> None:
        """Put a tombstone in a post's place, with the time of the first order, and build what follows."""
        with self._hold():
            with _nothing_changed(self.settings.folder):
                if self.tombstone(key) is None:
                    self._write(self._tombstone_path(key), records.dump(self._stone(key, notice, now)))
            with _partly_done(self.settings.folder):
                self._build()

    def _kept(self, record: Record) -> Record | None:
        self._refuse_withdrawn(record.post)
        kept = self.record(record.key)
        if kept is not None and kept.words() != record.words():
            raise Rejected(
                f"the key {record.key} already stands for other words", tip="publish it as a new post"
            )
        return kept

    def _refuse_withdrawn(self, key: str) -> None:
        if self._tombstone_path(key).exists():
            raise Rejected("this post was withdrawn from the site", tip="publish it as a new post")

    def _stone(self, key: str, notice: str, now: datetime) -> Tombstone:
        """Carve what is left of a post: its title and address, no more of its words."""
        record, at, said = self.record(key), records.rfc3339(now.astimezone(UTC)), records.clean(notice)
        if record is None:
            return Tombstone(key=key, at=at, language=self.settings.language, notice=said)
        return Tombstone(
            key=key,
            id=record.id,
            page=record.page,
            published=record.at,
            at=max(at, record.at),
            language=record.language,
            title=record.title,
            notice=said,
        )

    def _store(self, file: File, medium: Media) -> None:
        data = medium.path.read_bytes()
        if not file.name.startswith(records.digest(data)):
            raise Rejected(f"{medium.path.name} changed while it was read", tip="add the post again")
        self._write(self.settings.folder / MEDIA / file.name, data)
        if file.captions and file.captions_name:
            self._write(self.settings.folder / MEDIA / file.captions_name, file.captions.encode())

    # Building

    def _build(self) -> None:
        """Make pages and lists say what the records say; the catalog, written last, spares work."""
        catalog = Catalog.load(self.settings)
        cards = catalog.cards()
        pages_there = _names(self.settings.folder / "posts")
        for card in cards:
            if card.key in catalog.news or f"{card.page}.html" not in pages_there:
                self._write_in("posts", f"{card.page}.html", pages.page(self._post(card), self.settings))
        self._build_feeds(cards)
        self._build_lists(cards, catalog.news)
        self._write_in("", "style.css", pages.style())
        self._tidy(catalog)
        catalog.save(self.settings)

    def _build_feeds(self, cards: Sequence[Card]) -> None:
        changed = sorted(cards, key=lambda card: (card.updated, card.key), reverse=True)[:NEWEST]
        posts = [self._post(card) for card in changed]
        self._write_in("", "feed.atom", feeds.atom(posts, self._feed_id(cards), self.settings))
        self._write_in("", "feed.json", feeds.json_feed(posts, self.settings))

    def _build_lists(self, cards: Sequence[Card], news: set[str]) -> None:
        newest = [self._post(card) for card in cards[:NEWEST]]
        self._write_in("", "index.html", pages.index(newest, self.settings))
        there = _names(self.settings.folder / "archive")
        months: list[tuple[str, int]] = []
        for name, group in groupby(cards, key=lambda card: card.month):
            listed = list(group)
            months.append((name, len(listed)))
            if f"{name}.html" not in there or any(card.key in news for card in listed):
                self._write_in("archive", f"{name}.html", pages.month(name, listed, self.settings))
        self._write_in("archive", "index.html", pages.archive(months, self.settings))

    def _feed_id(self, cards: Sequence[Card]) -> str:
        """Return the feed's id: fixed by the first post, and kept when the site moves to another host."""
        path = self.settings.folder / _SITE
        kept = records.load(path)
        if isinstance(kept.get("id"), str):
            return str(kept["id"])
        first = min((card.published for card in cards), default="1970-01-01")
        made = records.tag(self.settings.host, datetime.fromisoformat(first), "site")
        self._write(path, f'{{"id": "{made}"}}\n'.encode())
        return made

    def _tidy(self, catalog: Catalog) -> None:
        """Take away the words and files of withdrawn posts, and files that no post shows."""
        for name in catalog.records_of(catalog.withdrawn()):
            files.remove(self.settings.folder / name)
            del catalog.entries[name]
        if catalog.broken:
            return
        used = catalog.media()
        for name in media_files(self.settings.folder):
            if name not in used:
                files.remove(self.settings.folder / MEDIA / name)

    def _post(self, card: Card) -> Post:
        if card.withdrawn:
            return Post(card=card, tombstone=self.tombstone(card.key))
        versions = tuple(record for key in card.versions if (record := self.record(key)) is not None)
        return Post(card=card, versions=versions)

    # Where things lie

    def _record_path(self, key: str) -> Path:
        return self.settings.folder / RECORDS / f"{records.checked_key(key)}.json"

    def _tombstone_path(self, key: str) -> Path:
        return self.settings.folder / WITHDRAWN / f"{records.checked_key(key)}.json"

    def _write_in(self, folder: str, name: str, data: bytes) -> None:
        self._write(self.settings.folder / folder / name, data)

    def _write(self, path: Path, data: bytes) -> None:
        files.write(self.settings.folder, path, data)

    @contextmanager
    def _hold(self) -> Iterator[None]:
        lock = files.locked(self.settings.folder)
        with _nothing_changed(self.settings.folder):
            lock.__enter__()
        try:
            yield
        finally:
            lock.__exit__(None, None, None)


@contextmanager
def reading() -> Iterator[None]:
    """Turn trouble in looking at files into Unavailable: nothing was changed."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{error.filename or 'a file'} cannot be read: {_reason(error)}") from error


@contextmanager
def _nothing_changed(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"nothing was changed on the site in {folder}: {_reason(error)}",
            tip="free space there, or mend the folder; it is tried again",
        ) from error


@contextmanager
def _partly_done(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Uncertain(
            f"the change is on record in {folder}, but not on every page yet: {_reason(error)}",
            tip="free space there, or mend the folder; a repeat is safe and completes it",
        ) from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
