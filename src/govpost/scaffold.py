"""The first lines of a plugin, for `govpost plugin new NAME`: a platform that works, and its test."""

from __future__ import annotations

import keyword
import os
import re
import sys
from pathlib import Path

from govpost.errors import Refused, UsageFault

_PLUGIN = '''"""{name}: posts as JSON to one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from govpost import Capabilities, Channel, Example, Platform, Receipt, Variant, hookimpl
from pydantic import BaseModel

if TYPE_CHECKING:
    import httpx2


class Settings(BaseModel):
    url: str


class {class_name}:
    name = "{name}"
    Settings = Settings
    capabilities = Capabilities(max_chars=500, max_media=0)
    example = Example(settings={{"url": "https://{host}.example/posts"}}, secrets={{"token": "an example"}})

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        headers = {{"Authorization": f"Bearer {{channel.secrets['token']}}", "Idempotency-Key": variant.key}}
        answer = http.post(channel.settings["url"], json={{"text": variant.text}}, headers=headers)
        answer.raise_for_status()
        post = answer.json()
        return Receipt(remote_id=str(post["id"]), url=post.get("url"), raw=post)


@hookimpl
def govpost_platforms() -> list[Platform]:
    return [{class_name}()]
'''

_TEST = '''"""{name} keeps what govpost asks of every platform."""

import sys
from pathlib import Path

from govpost.testing import PlatformContract

sys.path.insert(0, str(Path(__file__).parents[1]))

from {name} import {class_name}


class Test{class_name}(PlatformContract):
    platform = {class_name}()
'''


def write(name: str, folder: Path) -> list[Path]:
    """Write ``<name>.py`` and ``tests/test_<name>.py`` below `folder`; return both paths.

    `UsageFault` when the name cannot be a plugin's, `Refused` when a file is there or cannot be written.
    """
    _check(name)
    words = {
        "name": name,
        "class_name": "".join(word.capitalize() for word in name.split("_")),
        "host": name.replace("_", "-"),
    }
    files = {
        folder / f"{name}.py": _PLUGIN.format(**words),
        folder / "tests" / f"test_{name}.py": _TEST.format(**words),
    }
    for path in files:
        if path.exists() or path.is_symlink():
            raise Refused(f"{path} is there already", "choose another name, or move the file away")
    for path, text in files.items():
        _create(path, text)
    return list(files)


def _check(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageFault(
            f"{name!r} cannot be the name of a plugin",
            "use small letters, digits and _, starting with a letter",
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise UsageFault(f"{name!r} is a word of Python's own", f"try {name}_channel")
    if name in sys.stdlib_module_names or name == "govpost":
        raise UsageFault(f"{name!r} would hide a module of the same name", f"try {name}_channel")


def _create(path: Path, text: str) -> None:
    try:
        for folder in (*reversed(path.parents[1:]), path.parent):
            folder.mkdir(mode=0o755, exist_ok=True)
        # A plugin that others may write is never loaded, whatever the umask was.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise Refused(
            f"{path} cannot be written: {error.strerror}", "look at the folder's owner and free space"
        ) from error
