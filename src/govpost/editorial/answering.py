"""A post that answers somebody: which reply it is, and where the answer has to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from govpost.contract import Answers
from govpost.domain import Draft
from govpost.errors import Refused
from govpost.fitted import Fitted
from govpost.store import answered, gathered


def resolved(conn: Connection, fitted: Mapping[str, Fitted], draft: Draft) -> Draft:
    """Return the draft with that reply's channel and, sealed, the reply it answers; `Refused` if it cannot.

    A draft that was taken in holds the reply as it was then: `Refused` when its author changed it meanwhile.
    """
    if draft.answers is None:
        return draft
    reply = gathered.find_reply(conn, draft.answers)
    if ":" in draft.answers and draft.answers != answered.sealed(reply):
        raise Refused(
            f"{reply.author} changed what the post answers since it was taken in",
            "look at the question again, then run govpost post add",
        )
    named = draft.channels if "channels" in draft.lines else (reply.channel,)
    if named != (reply.channel,):
        raise Refused(
            f"an answer goes where the question stands: on {reply.channel}",
            f"write channels: [{reply.channel}], or leave the line out",
        )
    known = fitted.get(reply.channel)
    if known is not None and not isinstance(known.platform, Answers):
        raise Refused(
            f"on {reply.channel} nobody can be answered: the platform {known.platform.name} has no way to",
            "write to the person in another way",
        )
    return replace(draft, answers=answered.sealed(reply), channels=named)
