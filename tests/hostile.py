"""What an enemy would write: strategies for hypothesis, and texts that make careless readers slow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

MARKS = (
    *(
        "---\n",
        "+++\n",
        "title: ",
        "media:\n",
        "- file: ",
        "wording:\n",
        "options: ",
        "at: ",
        "link: ",
        "focus: ",
    ),
    *(
        "*",
        "_",
        "[",
        "](",
        ")",
        "`",
        "```\n",
        "> ",
        "- ",
        "1. ",
        "# ",
        "|",
        "&lt;",
        "&#x",
        "<",
        ">",
        "\\",
        "![",
    ),
    *(
        "&a ",
        "*a",
        "<<: ",
        "!!python/object ",
        "!x ",
        "? ",
        ": ",
        "{",
        "}",
        "]",
        ", ",
        '"',
        "'",
        '"""',
        "'''",
    ),
    *("../", "/etc/passwd", "~", "\0", "\x1b[2J", "\x9b", "\u202e", "\u2066", "\u200f", "\ufeff", "\u2028"),
    *("<script>alert(1)</script>", "javascript:alert(1)", "{{ 7*7 }}", "{% raw %}", "${x}", "]]>", "<!--"),
    *(
        "https://a.example.gov/",
        "http://[::1",
        "@a@b.example",
        "9" * 400,
        "1e999",
        ".inf",
        "-0",
        "0x",
        "true",
    ),
    *("\n", "\r\n", " ", "\t", "é", "e\u0301", "😀", "👩\u200d🚀", "ß", "İ", "ﬁ"),
)
"""Words that mean something to one of the readers."""

TEXT = st.text(max_size=200)
PROSE = st.lists(st.one_of(st.sampled_from(MARKS), TEXT), max_size=30).map("".join)

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(
            ["", "https://a.example/1", "javascript:alert(1)", "9" * 400, "\ud800", "\0", "\x1b[2J"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
"""Any JSON, with NaN, infinities and half characters, as Python's own reader takes them."""

_REPEATED = (
    *(
        "[",
        "*",
        "<",
        "(",
        "`",
        ">",
        "_",
        "!",
        "\\",
        '"',
        "#",
        "- ",
        "|",
        "&",
        "a",
        " ",
        "\n",
        ".",
        "@",
        "/",
        "😀",
    ),
    *(
        "[a](",
        "![",
        "**a ",
        "*a_ ",
        "`a``",
        "<a ",
        "<!--",
        "&#",
        "\n- ",
        "\n> ",
        "|a\n",
        "http://",
        "https://a.b/",
    ),
    *(
        "a@b.",
        "[a]: b\n",
        "[x]\n",
        "a\n\n",
        "](",
        ". A",
        "[^",
        "~~~\n",
        "A.B.",
        "Dr. ",
        "\u0301",
        "x" * 999 + "\n",
    ),
)


def slow_texts(size: int) -> Mapping[str, str]:
    """Return texts of about `size` characters on which careless parsers take the square of the time."""
    half = int((2 * size) ** 0.5)
    texts = {repr(word[:10]): (word * (size // len(word) + 1))[:size] for word in _REPEATED}
    texts["quotations in quotations"] = ("> " * 500 + "a\n") * (size // 1002)
    texts["lists in lists"] = "".join(f"{'  ' * depth}- a\n" for depth in range(half // 2))
    texts["more and more backticks"] = " ".join("`" * count for count in range(1, half))
    texts["opened, then closed"] = "[" * (size // 3) + "](a)" * (size // 6)
    texts["styles that never end"] = "<style " * (size // 7)
    texts["pictures without end"] = '<img alt="' * (size // 10)
    texts["frames"] = "<header><a href='https://a.example" * (size // 34)
    texts["lines of JSON"] = "\n{" * (size // 2)
    texts["emphasis that waits"] = "*a **b " * (size // 14) + "a* " * (size // 6)
    texts["a wide table"] = "|".join("a" * (size // 8)) + "\n" + "|".join("-" * (size // 8)) + "\na|b\n"
    return texts


def run_apart(code: str, seconds: float = 20) -> str:
    """Run Python in a process of its own and return what it printed; it must end well within `seconds`."""
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
