"""Taking drafts in, for `govpost post add`, `check`, `submit` and `correct`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from govpost import content
from govpost.cli import out, shapes
from govpost.cli.context import Session
from govpost.cli.progress import progress
from govpost.daemon import lock
from govpost.domain import Draft
from govpost.draft_json import from_dict
from govpost.editorial import intake
from govpost.editorial.intake import Checked, Taken
from govpost.errors import Mistake, Mistakes, Refused
from govpost.store import posts, views
from govpost.store.engine import Store

_GAP = 0.03
"""How long many drafts leave the store to others between two commits, in seconds."""


def load(session: Session, paths: Sequence[str]) -> list[Draft]:
    """Read drafts; the mistakes of all of them are told at once, and then none is taken in."""
    drafts: list[Draft] = []
    mistakes: list[Mistake] = []
    config = session.config
    found = content.find([session.path(each) for each in paths])
    with progress(len(found), "read", quiet=session.as_json) as step:
        for path in found:
            try:
                drafts.append(content.load(step(path), config))
            except Mistakes as wrong:
                mistakes += wrong.mistakes
    if mistakes:
        raise Mistakes(mistakes)
    return drafts


def take(
    session: Session, drafts: Sequence[Draft], *, submit: bool, acks: Sequence[str]
) -> list[tuple[str, Taken]]:
    """Take drafts in."""
    store, slugs = session.store, [draft.slug for draft in drafts]
    desk, actor = session.desk, session.actor
    found = intake.take_in_all(
        store, desk, actor, drafts, submit=submit, acks=acks, rest=lambda: _rest(store)
    )
    with progress(len(drafts), "taken in", quiet=session.as_json) as step:
        return list(zip(slugs, map(step, found), strict=True))


def _rest(store: Store) -> None:
    """Let a daemon get at an SQLite file: it looks for a gap ten times a second; PostgreSQL lets each have its turn."""
    if not store.several and lock.is_held(store.folder):
        time.sleep(_GAP)


def submit(session: Session, name: str, acks: Sequence[str]) -> tuple[str, Taken]:
    """Submit a draft that was taken in before."""
    actor, desk = session.actor, session.desk
    with session.store.read() as conn:
        post = posts.find(conn, name)
        kept = posts.version(conn, post.id, post.version)
    draft = from_dict(kept.draft, session.workspace.root / session.config.store.media)
    return post.slug, intake.submit(session.store, desk, actor, post, draft, acks)


def correct(session: Session, name: str, path: str, acks: Sequence[str]) -> tuple[str, Taken]:
    """Take a draft in as the correction of a post."""
    with session.store.read() as conn:
        post = posts.find(conn, name)
    (draft, *more) = load(session, [path])
    if more:
        raise Refused(
            f"{path} holds {len(more) + 1} posts; a correction is one", "name the file of the correction"
        )
    if draft.slug == post.slug:
        raise Refused(
            f"{path} is {post.slug} itself; a correction is a post of its own",
            f"save it under another name, such as content/{post.slug}-correction.md",
        )
    if draft.corrects not in (None, post.slug):
        raise Refused(
            f"{path} says that it corrects {draft.corrects}, not {post.slug}", "change its `corrects`"
        )
    return take(session, [replace(draft, corrects=post.slug)], submit=True, acks=acks)[0]


def check(session: Session, draft: Draft) -> Checked:
    """Hold one draft against the rules; nothing is kept."""
    desk = session.desk
    with session.store.write(session.reader.id) as tx:
        return intake.check(tx, desk, draft)


def tell(session: Session, results: Sequence[tuple[str, Taken]]) -> int:
    """Say what came of each draft; 1 when one was blocked."""
    if session.as_json:
        out.document([_as_json(session, slug, taken) for slug, taken in results])
    else:
        for slug, taken in results:
            out.say("\n".join(_lines(session, slug, taken)))
    return int(any(taken.post is None for _, taken in results))


def _as_json(session: Session, slug: str, taken: Taken) -> dict[str, Any]:
    root, found = session.workspace.root, None
    if taken.post is not None:
        with session.store.read() as conn:
            found = shapes.post(views.cards(conn, [taken.post])[0], root)
    return {
        "slug": slug,
        "post": found,
        "blocked": taken.post is None,
        "unchanged": taken.unchanged,
        "findings": shapes.findings(taken.checked.findings, root),
    }


def _lines(session: Session, slug: str, taken: Taken) -> Iterator[str]:
    post = taken.post
    if post is None:
        yield f"{slug}: blocked, and not taken in"
    elif taken.unchanged:
        yield f"{slug}: nothing has changed; it is {post.state}"
    else:
        yield f"{slug}: taken in as version {post.version}; it is {post.state}"
    found = shapes.findings(taken.checked.findings, session.workspace.root)
    yield from (f"  {line}" for line in out.finding_lines(found))
    if post is not None and post.state == "submitted":
        yield f"  a second person looks at it with: govpost review show {slug}"
    elif post is not None and post.state == "draft":
        yield f"  submit it with: govpost post submit {slug}"


def tell_checks(session: Session, results: Sequence[Checked]) -> int:
    """Say what the rules found in each draft; 1 when one is blocked."""
    root = session.workspace.root
    told = [
        {
            "slug": each.draft.slug,
            "file": str(each.draft.path.relative_to(root)),
            "blocked": each.blocked,
            "findings": shapes.findings(each.findings, root),
        }
        for each in results
    ]
    if session.as_json:
        out.document(told)
    else:
        for each in told:
            _say_check(each)
    return int(any(each.blocked for each in results))


def _say_check(told: dict[str, Any]) -> None:
    verdict = "blocked" if told["blocked"] else "could be submitted" if told["findings"] else "nothing found"
    out.say(f"{told['slug']}: {verdict}")
    for line in out.finding_lines(told["findings"]):
        out.say(f"  {line}")
