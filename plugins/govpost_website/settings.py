"""What `[channels.x] settings` must hold for the website, and the addresses that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from govpost import Channel


def _https(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("must be a full https address such as https://news.example.gov/")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("must be a plain address, without a login, '?' or '#'")
    return address if address.endswith("/") else address + "/"


def _named(folder: Path) -> Path:
    if not folder.name:
        raise ValueError("must be a folder of the site's own, for example public")
    return folder


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone is called {name!r}; write for example America/Chicago")
    return name


Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]


class Settings(BaseModel):
    """Where the site lies, where the public finds it, and what it is called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Annotated[Path, AfterValidator(_named)]
    base_url: Annotated[str, AfterValidator(_https)]
    title: str = ""
    language: Language = "en"
    author: str = ""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    @classmethod
    def of(cls, channel: Channel) -> Settings:
        """Read a channel's settings; pydantic's ValidationError when they are wrong."""
        return cls.model_validate(dict(channel.settings))

    @property
    def host(self) -> str:
        """Return the host of the public address, in lower case."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def name(self) -> str:
        """Return the site's title, the host when none is set."""
        return self.title or self.host

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which times are shown."""
        return ZoneInfo(self.timezone)

    def page_url(self, page: str) -> str:
        """Return the public address of a post's page."""
        return f"{self.base_url}posts/{page}.html"
