"""govpost: what plugins import. Names load on first use, so that the command line starts fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from govpost.contract import (
        Adapts,
        Amends,
        Confirms,
        Example,
        Platform,
        Rule,
        RuleContext,
        Stages,
        Withdraws,
        hookimpl,
    )
    from govpost.domain import (
        Action,
        Capabilities,
        Channel,
        Draft,
        Event,
        Finding,
        Media,
        Priority,
        Receipt,
        Severity,
        Variant,
    )
    from govpost.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain

__version__ = "0.1.0"

_HOME = {
    "contract": (
        "Adapts",
        "Amends",
        "Confirms",
        "Example",
        "Platform",
        "Rule",
        "RuleContext",
        "Stages",
        "Withdraws",
        "hookimpl",
    ),
    "domain": (
        "Action",
        "Capabilities",
        "Channel",
        "Draft",
        "Event",
        "Finding",
        "Media",
        "Priority",
        "Receipt",
        "Severity",
        "Variant",
    ),
    "errors": ("PublishError", "RateLimited", "Rejected", "Unauthorized", "Unavailable", "Uncertain"),
}

__all__ = [
    "Action",
    "Adapts",
    "Amends",
    "Capabilities",
    "Channel",
    "Confirms",
    "Draft",
    "Event",
    "Example",
    "Finding",
    "Media",
    "Platform",
    "Priority",
    "PublishError",
    "RateLimited",
    "Receipt",
    "Rejected",
    "Rule",
    "RuleContext",
    "Severity",
    "Stages",
    "Unauthorized",
    "Unavailable",
    "Uncertain",
    "Variant",
    "Withdraws",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"govpost.{module}"), name)
    raise AttributeError(f"module 'govpost' has no attribute {name!r}")
