"""Categories and tags by name: looked up, and made once where the site has none of that name."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any, Literal

from govpost import Rejected
from govpost_wordpress.api import Api, code_of, detail_of, said

Taxonomy = Literal["categories", "tags"]


def ids(api: Api, taxonomy: Taxonomy, names: Iterable[str]) -> list[int]:
    """Return the ids of these terms, each once, in the order of their names."""
    return list(dict.fromkeys(_find(api, taxonomy, name) or _make(api, taxonomy, name) for name in names))


def _find(api: Api, taxonomy: Taxonomy, name: str) -> int | None:
    # WordPress keeps the names with & as a reference, and searches them as they are kept.
    asked = {
        "search": html.escape(" ".join(name.split()), quote=False),
        "per_page": 100,
        "_fields": "id,name",
    }
    found: list[dict[str, Any]] = said(api.get(f"wp/v2/{taxonomy}", **asked))
    return next((int(term["id"]) for term in found if _same(term["name"], name)), None)


def _make(api: Api, taxonomy: Taxonomy, name: str) -> int:
    answer = api.send("POST", f"wp/v2/{taxonomy}", json={"name": name})
    existing = detail_of(answer).get("term_id")
    if code_of(answer) == "term_exists" and existing is not None:
        return int(existing)
    if answer.status_code == 403 and code_of(answer):
        kind = "category" if taxonomy == "categories" else "tag"
        tip = f"let an editor of the site make the {kind}, or take it out of the post"
        raise Rejected(f"the site has no {kind} {name!r}, and {api.settings.user} may not make one", tip=tip)
    return int(said(api.good(answer))["id"])


def _same(kept: str, asked: str) -> bool:
    return " ".join(html.unescape(kept).split()).casefold() == " ".join(asked.split()).casefold()
