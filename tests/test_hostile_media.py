"""A picture is a picture and nothing else: no second file inside it, no bomb, and never a file from elsewhere."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from govpost import content, media_store
from govpost.errors import Mistakes, Refused
from govpost.media import BadFile, inside, probe
from govpost.media_formats import measured
from hostile import FUZZ, run_apart
from riverton import png, small
from test_media import GIF, JPEG, MP4, WEBP_X, riff

WHOLE = {"png": png(), "jpeg": JPEG, "gif": GIF, "webp": WEBP_X, "mp4": MP4}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind: bytes, body: bytes) -> bytes:
    """Put a chunk into a PNG behind its head."""
    return png()[:33] + chunk(kind, body) + png()[33:]


REST = 4 + len(png()[33:])  # what follows the body of a chunk put there


def zipped(name: str = "a.class", comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
        archive.comment = comment
    return out.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
@pytest.mark.parametrize(
    "tail",
    [b"<script>alert(1)</script>", b"%PDF-1.7", zipped(), b"\xff", MP4],
    ids=["page", "pdf", "zip", "byte", "film"],
)
def test_what_follows_a_picture_is_refused(kind, tail):
    with pytest.raises(BadFile, match="bytes after its end, which nobody sees"):
        measured(WHOLE[kind] + tail)


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_whole_files_are_taken_with_padding_too(kind):
    padding = struct.pack(">I4s", 8, b"free") if kind == "mp4" else b"\0" * 512
    assert measured(WHOLE[kind])[0].endswith(kind)
    assert measured(WHOLE[kind] + padding) == measured(WHOLE[kind])


def test_a_telephones_second_picture_for_bright_screens_is_taken_and_walked_through():
    assert measured(JPEG + JPEG) == measured(JPEG)
    with pytest.raises(BadFile, match="cut short"):
        measured(JPEG + JPEG[:-1])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (with_chunk(b"tEXt", b"Comment\0%PDF-1.7 1 0 obj"), "a PDF"),
        (with_chunk(b"tEXt", b"Comment\0<script>alert(1)</script>"), "a web page or a script"),
        (with_chunk(b"tEXt", b"Comment\0<?php system($_GET[0]);"), "a web page or a script"),
        (with_chunk(b"tEXt", b"Comment\0<!DOCTYPE HTML ><body>"), "a web page or a script"),
        (JPEG[:2] + b"\xff\xfe\0\x16<svg onload='a()'/>" + b"\0" + JPEG[2:], "a web page or a script"),
        (GIF[:-1] + b"\x21\xfe\x0e<html lang=en>\0;", "a web page or a script"),
        (MP4 + struct.pack(">I4s", 8 + len(zipped()), b"free") + zipped(), "a ZIP file"),
        (png()[:33] + chunk(b"tEXt", b"a\0" + zipped(comment=b"x" * REST)[:-REST]) + png()[33:], "a ZIP file"),
    ],
    ids=["pdf", "script", "php", "doctype", "svg", "html", "zip in a film", "zip in a picture"],
)  # fmt: skip
def test_a_file_that_is_two_things_at_once_is_refused(data, what):
    assert what != "a ZIP file" or zipfile.is_zipfile(io.BytesIO(data))
    with pytest.raises(BadFile, match=f"is at the same time {what}"):
        measured(data)


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a/*" + bytes(5) + b"*/=1;alert(1);",
        b"GIF89a=1;" + b"\0" * 20 + b";",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        b"\xff\xd8\xff\xe0/*" + b"\0" * 12046 + b"*/=alert(1)/*\xff\xd9",
    ],
)
def test_a_script_with_the_first_bytes_of_a_picture_is_refused(data):
    with pytest.raises(
        BadFile, match=r"cut short or broken|after its end|at the same time|without any points"
    ):
        measured(data)


@pytest.mark.parametrize(
    "text",
    [
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        *(b"<svg/>", b"%PDF-1.7", b"PK\3\4", b"<!DOCTYPE html>", b"MZ\x90\0", b"\x7fELF", b"#!/bin/sh\n", b"\x1f\x8b"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.mp4"])
def test_what_a_file_is_called_does_not_matter(tmp_path, name, text):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(BadFile):
        probe(tmp_path / name)


BOMB = zlib.compress(bytes(50_000_000), 9)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"Comment\0\0" + BOMB),
        (b"iCCP", b"sRGB\0\0" + BOMB),
        (b"iTXt", b"Comment\0\1\0x-default\0xx\0" + BOMB),
    ],
)
def test_notes_that_unfold_without_end_are_refused(kind, body):
    with pytest.raises(BadFile, match="unfold to more than 4 MB"):
        measured(with_chunk(kind, body))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"a short note" * 9)),
        (b"zTXt", b"Comment\0\0no zlib at all"),
        (b"iTXt", b"Comment\0\0\0\0\0" + BOMB),
        (b"iCCP", b""),
    ],
)
def test_notes_that_are_short_or_not_folded_are_taken(kind, body):
    assert measured(with_chunk(kind, body)) == ("image/png", 2, 1)


def frames(count: int, side: int) -> dict[str, bytes]:
    """Make pictures that are drawn many times over."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\1\0\0"
    control = struct.pack(">IIIII", 0, side, side, 0, 0) + bytes(6)
    moving = (
        b"ANMF"
        + struct.pack("<I", 16)
        + bytes(6)
        + ((side - 1) | (side - 1) << 24).to_bytes(6, "little")
        + bytes(4)
    )
    scan = b"\xff\xda\0\x08\1\1\0\0\x3f\0\x12"
    return {
        "gif": head + frame * count + b";",
        "png": png()[:33] + chunk(b"fcTL", control) * count + png()[33:],
        "webp": riff(WEBP_X[12:] + moving * count),
        "jpeg": JPEG[:14] + struct.pack(">HH", side, side) + JPEG[18:22] + scan * count + b"\xff\xd9",
    }


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "jpeg"])
def test_a_picture_of_a_thousand_huge_frames_is_refused(kind):
    assert measured(frames(3, 100)[kind])[0] == f"image/{kind}"
    with pytest.raises(BadFile, match="so many frames"):
        measured(frames(1000, 9000)[kind])


@pytest.mark.parametrize(
    "data", [png()[:8] + chunk(b"IHDR", struct.pack(">II", 2**31 - 1, 2**31 - 1) + b"\x08\x02\0\0\0") + png()[33:],
             frames(1, 65_535)["gif"], frames(1, 65_535)["jpeg"]],
)  # fmt: skip
def test_a_picture_with_huge_sides_is_refused(data):
    with pytest.raises(BadFile, match="too many to show"):
        measured(data)


@pytest.mark.parametrize(
    "made",
    [
        r'b"\xff\xd8" + b"\xff" * SIZE + b"\0" * 9',
        r'b"\xff\xd8\xff\xe0" + b"\0\2\xff\xe0" * (SIZE // 4)',
        r'b"\xff\xd8\xff\xc0\0\x0b\x08\0\5\0\7\1\1\x11\0\xff\xda\0\2" + b"\xff" * SIZE + b"\0"',
        r'b"\x89PNG\r\n\x1a\n" + (struct.pack(">I4sI", 0, b"tEXt", zlib.crc32(b"tEXt"))) * (SIZE // 12)',
        r'b"GIF89a" + bytes(7) + b"\x21\xfe\0" * (SIZE // 3)',
        r'b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1x" * (SIZE // 2)',
        r'b"\0\0\0\x0cftypisom" + struct.pack(">I4s", 8, b"free") * (SIZE // 8)',
        r'b"RIFF" + struct.pack("<I", SIZE) + b"WEBPVP8X" + bytes(SIZE)',
        r'b"\x89PNG\r\n\x1a\n" + b"PK\5\6" * (SIZE // 4)',
        r'b"\x89PNG\r\n\x1a\n" + b"<" * SIZE',
    ],
)
def test_megabytes_made_to_be_slow_are_judged_in_one_go(made):
    code = f"""
import struct, zlib
from govpost.media_formats import BadFile, measured
SIZE = 5_000_000
try:
    print(measured({made}))
except BadFile as error:
    print(error)
"""
    assert "cut short" in run_apart(code, 60)


@FUZZ
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=6)), max_size=5),
)
@example("gif", [(6, b"\xff\xff\xff\xff\xff")])
def test_any_damage_gives_a_picture_or_one_line(kind, damages):
    data = WHOLE[kind]
    for where, damage in damages:
        data = data[:where] + damage + data[where + len(damage) :]
    try:
        mime, width, height = measured(data)
    except BadFile as error:
        assert error.message
    else:
        assert mime.startswith("video/") or 0 < (width or 0) * (height or 0) <= 100_000_000


NAMES = (
    "../secret.png",
    "/etc/passwd",
    "//etc/passwd",
    "a/../../secret.png",
    "./../secret.png",
    "~/x.png",
    "link.png",
)
LOOK_ALIKES = (
    "..\u2215secret.png",
    "\uff0e\uff0e/secret.png",
    "..\u2044secret.png",
    "%2e%2e/secret.png",
    "..\\secret.png",
)


@FUZZ
@given(
    st.one_of(
        st.sampled_from(NAMES + LOOK_ALIKES),
        st.lists(st.sampled_from(["..", ".", "/", "a", "\0", "link"])).map("/".join),
    )
)
@example("a" * 300)
@example("/".join(["a"] * 3000))
def test_no_name_leads_out_of_the_workspace(tmp_path, name):
    root = tmp_path / "workspace"
    (root / "content").mkdir(parents=True, exist_ok=True)
    (tmp_path / "secret.png").write_bytes(png())
    for link, target in (("link.png", tmp_path / "secret.png"), ("link", tmp_path)):
        if not (root / "content" / link).is_symlink():
            (root / "content" / link).symlink_to(target)
    try:
        found = inside(root / "content" / name, root)
    except BadFile as error:
        assert error.message
    else:
        assert found.is_relative_to(root)
        assert found == found.resolve()


@pytest.fixture(name="riverton")
def _riverton(tmp_path):
    return small(tmp_path)


def test_a_link_that_takes_a_pictures_place_is_not_followed(tmp_path):
    (tmp_path / "secret.png").write_bytes(png())
    (tmp_path / "a.png").write_bytes(png())
    real = inside(tmp_path / "a.png", tmp_path)
    real.unlink()
    real.symlink_to(tmp_path / "secret.png")
    with pytest.raises(BadFile, match="cannot be read"):
        probe(real)


def test_bytes_that_change_after_they_were_judged_are_not_taken(riverton):
    path = riverton.root / "content" / "a-post" / "post.md"
    path.parent.mkdir(parents=True)
    path.write_text("---\ntitle: T\nmedia: [{ file: a.png, alt: A }]\n---\nHello.")
    (path.parent / "a.png").write_bytes(png())
    draft = content.load(path, riverton)
    (path.parent / "a.png").write_bytes(png(3, 3))
    with pytest.raises(Refused, match="changed while it was read"):
        media_store.keep(draft, riverton.root / ".govpost" / "media")
    assert not list((riverton.root / ".govpost" / "media").iterdir())


@pytest.mark.parametrize(
    "name", ["..", "a\u0430", "A-Post", "a b", "a.b", "con\u2024", "-a", "a" * 81, "\u202egnp"]
)
def test_a_post_of_a_doubtful_name_is_a_mistake(riverton, name):
    path = riverton.root / "content" / f"{name}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("---\ntitle: T\n---\nHello.")
    with pytest.raises(Mistakes, match="cannot be the name of a post"):
        content.load(path, riverton)
