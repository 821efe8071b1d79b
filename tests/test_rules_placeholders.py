"""Words that stand in for others are found, and ordinary words are not."""

from dataclasses import replace

import pytest

from govpost.rules.placeholders import PLACEHOLDER
from ruling import BRIDGE, context, said


@pytest.mark.parametrize(
    "text",
    [
        "Time: TBC",
        "Place tbd.",
        "TODO write this",
        "Call 555-XXXX",
        "On XX November",
        "xxx to follow",
        "Lorem ipsum dolor",
        "Dear [Name],",
        "[insert date here] at noon",
        "[Insertar fecha]",
        "[your name]",
        "[dirección]",
        "Meet at <<place>>",
        "It costs $???",
    ],
)
def test_a_placeholder_blocks(text):
    (found,) = said(PLACEHOLDER, context(body=text))
    assert found.line == 12


@pytest.mark.parametrize(
    "text",
    [
        "We do all that is to do; the todo list is done.",
        "Size XL and XXL shirts",
        "Siglo XX, siglos XIX y XX, the XX century, Super Bowl XX",
        "See [name](https://a.gov/name) and [insert coin][1] and [x]",
        "https://a.gov/TODO/XX?tbd=1",
        "Is it open?? 1 << 2",
        "MAXXAM, Foxx, TBCO",
        "a [named] street",
    ],
)
def test_ordinary_words_pass(text):
    assert said(PLACEHOLDER, context(body=text)) == []


def test_todo_is_an_ordinary_word_in_spanish():
    assert said(PLACEHOLDER, context(body="CERRADO TODO EL DÍA", language="es-MX")) == []
    assert len(said(PLACEHOLDER, context(body="TODO: escribir", language="es"))) == 1


def test_the_line_in_the_body_is_given():
    (found,) = said(PLACEHOLDER, context(body="One\n\nat TBC"))
    assert found.line == 14
    assert found.message == "the text still holds the placeholder 'TBC'"


def test_title_wording_and_descriptions_are_read_too():
    seen = context(title="TBC", wording={"hub": ("ok", "TBD")}, media=(replace(BRIDGE, alt="XX bridge"),))
    assert [found.line for found in said(PLACEHOLDER, seen)] == [2, 1, 8]
