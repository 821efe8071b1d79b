"""Taking a draft in: render it, check it against the policy, seal it, and submit it for review."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import takewhile

from sqlalchemy import Connection, update

from govpost import media_store, seal
from govpost.digest import file_sha256
from govpost.domain import Draft
from govpost.draft_json import to_dict
from govpost.editorial import stopping
from govpost.editorial.checking import Checked, Desk, check
from govpost.errors import Refused, StoreUnavailable
from govpost.people import Actor
from govpost.states import PostState, Role
from govpost.store import answered, deliveries, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import POST, PostRecord, VersionRecord
from govpost.times import uuid7

__all__ = ["Checked", "Desk", "Taken", "check", "submit", "take_in", "take_in_all"]

_HELD_FOR = 0.05
"""How long one commit may gather drafts, in seconds: nobody else can write meanwhile, and what is due must go out."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came of taking a draft in: the post (None when it was blocked) and what the rules found."""

    post: PostRecord | None
    checked: Checked
    unchanged: bool = False


def take_in(
    store: Store, desk: Desk, actor: Actor, draft: Draft, *, submit: bool, acks: Sequence[str] = ()
) -> Taken:
    """Take a draft in as a version of its post, and submit it unless told not to; a blocked one is not submitted."""
    (taken,) = take_in_all(store, desk, actor, [draft], submit=submit, acks=acks)
    return taken


def take_in_all(
    store: Store,
    desk: Desk,
    actor: Actor,
    drafts: Iterable[Draft],
    *,
    submit: bool,
    acks: Sequence[str] = (),
    monotonic: Callable[[], float] = time.monotonic,
    rest: Callable[[], None] = lambda: None,
) -> Iterator[Taken]:
    """Take drafts in one after the other, several to a commit, and give what came of each once that is on the disk.

    An error ends it at its draft: those before it are taken in. Where the store itself fails, the last few may be taken
    in or not; to add them again does no harm. `rest` is called between two commits, for others to get their turn.
    """
    actor.need(Role.AUTHOR, to="take posts in")
    left = deque(replace(draft, author=draft.author or actor.id) for draft in drafts)
    one = partial(_enter_draft, desk=desk, actor=actor, submit=submit, acks=acks)
    while left:
        if left[0].media:
            yield _with_media(store, desk, actor, left.popleft(), one, submit=submit)
            continue
        done: list[Taken] = []
        try:
            with store.write(actor.id) as tx:
                _gather(tx, left, one, done, monotonic)
        except StoreUnavailable:
            raise
        except Exception:
            if not done:
                raise
            # One draft's trouble took back the commit of all: those before it go in alone, then it is met again.
            for _ in done:
                with store.write(actor.id) as tx:
                    taken = one(tx, left.popleft())
                yield taken
        else:
            for taken in done:
                left.popleft()
                yield taken
            if left:
                rest()


def _gather(
    tx: Tx,
    left: Iterable[Draft],
    one: Callable[[Tx, Draft], Taken],
    done: list[Taken],
    monotonic: Callable[[], float],
) -> None:
    """Take in drafts without pictures until the time of one commit is over; `done` grows with each."""
    began, now = monotonic(), tx.now
    for draft in takewhile(lambda draft: not draft.media, left):
        if done:
            spent = monotonic() - began
            if spent > _HELD_FOR:
                return
            tx.now = now + timedelta(seconds=spent)  # posts are listed in the order of their times
        done.append(one(tx, draft))


def _with_media(
    store: Store, desk: Desk, actor: Actor, draft: Draft, one: Callable[[Tx, Draft], Taken], *, submit: bool
) -> Taken:
    """Take in a draft with pictures; of what is blocked, none is kept."""
    with store.write(actor.id) as tx:
        _refuse_unsubmitted(tx, draft, submit=submit)
        checked = check(tx, desk, draft)
    if checked.blocked and submit:
        return Taken(post=None, checked=checked)
    kept = media_store.keep(draft, desk.config.root / desk.config.store.media)
    with store.write(actor.id) as tx:
        return one(tx, kept)


def _enter_draft(
    tx: Tx, draft: Draft, *, desk: Desk, actor: Actor, submit: bool, acks: Sequence[str]
) -> Taken:
    post = _refuse_unsubmitted(tx, draft, submit=submit)
    checked = check(tx, desk, draft)
    if checked.blocked and submit:
        return Taken(post=None, checked=checked)
    sealed = seal.seal(checked.draft, checked.variants, checked.targets, desk.config)
    if post is not None and post.digest == sealed.digest and _same(tx.conn, post, checked.draft):
        if submit and post.state == PostState.DRAFT:
            post = _submit(tx, actor, post, acks)
        return Taken(post=post, checked=checked, unchanged=True)
    post = _enter(tx, desk, actor, checked, sealed, post)
    if submit:
        post = _submit(tx, actor, post, acks)
    return Taken(post=post, checked=checked)


def _refuse_unsubmitted(tx: Tx, draft: Draft, *, submit: bool) -> PostRecord | None:
    """Return the draft's post, if there is one.

    A new version of what was submitted leads back to review: it cannot be kept out of it, nor skip the checks.
    """
    post = posts.by_slug(tx.conn, draft.slug)
    if post is not None and not submit and post.state != PostState.DRAFT:
        raise Refused(
            f"{post.slug} is {post.state}; a new version of it goes to review at once",
            "leave --draft out, or have a reviewer return the post first",
        )
    return post


def _same(conn: Connection, post: PostRecord, draft: Draft) -> bool:
    return bool(posts.version(conn, post.id, post.version).draft == to_dict(draft))


def _enter(
    tx: Tx, desk: Desk, actor: Actor, checked: Checked, sealed: seal.Sealed, post: PostRecord | None
) -> PostRecord:
    draft = checked.draft
    number = post.version + 1 if post else 1
    original = posts.by_slug(tx.conn, draft.corrects) if draft.corrects else None
    if post is None:
        post = PostRecord(
            id=uuid7(tx.now),
            slug=draft.slug,
            version=1,
            state=PostState.DRAFT,
            title=draft.title,
            digest=sealed.digest,
            author=draft.author or actor.id,
            corrects=original.id if original else None,
            created_at=tx.now,
            updated_at=tx.now,
        )
        posts.add(tx, post)
    else:
        post = _reopen(tx, actor, post)
        values = {
            "version": number,
            "digest": sealed.digest,
            "title": draft.title,
            "author": draft.author or actor.id,
            "review_later": False,
            "corrects": original.id if original else None,
        }
        tx.conn.execute(update(POST).where(POST.c.id == post.id).values(values))
        tx.event(
            "post.version",
            f"post:{post.id}",
            old=str(number - 1),
            new=str(number),
            post=post.id,
            digest=sealed.digest,
        )
    posts.add_version(tx, _version(tx, desk, actor, checked, sealed, post.id, number))
    if draft.answers is not None:
        answered.note_answer(tx, draft.answers, post.id)
    return posts.by_id(tx.conn, post.id)


def _version(
    tx: Tx, desk: Desk, actor: Actor, checked: Checked, sealed: seal.Sealed, post_id: str, number: int
) -> VersionRecord:
    config = desk.config
    path = checked.draft.path
    source = str(path.relative_to(config.root)) if path.is_relative_to(config.root) else str(path)
    return VersionRecord(
        post_id=post_id,
        n=number,
        digest=sealed.digest,
        taken_by=actor.id,
        taken_at=tx.now,
        source=source,
        source_sha256=file_sha256(path),
        config_hash=config.hash,
        strategy_hash=config.strategy_hash,
        draft=to_dict(checked.draft),
        channels=sealed.channels,
        findings=[asdict(finding) for finding in checked.findings],
    )


def _reopen(tx: Tx, actor: Actor, post: PostRecord) -> PostRecord:
    """Make room for a new version: cancel what was planned, as long as nothing has passed the gate."""
    if post.state == PostState.DRAFT:
        return posts.move(tx, post, PostState.DRAFT, actor.roles, "a new version")
    if post.state not in ("submitted", "approved", "scheduled"):
        raise Refused(
            f"{post.slug} is {post.state}; it cannot get a new version",
            f"govpost post correct {post.slug} PATH publishes a correction; a new post needs a new slug",
        )
    gone = [
        row for row in deliveries.of_post(tx.conn, post.id, post.version) if stopping.passed_the_gate(row)
    ]
    if gone:
        names = ", ".join(sorted({row.channel for row in gone}))
        raise Refused(
            f"{post.slug} is already on its way out on {names}; it cannot get a new version",
            f"govpost post correct {post.slug} PATH publishes a correction",
        )
    # The post moves first: then it no longer follows its deliveries, which are all cancelled.
    reopened = posts.move(tx, post, PostState.SUBMITTED, actor.roles, "a new version")
    stopping.cancel_deliveries(tx, post, "a new version was taken in")
    return reopened


def _submit(tx: Tx, actor: Actor, post: PostRecord, acks: Sequence[str]) -> PostRecord:
    why = "submitted" + (f", acknowledging {', '.join(sorted(acks))}" if acks else "")
    return posts.move(tx, post, PostState.SUBMITTED, actor.roles, why, submitted_at=tx.now)


def submit(
    store: Store, desk: Desk, actor: Actor, post: PostRecord, draft: Draft, acks: Sequence[str]
) -> Taken:
    """Submit a draft that was taken in before, after checking it again as it is stored."""
    actor.need(Role.AUTHOR, to="submit posts")
    with store.write(actor.id) as tx:
        current = posts.by_id(tx.conn, post.id)
        if current.state != PostState.DRAFT:
            raise Refused(
                f"{post.slug} is {current.state}; only a draft can be submitted",
                f"govpost post show {post.slug} shows where it stands",
            )
        checked = check(tx, desk, draft)
        if checked.blocked:
            return Taken(post=None, checked=checked)
        if seal.seal(draft, checked.variants, checked.targets, desk.config).digest != current.digest:
            raise Refused(
                f"{post.slug} would go out differently now than when it was taken in",
                "the config or a plugin has changed: run govpost post add again",
            )
        return Taken(post=_submit(tx, actor, current, acks), checked=checked)
