"""Files go up before the post, each with its description, and are waited for until the server has processed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from govpost import Media, Processing, Rejected, Variant, polls
from govpost_mastodon.api import GONE, Api, rows, said, table
from govpost_mastodon.statuses import described

if TYPE_CHECKING:
    import httpx2

_PATH = "/api/v2/media"
_ENDINGS = {"image/jpeg": "jpg", "video/quicktime": "mov", "image/svg+xml": "svg"}

File = dict[str, Any]


def upload(api: Api, variant: Variant) -> Mapping[str, Any]:
    """Return what was uploaded, in the order of the files; what stands in ``variant.staged`` does not go up again."""
    before = {file["sha256"]: file for file in rows(variant.staged.get("media"))}
    files = [_still_there(api, before.get(medium.sha256)) or _send(api, medium) for medium in variant.media]
    files = _processed(api, files)
    if waiting := sum(not file["ready"] for file in files):
        raise Processing(
            f"the server still works on {waiting} of {len(files)} files", staged={"media": files}
        )
    return {"media": files}


def _send(api: Api, medium: Media) -> File:
    # Some servers go by the ending of the name; the name itself says nothing of ours.
    name = f"media.{_ENDINGS.get(medium.mime, medium.mime.partition('/')[2])}"
    with medium.path.open("rb") as file:
        answer = api.send("POST", _PATH, data=described(medium), files={"file": (name, file, medium.mime)})
    _refuse_file(answer, medium.path.name)
    about = table(said(api.checked(answer)))
    if not about.get("id"):
        raise Rejected("the server took a file and gave it no id")
    return {"id": str(about["id"]), "sha256": medium.sha256, "ready": _ready(answer.status_code, about)}


def _processed(api: Api, files: list[File]) -> list[File]:
    """Ask for the files that are not ready until all are, or time is up."""
    for _ in polls(api.http):
        if all(file["ready"] for file in files):
            break
        files = [file if file["ready"] else _asked(api, file) for file in files]
    return files


def _asked(api: Api, file: File) -> File:
    answer = api.send("GET", f"/api/v1/media/{file['id']}")
    _refuse_file(answer, file["id"])
    return file | {"ready": _ready(answer.status_code, table(said(api.checked(answer))))}


def _still_there(api: Api, file: Mapping[str, Any] | None) -> File | None:
    """Return a file that went up earlier; None when there was none, or the server has thrown it away since."""
    if file is None:
        return None
    answer = api.send("GET", f"/api/v1/media/{file['id']}")
    if answer.status_code in GONE:
        return None
    _refuse_file(answer, str(file["id"]))
    return {**file, "ready": _ready(answer.status_code, table(said(api.checked(answer))))}


def _ready(status: int, about: Mapping[str, Any]) -> bool:
    """200 with an address means done; 202, 206 or no address means that it is being worked on (methods/media)."""
    return status == 200 and bool(about.get("url"))


def _refuse_file(answer: httpx2.Response, name: str) -> None:
    if answer.status_code == 422:
        raise Rejected(
            f"the server cannot process the file {name}", tip="save the file anew in another format"
        )
