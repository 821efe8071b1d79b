"""Pictures and videos are what their bytes say, whole, small enough, and inside the workspace."""

from __future__ import annotations

import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govpost.media import BadFile, inside, probe, read_captions, read_regular
from riverton import png

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04JF"
    b"\xff\xff\xc0\x00\x0b\x08\x00\x05\x00\x07\x01\x01\x11\x00"
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\xd9"
)
GIF = b"GIF89a" + struct.pack("<HHBBB", 3, 4, 0x80, 0, 0) + bytes(6) + b"\x21\xf9\x04\0\0\0\0\0"
GIF += b"," + struct.pack("<HHHHB", 0, 0, 3, 4, 0) + b"\x02\x02\x4c\x01\0;"


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


WEBP_X = riff(b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\x08\0\0" + b"\x04\0\0")
WEBP_L = riff(b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", 8 | 4 << 14))
WEBP_ = riff(b"VP8 " + struct.pack("<I", 10) + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 9, 5))
MP4 = struct.pack(">I4s4s", 12, b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"free", 16)
MP4 += struct.pack(">I4s", 8, b"moov")
MP4_TO_THE_END = MP4[:-8] + struct.pack(">I4s", 0, b"moov") + b"rest"


def at(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "mime", "size"),
    [
        ("a.png", png(3, 2), "image/png", (3, 2)),
        ("a.jpg", JPEG, "image/jpeg", (7, 5)),
        ("a.JPEG", JPEG, "image/jpeg", (7, 5)),
        ("a.gif", GIF, "image/gif", (3, 4)),
        ("x.webp", WEBP_X, "image/webp", (9, 5)),
        ("l.webp", WEBP_L, "image/webp", (9, 5)),
        ("v.webp", WEBP_, "image/webp", (9, 5)),
        ("a.mp4", MP4, "video/mp4", (None, None)),
        ("b.mp4", MP4_TO_THE_END, "video/mp4", (None, None)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_medium_is_what_its_bytes_say(tmp_path, name, content, mime, size):
    info = probe(at(tmp_path, name, content))
    assert (info.mime, info.width, info.height, info.bytes) == (mime, *size, len(content))


def test_the_picture_of_the_example_is_modest():
    info = probe(Path(__file__).parent.parent / "content/job-fair/job-fair.png")
    assert (info.width, info.height) == (1200, 675)
    assert info.bytes < 60_000


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"", "is empty"),
        ("a.png", b"hello, this is text", "is not a picture or video"),
        ("a.png", b"%PDF-1.7", "is a PDF, not a picture"),
        ("a.png", b"  <svg onload='x'>", "is an SVG drawing"),
        ("a.jpg", b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC, AVIF or QuickTime file"),
        ("a.jpg", png(), "is image/png, but its name ends in '.jpg'"),
        ("a", png(), "is image/png, but its name has no ending"),
        ("a.png", png(0, 1), "without any points"),
        ("a.png", png()[:8] + png()[20:], "cut short"),
        ("a.png", png()[:45] + b"\0\0" + png()[47:], "cut short"),
        ("a.png", png()[:-1], "cut short"),
        ("a.png", png()[:33] + png()[-12:], "cut short"),
        ("a.jpg", JPEG[:-2], "cut short"),
        ("a.jpg", JPEG[:8] + JPEG[22:], "cut short"),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x02ab", "cut short"),
        ("a.gif", GIF[:-1], "cut short"),
        ("a.webp", WEBP_X[:-1], "cut short"),
        ("a.webp", riff(b"XXXX"), "cut short"),
        ("a.mp4", MP4[:-8], "cut short"),
        ("a.mp4", MP4 + b"\0\0\0\5abcd", "cut short"),
        ("a.webp", riff(b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\xff" * 6), "too many to show"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_whole_picture_is_a_mistake(tmp_path, name, content, words):
    with pytest.raises(BadFile, match=words):
        probe(at(tmp_path, name, content))


@given(st.integers(0, 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_a_picture_cut_anywhere_is_a_mistake(tmp_path, cut):
    for name, content in (("a.png", png()), ("a.jpg", JPEG), ("a.webp", WEBP_X), ("a.mp4", MP4)):
        with pytest.raises(BadFile):
            probe(at(tmp_path, name, content[: min(cut, len(content) - 1)]))


@given(
    st.sampled_from([png(), JPEG, GIF, WEBP_X, WEBP_L, WEBP_, MP4]), st.integers(0, 80), st.binary(max_size=4)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damaged_bytes_never_raise_anything_else(tmp_path, content, where, damage):
    path = at(tmp_path, "a.png", content[:where] + damage + content[where + len(damage) :])
    try:
        probe(path)
    except BadFile as error:
        assert str(error)


def test_a_picture_of_50_megabytes_is_refused_unread_with_its_size(tmp_path):
    path = at(tmp_path, "a.png", png())
    os.truncate(path, 50_000_000)
    tracemalloc.start()
    with pytest.raises(BadFile, match=r"is 50\.0 MB; at most 20\.0 MB are taken"):
        probe(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_pipes_devices_folders_and_nothing_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BadFile, match="no ordinary file"):
        read_regular(tmp_path / "pipe.png", 10)
    with pytest.raises(BadFile, match="no ordinary file"):
        read_regular(Path("/dev/zero"), 10)
    with pytest.raises(BadFile, match="is a folder"):
        read_regular(tmp_path, 10)
    with pytest.raises(BadFile, match="does not exist"):
        read_regular(tmp_path / "none.png", 10)
    with pytest.raises(BadFile, match="cannot be read"):
        read_regular(tmp_path / ("x" * 300), 10)
    with pytest.raises(BadFile, match="cannot be read"):
        read_regular(Path("a\0b"), 10)


def test_links_may_not_lead_out_of_the_workspace(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "out.png").write_bytes(png())
    (root / "link.png").symlink_to("../out.png")
    (root / "loop").symlink_to("loop")
    for name in ("link.png", "../out.png", "/etc/passwd"):
        with pytest.raises(BadFile, match="outside the workspace"):
            inside(root / name, root)
    with pytest.raises(BadFile):
        read_regular(inside(root / "loop", root), 10)
    with pytest.raises(BadFile, match="leads nowhere"):
        inside(root / "a\0b", root)
    assert inside(root / "sub" / ".." / "in.png", root) == root / "in.png"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"WEBVTT", "not a .vtt file"),
        ("a.vtt", b"1\n00:00", "must begin with WEBVTT"),
        ("a.vtt", b"WEBVTT \xff", "not UTF-8"),
        ("a.vtt", "WEBVTT\n\n\u202e".encode(), r"holds U\+202E \(right-to-left override\) in line 3"),
    ],
)
def test_captions_are_web_vtt(tmp_path, name, content, words):
    with pytest.raises(BadFile, match=words):
        read_captions(at(tmp_path, name, content))


def test_captions_are_read_tidied(tmp_path):
    assert read_captions(at(tmp_path, "a.vtt", b"\xef\xbb\xbfWEBVTT\r\n\r\nhi\r\n")) == "WEBVTT\n\nhi"
