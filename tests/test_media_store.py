"""Copies of media: kept by the digest of their bytes, so that what was approved is what is sent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from govpost import content, media_store
from govpost.domain import Capabilities, Draft, Media
from govpost.errors import Refused, StoreUnavailable
from office import Office, Scripted

PICTURE = b"not really a picture" * 100_000
SHA = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """A draft whose one picture is `bridge.jpg`."""
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    plain = content.load(office.write("bridge"), office.config)
    path = tmp_path / "bridge.jpg"
    path.write_bytes(PICTURE)
    return with_media(plain, Media(path=path, mime="image/jpeg", alt="A bridge", sha256=SHA))


def with_media(draft: Draft, *media: Media) -> Draft:
    from dataclasses import replace

    return replace(draft, media=media)


def test_media_are_copied_under_their_digest_and_the_draft_points_there(draft: Draft, tmp_path: Path) -> None:
    folder = tmp_path / "made/media"
    kept = media_store.keep(draft, folder)
    assert kept.media[0].path == folder / SHA
    assert kept.media[0].alt == "A bridge"
    (tmp_path / "bridge.jpg").unlink()
    assert (folder / SHA).read_bytes() == PICTURE
    assert [path.name for path in folder.iterdir()] == [SHA]


def test_the_copies_are_private_whatever_the_umask(draft: Draft, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        media_store.keep(draft, tmp_path / "made/media")
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "made", tmp_path / "made/media")]
    assert modes == [0o700, 0o700]
    assert (tmp_path / "made/media" / SHA).stat().st_mode & 0o777 == 0o600


def test_a_draft_without_media_makes_no_folder(draft: Draft, tmp_path: Path) -> None:
    plain = with_media(draft)
    assert media_store.keep(plain, tmp_path / "made") is plain
    assert not (tmp_path / "made").exists()


def test_what_is_kept_already_is_kept_once(draft: Draft, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    media_store.keep(draft, folder)
    first = (folder / SHA).stat().st_ino
    media_store.keep(draft, folder)
    assert (folder / SHA).stat().st_ino == first


def test_a_copy_that_was_spoilt_is_made_anew(draft: Draft, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    media_store.keep(draft, folder)
    (folder / SHA).write_bytes(b"spoilt")
    media_store.keep(draft, folder)
    assert (folder / SHA).read_bytes() == PICTURE


def test_a_file_that_changes_while_it_is_read_is_refused_and_leaves_nothing(
    draft: Draft, tmp_path: Path
) -> None:
    (tmp_path / "bridge.jpg").write_bytes(b"other")
    with pytest.raises(Refused, match="changed while it was read"):
        media_store.keep(draft, tmp_path / "media")
    assert list((tmp_path / "media").iterdir()) == []


def test_a_file_that_is_gone_is_refused(draft: Draft, tmp_path: Path) -> None:
    (tmp_path / "bridge.jpg").unlink()
    with pytest.raises(Refused, match=r"bridge\.jpg cannot be read"):
        media_store.keep(draft, tmp_path / "media")


def test_a_folder_that_takes_nothing_is_said_with_a_tip(draft: Draft, tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file in the way")
    with pytest.raises(StoreUnavailable, match="pictures cannot be kept") as caught:
        media_store.keep(draft, tmp_path / "media")
    assert "disk" in caught.value.tip
