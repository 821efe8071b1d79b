"""What a pydantic model says of a wrong value, in words that tell what to write."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from govpost.errors import did_you_mean

_LISTS = ("list_type", "tuple_type", "set_type", "frozen_set_type")


def words(error: Any, model: type[BaseModel], kind: str) -> str:
    """Say what is wrong in one entry of ``ValidationError.errors()``; `kind` is what a key is called there."""
    what = error["type"]
    about = error.get("ctx") or {}
    if what == "extra_forbidden":
        return f"there is no such {kind}{did_you_mean(str(error['loc'][-1]), _keys(model, error['loc']))}"
    if what in _LISTS:
        return "must be a list, such as [Notices]"
    if what == "string_too_short":
        return "is empty"
    if what in ("too_short", "too_long"):
        least = about.get("min_length", about.get("max_length"))
        return f"needs {'at least' if what == 'too_short' else 'at most'} {least} entries"
    known = {
        "missing": "is missing",
        "string_type": "must be text; put it in quotes",
        "string_pattern_mismatch": "is not written as it must be",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "dict_type": "must hold keys and values",
        "model_type": "must hold keys and values",
    }
    return known.get(what) or str(error["msg"]).removeprefix("Value error, ").replace(
        "Input should be", "must be"
    )


def _keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are known where a path ends."""
    fields = dict(model.model_fields)
    for step in path[:-1]:
        inner = fields.get(str(step))
        nested = _model_in(inner.annotation) if inner is not None else None
        fields = dict(nested.model_fields) if nested is not None else {}
    return list(fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(each) for each in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found is not None), None)
