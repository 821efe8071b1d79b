"""Draws docs/demo.svg: runs the real demo and renders chosen parts of what it prints."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.style import Style
from rich.text import Text

PICTURE = Path(__file__).parent / "demo.svg"
WIDTH = 112
SHOWN = (
    "post add content/job-fair",
    "review approve job-fair",
    "queue list",
    "daemon --until-idle",
    "status",
    "delivery resolve",
    "audit verify",
)
"""What is in the picture: the first block of each of these commands."""
MOST = 11
GONE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


def run() -> str:
    """Run the demo in a folder of its own and return what it printed, that folder named ~/riverton."""
    with tempfile.TemporaryDirectory(prefix="govpost-") as folder:
        root = Path(folder) / "riverton"
        line = [sys.executable, "-c", "from govpost.cli import main; main()", "demo", "--dir", str(root)]
        done = subprocess.run(  # noqa: S603 - our own program
            line, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.stdout.replace(str(root.resolve()), "~/riverton").replace(str(root), "~/riverton")


def calm(text: str) -> str:
    """Make the same of every run: no ids, digests or ports that differ each time."""
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", "01a1fe1c", text)
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", "c5a1…", text)
    text = re.sub(r"--digest [0-9a-f]+", "--digest c5a1b2d3", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://hub", text)
    text = re.sub(
        r"https://news\.riverton\.example\.gov/posts/\S+", "https://news.riverton.example.gov/…", text
    )
    return re.sub(r"process \d+ on \S+", "process 4242 on cityhall", text)


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command with its output."""
    command, lines = "", []
    for line in text.splitlines():
        if line.startswith("$ "):
            yield command, lines
            command, lines = line, []
        elif command:
            lines.append(line)
    yield command, lines


def chosen(text: str) -> Iterator[str]:
    """Yield the lines of the picture."""
    left = list(SHOWN)
    for command, lines in blocks(text):
        if left and left[0] in command:
            left.pop(0)
            paragraphs = [list(found) for full, found in groupby(lines, key=bool) if full]
            output = [
                line for paragraph in paragraphs[: 2 if "status" in command else 1] for line in paragraph
            ]
            yield command
            yield from output[:MOST]
            if len(output) > MOST:
                yield "  …"
            yield ""
    if left:
        raise SystemExit(f"the demo no longer shows: {', '.join(left)}")


def styled(line: str) -> Text:
    """Colour a line as a terminal might."""
    colours = {
        "$ ": Style(bold=True, color="cyan"),
        "govpost: ": Style(color="red"),
        "tip: ": Style(color="yellow"),
    }
    found = next((style for start, style in colours.items() if line.startswith(start)), Style())
    words = Text(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…", style=found)
    words.highlight_words(["blocks", "UNCERTAIN", "uncertain", "!!"], Style(color="red", bold=True))
    words.highlight_words(["is live", "nothing was changed"], Style(color="green"))
    return words


def draw(text: str) -> str:
    """Return the picture as SVG; it loads nothing from elsewhere."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in list(chosen(calm(text)))[:-1]:
        console.print(styled(line), soft_wrap=False, no_wrap=True)
    picture = GONE.sub("", console.export_svg(title="make demo", unique_id="govpost"))
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw(run()), encoding="utf-8")
