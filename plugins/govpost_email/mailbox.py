"""The mailbox that bounces and answers come to, read by IMAP (RFC 9051) and never changed."""

from __future__ import annotations

import imaplib
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from govpost import Channel, Reply, Unavailable
from govpost_email import reports
from govpost_email.lists import list_key
from govpost_email.reports import News
from govpost_email.settings import Settings
from govpost_email.submission import tls_context
from govpost_email.wishes import note

_FIRST_PAGE = 50
_MOST = 200
_RESERVE = 5.0
_BYTES = 200_000
_CURSOR = re.compile(r"(\d+):(\d+)")
_TIP = "look at imap_host, imap_user, imap_folder and the secret imap_password"


def replies(
    settings: Settings, channel: Channel, since: str | None, left: Callable[[], float]
) -> list[Reply]:
    """Return bounces and answers that came after `since`, oldest first; who bounced for good or left is noted.

    `since` is ``UIDVALIDITY:UID``; when the mailbox was made anew, reading begins again with its newest page.
    """
    key, read = list_key(channel), list[_Read]()
    with _opened(settings, channel, left) as box:
        validity = _number(box.response("UIDVALIDITY")[1])
        for uid in _after(box, validity, since):
            if left() < _RESERVE or sum(each.told for each in read) >= _MOST:
                break
            raw, at = _fetched(box, uid)
            read.append(_Read(news=reports.read(raw, settings, key), at=at, cursor=f"{validity}:{uid}"))
    gone = frozenset(each.news.ref for each in read if each.news.ends and each.news.ref)
    if settings.suppressed_file and gone:
        note(settings.suppressed_file, gone, key)
    told = [each for each in read if each.told]
    # the last one leads behind whatever came after it and is not worth telling
    return [_reply(each, read[-1].cursor if each is told[-1] else each.cursor) for each in told]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    news: News
    at: datetime
    cursor: str

    @property
    def told(self) -> bool:
        return self.news.kind not in {"automatic", "leaving"}


def _reply(read: _Read, cursor: str) -> Reply:
    news = read.news
    told = {"kind": news.kind} | ({"status": news.status} if news.status else {})
    return Reply(
        remote_id=news.message_id or f"imap:{read.cursor}",
        text=news.text,
        author=news.ref or "unknown",
        at=read.at,
        kind="reply" if news.about else "mention",
        state="shown" if news.kind == "answer" else "held",
        to=news.about,
        cursor=cursor,
        raw=told,
    )


@contextmanager
def _opened(settings: Settings, channel: Channel, left: Callable[[], float]) -> Iterator[imaplib.IMAP4]:
    try:
        box = imaplib.IMAP4_SSL(
            settings.imap_host,
            settings.imap_port,
            ssl_context=tls_context(settings),
            timeout=max(left(), 0.1),
        )
    except (OSError, ssl.SSLError, imaplib.IMAP4.error) as error:
        raise Unavailable(f"{settings.imap_host} cannot be reached: {error}", tip=_TIP) from error
    try:
        user = settings.imap_user or settings.user or channel.secrets.get("user", "")
        box.login(user, channel.secrets.get("imap_password") or channel.secrets.get("password", ""))
        _good(box.select(_quoted(settings.imap_folder), readonly=True))
        yield box
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise Unavailable(f"the mailbox at {settings.imap_host} cannot be read: {error}", tip=_TIP) from error
    finally:
        _closed(box)


def _closed(box: imaplib.IMAP4) -> None:
    try:
        box.logout()
    except (OSError, imaplib.IMAP4.error):
        box.shutdown()


def _after(box: imaplib.IMAP4, validity: int, since: str | None) -> list[int]:
    known = _CURSOR.fullmatch(since or "")
    if known and int(known[1]) == validity:
        last = int(known[2])
        # the range n:* holds the newest message even when that is older than n (RFC 9051, section 9)
        return [uid for uid in _search(box, f"UID {last + 1}:*") if uid > last]
    return _search(box, "ALL")[-_FIRST_PAGE:]


def _search(box: imaplib.IMAP4, what: str) -> list[int]:
    (found, *_) = _good(box.uid("SEARCH", what))
    return sorted(int(uid) for uid in (found or b"").split())


def _fetched(box: imaplib.IMAP4, uid: int) -> tuple[bytes, datetime]:
    data = _good(box.uid("FETCH", str(uid), f"(INTERNALDATE BODY.PEEK[]<0.{_BYTES}>)"))
    head, raw = next((each for each in data if isinstance(each, tuple)), (b"", b""))
    came = imaplib.Internaldate2tuple(head)
    return raw, datetime.fromtimestamp(time.mktime(came) if came else 0, UTC)


def _good(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(str(data))
    return data


def _number(data: list[Any]) -> int:
    found = re.search(rb"\d+", data[-1] or b"") if data else None
    return int(found[0]) if found else 0


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
