"""What `[channels.x] settings` must hold for the e-mail bulletin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from govpost import Channel
from govpost_email.addresses import Address, domain_in_ascii, parse

Security = Literal["starttls", "tls", "none"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_LIST_ID = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_TOKEN = "{token}"  # noqa: S105 - a place in an address, not a secret


def _mailbox(address: str) -> str:
    return parse(address).mailbox


def _domain(name: str) -> str:
    return domain_in_ascii(name)


def _web_address(address: str) -> str:
    parts = urlsplit(address)
    loopback = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or loopback):
        raise ValueError("must be a full https address such as https://riverton.example.gov/bulletin")
    if parts.username or not address.isascii() or re.search(r"[\s<>,]", address):
        raise ValueError("must be a plain address, without a login, spaces or '<>,'")
    return address


def _with_token(address: str) -> str:
    if address.count(_TOKEN) != 1:
        raise ValueError(
            "must hold {token} once, where each recipient's own token goes: https://…/unsubscribe/{token}"
        )
    return _web_address(address.replace(_TOKEN, "t")) and address


def _list_id(name: str) -> str:
    if not _LIST_ID.fullmatch(name):
        raise ValueError("must look like a host name, say bulletin.riverton.example.gov")
    return name.lower()


def _database(url: str) -> str:
    if re.match(r"sqlite[^:]*:///(?!/)", url):
        raise ValueError(
            "must name a sqlite file in full: sqlite:////srv/lists/residents.db, with four slashes"
        )
    if "://" not in url:
        raise ValueError(
            "must be a database address such as postgresql+psycopg://reader@db.example.gov/lists"
        )
    return url


Mailbox = Annotated[str, AfterValidator(_mailbox)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$", max_length=200)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
Selector = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=63)]


class Settings(BaseModel):
    """The server, who sends, to whom, and how people leave the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$", max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Security | None = None
    ca_file: Path | None = None
    user: Line = ""

    sender: Mailbox
    sender_name: Line = ""
    reply_to: Mailbox | None = None
    bounces_to: Mailbox | None = None
    domain: Annotated[str, AfterValidator(_domain)] | None = None
    language: Language = "en"
    footer: Line = ""

    to: Mailbox | None = None
    list_file: Path | None = None
    list_url: Annotated[str, AfterValidator(_database)] | None = None
    list_query: str = ""
    address_column: Line = "email"
    name_column: Line = ""
    list_id: Annotated[str, AfterValidator(_list_id)] | None = None
    list_name: Line = ""

    unsubscribe_url: Annotated[str, AfterValidator(_with_token)] | None = None
    unsubscribe_address: Mailbox | None = None
    unsubscribed_file: Path | None = None
    unsubscribed_url: WebAddress | None = None
    suppressed_file: Path | None = None

    dkim_selectors: tuple[Selector, ...] = ()

    imap_host: Line = ""
    imap_port: Annotated[int, Field(ge=1, le=65535)] = 993
    imap_user: Line = ""
    imap_folder: Line = "INBOX"

    @classmethod
    def of(cls, channel: Channel) -> Settings:
        """Read a channel's settings; pydantic's ValidationError when they are wrong."""
        return cls.model_validate(dict(channel.settings))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if sum(map(bool, (self.to, self.list_file, self.list_url))) != 1:
            raise ValueError("say to whom with one of list_file, list_url or to")
        if bool(self.list_url) != bool(self.list_query):
            raise ValueError("list_url and list_query go together")
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError('tls = "none" is for a server on this very machine; use "starttls" or "tls"')
        if self.imap_host and not self.suppressed_file:
            raise ValueError(
                "imap_host needs suppressed_file, where addresses that bounce are noted by reference"
            )
        return self

    @property
    def security(self) -> Security:
        """Return how the line to the server is protected; port 465 speaks TLS from the first byte (RFC 8314)."""
        return self.tls or ("tls" if self.port == 465 else "starttls")

    @property
    def from_address(self) -> Address:
        """Return who the bulletin is from."""
        return parse(self.sender)

    @property
    def envelope_sender(self) -> str:
        """Return where the mail system sends what cannot be delivered."""
        return self.bounces_to or self.sender

    @property
    def own_domain(self) -> str:
        """Return the domain of Message-IDs."""
        return self.domain or self.from_address.domain

    @property
    def leaving_address(self) -> str:
        """Return where a request to be taken off the list may be mailed."""
        return self.unsubscribe_address or self.reply_to or self.sender

    def leaving_page(self, token: str) -> str | None:
        """Return where a recipient can be taken off the list, None without such a page."""
        return self.unsubscribe_url.replace(_TOKEN, token) if self.unsubscribe_url else None
