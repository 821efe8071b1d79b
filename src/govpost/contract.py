"""What a plugin and the engine promise each other.

`Platform` is the one verb every platform has; the optional parts are methods that exist or do not. The hooks only
find plugins and tell them what happened; the work is done by ordinary objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pluggy

from govpost.domain import Capabilities, Channel, Draft, Event, Finding, Receipt, Severity, Variant

if TYPE_CHECKING:
    import httpx2

ENTRY_POINTS = "govpost"

hookspec = pluggy.HookspecMarker("govpost")
hookimpl = pluggy.HookimplMarker("govpost")


@runtime_checkable
class Platform(Protocol):
    """One kind of place to publish.

    A class attribute ``Settings`` (a pydantic model) says what ``[channels.x] settings`` must hold; an attribute
    ``example`` (`Example`) gives the conformance suite something to play with. Both may be left out.
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

        It may be called again for the same key. The result reaches `publish` as ``variant.staged``.
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
        """Return the capabilities on this very channel, without asking the network."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """What the conformance suite plays with: a channel of this platform and the answer of a server that accepts.

    ``answer`` is a status and a JSON body. ``words`` are the plugin's fixed templates: text it may send besides the
    variant's. A setting may be ``{tmp}``, a folder of the suite's own.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    answer: tuple[int, Mapping[str, Any]] = (201, {"id": "42", "url": "https://platform.example/posts/42"})
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleContext:
    """What a rule may look at: the draft, what would go out, and the policy it is held against.

    ``repeats`` names, per channel, the posts that carry the same text there within seven days.
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
