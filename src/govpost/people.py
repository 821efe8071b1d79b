"""Who acts: the login of the real uid in the password database, matched to `[people.<id>] login`."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from govpost.config import Config
from govpost.errors import Refused, UsageFault, did_you_mean
from govpost.states import Role


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person as they act: `id` is their key in config.toml, or their bare login when they are not in it."""

    id: str
    name: str
    roles: frozenset[Role] = frozenset()
    discipline: str | None = None
    known: bool = True

    def need(self, *roles: Role, to: str) -> None:
        """`Refused` unless the actor has one of the roles."""
        if self.roles & set(roles):
            return
        if not self.known:
            tip = f'add [people.<id>] with login = "{self.id}" to config.toml'
            raise Refused(f"the login {self.id} is nobody in config.toml and may only read", tip)
        words = " or ".join(roles)
        raise Refused(
            f"{self.name} may not {to}: that needs the role {words}", f"ask somebody who is {words}"
        )


def who(config: Config, impersonate: str | None = None) -> Actor:
    """Say who acts; `impersonate` (``--as``) works only where config allows it."""
    if impersonate is None:
        return _of_login(config, login_of(config.security.service_user))
    if not config.security.impersonation:
        raise Refused(
            "--as is not allowed here", "[security] impersonation = true allows it, for demos and tests only"
        )
    if impersonate not in config.people:
        near = did_you_mean(impersonate, config.people)
        raise UsageFault(
            f"there is no person {impersonate!r} in config.toml{near}", f"known: {', '.join(config.people)}"
        )
    return _of_id(config, impersonate)


def login_of(service_user: str | None, environment: Mapping[str, str] | None = None) -> str:
    """Return the login of the real uid; SUDO_USER counts only when that uid is the service user's."""
    try:
        login = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        login = f"uid-{os.getuid()}"
    if service_user is not None and login == service_user:
        return (environment if environment is not None else os.environ).get("SUDO_USER") or login
    return login


def _of_login(config: Config, login: str) -> Actor:
    for key, person in config.people.items():
        if person.login == login:
            return _of_id(config, key)
    return Actor(id=login, name=login, known=False)


def _of_id(config: Config, key: str) -> Actor:
    person = config.people[key]
    return Actor(id=key, name=person.name, roles=frozenset(person.roles), discipline=person.discipline)
