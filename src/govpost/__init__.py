"""govpost: what plugins import. Names load on first use, so that the command line starts fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from govpost.contract import (
        Adapts,
        Addresses,
        Amends,
        Answers,
        Authorises,
        Confirms,
        Example,
        Foresees,
        Listens,
        Measures,
        Platform,
        Refreshes,
        Rule,
        RuleContext,
        Stages,
        Verifies,
        Withdraws,
        hookimpl,
    )
    from govpost.counting import (
        links,
    )
    from govpost.dialogue import Dialogue
    from govpost.domain import (
        Account,
        Action,
        Capabilities,
        Channel,
        Draft,
        Event,
        Finding,
        Media,
        Metrics,
        Priority,
        Receipt,
        Reply,
        Severity,
        Variant,
    )
    from govpost.errors import (
        NotWanted,
        Processing,
        PublishError,
        RateLimited,
        Rejected,
        Unauthorized,
        Unavailable,
        Uncertain,
    )
    from govpost.markup import (
        plain,
    )
    from govpost.polling import (
        polls,
        time_left,
    )

__version__ = "0.1.0"

_HOME = {
    "contract": (
        "Adapts",
        "Addresses",
        "Amends",
        "Answers",
        "Authorises",
        "Confirms",
        "Example",
        "Foresees",
        "Listens",
        "Measures",
        "Platform",
        "Refreshes",
        "Rule",
        "RuleContext",
        "Stages",
        "Verifies",
        "Withdraws",
        "hookimpl",
    ),
    "dialogue": ("Dialogue",),
    "domain": (
        "Account",
        "Action",
        "Capabilities",
        "Channel",
        "Draft",
        "Event",
        "Finding",
        "Media",
        "Metrics",
        "Priority",
        "Receipt",
        "Reply",
        "Severity",
        "Variant",
    ),
    "errors": (
        "NotWanted",
        "Processing",
        "PublishError",
        "RateLimited",
        "Rejected",
        "Unauthorized",
        "Unavailable",
        "Uncertain",
    ),
    "polling": (
        "polls",
        "time_left",
    ),
    "counting": ("links",),
    "markup": ("plain",),
}

__all__ = [
    "Account",
    "Action",
    "Adapts",
    "Addresses",
    "Amends",
    "Answers",
    "Authorises",
    "Capabilities",
    "Channel",
    "Confirms",
    "Dialogue",
    "Draft",
    "Event",
    "Example",
    "Finding",
    "Foresees",
    "Listens",
    "Measures",
    "Media",
    "Metrics",
    "NotWanted",
    "Platform",
    "Priority",
    "Processing",
    "PublishError",
    "RateLimited",
    "Receipt",
    "Refreshes",
    "Rejected",
    "Reply",
    "Rule",
    "RuleContext",
    "Severity",
    "Stages",
    "Unauthorized",
    "Unavailable",
    "Uncertain",
    "Variant",
    "Verifies",
    "Withdraws",
    "hookimpl",
    "links",
    "plain",
    "polls",
    "time_left",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"govpost.{module}"), name)
    raise AttributeError(f"module 'govpost' has no attribute {name!r}")
