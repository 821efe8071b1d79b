"""Who acts: the login of the real uid, never a word of the environment."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

import riverton
from govpost import config, people, workspace
from govpost.config import Config
from govpost.errors import Mistakes, Refused, UsageFault
from govpost.states import Role

ME = pwd.getpwuid(os.getuid()).pw_name


def load(root: Path, more: str = "", *, login: str = "ana") -> Config:
    riverton.write(root, riverton.SMALL.replace('login = "ana"', f'login = "{login}"') + more)
    return config.load(root)


def test_the_login_of_the_real_uid_is_who_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME"):
        monkeypatch.setenv(name, "ben")
    me = people.who(load(tmp_path, login=ME))
    assert (me.id, me.name, me.roles, me.known) == ("ana", "Ana Ruiz", {Role.AUTHOR}, True)


def test_an_unknown_login_may_only_read(tmp_path: Path) -> None:
    me = people.who(load(tmp_path))
    assert (me.id, me.roles, me.known) == (ME, frozenset(), False)
    with pytest.raises(Refused, match="may only read") as caught:
        me.need(Role.AUTHOR, to="submit")
    assert f'login = "{ME}"' in caught.value.tip


def test_a_uid_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert people.login_of(None) == "uid-3999999999"


@pytest.mark.parametrize(
    ("service_user", "environment", "login"),
    [
        (ME, {"SUDO_USER": "ben"}, "ben"),
        (ME, {"SUDO_USER": ""}, ME),
        (ME, {}, ME),
        ("somebody-else", {"SUDO_USER": "ben"}, ME),
        (None, {"SUDO_USER": "ben"}, ME),
    ],
)
def test_sudo_user_counts_only_for_the_service_user(
    service_user: str | None, environment: dict[str, str], login: str
) -> None:
    assert people.login_of(service_user, environment) == login


def test_the_service_user_acts_as_whoever_called_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "ben")
    found = load(tmp_path, f'\n[security]\nservice_user = "{ME}"\n')
    assert people.who(found).id == "ben"


def test_as_is_refused_unless_impersonation_is_on(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--as is not allowed here"):
        people.who(load(tmp_path), "ben")
    found = load(tmp_path, "\n[security]\nimpersonation = true\n")
    assert people.who(found, "ben").name == "Ben Cole"
    assert people.who(found, "ben").discipline == "communications"


def test_an_unknown_as_is_a_usage_fault_with_the_nearest_name(tmp_path: Path) -> None:
    found = load(tmp_path, "\n[security]\nimpersonation = true\n")
    with pytest.raises(UsageFault, match="did you mean 'ben'") as caught:
        people.who(found, "benn")
    assert caught.value.tip == "known: ana, ben"


def test_a_role_that_is_missing_is_named(tmp_path: Path) -> None:
    ana = people.who(load(tmp_path, login=ME))
    ana.need(Role.AUTHOR, Role.ADMIN, to="submit")
    with pytest.raises(Refused, match="Ana Ruiz may not approve: that needs the role reviewer or officer"):
        ana.need(Role.REVIEWER, Role.OFFICER, to="approve")


def test_under_sudo_a_workspace_of_the_callers_own_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("[agency]\n")
    monkeypatch.setenv("SUDO_UID", "4242")
    os.chown(tmp_path, os.getuid(), -1)
    with pytest.raises(Mistakes):
        workspace.open_workspace(tmp_path)
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    os.chown(tmp_path, 4242, -1)
    with pytest.raises(Refused, match="belongs neither"):
        workspace.open_workspace(tmp_path)
