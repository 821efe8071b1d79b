"""One SMTP transaction (RFC 5321, 6409) and what each answer means for the copy it carries.

The point of no return is the final dot: what breaks before it published nothing, what breaks after it may have.
"""

from __future__ import annotations

import base64
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from govpost import Channel, PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost_email.addresses import without_addresses
from govpost_email.message import Letter
from govpost_email.settings import Settings
from govpost_email.talk import Talk

RESERVE = 5.0
_THROTTLED = re.compile(r"4\.7\.\d+\b")
_REFUSED_LOGIN = frozenset({530, 534, 535, 538})
_REFUSED_SENDER = frozenset({550, 551, 553, 554})
# Exim names no enhanced code (RFC 3463) with "relay not permitted"; 5.1.x is about the recipient
_NO_RELAY = re.compile(r"(5\.7\.\d+\b|(?!\d\.\d)).*\brelay(ing)?\b", re.IGNORECASE)
_TOO_BIG = re.compile(r"5\.(3\.4|2\.3)\b")
_MAY_NOT = (
    "ask the provider whether this user may send as this sender; channel login asks for the password again"
)
_CERTIFICATE = (
    "name the authority's certificate with ca_file, or the server by the name on its certificate with host"
)


@contextmanager
def connected(settings: Settings, channel: Channel, left: Callable[[], float]) -> Iterator[Talk]:
    """Connect, greet, secure the line and log in; nothing of a message is said yet."""
    talk = _opened(settings, left)
    try:
        _introduced(talk, settings)
        _logged_in(talk, settings, channel)
        yield talk
    finally:
        talk.farewell()


def submit(talk: Talk, letter: Letter, settings: Settings, left: Callable[[], float]) -> str:
    """Hand one copy over and return the server's word that it has it."""
    options = _options(talk, letter)
    _command(talk, f"MAIL FROM:<{settings.envelope_sender}>{options}", "MAIL", (250,))
    _command(talk, f"RCPT TO:<{letter.to.mailbox}>", "RCPT", (250, 251))
    _command(talk, "DATA", "DATA", (354,))
    try:
        talk.body(letter.data)
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"the line broke before the message was complete: {_words(error)}") from error
    if left() < RESERVE:
        talk.close()
        raise Unavailable("the server was too slow: the message was not ended, so it was not sent")
    try:
        code, reply = talk.dot()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Uncertain(
            f"the line broke after the message and before the answer: {_words(error)}",
            tip="look for the Message-ID in the mail server's log; sent again, it would arrive twice",
        ) from error
    if 200 <= code < 300:
        return f"{code} {_text(reply)}"
    if not 400 <= code < 600:
        raise Uncertain(f"the server answered the message with {code} {_text(reply)}")
    raise meaning("the message", code, reply)


def meaning(what: str, code: int, reply: bytes) -> PublishError:
    """Say what a refusal means: 4xx later, 5xx never (RFC 5321, section 4.2.1; RFC 3463).

    What a server says to RCPT is about one recipient, unless it does not relay for us; what it says to MAIL is about us
    and stops the channel.
    """
    text = _text(reply)
    told = _answered(what, code, reply)
    at_mail = what == "MAIL" and code in _REFUSED_SENDER and not _TOO_BIG.match(text)
    at_rcpt = what == "RCPT" and code in _REFUSED_SENDER and _NO_RELAY.match(text)
    if code in _REFUSED_LOGIN or at_mail or at_rcpt:
        return Unauthorized(told, tip=_MAY_NOT)
    if code == 421 or (what == "MAIL" and _THROTTLED.match(text)):
        return RateLimited(told)
    return Rejected(told) if 500 <= code < 600 else Unavailable(told, alone=what == "RCPT")


def _opened(settings: Settings, left: Callable[[], float]) -> Talk:
    secure = tls_context(settings) if settings.security == "tls" else None
    where = f"{settings.host}:{settings.port}"
    talk = Talk(settings.own_domain, left, secure)
    try:
        code, reply = talk.greeted(settings.host, settings.port)
    except ssl.SSLCertVerificationError as error:
        talk.close()
        raise Unavailable(
            f"{where} has no certificate to trust: {error.verify_message}", tip=_CERTIFICATE
        ) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        talk.close()
        said = (
            "took the connection and did not greet" if talk.silent else f"cannot be reached: {_words(error)}"
        )
        waits = talk.silent and secure is None
        tip = 'perhaps this port wants tls = "tls"' if waits else "look at host, port and tls"
        raise Unavailable(f"{where} {said}", tip=tip) from error
    if code == 220:
        return talk
    talk.close()
    raise (
        RateLimited(_greeted(where, code, reply))
        if code == 421
        else Unavailable(_greeted(where, code, reply))
    )


def _greeted(where: str, code: int, reply: bytes) -> str:
    return f"{where} greets with {code} {_text(reply)}"


def _introduced(talk: Talk, settings: Settings) -> None:
    _ehlo(talk)
    if settings.security != "starttls":
        return
    if not talk.has_extn("starttls"):
        raise Unavailable(
            f"{settings.host}:{settings.port} offers no STARTTLS, and nothing is sent in the open",
            tip='set port = 465 or tls = "tls" where the server speaks TLS from the first byte',
        )
    try:
        code, reply = talk.starttls(context=tls_context(settings))
    except ssl.SSLCertVerificationError as error:
        raise Unavailable(
            f"{settings.host} has no certificate to trust: {error.verify_message}", tip=_CERTIFICATE
        ) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise Unavailable(f"TLS with {settings.host} failed: {_words(error)}") from error
    if code != 220:
        raise Unavailable(f"{settings.host} answered STARTTLS with {code} {_text(reply)}")
    _ehlo(talk)


def _ehlo(talk: Talk) -> None:
    code, reply = _asked("EHLO", talk.ehlo)
    if code == 421:
        raise RateLimited(_answered("EHLO", code, reply))
    if code != 250:
        raise Unavailable(_answered("EHLO", code, reply))


def _logged_in(talk: Talk, settings: Settings, channel: Channel) -> None:
    user = settings.user or channel.secrets.get("user", "")
    if not user:
        return
    password = channel.secrets.get("password")
    if not password:
        tip = f"run govpost channel login {channel.name}"
        raise Unauthorized(f"there is no password for {user}", tip=tip)
    try:
        code, reply = _asked("AUTH", lambda: _auth(talk, user, password))
    except smtplib.SMTPNotSupportedError as error:
        tip = "look at port and tls"
        raise Unavailable(f"{settings.host} offers no way to log in on this port", tip=tip) from error
    if code != 235:
        raise (
            Unavailable(_answered("AUTH", code, reply))
            if code // 100 == 4
            else Unauthorized(_answered("AUTH", code, reply), tip=f"run govpost channel login {channel.name}")
        )


def _auth(talk: Talk, user: str, password: str) -> tuple[int, bytes]:
    """Log in by PLAIN in UTF-8 (RFC 4616), which smtplib writes in ASCII only; else as smtplib can."""
    if "PLAIN" in talk.esmtp_features.get("auth", "").upper().split():
        coded = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return talk.docmd("AUTH", f"PLAIN {coded}")
    try:
        return talk.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        reply = error.smtp_error
        return error.smtp_code, reply if isinstance(reply, bytes) else reply.encode()


def may_send(talk: Talk, settings: Settings) -> str | None:
    """Ask whether the server takes our sender, and take the question back; return what it says against it."""
    code, reply = _asked("MAIL", lambda: talk.docmd(f"MAIL FROM:<{settings.envelope_sender}>"))
    _asked("RSET", talk.rset)
    return None if code == 250 else f"{code} {_text(reply)}"


def size_limit(talk: Talk) -> int:
    """Return how many bytes a message may have (RFC 1870), 0 when the server does not say."""
    said = talk.esmtp_features.get("size", "")
    return int(said) if said.isdigit() else 0


def _options(talk: Talk, letter: Letter) -> str:
    """Return what MAIL carries besides the sender; `Rejected` when the server cannot take such a message."""
    most, size = size_limit(talk), len(letter.data)
    if most and size > most:
        tip = "take a smaller picture, or fewer"
        raise Rejected(f"the message has {size:,} bytes, and the server takes {most:,}", tip=tip)
    found = [f"SIZE={size}"] if talk.has_extn("size") else []
    if letter.international:
        if not talk.has_extn("smtputf8"):
            raise Rejected("the server takes no address with such letters before the @ (it lacks SMTPUTF8)")
        talk.command_encoding = "utf-8"
        found += ["BODY=8BITMIME", "SMTPUTF8"]
    if talk.has_extn("dsn"):
        # what bounces carries the headers back and not the words (RFC 3461)
        found.append("RET=HDRS")
    return "".join(f" {option}" for option in found)


def _command(talk: Talk, line: str, what: str, good: tuple[int, ...]) -> None:
    code, reply = _asked(what, lambda: talk.docmd(line))
    if code not in good:
        raise meaning(what, code, reply)


def _asked(what: str, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """Ask something before the point of no return; `Unavailable` when the line breaks."""
    try:
        return ask()
    except smtplib.SMTPNotSupportedError:
        raise
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Unavailable(f"the line to the mail server broke at {what}: {_words(error)}") from error


def _answered(what: str, code: int, reply: bytes) -> str:
    return f"the mail server answered {what} with {code} {_text(reply)}"


def _text(reply: bytes) -> str:
    """Return a server's words on one line, without the address it may repeat."""
    return without_addresses(" ".join(reply.decode("utf-8", "replace").split()))[:300]


def _words(error: BaseException) -> str:
    return without_addresses(f"{type(error).__name__}: {error}")[:300]


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return what checks the server's certificate: the system's authorities, or those of ca_file."""
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    except OSError as error:
        raise Unavailable(
            f"ca_file cannot be read: {error.strerror}", tip="it holds certificates as PEM text"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
