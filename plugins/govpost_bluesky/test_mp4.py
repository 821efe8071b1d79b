"""The shape of a film, from boxes written as ISO/IEC 14496-12 has them."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govpost_bluesky.mp4 import shape

ONE = 0x10000
AS_IT_IS = (ONE, 0, 0, 0, ONE, 0, 0, 0, 0x40000000)
A_QUARTER_TURN = (0, ONE, 0, -ONE, 0, 0, 0, 0, 0x40000000)


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def track(width, height, matrix=AS_IT_IS, version=0):
    times = bytes(32 if version else 20)
    sides = struct.pack(">2I", width << 16, height << 16)
    header = bytes([version, 0, 0, 7]) + times + bytes(16) + struct.pack(">9i", *matrix) + sides
    return box(b"trak", box(b"tkhd", header) + box(b"mdia", b""))


def mp4(width, height, **how):
    """Write a film of a sound track and a picture track, without any sound or picture."""
    moov = box(b"moov", box(b"mvhd", bytes(100)) + track(0, 0) + track(width, height, **how))
    return box(b"ftyp", b"isom") + box(b"mdat", bytes(9)) + moov


@pytest.mark.parametrize("version", [0, 1])
def test_a_film_says_how_wide_and_high_it_is(version):
    assert shape(mp4(1920, 1080, version=version)) == (1920, 1080)


def test_a_film_taken_upright_is_high():
    assert shape(mp4(1920, 1080, matrix=A_QUARTER_TURN)) == (1080, 1920)


def test_boxes_may_be_large_or_go_to_the_end():
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 9) + bytes(9)
    last = box(b"moov", track(640, 480))
    assert shape(large + bytes(4) + last[4:]) == (640, 480)


@pytest.mark.parametrize(
    "film",
    [
        b"not quite a film",
        b"",
        box(b"moov", track(0, 0)),
        box(b"moov", box(b"trak", box(b"tkhd", bytes(9)))),
        box(b"moov", box(b"trak", b"")),
    ],
)
def test_a_film_that_does_not_say_has_no_shape(film):
    assert shape(film) is None


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 200))
def test_no_bytes_break_it(noise, place):
    film = mp4(1920, 1080)
    shape(film[:place] + noise + film[place:])
    shape(noise)
