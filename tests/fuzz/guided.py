"""Fuzz by hand, guided by coverage (atheris, which is not among the test tools: pip install atheris).

    python tests/fuzz/guided.py media|toml|post|mail|markdown [-max_total_time=300]

A finding is kept by atheris as crash-…; make it an example of the property in tests/test_fuzz_*.py.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["govpost", "govpost_email", "govpost_website", "markdown_it", "tomllib", "ruamel"]
):
    from govpost import front_matter, markup, media_formats, toml_lines
    from govpost.errors import Mistakes
    from govpost_email import reports
    from govpost_email.settings import Settings

MAIL = Settings.model_validate(
    {"host": "mail.example.gov", "sender": "news@example.gov", "to": "a@example.gov"}
)


def media(data: bytes) -> None:
    """A picture, or one line."""
    try:
        media_formats.measured(data)
    except media_formats.BadFile:
        return


def toml(data: bytes) -> None:
    """Tables whose keys all have a place, or what is wrong."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    try:
        values = toml_lines.read(text)
    except toml_lines.Unreadable:
        return
    assert {path[0] for path in toml_lines.places(text)} == set(values)


def post(data: bytes) -> None:
    """Front matter and a body, or mistakes."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for fence in ("---", "+++"):
        try:
            front_matter.read(f"{fence}\n{text}\n{fence}\n", "f")
        except Mistakes:
            continue


def mail(data: bytes) -> None:
    """Any mail is read."""
    reports.read(data, MAIL, "a list key for tests")


def markdown(data: bytes) -> None:
    """Any text is parted without losing a word."""
    text = data.decode("utf-8", "ignore").replace("\r", "").replace("\0", "").strip()
    found = markup.markdown_pieces(text)
    assert "".join("".join(text[piece.start : piece.end].split()) for piece in found) == "".join(text.split())
    assert "<script" not in markup.to_html(text).lower()


if __name__ == "__main__":
    target = {"media": media, "toml": toml, "post": post, "mail": mail, "markdown": markdown}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
