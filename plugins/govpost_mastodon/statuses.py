"""A post on the server: made, changed, taken down. One request that writes each, with a JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from govpost import Media, Receipt, Rejected, Unavailable, Uncertain, Variant
from govpost_mastodon.api import GONE, Api, rows, said, table
from govpost_mastodon.servers import known
from govpost_mastodon.settings import Options, options_of, settings_of

if TYPE_CHECKING:
    import httpx2

PATH = "/api/v1/statuses"
_KEPT = ("id", "uri", "created_at", "edited_at", "visibility", "language", "in_reply_to_id")


def post(api: Api, variant: Variant, **more: str) -> Receipt:
    """Make the post of a variant; `more` goes into the body."""
    settings, options = settings_of(api.channel), options_of(variant)
    body = _body(variant, options)
    corrected = table(variant.staged.get("corrected"))
    body["visibility"] = narrowest(options.visibility or settings.visibility, corrected.get("visibility"))
    if policy := options.quote_policy or settings.quote_policy:
        body["quote_approval_policy"] = policy
    if to := variant.reply_to or corrected.get("id"):
        body["in_reply_to_id"] = to
    software = known(api.channel.limits)
    key = variant.key if software is None or software.keyed else None
    answer = api.send("POST", PATH, key=key, json=body | more)
    _refuse_known_key(answer)
    if software is None or software.repeats is None:
        _doubt(answer)
    return receipt(api, answer, variant)


def change(api: Api, held: Receipt, variant: Variant) -> Receipt:
    """Give the post of a receipt the whole state of another variant."""
    files = [{"id": name, **described(medium)} for name, medium in _files(variant)]
    body = _body(variant, options_of(variant)) | ({"media_attributes": files} if files else {})
    if policy := options_of(variant).quote_policy:
        body["quote_approval_policy"] = policy
    return receipt(api, api.send("PUT", f"{PATH}/{held.remote_id}", json=body), variant)


def remove(api: Api, held: Receipt) -> None:
    """Delete a post and its files; one that is gone already is fine."""
    answer = api.send("DELETE", f"{PATH}/{held.remote_id}", params={"delete_media": "true"})
    if answer.status_code not in GONE:
        api.checked(answer)


def receipt(api: Api, answer: httpx2.Response, variant: Variant) -> Receipt:
    """Return the receipt in an answer; `Uncertain` when it says yes and shows no post."""
    try:
        status = table(said(api.checked(answer)))
    except Unavailable as error:
        raise Uncertain(str(error)) from error
    if not status.get("id"):
        raise Uncertain("the server said yes and showed no post")
    return receipt_of(status, variant)


def receipt_of(status: Mapping[str, Any], variant: Variant | None = None) -> Receipt:
    """Return the receipt of a status; what is kept of it says nothing of other people."""
    files = [each.get("id") for each in rows(status.get("media_attachments"))]
    kept = {name: status[name] for name in _KEPT if status.get(name) is not None}
    digests = [medium.sha256 for medium in variant.media] if variant else []
    raw = kept | ({"media": files} if files else {}) | ({"sha256": digests} if digests else {})
    return Receipt(remote_id=str(status["id"]), url=status.get("url") or status.get("uri"), raw=raw)


def narrowest(ours: str, before: str | None) -> str:
    """Return who may see a post that is ours to choose, and no more than saw the one before it."""
    return ours if before in (None, "public") else before


def described(medium: Media) -> dict[str, str]:
    """Return what a server wants to know of a file besides its bytes."""
    focus = {"focus": f"{medium.focus[0]:g},{medium.focus[1]:g}"} if medium.focus else {}
    return {"description": medium.alt, **focus}


def _body(variant: Variant, options: Options) -> dict[str, Any]:
    """Write everything that a reader sees; an edit sends it whole, for what is left out may be taken away."""
    body: dict[str, Any] = {
        "status": variant.text,
        "spoiler_text": options.warning,
        "sensitive": options.sensitive,
        "media_ids": [name for name, _ in _files(variant)],
    }
    if variant.language:
        body["language"] = variant.language
    # Every part of a thread carries the options; the question is asked once.
    if options.poll and not variant.reply_to:
        body["poll"] = options.poll.model_dump()
    return body


def _files(variant: Variant) -> list[tuple[str, Media]]:
    staged = rows(variant.staged.get("media"))
    if len(staged) != len(variant.media):
        raise Rejected(f"{len(variant.media)} files belong to the post, but {len(staged)} were uploaded")
    return [(str(file["id"]), medium) for file, medium in zip(staged, variant.media, strict=True)]


def _refuse_known_key(answer: httpx2.Response) -> None:
    """Raise `Uncertain` where a server refuses a key it has seen: the first post may be there (Pixelfed)."""
    if answer.status_code in (400, 409, 422) and "idempotency" in answer.text[:500].lower():
        raise Uncertain("the server has seen this very post before, and does not show it")


def _doubt(answer: httpx2.Response) -> None:
    """Raise `Uncertain` on what a proxy says that gave up waiting: where no key is kept, a repeat is a second post."""
    if answer.status_code == 408 or (answer.status_code == 503 and "retry-after" not in answer.headers):
        raise Uncertain(
            f"the server answered {answer.status_code}, which may come from a proxy that gave up waiting"
        )
