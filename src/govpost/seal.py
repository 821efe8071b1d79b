"""What an approval is held against: a version's digests made when it is taken in, and checked again at the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from govpost.config import Config
from govpost.digest import channel_digest, file_sha256, part_digest, post_digest, timing
from govpost.domain import Action, Draft, Media, Variant
from govpost.draft_json import from_dict, variant_to_dict
from govpost.store import answered, deliveries, posts
from govpost.store.rows import DeliveryRecord, VersionRecord


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """The digest of a version, and what it was made of, as JSON for the store."""

    digest: str
    channels: dict[str, Any]


def seal(
    draft: Draft, variants: Mapping[str, Sequence[Variant]], targets: Mapping[str, str], config: Config
) -> Sealed:
    """Digest a draft's variants with the settings they will go out under.

    `targets` names, per channel, the delivery that an amendment changes.
    """
    channels: dict[str, Any] = {}
    for name, parts in variants.items():
        about = config.channels[name]
        digests = [part_digest(part) for part in parts]
        channels[name] = {
            "platform": about.platform,
            "digest": channel_digest(name, about.platform, about.settings, digests),
            "target": targets.get(name),
            "parts": [
                {"digest": digest, "variant": variant_to_dict(part)}
                for digest, part in zip(digests, parts, strict=True)
            ],
        }
    digest = post_digest(timing(draft), {name: each["digest"] for name, each in channels.items()})
    return Sealed(digest=digest, channels=channels)


def media_hashes(media: Sequence[Media]) -> list[str]:
    """Return the digests of the stored files as they are now; a file that is gone has none."""
    found = []
    for medium in media:
        try:
            found.append(file_sha256(medium.path))
        except OSError:
            found.append("")
    return found


def broken(
    conn: Connection, delivery: DeliveryRecord, variant: Variant, hashes: Sequence[str], config: Config
) -> str | None:
    """Say how a delivery differs from what was approved, None when it is exactly that."""
    astray = _astray(conn, delivery)
    if astray is not None or delivery.action == Action.WITHDRAW:
        return astray or _broken_notice(delivery, config)
    version = posts.version(conn, delivery.post_id, delivery.version)
    return (
        _broken_release(conn, delivery, version)
        or _broken_words(version, delivery, variant, hashes)
        or _broken_channel(version, delivery, config)
        or _broken_times(version, delivery, config)
        or answered.changed(conn, variant.answers)
    )


def elsewhere(conn: Connection, delivery: DeliveryRecord, config: Config) -> str | None:
    """Say how a channel is another than the one a delivery went to, None when it is the same."""
    return _broken_channel(posts.version(conn, delivery.post_id, delivery.version), delivery, config)


def _broken_release(conn: Connection, delivery: DeliveryRecord, version: VersionRecord) -> str | None:
    post = posts.by_id(conn, delivery.post_id)
    if post.version != delivery.version:
        return f"version {delivery.version} was approved, the post is at version {post.version}"
    since = post.submitted_at
    if since is None:
        return "its release was taken back when the post was cancelled or withdrawn"
    given = posts.approvals(conn, post.id, digest=version.digest)
    if post.digest != version.digest or not any(each.at >= since for each in given):
        return "no approval stands for what would go out"
    return None


def _broken_words(
    version: VersionRecord, delivery: DeliveryRecord, variant: Variant, hashes: Sequence[str]
) -> str | None:
    sealed = version.channels.get(delivery.channel)
    number = 1 if delivery.recipient else delivery.part
    if sealed is None or number > len(sealed["parts"]):
        return "this channel or part was never approved"
    for medium, found in zip(variant.media, hashes, strict=True):
        if found != medium.sha256:
            return f"the stored file {medium.path.name[:12]} {'changed' if found else 'is gone'} since the approval"
    if part_digest(variant, hashes) != sealed["parts"][number - 1]["digest"]:
        return "the stored words differ from those that were approved"
    return None


def _broken_channel(version: VersionRecord, delivery: DeliveryRecord, config: Config) -> str | None:
    about = config.channels.get(delivery.channel)
    if about is None:
        return f"the channel {delivery.channel} is no longer in config.toml"
    digests = [part["digest"] for part in version.channels[delivery.channel]["parts"]]
    recorded = {name: each["digest"] for name, each in version.channels.items()}
    if (
        channel_digest(delivery.channel, about.platform, about.settings, digests)
        != recorded[delivery.channel]
    ):
        return f"the settings of {delivery.channel} changed since the approval; submit the post again"
    draft = from_dict(version.draft, config.root / config.store.media)
    if post_digest(timing(draft), recorded) != version.digest:
        return "the stored times or channels differ from those that were approved"
    return None


def _broken_times(version: VersionRecord, delivery: DeliveryRecord, config: Config) -> str | None:
    draft = from_dict(version.draft, config.root / config.store.media)
    bounds = tuple(moment.utc if moment else None for moment in (draft.not_before, draft.expires))
    if (delivery.not_before, delivery.expires) != bounds:
        return "its stored `not_before` or `expires` differ from those that were approved"
    if delivery.not_before is not None and min(delivery.slot, delivery.due) < delivery.not_before:
        return "its stored time is before the `not_before` that was approved"
    return None


def _astray(conn: Connection, delivery: DeliveryRecord) -> str | None:
    """Say that an amendment or withdrawal is aimed at another post than the one it was made for."""
    if delivery.action == Action.PUBLISH or delivery.target is None:
        return None
    target = deliveries.get(conn, delivery.target)
    post = posts.by_id(conn, delivery.post_id)
    meant = post.id if delivery.action == Action.WITHDRAW else post.corrects
    if (target.post_id, target.channel) == (meant, delivery.channel):
        return None
    return "it is aimed at another post than the one it was approved for"


def _broken_notice(delivery: DeliveryRecord, config: Config) -> str | None:
    if delivery.notice not in config.withdrawal.values():
        return "the public words for this withdrawal are no longer in config.toml"
    return None
