"""Reading the documentation and doing what it says, in a scratch workspace."""

from __future__ import annotations

import logging
import os
import re
import shlex
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from govpost.cli.root import cli
from govpost.people import login_of
from govpost.store import deliveries
from govpost.workspace import open_workspace

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
)

_FENCE = re.compile(r"(\s*)```(\w*)(.*)")
_HIDDEN = re.compile(r"<!-- \$ (.+) -->")
_WHERE_IT_DIFFERS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b\d{4}-\d\d-\d\d(T[\d:.]+Z)?", "DATE"),
    (r"\b(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)? DATE", "DATE"),
    (r"\b\d\d:\d\d\b", "TIME"),
    (r"\b(CST|CDT)\b", "ZONE"),
    (r"process \d+ on \S+", "PROCESS"),
    (r"\b\d+ events", "N events"),
    (r"head: \d+:", "head: N:"),
    (r"[ \t]+", " "),
)


@dataclass(frozen=True)
class Block:
    """One fenced example, or a hidden command that prepares the next one."""

    page: Path
    line: int
    kind: str
    text: str
    info: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Name the place."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *kinds: str) -> list[Block]:
    """Return the examples of a page, in order."""
    return [block for block in _blocks(page) if not kinds or block.kind in kinds]


def _blocks(page: Path) -> Iterator[Block]:
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        if hidden := _HIDDEN.fullmatch(line.strip()):
            yield Block(page, number, "hidden", f"$ {hidden[1]}\n")
        if not (fence := _FENCE.fullmatch(line)):
            continue
        inside = []
        for _, other in lines:
            if other.strip() == "```":
                break
            inside.append(other.removeprefix(fence[1]))
        info = dict([*word.split("=", 1), ""][:2] for word in fence[3].split())
        yield Block(page, number, fence[2], "\n".join(inside) + "\n", info)


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the output that is shown."""
    command, shown = "", []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command:
        yield command, shown


def normal(text: str) -> list[str]:
    """Return the lines without what differs from run to run."""
    for pattern, word in _WHERE_IT_DIFFERS:
        text = re.sub(pattern, word, text)
    lines = (line.strip() for line in text.splitlines() if not line.startswith('{"at"'))
    return [line for line in lines if line]


@dataclass
class Scene:
    """A scratch workspace in which a page is acted out."""

    root: Path
    rename: dict[str, str] = field(default_factory=dict)

    def act(self, page: Path) -> int:
        """Do all that a page says, in order; returns how many commands that were."""
        return sum(self._block(block) for block in blocks(page))

    def _block(self, block: Block) -> int:
        if block.kind == "markdown":
            path = self.root / (block.info.get("file") or block.info["mistakes"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "toml" and "append" in block.info:
            with (self.root / "config.toml").open("a", encoding="utf-8") as stream:
                stream.write("\n" + block.text)
        elif block.kind in ("console", "hidden"):
            found = list(commands(block))
            for command, shown in found:
                self._command(block, command, shown)
            return len(found)
        return 0

    def _command(self, block: Block, command: str, shown: list[str]) -> None:
        words = shlex.split(command)
        if words[0] == "cd":
            self.root = self.root / words[1]
            os.chdir(self.root)
            return
        assert words.pop(0) == "govpost", f"{block.where}: {command}"
        if "as" in block.info and "--as" not in words:
            words = ["--as", block.info["as"], *words]
        code, said = self.run(*(self._open_delivery() if word == "ID" else word for word in words))
        assert code == int(block.info.get("exit", 0)), f"{block.where}: {command} ended with {code}:\n{said}"
        if shown:
            self._compare(f"{block.where}: {command}", normal("\n".join(shown)), normal(self._renamed(said)))

    def run(self, *words: str) -> tuple[int, str]:
        """Run one command in this process."""
        kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            result = CliRunner().invoke(cli, list(words))
        finally:
            logging.getLogger("govpost").handlers[:] = []
            for number, handler in kept.items():
                signal.signal(number, handler)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def _renamed(self, said: str) -> str:
        for old, new in self.rename.items():
            said = re.sub(rf"\b{re.escape(old)}\b", new, said)
        return said

    def _open_delivery(self) -> str:
        space = open_workspace(self.root)
        try:
            with space.store.read() as conn:
                return deliveries.in_state(conn, "uncertain", "failed", "missed")[0].id
        finally:
            space.store.close()

    @staticmethod
    def _compare(where: str, shown: list[str], said: list[str]) -> None:
        """Hold what is shown against what was said; a line with … stands for any number of lines."""
        pattern = "".join("(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in shown)
        whole = "".join(line + "\n" for line in said)
        assert re.fullmatch(pattern, whole), f"{where} says:\n{whole}\nand the page shows:\n" + "\n".join(
            shown
        )


def me() -> str:
    """Return the login that runs the tests."""
    return login_of(None)
