"""The three state machines as tables, and who may move what.

Each row of a table reads: from, to, who, cause. `Machine.check` is the only judge of a move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from govpost.errors import Refused


class Role(StrEnum):
    """What a person may do; `daemon` and `planner` are the engine's own hands."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    PUBLISHER = "publisher"
    ADMIN = "admin"
    OFFICER = "officer"
    RECORDS = "records"
    DAEMON = "daemon"
    PLANNER = "planner"


class PostState(StrEnum):
    """The editorial state of a post."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class DeliveryState(StrEnum):
    """Where one variant stands on its way to one channel."""

    HELD = "held"
    QUEUED = "queued"
    PUBLISHING = "publishing"
    PENDING = "pending"
    LIVE = "live"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    MISSED = "missed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class PilotState(StrEnum):
    """Where the trial of a channel stands."""

    PROPOSED = "proposed"
    RUNNING = "running"
    SUSPENDED = "suspended"
    GRADUATED = "graduated"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Move:
    """One permitted transition: who may make it, and why it happens."""

    old: str
    new: str
    who: frozenset[Role]
    cause: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine as a table of moves."""

    name: str
    states: type[StrEnum]
    initial: tuple[str, ...]
    moves: tuple[Move, ...]

    def find(self, old: str, new: str) -> Move | None:
        """Return the move from `old` to `new`, or None where the table has none."""
        return next((move for move in self.moves if (move.old, move.new) == (old, new)), None)

    def check(self, old: str, new: str, role: Role | Iterable[Role]) -> Move:
        """Return the move when one of the roles may make it; `Refused` otherwise."""
        roles = {role} if isinstance(role, Role) else set(role)
        move = self.find(old, new)
        if move is None:
            onward = ", ".join(self.onward(old)) or "nothing"
            raise Refused(
                f"a {self.name} that is {old} cannot become {new}", f"from {old} it can become: {onward}"
            )
        if not move.who & roles:
            who = " or ".join(sorted(move.who))
            raise Refused(
                f"only {who} may move a {self.name} from {old} to {new}", f"ask somebody who is {who}"
            )
        return move

    def onward(self, old: str) -> list[str]:
        """List the states reachable in one move from `old`."""
        return [move.new for move in self.moves if move.old == old and move.new != old]

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", *(f"    [*] --> {state}" for state in self.initial)]
        lines += [f"    {move.old} --> {move.new}: {move.cause}" for move in self.moves]
        return "\n".join(lines)

    def table(self) -> str:
        """Write the moves as a Markdown table."""
        rows = [f"| {m.old} | {m.new} | {', '.join(sorted(m.who))} | {m.cause} |" for m in self.moves]
        return "\n".join(["| from | to | who | cause |", "|---|---|---|---|", *rows])


def _moves(*rows: tuple[str, str, str, str]) -> tuple[Move, ...]:
    """Spread rows of (from, to, who, cause), each cell a comma list, into single moves."""
    return tuple(_spread(rows))


def _spread(rows: Iterable[tuple[str, str, str, str]]) -> Iterator[Move]:
    for olds, news, who, cause in rows:
        roles = frozenset(Role(word) for word in who.split())
        for old in olds.split():
            for new in news.split():
                yield Move(old, new, roles, cause)


POST = Machine(
    "post",
    PostState,
    ("draft",),
    _moves(
        ("draft", "draft", "author", "taken in again"),
        ("draft", "submitted", "author", "submitted for review"),
        ("submitted approved scheduled", "submitted", "author", "a new version"),
        ("submitted", "draft", "reviewer", "returned with a remark"),
        ("submitted", "approved", "reviewer officer", "last approval, or emergency release"),
        ("approved", "scheduled", "reviewer officer publisher planner", "slots given"),
        ("scheduled", "published", "daemon publisher", "every delivery ended, one is live"),
        ("scheduled", "failed", "daemon publisher", "every delivery ended, one failed and none is live"),
        (
            "draft submitted approved scheduled",
            "cancelled",
            "author publisher daemon",
            "by order, or nothing is left to send",
        ),
        ("failed", "cancelled", "daemon publisher", "what failed was cancelled"),
        (
            "failed cancelled withdrawn",
            "published",
            "daemon publisher",
            "what was given up is public after all",
        ),
        ("published failed", "scheduled", "publisher daemon", "a failed or missed delivery is tried again"),
        ("published scheduled", "withdrawn", "publisher daemon", "every live delivery was withdrawn"),
    ),
)

DELIVERY = Machine(
    "delivery",
    DeliveryState,
    ("queued", "held"),
    _moves(
        ("held", "queued", "daemon", "the reason is gone"),
        (
            "queued",
            "held",
            "daemon admin officer publisher",
            "freeze, pause, suspension, plugin off or missing",
        ),
        ("queued", "publishing", "daemon", "claimed"),
        ("publishing", "queued held", "daemon", "before the gate, or nothing was published"),
        ("publishing", "live pending", "daemon", "receipt"),
        ("publishing", "failed", "daemon", "rejected, digest wrong at the gate, or attempts used up"),
        ("publishing queued held", "uncertain", "daemon", "it may be public and no safe repeat is left"),
        ("pending", "live failed uncertain", "daemon", "what confirm says, or silent past its limit"),
        (
            "uncertain",
            "live queued",
            "daemon publisher",
            "found, or not there: by confirm, a safe repeat, or a person",
        ),
        ("uncertain", "failed", "publisher", "given up: it may be public"),
        ("queued held", "live", "daemon", "a late receipt"),
        ("queued held", "missed", "daemon", "late or expired"),
        ("queued held", "cancelled", "publisher daemon", "by order, or late = expire"),
        (
            "failed missed",
            "queued held",
            "publisher",
            "tried again; what was given up, only if it is not there",
        ),
        ("failed cancelled", "live", "publisher daemon", "given up, and public after all"),
        ("failed missed", "cancelled", "publisher daemon", "by order"),
        ("failed missed", "uncertain", "daemon", "the store was put back, and it went on after the backup"),
        ("live", "withdrawn", "daemon", "its withdraw delivery is live"),
    ),
)

PILOT = Machine(
    "pilot",
    PilotState,
    ("proposed",),
    _moves(
        ("proposed", "running", "admin", "started with a complete charter"),
        ("running graduated", "suspended", "admin daemon", "stopped by a rule or a person"),
        ("suspended", "running graduated", "admin", "resumed to what it was"),
        ("running", "graduated", "admin", "decided"),
        ("running suspended graduated", "retired", "admin", "ended"),
    ),
)

UNSETTLED = frozenset({"held", "queued", "publishing", "pending", "uncertain", "missed"})
"""Delivery states that keep a post scheduled."""

PUBLISHES = frozenset({"running", "graduated"})
"""Pilot states in which a channel publishes."""


def post_state_of(deliveries: Iterable[str]) -> PostState:
    """Say where a post stands, given the states of its publish and amend deliveries."""
    states = set(deliveries)
    if states & UNSETTLED:
        return PostState.SCHEDULED
    for delivery, post in (
        ("live", PostState.PUBLISHED),
        ("withdrawn", PostState.WITHDRAWN),
        ("failed", PostState.FAILED),
    ):
        if delivery in states:
            return post
    return PostState.CANCELLED
