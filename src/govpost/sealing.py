"""The seal on secrets that a log-in left: they lie in the store only encrypted (Fernet), the key lies elsewhere."""

from __future__ import annotations

import json
import os
import stat
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from govpost import vault
from govpost.errors import Refused

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY_FILE = ".govpost/vault.key"
MAX_SECRETS = 32
MAX_CHARS = 64_000

_READ_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Unkept(ValueError):
    """What a plugin gave as secrets cannot be kept; its words hold none of them."""


@dataclass(frozen=True, kw_only=True)
class Sealer:
    """Seals and opens the secrets of a channel under the workspace's key.

    `reference` is ``[security] vault_key``; without it the key lies in ``.govpost/vault.key`` and is made on first
    use. A key is one line, a Fernet key (https://github.com/fernet/spec); of several the first seals, all open.
    """

    root: Path
    reference: str | None = None

    @property
    def path(self) -> Path:
        """Return the key file that is used without a reference."""
        return self.root / KEY_FILE

    def seal(self, channel: str, secrets: Mapping[str, str]) -> str:
        """Encrypt the secrets of a channel; `Refused` when there is no usable key."""
        if self.reference is None and not self.path.exists():
            try:
                _make(self.path)
            except OSError as error:
                raise Refused(
                    f"the key of stored secrets cannot be made: {self.path}: {error.strerror}",
                    "see that the folder is there, is writable for this user and has room",
                ) from None
        bound = {"channel": channel, "secrets": dict(secrets)}
        return self._keys(channel).encrypt(json.dumps(bound).encode()).decode()

    def open(self, channel: str, sealed: str) -> dict[str, str]:
        """Decrypt what `seal` gave for this very channel; `Refused` when the key is another one."""
        from cryptography.fernet import InvalidToken

        try:
            bound = json.loads(self._keys(channel).decrypt(sealed.encode()))
        except InvalidToken:
            bound = {}
        if bound.get("channel") != channel:
            raise Refused(f"the key does not open the stored secrets of {channel}", again(channel))
        secrets: dict[str, str] = bound["secrets"]
        return secrets

    def _keys(self, channel: str) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        lines = [line.strip() for line in self._text(channel).splitlines() if line.strip()]
        try:
            return MultiFernet([Fernet(line) for line in lines])
        except ValueError:
            where = self.reference or self.path
            raise Refused(
                f"{where} holds no Fernet key", f"bring the right one back, or {again(channel)}"
            ) from None

    def _text(self, channel: str) -> str:
        if self.reference is not None:
            return vault.resolve(self.reference, self.root)
        try:
            if self.path.stat().st_mode & _READ_BY_OTHERS:
                raise Refused(f"{self.path} can be read by others", f"chmod 600 {self.path}")
            return self.path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise Refused(
                f"the key of the stored secrets cannot be read: {self.path}: {error.strerror}",
                f"bring it back, or {again(channel)}",
            ) from None


def again(channel: str) -> str:
    """Return the tip of a log-in that has to be done again."""
    return f"log in again: govpost channel login {channel}"


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


def _make(path: Path) -> None:
    """Make a key file for this user alone, whatever the umask; one that came meanwhile stays."""
    from cryptography.fernet import Fernet

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(Fernet.generate_key() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.link(beside, path)
    except FileExistsError:
        return
    finally:
        beside.unlink()
