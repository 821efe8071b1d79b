"""Logging a channel in and out: the platform leads the way, what it gives is sealed, and we look who we are with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace

from govpost import accounts, vault, wire
from govpost.config import Config
from govpost.contract import Authorises, Verifies
from govpost.dialogue import Dialogue
from govpost.domain import Channel
from govpost.errors import PublishError, Refused
from govpost.evidence import Redactor
from govpost.fitted import Fitted
from govpost.people import Actor
from govpost.sealing import Sealer, checked
from govpost.sessions import Sessions, failure
from govpost.states import Role
from govpost.store import accounts as rows
from govpost.store.account_rows import AccountRecord
from govpost.store.engine import Store
from govpost.wire_attempt import never

LOGIN_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    """What a log-in left: the names of the secrets, who we are with them, or why that could not be asked."""

    secrets: tuple[str, ...]
    account: AccountRecord | None = None
    trouble: str = ""


def login(
    sessions: Sessions, config: Config, fitted: Fitted, actor: Actor, talk: Dialogue, *, accept: bool = False
) -> LoggedIn:
    """Lead a person through the platform's log-in and keep the secrets sealed, with the account they belong to.

    Raises `Refused` when there is no such log-in, it failed, or it led to another account than before without `accept`;
    then the secrets before it stay.
    """
    actor.need(Role.ADMIN, to="log channels in")
    platform, name = fitted.platform, fitted.name
    if not isinstance(platform, Authorises):
        tip = f"if it needs secrets, name them in [channels.{name}] secrets; the plugin's README says which"
        raise Refused(f"the platform {platform.name} has no log-in of its own", tip)
    _refuse_another_key(sessions.store, fitted.sealer)
    fitted.sealer.seal(name, {})  # a key that cannot be used is told before anybody types anything
    before = _before_login(sessions, fitted)
    fresh = _logged_in(sessions, platform, before, talk)
    after = replace(before, settings=deepcopy(fitted.channel.settings), secrets={**before.secrets, **fresh})
    left = LoggedIn(secrets=tuple(sorted(fresh)))
    account = None
    if isinstance(platform, Verifies):
        try:
            account = accounts.ask(sessions, fitted, after, never)
        except PublishError as error:
            left = replace(left, trouble=str(error))
    with sessions.store.write(actor.id) as tx:
        other = accounts.other_account(tx, fitted, account) if account and not accept else None
        if other is not None:
            raise other
        rows.keep_token(tx, name, fitted.sealer.seal(name, fresh), fitted.ends(after.secrets))
        who = account.name if account else ""
        tx.event("channel.login", f"channel:{name}", new=who, channel=name, secrets=list(left.secrets))
        kept = accounts.keep(tx, config, fitted, account, always=True) if account else None
        return replace(left, account=kept)


def _refuse_another_key(store: Store, sealer: Sealer) -> None:
    """Refuse to make a key beside the one that another machine has: neither could open what the other seals."""
    if not store.several or sealer.reference is not None or sealer.path.exists():
        return
    with store.read() as conn:
        if rows.tokens(conn):
            raise Refused(
                f"the key of the secrets that are stored already is not on this machine: {sealer.path} is missing",
                "copy it from the machine that has it, or name the keys in [security] vault_key on all of them",
            )


def logout(sessions: Sessions, fitted: Fitted, actor: Actor) -> None:
    """Forget the secrets that a log-in left; on the platform they stay valid until somebody revokes them there."""
    actor.need(Role.ADMIN, to="log channels out")
    with sessions.store.write(actor.id) as tx:
        if not rows.forget_token(tx, fitted.name):
            raise Refused(
                f"nothing is stored of a log-in of {fitted.name}", "govpost channel list shows them all"
            )
        tx.event("channel.logout", f"channel:{fitted.name}", channel=fitted.name)


def _before_login(sessions: Sessions, fitted: Fitted) -> Channel:
    """Return the channel with the secrets of config that are there, laid over what the last log-in left.

    What is missing or cannot be opened, the log-in may give; a secret that a person puts into config counts from the
    next log-in on.
    """
    found = {}
    with suppress(Refused):
        found = sessions.stored(fitted)
    for name, reference in fitted.config.secrets.items():
        with suppress(Refused):
            found[name] = vault.resolve(reference, fitted.root)
    return replace(fitted.channel, settings=deepcopy(fitted.channel.settings), secrets=found)


def _logged_in(sessions: Sessions, platform: Authorises, channel: Channel, talk: Dialogue) -> dict[str, str]:
    deadline = sessions.monotonic() + LOGIN_SECONDS
    heard = _Heard(talk, dict(channel.secrets))
    with wire.Attempt(channel, deadline=deadline, monotonic=sessions.monotonic) as attempt:
        try:
            return checked(platform.login(channel, heard, attempt.client))
        except (KeyboardInterrupt, Refused):
            raise
        except Exception as error:
            meaning, clean = failure(error, attempt), heard.redactor()
    tip = clean(meaning.tip) or f"nothing was kept; try again: govpost channel login {channel.name}"
    raise Refused(f"the log-in of {channel.name} failed: {clean(str(meaning))}", tip)


@dataclass
class _Heard:
    """The person at the terminal; what they type in secret, or bring back from the browser, is never shown again."""

    inner: Dialogue
    secrets: dict[str, str]

    def redactor(self) -> Redactor:
        return Redactor(self.secrets)

    def say(self, words: str) -> None:
        self.inner.say(self.redactor()(words))

    def ask(self, question: str, *, secret: bool = False) -> str:
        typed = self.inner.ask(question, secret=secret)
        if secret:
            self._keep(typed, typed.strip())
        return typed

    def redirect(self) -> str | None:
        return self.inner.redirect()

    def visit(self, address: str) -> Mapping[str, str]:
        came = self.inner.visit(address)
        self._keep(*came.values())
        return came

    def _keep(self, *words: str) -> None:
        self.secrets |= {f"typed {len(self.secrets)} {number}": word for number, word in enumerate(words)}
