"""A picture without a description does not go out."""

from dataclasses import replace
from pathlib import Path

import pytest

from govpost.domain import Media
from govpost.rules.pictures import WITHOUT_DESCRIPTION
from ruling import BRIDGE, context, said


@pytest.mark.parametrize("alt", ["", "   ", "Road", " Road \n"])
def test_a_picture_without_a_description_of_five_characters_blocks(alt):
    (found,) = said(WITHOUT_DESCRIPTION, context(media=(replace(BRIDGE, alt=alt),)))
    assert "bridge.jpg" in found.message
    assert (found.file, found.line) == ("content/road.md", 8)
    assert "alt: " in found.tip


def test_a_described_picture_and_a_film_pass():
    film = Media(path=Path("film.mp4"), mime="video/mp4")
    assert said(WITHOUT_DESCRIPTION, context(media=(replace(BRIDGE, alt="Roads"), film))) == []
