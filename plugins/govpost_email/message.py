"""The bulletin as bytes: the same ones each time for the same copy (RFC 5322, 2045–2047, 2369, 2919, 3834, 8058).

All that may make it unfit to be sent is found here, before any server is spoken to.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from govpost import Media, Rejected, Unavailable, Variant, plain
from govpost_email import bodies, headers, words
from govpost_email.addresses import Address
from govpost_email.lists import ONLY, Entry
from govpost_email.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_LINE = 998
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_BREAK = re.compile("[\n\t]")
_KEY = re.compile(r"[0-9A-Za-z-]{1,100}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_MESSAGE_ID = re.compile(r"<[0-9A-Za-z-]{1,100}\.to@[0-9A-Za-z.-]+>")
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}
MEDIA_TYPES = tuple(_ENDINGS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """How one recipient leaves the list: by a page of their own, by mail, or both."""

    address: str
    mailto: str
    page: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One copy: who it is for, its Message-ID, its bytes; `international` ones need SMTPUTF8 (RFC 6531)."""

    to: Address
    message_id: str
    data: bytes
    international: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Picture:
    cid: str
    alt: str
    subtype: str
    file: str
    data: bytes


def write(variant: Variant, settings: Settings, entry: Entry, token: str | None) -> Letter:
    """Write the copy for `entry`; without `token` it says nothing of how to leave the list.

    `Rejected` when it cannot be sent as it is, `Unavailable` when a picture cannot be read.
    """
    if not _KEY.fullmatch(variant.key):
        raise Rejected(f"the key {variant.key[:40]!r} cannot stand in a Message-ID")
    to, leaving = entry.reachable(), _leaving(settings, token)
    international = to.international or settings.from_address.international
    message_id = f"<{variant.key}.{entry.ref}@{settings.own_domain}>"
    head = _headers(variant, settings, entry, leaving, message_id)
    data = headers.block(head) + _body(variant, settings, leaving)
    if max(map(len, data.split(b"\r\n"))) > LONGEST_LINE:
        raise Rejected(
            f"a line of the message would be longer than {LONGEST_LINE} bytes",
            tip="shorten the title or link",
        )
    return Letter(to=to, message_id=message_id, data=data, international=international)


def _leaving(settings: Settings, token: str | None) -> Leaving | None:
    if token is None:
        return None
    address = settings.leaving_address
    mailto = f"mailto:{quote(address, safe='@')}?subject=unsubscribe%20{token}"
    return Leaving(address=address, mailto=mailto, page=settings.leaving_page(token))


def _headers(
    variant: Variant, settings: Settings, entry: Entry, leaving: Leaving | None, message_id: str
) -> Iterator[tuple[str, str]]:
    yield "Date", format_datetime(instant(variant))
    yield "From", headers.mailbox(settings.sender_name, settings.sender, "From")
    yield "To", headers.mailbox(entry.name, entry.reachable().mailbox, "To")
    if settings.reply_to:
        yield "Reply-To", settings.reply_to
    yield "Subject", headers.words(subject(variant), "Subject")
    yield "Message-ID", message_id
    if variant.corrects and entry.ref == ONLY and _MESSAGE_ID.fullmatch(variant.corrects):
        # only one copy's Message-ID is known here; where all read that copy, it threads for all
        yield "In-Reply-To", variant.corrects
        yield "References", variant.corrects
    yield "List-ID", f"<{settings.list_id or settings.own_domain}>"
    if leaving:
        pages = [leaving.page] if leaving.page else []
        yield "List-Unsubscribe", headers.addresses(*pages, leaving.mailto)
        if pages:
            yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "Auto-Submitted", "auto-generated"
    yield "Precedence", "bulk"
    yield "Content-Language", _language(variant, settings)


def subject(variant: Variant) -> str:
    """Return the title as it becomes the subject; `Rejected` when it cannot."""
    title = (variant.title or "").strip()
    if not title:
        raise Rejected("a bulletin needs a title, which becomes its subject", tip="add title: to the post")
    if _CONTROL.search(title) or _LINE_BREAK.search(title):
        raise Rejected("the title has a line break or control character in it", tip="write it on one line")
    return title


def _body(variant: Variant, settings: Settings, leaving: Leaving | None) -> bytes:
    pictures = [_picture(medium, n, settings) for n, medium in enumerate(variant.media, 1)]
    values = _values(variant, settings, leaving) | {"pictures": pictures}
    # quoted-printable throughout: no server needs to change a byte, and no line of it can be a boundary
    message = EmailMessage(policy=SMTP)
    message.set_content(_text(values), cte="quoted-printable")
    html = _environment().get_template("bulletin.html").render(values)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    for picture in pictures:
        _embed(list(message.iter_parts())[-1], picture)
    _fix(message, variant.key)
    return message.as_bytes(policy=SMTP.clone(max_line_length=LONGEST_LINE))


def _embed(html: MIMEPart, picture: _Picture) -> None:
    html.add_related(
        picture.data,
        "image",
        picture.subtype,
        cid=f"<{picture.cid}>",
        disposition="inline",
        filename=picture.file,
    )


def _fix(message: EmailMessage, key: str) -> None:
    """Take out of the parts what would differ each time or says nothing."""
    for number, part in enumerate(message.walk()):
        if part.get_content_type() == "multipart/related":
            part.set_param("type", "text/html")
        if part.is_multipart():
            part.set_boundary(f"=_{_digest(f'{key} {number}')}")
        del part["MIME-Version"]
    message["MIME-Version"] = "1.0"


def _values(variant: Variant, settings: Settings, leaving: Leaving | None) -> dict[str, Any]:
    language = _language(variant, settings)
    spoken = words.spoken(language, settings.language)
    said = words.texts(spoken)
    text = _CONTROL.sub("", variant.text.replace("\r\n", "\n").replace("\r", "\n"))
    return {
        "language": language,
        "spoken": spoken,
        "home": settings.language,
        "words": said,
        "title": subject(variant),
        "sender": settings.sender_name,
        "text": plain(text),
        "html": bodies.html(text),
        "link": web_address(variant.link),
        "corrects": variant.corrects,
        "footer": settings.footer,
        "leaving": leaving,
        "why": _why(settings, said),
    }


def _why(settings: Settings, said: Mapping[str, str]) -> str:
    if settings.list_name:
        return said["why"].format(name=settings.list_name)
    return said["why_from"].format(name=settings.sender_name or settings.sender)


def kind(medium: Media) -> str:
    """Return the ending of a picture's name; `Rejected` when mail programs do not show its kind."""
    if medium.mime not in _ENDINGS:
        raise Rejected(
            f"{medium.path.name} is {medium.mime}, which mail programs do not show", tip="use JPEG or PNG"
        )
    return _ENDINGS[medium.mime]


def _picture(medium: Media, number: int, settings: Settings) -> _Picture:
    ending = kind(medium)
    try:
        data = medium.path.read_bytes()
    except OSError as error:
        raise Unavailable(f"the picture {medium.path.name} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(data).hexdigest()
    if medium.sha256 and medium.sha256 != digest:
        raise Rejected(f"{medium.path.name} is not the file that was approved", tip="add the post again")
    return _Picture(
        cid=f"{number}.{digest[:32]}@{settings.own_domain}",
        alt=_CONTROL.sub("", medium.alt),
        subtype=medium.mime.partition("/")[2],
        file=f"picture-{number}.{ending}",
        data=data,
    )


def instant(variant: Variant) -> datetime:
    """Tell a copy's time without looking at the clock, so that a repeat says the same."""
    if variant.at is not None:
        return variant.at.astimezone(UTC)
    try:
        key = uuid.UUID(variant.key)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromtimestamp((key.int >> 80) // 1000 if key.version == 7 else 0, UTC)


def _language(variant: Variant, settings: Settings) -> str:
    asked = variant.language
    return asked if asked and _LANGUAGE.fullmatch(asked) else settings.language


def web_address(link: str | None) -> str | None:
    """Return a link that people can open; `Rejected` when it is none."""
    if not link:
        return None
    parts = urlsplit(link)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or re.search(r"[\s<>\"]", link)
        or _CONTROL.search(link)
    ):
        raise Rejected(f"the link {link[:60]!r} is no web address", tip="write a full https address")
    return link


def _text(values: Mapping[str, Any]) -> str:
    """Write the part for those who read no HTML."""
    said, leaving = values["words"], values["leaving"]
    blocks = [said["corrects"]] if values["corrects"] else []
    blocks.append(values["text"])
    blocks += [f"[{said['picture']} {each.alt}]" for each in values["pictures"] if each.alt]
    if values["link"]:
        blocks.append(f"{said['more']} {values['link']}")
    end = [values["footer"]] if values["footer"] else []
    if leaving:
        page, address = leaving.page, leaving.address
        end += [values["why"], f"{said['leave']}: {page}" if page else f"{said['leave_by_mail']} {address}"]
    if end:
        blocks.append("\n".join(["-- ", *end]))
    return "\n\n".join(block for block in blocks if block) + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
