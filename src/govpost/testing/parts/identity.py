"""Who the platform is, and what it says of itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from govpost.domain import Capabilities
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, skip
from govpost.testing.parts.suite import Suite
from govpost.testing.words import leaves

_UNKNOWN = "no_option_of_any_platform"


class Identity(Suite):
    """Who it is"""

    def test_it_has_a_name_and_capabilities(self) -> None:
        name, capabilities = self.platform.name, self.platform.capabilities
        demand(
            bool(re.fullmatch(r"[a-z][a-z0-9_]*", name)),
            f"the name {name!r} must be of the form [a-z][a-z0-9_]*",
        )
        demand(isinstance(capabilities, Capabilities), "capabilities must be a govpost.Capabilities")
        _sensible(capabilities)

    def test_its_example_fits_its_settings(self) -> None:
        settings = getattr(self.platform, "Settings", None)
        if settings is None:
            skip("this platform checks no settings")
        with self._bench() as bench:
            settings.model_validate(dict(bench.channel.settings))

    def test_it_adapts_to_limits_that_it_has_never_seen(self) -> None:
        with self._bench() as bench:
            bench.require("adapted")
            for limits in ({}, bench.example.limits):
                bench.channel = replace(bench.channel, limits=limits)
                able = bench.capabilities
                demand(isinstance(able, Capabilities), f"adapted must give Capabilities, not {able!r}")
                _sensible(able)

    def test_its_options_are_checked(self) -> None:
        with self._bench() as bench:
            model = self._options(bench)
            if model is None:
                skip("this platform takes no options")
            demand(_accepts(model, bench.example.options), "Options must accept example.options")
            strange = {**bench.example.options, _UNKNOWN: "x"}
            demand(not _accepts(model, strange), "Options must refuse what it does not know: extra='forbid'")
            missing = [name for name in bench.capabilities.counted_options if name not in model.model_fields]
            demand(not missing, f"counted_options names {missing}, which Options does not know")

    def test_each_option_is_sent(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire()
            model = self._options(bench)
            if model is None or not bench.example.options:
                skip("the example asks for no options")
            asked = model.model_validate(bench.example.options).model_dump(mode="json", exclude_unset=True)
            whole = self._sent(bench, asked)
            for name in asked:
                less = self._sent(bench, {key: value for key, value in asked.items() if key != name})
                demand(less != whole, f"the option {name} changes nothing in what is sent")

    def test_the_words_of_its_options_arrive(self) -> None:
        with self._bench() as bench:
            bench.on_the_wire()
            words = [
                value for value in bench.example.options.values() if isinstance(value, str) and " " in value
            ]
            if not words:
                skip("the example's options have no words")
            sent = self._sent(bench, bench.example.options)
            for word in words:
                demand(
                    any(word in text for text in sent), f"these words of an option did not arrive: {word!r}"
                )

    def _options(self, bench: Bench) -> type[BaseModel] | None:
        model = getattr(self.platform, "Options", None)
        if model is None:
            demand(not bench.example.options, "example.options is set, but the platform has no Options")
        return model

    def _sent(self, bench: Bench, options: Any) -> list[str]:
        bench.afresh()
        _, said = bench.with_staging(replace(bench.variant(), options=options))
        demand(not isinstance(said.outcome, Exception), f"a post with options failed: {said.outcome!r}")
        found = [f"{place}={text!r}" for request in said.requests for place, text in leaves(request)]
        return [*found, *(json.dumps(_body(request.content)) for request in said.requests)]


def _body(content: bytes) -> Any:
    """Return a body as JSON, for what is no word: numbers and yes or no."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def _accepts(model: type[BaseModel], options: Any) -> bool:
    try:
        model.model_validate(dict(options))
    except ValidationError:
        return False
    return True


def _sensible(able: Capabilities) -> None:
    limits = (able.max_chars, able.max_bytes, able.max_alt, able.link_chars)
    demand(all(limit is None or limit > 0 for limit in limits), "a limit is a number above 0, or None")
    demand(able.max_media >= 0 and able.max_media_bytes > 0, "the limits of media must make sense")
    demand(able.measure_batch > 0, "measure_batch must be above 0")
    spans = (able.idempotent_for, able.settles_after)
    demand(all(span is None or span >= timedelta(0) for span in spans), "a duration is positive, or None")
