"""What several commands say alike: a post, what came of a review, what was stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from govpost.cli import out, shapes
from govpost.cli.context import Session

if TYPE_CHECKING:
    from govpost.editorial.reviewing import Reviewed
    from govpost.editorial.stopping import Stopped
    from govpost.store.rows import DeliveryRecord
    from govpost.store.views import Card

SHORT = 12
"""How much of a delivery's id a table shows: its end, which is random, is enough to name it."""

_COLUMNS = ("CHANNEL", "PART", "ACTION", "STATE", "WHEN", "WHERE OR WHY", "DELIVERY")


def post(session: Session, card: Card) -> None:
    """Print where a post stands."""
    about, zone = card.post, session.config.agency.timezone
    out.head(f"{about.slug}: {about.title}")
    partly = ", partly published" if card.partly_published else ""
    out.facts(
        [
            ("state", f"{about.state}{partly}"),
            ("version", about.version),
            ("author", about.author),
            ("corrects", card.corrects),
            (
                "source",
                card.source
                + (
                    " (changed since it was taken in)"
                    if shapes.content_changed(card, session.workspace.root)
                    else ""
                ),
            ),
            ("digest", about.digest),
            ("id", about.id),
        ]
    )
    if about.review_later:
        out.say("released in an emergency; another person still has to review it")
    for line in approval_lines(card, zone):
        out.say(line)
    deliveries([(row, about.slug) for row in card.deliveries], empty="no deliveries yet")


def approval_lines(card: Card, zone: str) -> list[str]:
    """Say who approved and who remarked what."""
    lines = []
    for each in card.approvals:
        old = "" if each.digest == card.post.digest else f" (version {each.version})"
        words = f"{each.kind} by {each.person}, {out.local(each.at, zone)}{old}"
        lines.append(
            words
            + "".join(
                f"; {name}: {text}"
                for name, text in (("dissent", each.dissent), ("reason", each.reason))
                if text
            )
        )
    lines += [f"remark by {each.person} on version {each.version}: {each.text}" for each in card.remarks]
    return lines


def deliveries(rows: Sequence[tuple[DeliveryRecord, str]], *, empty: str, with_post: bool = False) -> None:
    """Print deliveries, one a line."""
    lines: list[Sequence[object]] = []
    for row, slug in rows:
        when = out.local(
            row.live_at or (row.due if row.state in ("queued", "publishing") else row.slot), row.zone
        )
        part = f"{row.part}/{row.parts}" if row.parts > 1 else ""
        said = row.url or row.reason if row.state in ("live", "withdrawn") else row.reason
        cells = (row.channel, part, row.action, row.state, when, said, row.id[-SHORT:])
        lines.append((slug, *cells) if with_post else cells)
    out.table(("POST", *_COLUMNS) if with_post else _COLUMNS, lines, empty=empty, below="WHERE OR WHY")


def reviewed(session: Session, found: Reviewed, more: dict[str, Any] | None = None) -> None:
    """Say where a post stands after a review."""
    from govpost.store import views

    if session.as_json:
        with session.store.read() as conn:
            card = views.cards(conn, [found.post])[0]
        out.document({**shapes.post(card, session.workspace.root), "wanting": found.wanting, **(more or {})})
        return
    out.say(f"{found.post.slug} is {found.post.state}")
    for wish in found.wanting:
        out.say(f"  still wanting: {wish}")
    for row in found.deliveries:
        if row.part == 1:
            held = f", held: {row.reason}" if row.state == "held" else ""
            out.say(f"  {row.channel}: {out.local(row.slot, row.zone)}{held}")


def stopped(session: Session, found: Stopped, headline: str) -> None:
    """Say what was stopped, what was too late to stop, and what a person has to take down by hand."""
    slug = found.post.slug
    kinds = {"stopped": found.stopped, "too_late": found.too_late, "by_hand": found.by_hand}
    if session.as_json:
        from govpost.store import views

        with session.store.read() as conn:
            card = views.card(conn, found.post.id)
        told = {name: [shapes.delivery(row, slug) for row in rows] for name, rows in kinds.items()}
        out.document({**shapes.post(card, session.workspace.root), **told})
        return
    out.say(headline)
    for row, which in _together(found.stopped):
        out.say(f"  {row.channel}: {which}{_what_stops(row)}")
    for row, which in _together(found.too_late):
        at = f": {row.url}" if row.url and not which else ""
        out.say(f"  {row.channel}: {which}too late, it is {row.state}{at}")
    for row, which in _together(found.by_hand):
        by_hand = "" if which else f"; do it by hand: {row.url or row.id}"
        out.say(f"  {row.channel}: {which}its platform cannot take it down{by_hand}")


def _what_stops(row: DeliveryRecord) -> str:
    if row.state == "live":
        return "will be taken down by the daemon"
    if not row.ambiguous:
        return "stopped"
    found = f"govpost delivery resolve {row.id} --live URL"
    return f"stopped, but it was given up and may be public: look there; if you find it: {found}"


def _together(rows: Sequence[DeliveryRecord]) -> Iterator[tuple[DeliveryRecord, str]]:
    """Give each delivery, but for all copies of a bulletin in one state only one, with how many they are."""
    many = Counter((row.channel, row.state, row.ambiguous) for row in rows if row.recipient is not None)
    for row in rows:
        if row.recipient is None:
            yield row, ""
        elif count := many.pop((row.channel, row.state, row.ambiguous), 0):
            yield row, f"{out.counted(count, 'copy', 'copies')}: "
