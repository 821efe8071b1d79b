"""WordPress itself with SQLite for its database, on PHP's own web server."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from real.servers.process import CACHE, HERE, Server, Unavailable, free_port, needed

BUILDS = CACHE / "wordpress" / "node_modules" / "@wp-playground" / "wordpress-builds" / "src"
PACKAGES = "on Debian apt-get install php-cli php-sqlite3 php-gd php-mbstring php-xml"
PARTS = ("pdo_sqlite", "gd", "mbstring", "xml")


@dataclass(frozen=True, kw_only=True)
class WordPressAccount:
    """A user with an application password."""

    url: str
    user: str
    password: str

    def client(self) -> httpx2.Client:
        """Return a client that is logged in; its base URL is that of the REST API."""
        return httpx2.Client(
            base_url=f"{self.url}/wp-json/", auth=(self.user, self.password), timeout=60, trust_env=False
        )

    def posts(self, kind: str = "posts", status: str = "any") -> list[dict[str, Any]]:
        """Return what the site holds and this user may edit, newest second first; `trash` is a status of its own."""
        with self.client() as client:
            ask = f"wp/v2/{kind}?context=edit&per_page=100&status={status}"
            answer = client.get(ask).raise_for_status()
        posts: list[dict[str, Any]] = answer.json()
        return posts


class WordPress(Server):
    """A site in Europe/Stockholm. `agency` is an editor, `citizen` a subscriber; `admin` may do everything."""

    name = "wordpress"
    agency: WordPressAccount
    citizen: WordPressAccount
    admin: WordPressAccount
    version = ""

    @classmethod
    def from_environment(cls) -> Self | None:
        """Read GOVPOST_WORDPRESS_URL, _USER and _PASSWORD; _ADMIN_USER and _ADMIN_PASSWORD let tests make accounts."""
        url = os.environ.get("GOVPOST_WORDPRESS_URL")
        if not url:
            return None
        server = cls.at(url)
        server.agency = _known(server.url, "")
        if os.environ.get("GOVPOST_WORDPRESS_ADMIN_USER"):
            server.admin = _known(server.url, "ADMIN_")
            server.citizen = server.account("subscriber")
        return server

    def prepare(self) -> None:
        self.php = _php()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret = secrets.token_hex(16)
        self.site = self.folder / "site"
        _unpack(self.site)
        facts = json.loads(self._set_up())
        self.version = facts["version"]
        self.admin = WordPressAccount(url=self.url, user="admin", password=facts["password"])

    def _set_up(self) -> str:
        setup = subprocess.run(
            [self.php, HERE / "wordpress" / "setup.php", self.site],
            env=os.environ | self.environment(),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        if setup.returncode or not setup.stdout.startswith("{"):
            raise AssertionError(f"WordPress was not set up:\n{setup.stdout}{setup.stderr}")
        return setup.stdout

    def environment(self) -> Mapping[str, str]:
        return {"GP_URL": self.url, "GP_SECRET": self.secret, "PHP_CLI_SERVER_WORKERS": "3"}

    def command(self) -> Sequence[str | Path]:
        sizes = ["-d", "upload_max_filesize=20M", "-d", "post_max_size=24M"]
        return [
            self.php,
            *sizes,
            "-S",
            f"127.0.0.1:{self.port}",
            "-t",
            self.site,
            HERE / "wordpress" / "router.php",
        ]

    def answers(self) -> bool:
        return httpx2.get(f"{self.url}/wp-json/", timeout=30, trust_env=False).status_code == 200

    def settle(self) -> None:
        self.agency = self.account("editor", "agency")
        self.citizen = self.account("subscriber", "citizen")

    def account(self, role: str = "editor", name: str = "") -> WordPressAccount:
        """Make a user with a role (subscriber, contributor, author, editor), by default one no other test knows."""
        name = name or f"a{secrets.token_hex(4)}"
        user = {
            "username": name,
            "email": f"{name}@example.com",
            "password": secrets.token_hex(16),
            "roles": [role],
        }
        with self.admin.client() as client:
            number = client.post("wp/v2/users", json=user).raise_for_status().json()["id"]
            made = client.post(f"wp/v2/users/{number}/application-passwords", json={"name": "govpost"})
        return WordPressAccount(url=self.url, user=name, password=made.raise_for_status().json()["password"])


def _known(url: str, who: str) -> WordPressAccount:
    user, password = (os.environ[f"GOVPOST_WORDPRESS_{who}{word}"] for word in ("USER", "PASSWORD"))
    return WordPressAccount(url=url, user=user, password=password)


def _php() -> str:
    """Return where php is, with the parts that WordPress needs."""
    php = shutil.which("php")
    if php is None:
        raise Unavailable(f"php is missing: {PACKAGES}")
    listed = subprocess.run(
        [php, "-m"], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    missing = [part for part in PARTS if part not in listed]
    if missing:
        raise Unavailable(f"php has no {', '.join(missing)}: {PACKAGES}")
    return php


def _unpack(site: Path) -> None:
    """Lay out a site that is not installed yet, with the SQLite plugin in the place of MySQL."""
    with zipfile.ZipFile(needed(BUILDS / "wordpress" / "wp-6.5.zip")) as wordpress:
        wordpress.extractall(site)
    shutil.rmtree(site / "wp-content" / "database")
    plugins = site / "wp-content" / "plugins"
    with zipfile.ZipFile(
        needed(BUILDS / "sqlite-database-integration" / "sqlite-database-integration.zip")
    ) as sqlite:
        sqlite.extractall(plugins)
    plugin = plugins / "sqlite-database-integration-main"
    plugin.rename(plugins / "sqlite-database-integration")
    shutil.copy(plugins / "sqlite-database-integration" / "db.copy", site / "wp-content" / "db.php")
    shutil.copy(HERE / "wordpress" / "wp-config.php", site)
