"""What `--json` prints. These shapes are an interface that scripts rely on: keys are added, never renamed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from govpost.times import rfc3339

if TYPE_CHECKING:
    from govpost.domain import Finding
    from govpost.registry import Plugin
    from govpost.store.machine_rows import DaemonRecord
    from govpost.store.rows import (
        ApprovalRecord,
        AttemptRecord,
        CharterRecord,
        DeliveryRecord,
        PilotRecord,
        RemarkRecord,
    )
    from govpost.store.views import Card

_DELIVERY = ("post_id", "channel", "platform", "part", "parts", "action", "state")
_COUNTED = ("attempts", "tries", "remote_id", "url", "reason")


def time(when: datetime | None) -> str | None:
    """Write an instant in RFC 3339."""
    return None if when is None else rfc3339(when)


def delivery(row: DeliveryRecord, slug: str) -> dict[str, Any]:
    """Return a delivery; `key` is its id, the idempotency key."""
    return {
        "id": row.id,
        "key": row.id,
        "post": slug,
        **{name: getattr(row, name) for name in _DELIVERY},
        "due": time(row.due),
        "slot": time(row.slot),
        "recipient": row.recipient,
        "wall": row.wall,
        "zone": row.zone,
        **{name: getattr(row, name) for name in _COUNTED},
        "live_at": time(row.live_at),
    }


def attempt(row: AttemptRecord) -> dict[str, Any]:
    """Return one try at a delivery, with its evidence."""
    times = {name: time(getattr(row, name)) for name in ("started_at", "gate_at", "ended_at")}
    return {"n": row.n, **times, "outcome": row.outcome, "reason": row.reason, "evidence": row.evidence or []}


def approval(row: ApprovalRecord) -> dict[str, Any]:
    """Return one person's word on one digest."""
    words = {
        name: getattr(row, name) for name in ("person", "kind", "dissent", "reason", "digest", "version")
    }
    return {**words, "at": time(row.at), "config": row.config_hash, "strategy": row.strategy_hash}


def remark(row: RemarkRecord) -> dict[str, Any]:
    """Return a reviewer's reason."""
    return {"person": row.person, "at": time(row.at), "version": row.version, "text": row.text}


def post(card: Card, root: Path) -> dict[str, Any]:
    """Return a post with its deliveries; `content_changed` says that its file differs from what was taken in."""
    about = card.post
    names = ("id", "slug", "title", "state", "version", "digest", "author", "review_later")
    return {
        **{name: getattr(about, name) for name in names},
        "created_at": time(about.created_at),
        "updated_at": time(about.updated_at),
        "submitted_at": time(about.submitted_at),
        "approvals": [approval(each) for each in card.approvals],
        "deliveries": [delivery(row, about.slug) for row in card.deliveries],
        "corrects": card.corrects,
        "remarks": [remark(each) for each in card.remarks],
        "partly_published": card.partly_published,
        "source": card.source,
        "content_changed": content_changed(card, root),
        "strategy": card.strategy_hash,
    }


def content_changed(card: Card, root: Path) -> bool:
    """Say whether the file in content/ is no longer what was taken in; a file that is gone has changed."""
    from govpost.digest import file_sha256

    try:
        return file_sha256(root / card.source) != card.source_sha256
    except OSError:
        return True


def finding(found: Finding | Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return what a rule found; its file is named from the workspace on."""
    names = ("rule", "severity", "message", "tip", "file", "line", "channel")
    kept = found if isinstance(found, Mapping) else {name: getattr(found, name) for name in names}
    fields = {name: kept.get(name) for name in names}
    fields["severity"] = str(fields["severity"])
    if fields["file"] and Path(fields["file"]).is_relative_to(root):
        fields["file"] = str(Path(fields["file"]).relative_to(root))
    return fields


def findings(found: Iterable[Finding | Mapping[str, Any]], root: Path) -> list[dict[str, Any]]:
    """Return what the rules found."""
    return [finding(each, root) for each in found]


def plugin(found: Plugin) -> dict[str, Any]:
    """Return one plugin; `reason` says why it is not loaded."""
    names = ("name", "version", "source", "state", "reason")
    return {**{name: getattr(found, name) for name in names}, "platforms": list(found.platforms)}


def pilot(
    row: PilotRecord, missing: Sequence[str], counts: Mapping[str, int], charters: Sequence[CharterRecord]
) -> dict[str, Any]:
    """Return a channel's pilot, with every version of its charter."""
    return {
        "channel": row.channel,
        "platform": row.platform,
        "state": row.state,
        "missing": list(missing),
        "counts": dict(counts),
        "charter": [
            {"n": each.n, "at": time(each.at), "person": each.person, "digest": each.digest, **each.body}
            for each in charters
        ],
        "started_at": time(row.started_at),
        "ends": row.ends.isoformat() if row.ends else None,
        "cap_posts": row.cap_posts,
        "reason": row.reason,
    }


def daemon(row: DaemonRecord, now: datetime, *, running: bool) -> dict[str, Any]:
    """Return a daemon with the age of its heartbeat in seconds."""
    names = ("id", "host", "pid", "version", "state", "why")
    return {
        **{name: getattr(row, name) for name in names},
        "running": running,
        "started_at": time(row.started_at),
        "heartbeat_at": time(row.heartbeat_at),
        "heartbeat_age": round((now - row.heartbeat_at).total_seconds(), 1),
        "config": row.config_hash,
    }
