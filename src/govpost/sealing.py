"""The seal on secrets that a log-in left: they lie in the store only encrypted (Fernet), the key lies elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from govpost import key_file, vault
from govpost.errors import Refused

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

KEY_FILE = ".govpost/vault.key"
MAX_SECRETS = 32
MAX_CHARS = 64_000


class Unkept(ValueError):
    """What a plugin gave as secrets cannot be kept; its words hold none of them."""


@dataclass(frozen=True, kw_only=True)
class Sealer:
    """Seals and opens the secrets of a channel under the workspace's keys.

    `reference` is ``[security] vault_key``; without it the keys lie in ``.govpost/vault.key``, the first made on first
    use. A key is a Fernet key (https://github.com/fernet/spec); several stand on lines of their own or behind commas:
    the first seals, all open. Seal inside a write transaction: then no key goes while something sealed with it comes.
    """

    root: Path
    reference: str | None = None

    @property
    def path(self) -> Path:
        """Return the key file that is used without a reference."""
        return self.root / KEY_FILE

    def seal(self, channel: str, secrets: Mapping[str, str]) -> str:
        """Encrypt the secrets of a channel; `Refused` when there is no usable key."""
        self.make()
        bound = {"channel": channel, "secrets": dict(secrets)}
        return self._all(channel).encrypt(json.dumps(bound).encode()).decode()

    def open(self, channel: str, sealed: str) -> dict[str, str]:
        """Decrypt what `seal` gave for this very channel; `Refused` when the key is another one."""
        from cryptography.fernet import InvalidToken

        try:
            bound = json.loads(self._all(channel).decrypt(sealed.encode()))
        except InvalidToken:
            bound = {}
        if bound.get("channel") != channel:
            raise Refused(f"the key does not open the stored secrets of {channel}", again(channel))
        secrets: dict[str, str] = bound["secrets"]
        return secrets

    def make(self) -> None:
        """Make the key file where there is none yet and none is pointed to."""
        if self.reference is not None or self.path.exists():
            return
        try:
            key_file.make(self.path, _new())
        except OSError as error:
            raise Refused(
                f"the key of stored secrets cannot be made: {self.path}: {error.strerror}",
                "see that the folder is there, is writable for this user and has room",
            ) from None

    def renew(self, sealed: Iterable[str]) -> None:
        """Put a new key in front of the file; the one before stays, and older ones that something is sealed with.

        `Refused` leaves the file as it was.
        """
        self.make()
        old, texts = self.keys(), list(sealed)
        needed = {number_of(old, text) for text in texts}
        self._replace(
            [_new(), *(key for number, key in enumerate(old, 1) if number == 1 or number in needed)]
        )

    def drop_old(self, sealed: Iterable[str]) -> int:
        """Take the keys out of the file that nothing is sealed with, except the first; return how many went."""
        old = self.keys()
        needed = {1, *(number_of(old, text) for text in sealed)}
        kept = [key for number, key in enumerate(old, 1) if number in needed]
        if len(kept) < len(old):
            self._replace(kept)
        return len(old) - len(kept)

    def keys(self, channel: str | None = None) -> list[str]:
        """Return the keys, the one that seals first; `Refused` when there is none or one is no key."""
        found = [key for key in re.split(r"[\s,]+", self._text(channel)) if key]
        try:
            _fernets(found)
        except ValueError:
            found = []
        if not found:
            where = self.reference or self.path
            raise Refused(f"{where} holds no Fernet key", f"bring the right one back, or {again(channel)}")
        return found

    def _all(self, channel: str) -> MultiFernet:
        from cryptography.fernet import MultiFernet

        return MultiFernet(_fernets(self.keys(channel)))

    def _replace(self, keys: list[str]) -> None:
        try:
            key_file.replace(self.path, keys)
        except OSError as error:
            raise Refused(
                f"the keys of stored secrets cannot be written: {self.path}: {error.strerror}",
                "the old ones are in force; see that the folder is writable for this user and has room",
            ) from None

    def _text(self, channel: str | None) -> str:
        if self.reference is not None:
            return vault.resolve(self.reference, self.root)
        try:
            if key_file.is_open_to_others(self.path):
                raise Refused(f"{self.path} can be read by others", f"chmod 600 {self.path}")
            return self.path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise Refused(
                f"the key of the stored secrets cannot be read: {self.path}: {error.strerror}",
                f"bring it back, or copy it from the machine that has it; if it is lost, {again(channel)}",
            ) from None


def number_of(keys: Iterable[str], sealed: str) -> int:
    """Say which of the keys something is sealed with, counted from 1; 0 when none opens it."""
    from cryptography.fernet import InvalidToken

    for number, key in enumerate(_fernets(keys), 1):
        try:
            key.decrypt(sealed.encode())
        except InvalidToken:
            continue
        return number
    return 0


def resealed(keys: Iterable[str], sealed: str) -> str:
    """Return the same secrets, sealed with the first of the keys; one of them has to open it."""
    from cryptography.fernet import MultiFernet

    return MultiFernet(_fernets(keys)).rotate(sealed.encode()).decode()


def again(channel: str | None) -> str:
    """Return the tip of a log-in that has to be done again."""
    return f"log in again: govpost channel login {channel or 'CHANNEL'}"


def checked(secrets: object) -> dict[str, str]:
    """Return the secrets that a plugin gave; `Unkept` when they cannot be stored."""
    if not isinstance(secrets, Mapping) or not secrets:
        raise Unkept(f"the plugin gave {type(secrets).__name__} where secrets were expected")
    whole = {str(name): value for name, value in secrets.items()}
    if len(whole) > MAX_SECRETS:
        raise Unkept(f"the plugin gave more than {MAX_SECRETS} secrets")
    for name, value in whole.items():
        if not isinstance(value, str) or not value or len(name) + len(value) > MAX_CHARS:
            raise Unkept(f"the plugin gave a secret {name[:60]!r} that is no text of a usable length")
    return whole


def _fernets(keys: Iterable[str]) -> list[Fernet]:
    from cryptography.fernet import Fernet

    return [Fernet(key) for key in keys]


def _new() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
