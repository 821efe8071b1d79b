"""What a plugin and the engine promise each other.

`Platform` is the one verb every platform has; the optional parts are methods that exist or do not. The hooks only
find plugins and tell them what happened; the work is done by ordinary objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pluggy

from govpost.dialogue import Dialogue
from govpost.domain import (
    Account,
    Capabilities,
    Channel,
    Draft,
    Event,
    Finding,
    Metrics,
    Receipt,
    Reply,
    Severity,
    Variant,
)

if TYPE_CHECKING:
    import httpx2

ENTRY_POINTS = "govpost"

hookspec = pluggy.HookspecMarker("govpost")
hookimpl = pluggy.HookimplMarker("govpost")


@runtime_checkable
class Platform(Protocol):
    """One kind of place to publish.

    A class attribute ``Settings`` (a pydantic model) says what ``[channels.x] settings`` must hold; ``Options`` (the
    same) what a post may ask of this platform alone, under ``options: {channel: …}`` in its front matter; an attribute
    ``example`` (`Example`) gives the conformance suite something to play with. All three may be left out.
    """

    name: str
    capabilities: Capabilities

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Create exactly one remote post and return its receipt.

        Pass `variant.key` on as the idempotency key wherever the platform takes one. Let HTTP errors out: the core
        knows what each means. Raise a `PublishError` when the platform says something HTTP cannot. Never retry, sleep
        or log here.
        """
        ...


@runtime_checkable
class Stages(Protocol):
    """A platform that takes files before the post itself."""

    def stage(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Mapping[str, Any]:
        """Upload what the post will need and return it as JSON; nothing may become public here.

        It may be called again for the same key. The result reaches `publish` as ``variant.staged``. A platform that
        works on an upload for a while is asked with `govpost.polls`; when that is not long enough, raise `Processing`
        with what was staged so far: it stands in ``variant.staged`` the next time.
        """
        ...


@runtime_checkable
class Confirms(Protocol):
    """A platform that can be asked whether it holds a post."""

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: httpx2.Client
    ) -> Receipt | None:
        """Look, without changing anything, whether the post is there; None means not there now.

        Raise when it cannot be told. `receipt` is what publish returned, None when its answer was lost.
        """
        ...


@runtime_checkable
class Amends(Protocol):
    """A platform that can change a post in place."""

    def amend(self, receipt: Receipt, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Replace the post of `receipt` by `variant`, showing that it was corrected; return its receipt."""
        ...


@runtime_checkable
class Withdraws(Protocol):
    """A platform that can take a post down."""

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: httpx2.Client) -> None:
        """Take the post of `receipt` down, leaving `notice` in its place where the platform can show one.

        A post that is already gone is success.
        """
        ...


@runtime_checkable
class Adapts(Protocol):
    """A platform whose servers differ in what they carry."""

    def adapted(self, channel: Channel) -> Capabilities:
        """Return the capabilities on this very channel, without asking the network.

        ``channel.limits`` is what `verify` found on the server the last time, empty before that.
        """
        ...


@runtime_checkable
class Foresees(Protocol):
    """A platform that knows more of what it takes than its capabilities say."""

    def refusals(self, variant: Variant, channel: Channel) -> Iterable[str]:
        """Say in words what of a variant this channel will not take; without asking the network.

        Asked when a post is checked, so that nothing is approved that cannot go out, and again at the gate.
        """
        ...


@runtime_checkable
class Addresses(Protocol):
    """A platform that sends a copy of its own to each recipient."""

    def recipients(self, channel: Channel, http: httpx2.Client) -> Iterable[str]:
        """Return a reference for each who gets a copy, each once; asked when the post is due.

        A reference is short, says nothing of the person, and stays the same; it comes back as ``variant.recipient``,
        one delivery for each. An address or a name must never be one.
        """
        ...


@runtime_checkable
class Measures(Protocol):
    """A platform that counts what became of a post."""

    def measure(
        self, receipts: Sequence[Receipt], channel: Channel, http: httpx2.Client
    ) -> Mapping[str, Metrics]:
        """Return the counts by remote_id, for up to ``capabilities.measure_batch`` posts; reading only.

        A post that is gone is left out. None in a count is unknown, not zero.
        """
        ...


@runtime_checkable
class Listens(Protocol):
    """A platform where the public can say something back."""

    def replies(self, channel: Channel, since: str | None, http: httpx2.Client) -> Iterable[Reply]:
        """Return what came after the cursor `since` (None: the newest page or so), oldest first; reading only.

        Each `Reply.cursor` is where the next call may go on. What was given before may come again.
        """
        ...


@runtime_checkable
class Answers(Protocol):
    """A platform where we can answer the public."""

    def answer(self, reply: Reply, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Publish `variant` as our answer to `reply`, like `publish`: exactly one remote post."""
        ...


@runtime_checkable
class Verifies(Protocol):
    """A platform that can be asked who we are there."""

    def verify(self, channel: Channel, http: httpx2.Client) -> Account:
        """Say who the credentials belong to, what the server's own limits are and what is missing; reading only."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A platform whose credentials expire and can be renewed.

    ``refresh_repeats = True`` on it says that a renewal whose answer was lost may be asked for again.
    """

    def refresh(self, channel: Channel, http: httpx2.Client) -> Mapping[str, str]:
        """Return new secrets that take the place of the old ones of the same names; the core stores them.

        Called once, by one worker at a time, after `Unauthorized`. It is never repeated by itself: raise `Unauthorized`
        when a person has to log in again.
        """
        ...


@runtime_checkable
class Authorises(Protocol):
    """A platform with a log-in of its own."""

    def login(self, channel: Channel, talk: Dialogue, http: httpx2.Client) -> Mapping[str, str]:
        """Lead a person through the log-in and return the secrets to keep, by name; the core stores them encrypted."""
        ...


@runtime_checkable
class Expires(Protocol):
    """A platform whose log-ins end by themselves."""

    def ends(self, secrets: Mapping[str, str]) -> datetime | None:
        """Say until when these stored secrets last without a person, without asking the network; None: no end is known.

        Where they are renewed by others of them, it is the end of the last that renews.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """What the conformance suite plays with: a channel of this platform and the answer of a server that accepts.

    ``answer`` is a status and a JSON body. ``server`` makes a small server of the platform's kind for the suite to
    talk to: called once a test, it returns what answers each request. With it the optional parts are tried too; what
    else it may have stands in docs/reference/hooks.md, "The other side". ``limits`` is what `verify` would have found.
    ``words`` are the plugin's fixed templates: text it may send besides the variant's. ``options`` is what a post may
    ask. ``person`` is what is typed in `login`, by a word of the question. A setting may be ``{tmp}``, a folder of the
    suite's own.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    answer: tuple[int, Mapping[str, Any]] = (201, {"id": "42", "url": "https://platform.example/posts/42"})
    words: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    person: Mapping[str, str] = field(default_factory=dict)
    server: Callable[[], Callable[[httpx2.Request], httpx2.Response]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleContext:
    """What a rule may look at: the draft, what would go out, and the policy it is held against.

    ``repeats`` names, per channel, the posts that carry the same text there within seven days. ``refusals`` says, per
    channel, what the platform itself will not take.
    """

    draft: Draft
    variants: Mapping[str, tuple[Variant, ...]]
    capabilities: Mapping[str, Capabilities]
    channels: frozenset[str]
    main_channel: str
    goals: frozenset[str]
    audiences: frozenset[str]
    topics: frozenset[str] | None
    now: datetime
    repeats: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One check of the agency's policy: `check` yields a finding for each thing wrong."""

    id: str
    title: str
    severity: Severity
    check: Callable[[RuleContext], Iterable[Finding]]


class Hooks:
    """The hooks a plugin module may implement, each with ``@hookimpl``."""

    @hookspec
    def govpost_platforms(self) -> Iterable[Platform]:  # type: ignore[empty-body]
        """Return the platforms this plugin brings."""

    @hookspec
    def govpost_rules(self) -> Iterable[Rule]:  # type: ignore[empty-body]
        """Return rules to check besides the built-in ones."""

    @hookspec
    def govpost_event(self, event: Event) -> None:
        """Hear what happened; raising changes nothing."""
