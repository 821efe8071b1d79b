"""A text that is marked as not for the public does not go out."""

import pytest

from govpost.rules.markings import MARKING
from ruling import context, said


@pytest.mark.parametrize(
    "text",
    [
        "TOP SECRET",
        "SECRET//NOFORN",
        "(S//NF) The plan",
        "**CONFIDENTIAL**",
        "CONFIDENTIAL//REL TO USA",
        "OFFICIAL-SENSITIVE",
        "OFFICIAL – SENSITIVE: plan",
        "This is FOUO material",
        "FOR OFFICIAL USE ONLY",
        "LAW ENFORCEMENT SENSITIVE",
        "NOT FOR PUBLIC RELEASE",
        "Not for public release before noon",
        "EMBARGOED UNTIL 9 A.M.",
        "Embargoed until Friday",
        "Strictly embargoed until Friday",
    ],
)
def test_a_marking_blocks(text):
    found = said(MARKING, context(body=f"The road is closed.\n\n{text}\n\nThe end."))
    assert {each.line for each in found} == {14}
    assert found[0].tip


@pytest.mark.parametrize(
    "text",
    [
        "We offer confidential counselling.",
        "Your call is CONFIDENTIAL and free.",
        "A secret garden; THE SECRET GARDEN OPENS",
        "This door is for official use only.",
        "Goods were embargoed until 1999.",
        "An official, sensitive matter",
        "Law enforcement is sensitive to this.",
        "Notes not for public release are kept.",
    ],
)
def test_ordinary_words_pass(text):
    assert said(MARKING, context(title=text, body=f"One.\n{text}\nTwo.")) == []


def test_the_marking_is_named():
    (found,) = said(MARKING, context(title="**CONFIDENTIAL**"))
    assert found.message == "the title carries the marking 'CONFIDENTIAL'"
    assert found.line == 2
