"""Many approved posts quickly: the rows of one that people released, with other words, sealed anew each time."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert, select

from govpost import seal
from govpost.config import Config
from govpost.draft_json import from_dict, variant_from_dict
from govpost.planning import text_hash
from govpost.store import posts
from govpost.store.engine import Tx
from govpost.store.rows import APPROVAL, DELIVERY, POST, VERSION
from govpost.times import uuid7


class Likes:
    """Posts like the one called `slug`, which stands wherever its name does in their words."""

    def __init__(self, tx: Tx, config: Config, slug: str) -> None:
        self.tx, self.config, self.slug = tx, config, slug
        own = posts.find(tx.conn, slug).id
        self.post = self._row(POST, POST.c.id == own)
        self.version, self.approval = (
            self._row(table, table.c.post_id == own) for table in (VERSION, APPROVAL)
        )
        self.approval.pop("id")
        found = tx.conn.execute(select(DELIVERY).where(DELIVERY.c.post_id == own)).mappings()
        self.deliveries = [dict(row) for row in found]
        self.rows: dict[Any, list[dict[str, Any]]] = {
            table: [] for table in (POST, VERSION, APPROVAL, DELIVERY)
        }

    def _row(self, table: Any, test: Any) -> dict[str, Any]:
        return dict(self.tx.conn.execute(select(table).where(test)).mappings().one())

    def _named(self, value: Any, slug: str) -> Any:
        text = json.dumps(value)
        for old, new in ((self.slug, slug), (self.slug.title(), slug.title())):
            text = text.replace(old, new)
        return json.loads(text)

    def make(self, slug: str) -> dict[tuple[str, str], str]:
        """Add one more; returns what is approved of it by slug and channel."""
        own, media = uuid7(self.tx.now), self.config.root / self.config.store.media
        draft = self._named(self.version["draft"], slug)
        about = self._named(self.version["channels"], slug)
        variants = {
            name: [
                variant_from_dict(part["variant"], media, key="", at=self.tx.now) for part in each["parts"]
            ]
            for name, each in about.items()
        }
        sealed = seal.seal(from_dict(draft, media), variants, {}, self.config)
        about = {"digest": sealed.digest}
        self.rows[POST].append(self.post | about | {"id": own, "slug": slug, "title": slug.title()})
        self.rows[VERSION].append(
            self.version | about | {"post_id": own, "draft": draft, "channels": sealed.channels}
        )
        self.rows[APPROVAL].append(self.approval | about | {"post_id": own})
        return {(slug, row["channel"]): self._delivery(row, own, sealed) for row in self.deliveries}

    def _delivery(self, row: dict[str, Any], own: str, sealed: seal.Sealed) -> str:
        variant = sealed.channels[row["channel"]]["parts"][0]["variant"]
        words = {"variant": variant, "text_hash": text_hash(variant["text"])}
        self.rows[DELIVERY].append(row | words | {"id": uuid7(self.tx.now), "post_id": own})
        return str(variant["text"])

    def enter(self) -> None:
        """Write all of them."""
        for table, rows in self.rows.items():
            if rows:
                self.tx.conn.execute(insert(table), rows)
