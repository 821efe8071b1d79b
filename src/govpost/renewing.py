"""After `Unauthorized`: the credentials are renewed once, where the platform can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from govpost.attempts import Answer
from govpost.domain import Channel
from govpost.errors import PublishError, Unauthorized
from govpost.fitted import Fitted
from govpost.sessions import Sessions

MARGIN = 20.0
"""Seconds that a renewal may take beyond an attempt's own time, out of the margin that its lease has: the credentials
may be found out at its very end, and a renewal that is cut short is a log-in lost."""


def renewed(
    sessions: Sessions,
    fitted: Fitted,
    channel: Channel,
    answer: Answer,
    *,
    deadline: float,
    stop: Callable[[], bool],
) -> tuple[Channel, Answer]:
    """Return the channel with new credentials when `answer` asks for them, and what the answer means then.

    ``Answer.renewed`` says that it may be tried again at once. An answer of another kind comes back as it is, and so
    does one that nobody can mend but a person.
    """
    if not isinstance(answer.error, Unauthorized) or not sessions.can_renew(fitted):
        return channel, answer
    try:
        fresh = sessions.renew(fitted, channel, deadline=deadline + MARGIN, stop=stop)
    except PublishError as error:
        return channel, replace(answer, error=error)
    return fresh, replace(answer, renewed=True)
