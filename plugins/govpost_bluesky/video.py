"""Videos: straight to the PDS, or through the video service that has them ready before the post appears."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from govpost import Channel, Media, Processing, Rejected, Variant, polls
from govpost_bluesky.mp4 import shape
from govpost_bluesky.pictures import called
from govpost_bluesky.settings import Settings
from govpost_bluesky.xrpc import Session, address, error_of, malformed, shown

if TYPE_CHECKING:
    import httpx2

MIME = "video/mp4"
_MOST_CAPTIONS = 20_000
_STATUS = "the status of a video"
_FAILED = "JOB_STATE_FAILED"

Json = dict[str, Any]


def embed(variant: Variant, channel: Channel, session: Session, http: httpx2.Client) -> Json:
    """Upload a video and its captions and return the embed; `Processing` while the service works on it."""
    medium, service = variant.media[0], Settings.of(channel).video
    data = medium.path.read_bytes()
    shown: Json = {"$type": "app.bsky.embed.video"}
    if service is None:
        shown["video"] = session.upload(http, data, MIME)
    else:
        shown["video"] = _through(service, variant, session, http)
    if medium.captions:
        file = session.upload(http, medium.captions.encode(), "text/vtt")
        shown["captions"] = [{"lang": variant.language or "und", "file": file}]
    if sides := shape(data):
        shown["aspectRatio"] = {"width": sides[0], "height": sides[1]}
    return {**shown, "alt": medium.alt} if medium.alt else shown


def refusals(medium: Media, channel: Channel) -> Iterator[str]:
    """Say what of a video and its captions is more than Bluesky takes; the video service has limits of its own."""
    most, captions = channel.limits.get("blob"), len((medium.captions or "").encode())
    if most is not None and Settings.of(channel).video is None and medium.path.stat().st_size > most:
        size = medium.path.stat().st_size
        yield f"{called(medium)} has {size:,} bytes and the server takes {most:,}; shorten it or save it smaller"
    if captions > _MOST_CAPTIONS:
        yield f"the captions have {captions:,} bytes and Bluesky takes {_MOST_CAPTIONS:,}; shorten them"


def _through(service: str, variant: Variant, session: Session, http: httpx2.Client) -> Json:
    """Give the video to the service, which puts it on the PDS when it is ready."""
    medium, job = variant.media[0], variant.staged.get("job")
    if job is None:
        status = _sent(service, medium, session, http)
        if blob := status.get("blob"):
            return _blob(blob)
        job = status.get("jobId")
        if not isinstance(job, str) or not job:
            raise malformed(_STATUS)
    for _ in polls(http, every=2.0, longest=60.0):
        answer = http.get(address(service, "app.bsky.video.getJobStatus"), params={"jobId": job})
        status = _status(shown(answer, _STATUS))
        if blob := status.get("blob"):
            return _blob(blob)
        if status.get("state") == _FAILED:
            why = (
                status.get("message") or status.get("error") or status.get("failureCode") or "no reason given"
            )
            raise Rejected(f"the video service could not use {called(medium)}: {why}")
    raise Processing("the video service still works on the video", staged={"job": job})


def _sent(service: str, medium: Media, session: Session, http: httpx2.Client) -> Json:
    host = urlsplit(session.pds).netloc.replace(":", "%3A")
    grant = {"aud": f"did:web:{host}", "lxm": "com.atproto.repo.uploadBlob"}
    token = shown(
        session.ask(http, "com.atproto.server.getServiceAuth", **grant), "a leave to upload", token=str
    )["token"]
    answer = http.post(
        address(service, "app.bsky.video.uploadVideo"),
        params={"did": session.did, "name": f"{medium.sha256 or medium.path.stem}.mp4"},
        content=medium.path.read_bytes(),
        headers={"Content-Type": MIME, "Authorization": f"Bearer {token}"},
    )
    # A video that the service knows already is an error by status and an answer by content.
    if error_of(answer) == "already_exists":
        return _status(answer.json())
    return _status(shown(session.heard(answer), _STATUS))


def _status(said: Json) -> Json:
    """Return the status of a job, which some versions wrap and others do not."""
    inner = said.get("jobStatus")
    return inner if isinstance(inner, dict) else said


def _blob(blob: Any) -> Json:
    if not isinstance(blob, dict):
        raise malformed(_STATUS)
    return blob
