"""No secret reaches a log, an event, a record, a message or a traceback: all are planted and every byte is searched."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import MetaData, select

from canaries import PLUGIN, canary, found, mirror, shapes
from cli_city import CHARTER, City, city, finish, process
from govpost.cli.daemon import JsonLines, Lines
from govpost.workspace import open_workspace

CHANNEL = """
[channels.mirror]
platform = "mirror"
settings = { url = "URL" }
secrets = { env = "env:CANARY_ENV", file = "file:canary.txt", credential = "credential:canary" }
[channels.mirror.rate]
windows = ["always"]
[channels.mirror.pilot]
CHARTER
"""
WORDS = (
    "works",
    "refuses",
    "denies",
    "breaks",
    "busy",
    "moved",
    "crashes",
    "mine",
    "unbuilt",
    "userinfo",
    "header",
    "cookie",
    "odd-id",
)
LINES = """\
status
doctor
post list
post show works
review list
queue list
delivery list
metrics list
metrics collect
explain refuses
pilot list
pilot show mirror
pilot report mirror
channel list
channel verify mirror
channel verify --all
plugin list
plugin show mirror
plugin check mirror
vault show
audit log
audit verify
store check
freeze --reason enough
thaw --reason again
"""


class Planted:
    """A city in which every secret is a canary, and all that it has written."""

    def __init__(
        self, root: Path, folder: Path, url: str, store: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.secrets = {
            name: canary(name) for name in ("env", "file", "credential", "typed", "wrong", "store")
        }
        self.secrets["key"] = Fernet.generate_key().decode()
        self.secrets |= {"access_token": canary("access"), "refresh_token": canary("refresh")}
        monkeypatch.setenv("CANARY_ENV", self.secrets["env"])
        monkeypatch.setenv("CANARY_STORE", self.secrets["store"])
        monkeypatch.setenv("CANARY_KEY", self.secrets["key"])
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
        (folder / "canary").write_text(self.secrets["credential"])
        self.city, self.printed = self._settle(root, url, store), b""
        (root / "canary.txt").write_text(self.secrets["file"])
        (root / "canary.txt").chmod(0o600)

    def _settle(self, root: Path, url: str, store: str) -> City:
        made = city(root, start=False)
        more = 'impersonation = true\nvault_key = "env:CANARY_KEY"\n'
        more += f'[store]\npassword = "env:CANARY_STORE"\ndatabase = "{store}"'
        made.change("impersonation = true", more)
        path = root / "config.toml"
        channel = CHANNEL.replace("URL", url).replace("CHARTER", CHARTER)
        path.write_text(path.read_text(encoding="utf-8") + channel, encoding="utf-8")
        (root / "plugins").mkdir(mode=0o755)
        (root / "plugins" / "mirror.py").write_text(PLUGIN, encoding="utf-8")
        (root / "plugins" / "mirror.py").chmod(0o644)
        return made

    def say(self, *line: str, by: str | None = "ben", typed: str | None = None) -> int:
        """Call a command, and once more for JSON; keep all that it prints."""
        for extra in ((), ("--json",)):
            said = self.city.run(*extra, *line, by=by, typed=typed)
            self.printed += f"{line} {said.out} {said.err}".encode()
        return said.code

    def daemon(self) -> None:
        """Let a daemon make one pass, as a process of its own."""
        said = finish(process("-C", str(self.city.root), "daemon", "--once"), 120)
        self.printed += f"{said.out} {said.err}".encode()

    def written(self) -> dict[str, bytes]:
        """Return every byte that was printed or written, the database's free pages and rows included."""
        places = {"what was printed": self.printed}
        for path in self.city.root.rglob("*"):
            if path.is_file() and path.name not in ("canary.txt", "mirror.py"):
                places[str(path.relative_to(self.city.root))] = path.read_bytes()
        space = open_workspace(self.city.root)
        with space.store.read() as conn:
            tables = MetaData()
            tables.reflect(conn)
            for table in tables.sorted_tables:
                rows = [tuple(row) for row in conn.execute(select(table))]
                places[f"the rows of {table.name}"] = repr(rows).encode() + b"".join(
                    str(value).encode() for row in rows for value in row
                )
        space.store.close()
        return places


def test_no_secret_is_written_anywhere_in_any_shape(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, folder = tmp_path / "city", tmp_path / "credentials"
    root.mkdir()
    folder.mkdir(mode=0o700)
    fresh = {"access_token": canary("access"), "refresh_token": canary("refresh")}
    with mirror(fresh) as (url, seen):
        planted = Planted(root, folder, url, store_url, monkeypatch)
        planted.say("pilot", "start", "mirror")
        planted.say("pilot", "start", "website")
        planted.say("channel", "login", "mirror", typed=planted.secrets["wrong"] + "\n")
        planted.say("channel", "login", "mirror", typed=planted.secrets["typed"] + "\n")
        assert b"mirror is logged in" in planted.printed
        for word in WORDS:
            planted.city.schedule(word, f"{word} is the word of this post.", channels="website, mirror")
        for _ in range(2):
            planted.daemon()
            planted.say("channel", "resume", "mirror", "--reason", "on we go")
            planted.say("pilot", "resume", "mirror", "--reason", "on we go")
        for line in LINES.splitlines():
            planted.say(*line.split())
        for each in planted.city.ask("delivery", "list"):
            planted.say("delivery", "show", each["id"])
        planted.say("vault", "rotate")
        planted.say("store", "backup", f"{root}/copies/")
        monkeypatch.delenv("CANARY_ENV")
        (folder / "canary").chmod(0o666)
        for line in ("doctor", "channel verify mirror", "status"):
            planted.say(*line.split())
        planted.daemon()
    assert list(root.glob("public/**/*.html"))
    assert list(root.glob("copies/*.db"))
    assert {"/login", "/works", "/refuses", "/denies"} <= {each.split("?")[0] for each in seen}
    assert found(planted.secrets, planted.written()) == []


def test_the_search_finds_a_secret_in_every_shape_it_may_take() -> None:
    """What the test above relies on: it would not be silent."""
    secret = canary("x")
    for shape in shapes(secret):
        assert found({"x": secret}, {"a file": f"before {shape} after".encode()}), shape
        assert found({"x": secret}, {"a file": f"before {shape[:9]}, \n\t{shape[9:]} after".encode()}), shape
    assert found({"x": secret}, {"a file": b"nothing of the kind"}) == []


@pytest.mark.parametrize("formatter", [JsonLines(), Lines()])
def test_the_places_of_a_fault_are_logged_and_none_of_its_words(formatter: logging.Formatter) -> None:
    secret = canary("x")

    def broken(token: str) -> None:
        try:
            int(token)
        except ValueError as error:
            raise ValueError(f"not {token}") from error

    try:
        broken(secret)
    except ValueError:
        record = logging.LogRecord("govpost", logging.ERROR, "", 0, "a fault", (), sys.exc_info())
    written = formatter.format(record)
    assert "ValueError" in written
    assert found({"x": secret}, {"the log": written.encode()}) == []
