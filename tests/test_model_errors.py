"""What is wrong with a setting or an option is said in words that tell what to write."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from govpost.model_errors import words


class Poll(BaseModel, extra="forbid"):
    answers: tuple[str, ...] = Field(default=("a", "b"), min_length=2, max_length=3)


class Options(BaseModel, extra="forbid"):
    tags: tuple[str, ...] = ()
    poll: Poll | None = None
    title: Annotated[str, Field(min_length=1, pattern="^[A-Z]")] = "A"
    open: bool = False
    who: Literal["all", "none"] = "all"

    @field_validator("title")
    @classmethod
    def _no_shouting(cls, title: str) -> str:
        if title.isupper() and len(title) > 1:
            raise ValueError("must not shout")
        return title


class Strict(BaseModel):
    name: str


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tags": "Notices"}, "must be a list, such as [Notices]"),
        ({"poll": {"answers": ["a"]}}, "needs at least 2 entries"),
        ({"poll": {"answers": ["a", "b", "c", "d"]}}, "needs at most 3 entries"),
        ({"poll": {"anwers": ["a"]}}, "there is no such option – did you mean 'answers'?"),
        ({"tgas": []}, "there is no such option – did you mean 'tags'?"),
        ({"poll": "yes"}, "must hold keys and values"),
        ({"title": ""}, "is empty"),
        ({"title": "x"}, "is not written as it must be"),
        ({"title": 7}, "must be text; put it in quotes"),
        ({"title": "LOUD"}, "must not shout"),
        ({"open": "perhaps"}, "must be true or false"),
        ({"who": "some"}, "must be 'all' or 'none'"),
    ],
)
def test_every_mistake_is_told_in_plain_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(given)
    assert [words(each, Options, "option") for each in caught.value.errors()] == [said]


def test_what_is_missing_is_said_to_be_missing() -> None:
    with pytest.raises(ValidationError) as caught:
        Strict.model_validate({})
    assert [words(each, Strict, "setting") for each in caught.value.errors()] == ["is missing"]
