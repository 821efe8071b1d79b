"""Our own posts on the server, and the one that a correction corrects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from govpost import Action, Variant
from govpost_mastodon.api import GONE, Api, rows, said, table
from govpost_mastodon.statuses import PATH

PAGE = 40
PAGES = 3


def account_id(api: Api) -> str:
    """Return our own account's id, kept by `verify` or asked for now."""
    kept = api.channel.limits.get("account_id")
    return str(kept or table(api.ask("/api/v1/accounts/verify_credentials")).get("id", ""))


def page(api: Api, last: object = None) -> list[Mapping[str, Any]]:
    """Return our newest posts, or those older than the one with the id `last`."""
    older = {"max_id": last} if last else {}
    path = f"/api/v1/accounts/{account_id(api)}/statuses"
    return rows(api.ask(path, limit=PAGE, exclude_reblogs="true", **older))


def corrected(api: Api, variant: Variant) -> dict[str, str]:
    """Return id and visibility of the post that a correction answers, as JSON; nothing where there is none any more.

    A later part of it answers the part before; of that only the visibility is told.
    """
    if not variant.corrects or variant.action != Action.PUBLISH:
        return {}
    if variant.reply_to:
        before = table(api.look(f"{PATH}/{variant.reply_to}"))
        return {"visibility": str(before["visibility"])} if before.get("visibility") else {}
    status = _at(api, variant.corrects)
    if status is None:
        return {}
    return {name: str(status[name]) for name in ("id", "visibility") if status.get(name)}


def _at(api: Api, address: str) -> Mapping[str, Any] | None:
    """Return our post with an address (or, lacking one, an id): most servers put its id at the end of it."""
    if name := re.search(r"(?:^|/)([\w-][\w.-]*)/?$", address):
        status = table(_looked(api, name[1]))
        if _is_it(status, address) and str(table(status.get("account")).get("id")) == account_id(api):
            return status
    last: object = None
    for _ in range(PAGES):
        found = page(api, last)
        for status in found:
            if _is_it(status, address):
                return status
        if not found or found[-1].get("id") == last:
            return None
        last = found[-1].get("id")
    return None


def _looked(api: Api, name: str) -> Any:
    """Ask for a post by what may be its id; a server may refuse what cannot be one."""
    answer = api.send("GET", f"{PATH}/{name}")
    return None if answer.status_code in (*GONE, 422) else said(api.checked(answer))


def _is_it(status: Mapping[str, Any], address: str) -> bool:
    return bool(status.get("id")) and address in (status.get("url"), status.get("uri"), str(status["id"]))
