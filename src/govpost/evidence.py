"""What was said on the wire, kept as evidence: short, as JSON, without its secrets."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from govpost.disguises import disguised, spans

if TYPE_CHECKING:
    import httpx2

TEXT_LIMIT = 64 * 1024
MULTIPART_LIMIT = 64 * 1024 * 1024
HIDDEN = "[secret]"
READS = frozenset({"GET", "HEAD", "OPTIONS"})

_DROPPED = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
NAMES = frozenset({"user", "username", "login", "handle", "identifier", "did", "client_id"})
"""Secrets that only say who we are; an account may be shown by them."""
_SHORTEST_SECRET = 4
_A_LONG_SECRET = 16
_ADDRESS = re.compile(r"https?://[!-~\u00a0-\U0010ffff]{1,2000}")
# A platform may answer with new tokens that no config knows yet.
_ISSUED = r"[\w-]*(?:access|refresh|bearer)[_-]?(?:token|jwt)"
_FRESH = rf"(?:{_ISSUED}|client_secret|password|id_token|token)"
_FRESH_PAIRS = re.compile(
    rf'("{_FRESH}"\s*:\s*")((?:[^"\\]|\\.)*)(?=")'
    rf'|((?:(?<![\w-]){_ISSUED}|\b(?:client_secret|password|id_token|token))=)([^&\s"]+)',
    re.IGNORECASE,
)


def bounded(said: Any) -> Any:
    """Return what a platform said, or only its size and digest when it is too much to keep with a receipt."""
    written = json.dumps(said, sort_keys=True, default=str).encode("utf-8", "replace")
    if len(written) <= TEXT_LIMIT:
        return said
    return {"bytes": len(written), "sha256": hashlib.sha256(written).hexdigest()}


def storable(text: str) -> bool:
    """Say whether every store takes a text: JSON can carry half a character, or a NUL."""
    return "\0" not in text and text.encode("utf-8", "replace").decode() == text


def is_address(value: object) -> bool:
    """Say whether a value is a web address that may be kept and shown: http or https, in one piece, not too long."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def strings(value: Any) -> Iterator[str]:
    """Yield every string in a JSON-like value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from strings(item)


class Redactor:
    """Takes a channel's secrets out of text, in whatever shape they stand there, alone or as ``user:pass``."""

    def __init__(self, secrets: Mapping[str, str], settings: Mapping[str, Any] | None = None) -> None:
        values = {value for value in secrets.values() if len(value) >= _SHORTEST_SECRET}
        users = {*secrets.values(), *strings(settings or {})}
        self._secrets = [disguised(each, _pairs(each, users)) for each in sorted(values)]
        self._telling = frozenset(value for name, value in secrets.items() if name not in NAMES)
        self._long = [disguised(each) for each in self._telling if len(each) >= _A_LONG_SECRET]

    def gives_away(self, name: str) -> bool:
        """Say whether a name or id is a secret, or holds one that is too long to stand there by chance."""
        return name in self._telling or bool(spans(self._long, name))

    def __call__(self, text: str) -> str:
        """Return `text` with ``[secret]`` wherever a secret stood, and without half characters, which nobody stores."""
        text = text.encode("utf-8", "replace").decode()
        for start, end in reversed(spans(self._secrets, text) if self._secrets else []):
            text = text[:start] + HIDDEN + text[end:]
        return _FRESH_PAIRS.sub(lambda found: f"{found[1] or found[3]}{HIDDEN}", text)

    def tree(self, value: Any) -> Any:
        """Return a JSON-like value without secrets; what is not JSON becomes text."""
        if isinstance(value, Mapping):
            return {
                self(str(key)): HIDDEN if _is_token(str(key), item) else self.tree(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.tree(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return HIDDEN if self._long and spans(self._long, str(value)) else value
        return self(value if isinstance(value, str) else str(value))

    def headers(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Return headers by lower-case name, repeated ones joined, those with credentials left out."""
        shown: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            if key not in _DROPPED:
                shown[key] = f"{shown[key]}, {value}" if key in shown else value
        return {key: self(value) for key, value in shown.items()}


def _pairs(secret: str, users: Iterable[str]) -> Iterator[str]:
    """Give ``user:pass`` for what is too short to be known in base64 by itself."""
    if len(secret) < _A_LONG_SECRET:
        yield from (f"{user}:{secret}" for user in users)


def _is_token(key: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(_FRESH, key, re.IGNORECASE) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    data: bytes


def parts(content_type: str, body: bytes) -> list[Part]:
    """Take a multipart body apart; an empty list when `content_type` is another kind."""
    boundary = re.search(r'^multipart/[^;]+;.*?boundary="?([^";]+)', content_type, re.IGNORECASE)
    if not boundary:
        return []
    found = []
    for piece in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        names = dict(re.findall(r'(?:[;\s])(name|filename)="([^"]*)"', head.decode("utf-8", "replace")))
        data = data.removesuffix(b"\r\n")
        found.append(Part(name=names.get("name", ""), filename=names.get("filename"), data=data))
    return found


def _fingerprint(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "length": len(data)}


def _shown(data: bytes, clean: Callable[[str], str]) -> Any:
    """Return a body as text when it is text and short, else its fingerprint."""
    if len(data) > TEXT_LIMIT or b"\0" in data:
        return _fingerprint(data)
    try:
        return clean(data.decode())
    except UnicodeDecodeError:
        return _fingerprint(data)


class Body:
    """A body as it passes: its length, its digest and as much of its bytes as evidence may need."""

    def __init__(self, keep: int = TEXT_LIMIT) -> None:
        self.kept = bytearray()
        self.length = 0
        self._keep = keep
        self._sha = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """Note one more chunk."""
        self.length += len(chunk)
        self._sha.update(chunk)
        if len(self.kept) < self._keep:
            self.kept += chunk[: self._keep - len(self.kept)]

    def text(self) -> str:
        """Return what was kept, decoded as well as it goes."""
        return self.kept.decode("utf-8", "replace")

    def show(self, content_type: str, clean: Callable[[str], str]) -> Any:
        """Return the body as JSON: text, a list of multipart parts, or digest and length."""
        if self.length > len(self.kept):
            return {"sha256": self._sha.hexdigest(), "length": self.length}
        data = bytes(self.kept)
        if content_type.startswith("multipart/"):
            return [_show_part(part, clean) for part in parts(content_type, data)]
        return _shown(data, clean)


def _show_part(part: Part, clean: Callable[[str], str]) -> dict[str, Any]:
    if part.filename is None:
        return {"name": clean(part.name), "body": _shown(part.data, clean)}
    return {"name": clean(part.name), "filename": clean(part.filename), "body": _fingerprint(part.data)}


@dataclass(kw_only=True, slots=True)
class Exchange:
    """One request and what came of it.

    ``left`` says that some of it may have reached the other side; ``error`` is what broke it. Of a ``private`` one
    neither bodies nor the query are kept: they name people.
    """

    request: httpx2.Request
    at: datetime
    sent: Body
    left: bool = False
    response: httpx2.Response | None = None
    received: Body = field(default_factory=Body)
    error: BaseException | None = None
    ms: int = 0
    private: bool = False

    @property
    def writes(self) -> bool:
        """Return whether the request may change something over there."""
        return self.request.method.upper() not in READS

    @property
    def answered(self) -> bool:
        """Return whether a whole answer came."""
        return self.response is not None and self.error is None

    @property
    def status(self) -> int | None:
        """Return the answer's status."""
        return self.response.status_code if self.response is not None else None

    @property
    def good(self) -> bool:
        """Return whether a whole answer came that says yes."""
        worst = 300 if self.writes else 400
        return self.answered and self.status is not None and self.status < worst

    def place(self) -> str:
        """Return method and address without user, query and fragment."""
        address = self.request.url.copy_with(query=None, fragment=None, username=None, password=None)
        return f"{self.request.method} {address}"

    def show(self, clean: Redactor) -> dict[str, Any]:
        """Return the exchange as JSON, without secrets."""
        request, response = self.request, self.response
        return {
            "at": self.at.isoformat(),
            "ms": self.ms,
            "method": request.method,
            "url": clean(self.place().split(" ", 1)[1] if self.private else str(request.url)),
            "status": self.status,
            "left": self.left,
            "request": {
                "headers": clean.headers(request.headers.multi_items()),
                "body": self.sent.show(request.headers.get("content-type", ""), clean),
            },
            "response": None
            if response is None
            else {
                "headers": clean.headers(response.headers.multi_items()),
                "body": self.received.show("", clean),
            },
            "error": clean(f"{type(self.error).__name__}: {self.error}") if self.error is not None else None,
        }
