"""Logging in, with a person who does what a script says."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from govpost.domain import Receipt
from govpost.testing.bench import Bench
from govpost.testing.calls import Said, demand, skip
from govpost.testing.parts.suite import Suite

_BACK = "http://127.0.0.1:8765/back"
_HIDDEN = re.compile(r"token|password|secret|key|jwt", re.IGNORECASE)


class Person:
    """Somebody at a terminal: types what the example says, and agrees to what a browser shows."""

    def __init__(self, bench: Bench, *, browser: bool, forged: bool = False) -> None:
        self.bench = bench
        self.browser = browser
        self.forged = forged
        self.said: list[str] = []
        self.typed: dict[str, bool] = {}
        self.visited: list[str] = []
        self._code: str | None = None

    def say(self, words: str) -> None:
        """Hear a line."""
        self.said.append(words)

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Type what the example's person would, or the code that the browser showed."""
        self.said.append(question)
        known = self.bench.example.person
        answer = next((known[word] for word in known if word.lower() in question.lower()), self._code)
        if answer is None:
            raise AssertionError(f"example.person has no word of the question {question!r}")
        self.typed[answer] = self.typed.get(answer, False) or secret
        return answer

    def redirect(self) -> str | None:
        """Return where the browser may come back to."""
        return _BACK if self.browser else None

    def visit(self, address: str) -> Mapping[str, str]:
        """Open an address and agree."""
        self.visited.append(address)
        if self.bench.live and not self.bench.side.has("visit"):
            skip("on this real server a person has to agree")
        came = self.bench.side.visit(address) if self.bench.side.has("visit") else self._open(address)
        if isinstance(came, str):
            self._code = came
            return {}
        if not self.browser:
            return {}
        return {**came, "state": "forged"} if self.forged and "state" in came else dict(came)

    def _open(self, address: str) -> Mapping[str, str] | str:
        answer = self.bench.side(httpx2.Request("GET", address))
        there = answer.headers.get("location")
        if there is not None:
            return dict(parse_qsl(urlsplit(there).query))
        return html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).strip()


class Logins(Suite):
    """Logging in"""

    def test_logging_in_with_a_browser_works(self) -> None:
        with self._bench() as bench:
            person = Person(bench.remembering("login"), browser=True)
            said = _logged_in(bench, person)
            for address in person.visited:
                _guarded(address)
            _works(bench, said)

    def test_logging_in_without_a_browser_works(self) -> None:
        with self._bench() as bench:
            _works(bench, _logged_in(bench, Person(bench.remembering("login"), browser=False)))

    def test_what_is_secret_is_not_shown(self) -> None:
        with self._bench() as bench:
            person = Person(bench.remembering("login"), browser=False)
            fresh = _logged_in(bench, person).outcome
            for name, value in fresh.items():
                if _HIDDEN.search(name):
                    demand(value not in " ".join(person.said), f"login shows the secret {name}")
                    demand(person.typed.get(value, True), f"{name} is typed in the open: ask(…, secret=True)")

    def test_an_answer_to_somebody_elses_log_in_is_refused(self) -> None:
        with self._bench() as bench:
            person = Person(bench.remembering("login"), browser=True, forged=True)
            said = bench.login(person)
            if not any("state=" in address for address in person.visited):
                skip("this platform logs in without a browser")
            demand(
                isinstance(said.outcome, Exception),
                "login took an answer whose state is not the one it sent: somebody else may have begun it",
            )


def _logged_in(bench: Bench, person: Person) -> Said:
    said = bench.login(person)
    fresh: Any = said.outcome
    demand(isinstance(fresh, Mapping) and bool(fresh), f"login must give the secrets to keep, not {fresh!r}")
    texts = all(isinstance(part, str) for pair in fresh.items() for part in pair)
    demand(texts, "login must give strings by name, and nothing else")
    return said


def _works(bench: Bench, said: Said) -> None:
    """Demand that the secrets are good for a post, in the place of those of the same names."""
    given, kept = said.outcome, bench.example.secrets
    demand(not kept or bool(given.keys() & kept.keys()), f"login gives {sorted(given)}, not {sorted(kept)}")
    bench.channel = replace(bench.channel, secrets={**bench.channel.secrets, **given})
    outcome = bench.publish(bench.variant()).outcome
    demand(isinstance(outcome, Receipt), f"after login a post must go out, but it failed: {outcome!r}")


def _guarded(address: str) -> None:
    """Demand that a log-in by code cannot be stolen on its way back (RFC 7636, RFC 9700)."""
    query = dict(parse_qsl(urlsplit(address).query))
    if query.get("response_type") != "code":
        return
    demand("state" in query, "a log-in by code needs a state")
    safe = query.get("code_challenge_method") == "S256" and bool(query.get("code_challenge"))
    demand(safe, "a log-in by code needs PKCE: code_challenge with S256")
