"""The JSON of an answer, also where PHP wrote a warning above it."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

_PAGE = re.compile(r"<(!doctype|html|head|body|script)\b", re.IGNORECASE)
_BEGINNING = re.compile(r"^[^\S\n]*(?=[{\[])", re.MULTILINE)
_TRIES = 50


def decoded(answer: httpx2.Response) -> Any:
    """Return what an answer says; ValueError when it is no JSON.

    A site that shows PHP's warnings puts them before the JSON, and a file saved with a byte order mark puts that there.
    """
    told = answer.text.lstrip("\ufeff")
    for line in islice(_BEGINNING.finditer(told), _TRIES):
        if _PAGE.search(told, 0, line.end()):
            # A whole page stands there instead of the site's answer; what its scripts hold is none.
            break
        try:
            return json.loads(told[line.end() :])
        except ValueError:
            continue
    raise ValueError("no JSON")
