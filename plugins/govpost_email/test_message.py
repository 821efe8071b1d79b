"""The bytes of a bulletin: standards kept, every approved word in it, nothing smuggled in."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govpost import Media, Rejected, Unavailable
from govpost_email.addresses import parse
from govpost_email.lists import Entry
from govpost_email.message import write
from govpost_email.settings import Settings
from govpost_email.test_common import Mail, picture, variant

REF = "0123456789abcdef0123"
TOKEN = f"{REF}-fedcba9876543210fedc"
SETTINGS = {
    "host": "localhost",
    "sender": "news@riverton.example.gov",
    "sender_name": "City of Riverton",
    "list_file": "residents.csv",
    "unsubscribe_url": "https://riverton.example.gov/u/{token}",
    "unsubscribe_address": "leave@riverton.example.gov",
}


def entry(address: str = "ana@example.gov", name: str = "") -> Entry:
    return Entry(ref=REF, place="line 2 of residents.csv", name=name, address=parse(address))


def written(
    *, to: Entry | None = None, token: str | None = TOKEN, more: dict | None = None, **values
) -> Mail:
    known = Settings.model_validate(SETTINGS | (more or {}))
    letter = write(variant(**values), known, to or entry(), token)
    return Mail("", letter.to.mailbox, True, [], letter.data)


def fields(raw: bytes) -> list[bytes]:
    """Return the header fields as they stand."""
    return re.split(rb"\r\n(?! )", raw.partition(b"\r\n\r\n")[0])


def header(mail: Mail, name: str) -> str:
    """Return a header as it stands in the bytes, unfolded."""
    found = dict(field.split(b": ", 1) for field in fields(mail.raw))
    return found[name.encode()].decode().replace("\r\n", "")


def test_the_plain_part_stands_first_and_the_html_part_last():
    message = written().message
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_the_headers_say_who_to_whom_when_and_about_what():
    mail = written(to=entry(name="Ana Ruiz"), more={"reply_to": "clerk@riverton.example.gov"})
    message = mail.message
    assert message["From"] == "City of Riverton <news@riverton.example.gov>"
    assert message["To"] == "Ana Ruiz <ana@example.gov>"
    assert message["Reply-To"] == "clerk@riverton.example.gov"
    assert message["Subject"] == "Main Street bridge closed Friday"
    assert parsedate_to_datetime(message["Date"]) == datetime(2026, 11, 27, 14, 1, tzinfo=UTC)
    assert header(mail, "Message-ID") == f"<01920000-0000-7000-8000-000000000001.{REF}@riverton.example.gov>"
    assert (message["Auto-Submitted"], message["Precedence"]) == ("auto-generated", "bulk")
    assert message["Content-Language"] == "en"
    assert message.defects == []


def test_leaving_is_one_click_with_one_page_and_one_address():
    mail = written()
    page, address = header(mail, "List-Unsubscribe").split(", ")
    assert page == f"<https://riverton.example.gov/u/{TOKEN}>"
    assert address == f"<mailto:leave@riverton.example.gov?subject=unsubscribe%20{TOKEN}>"
    assert header(mail, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert header(mail, "List-ID") == "<riverton.example.gov>"
    assert f"Unsubscribe: https://riverton.example.gov/u/{TOKEN}" in mail.text
    assert f'href="https://riverton.example.gov/u/{TOKEN}"' in mail.html


def test_without_a_page_one_leaves_by_mail_and_not_by_one_click():
    mail = written(more={"unsubscribe_url": None, "unsubscribe_address": None, "list_id": "B.example.gov"})
    assert header(mail, "List-Unsubscribe").startswith("<mailto:news@riverton.example.gov?")
    assert mail.message["List-Unsubscribe-Post"] is None
    assert header(mail, "List-ID") == "<b.example.gov>"
    assert "To unsubscribe, write to news@riverton.example.gov" in mail.text
    assert f'href="mailto:news@riverton.example.gov?subject=unsubscribe%20{TOKEN}"' in mail.html


def test_behind_a_mailing_list_nothing_is_said_of_leaving():
    mail = written(token=None)
    assert mail.message["List-Unsubscribe"] is None
    assert "nsubscribe" not in mail.text + mail.html
    assert "<footer" not in mail.html


def test_every_approved_word_stands_in_both_parts(tmp_path):
    text = "# Hours\n\nOpen **6 am – 6 pm** & “Ñandú” <b>not bold</b>.\n\nSee [the list](https://example.gov/w?a=1&b=2)."
    medium = picture(tmp_path / "a.png", alt="Barriers & “signs” <left>")
    link = "https://riverton.example.gov/roads?x=1&y=2"
    mail = written(text=text, media=(medium,), link=link)
    assert (
        "Hours\n\nOpen 6 am – 6 pm & “Ñandú” <b>not bold</b>.\n\nSee the list (https://example.gov/w?a=1&b=2)."
        in mail.text
    )
    assert f"[Picture: {medium.alt}]" in mail.text
    assert f"More information: {link}" in mail.text
    assert "<strong>6 am – 6 pm</strong> &amp; “Ñandú” &lt;b&gt;not bold&lt;/b&gt;" in mail.html
    assert 'href="https://example.gov/w?a=1&amp;b=2"' in mail.html
    assert 'alt="Barriers &amp; “signs” &lt;left&gt;"' in mail.html
    assert 'href="https://riverton.example.gov/roads?x=1&amp;y=2"' in mail.html
    assert re.search(r"<h2[^>]*>Hours</h2>", mail.html)


def test_pictures_travel_inside_and_are_named_by_the_html(tmp_path):
    media = (picture(tmp_path / "a.png"), picture(tmp_path / "b.png", shade=9, alt=""))
    mail = written(media=media)
    related = mail.part("multipart/related")
    assert related.get_param("type") == "text/html"
    _, *pictures = related.iter_parts()
    for medium, part in zip(media, pictures, strict=True):
        cid = str(part["Content-ID"]).strip("<>")
        assert f'src="cid:{cid}" alt="{medium.alt}"' in mail.html
        assert part.get_content() == medium.path.read_bytes()
        assert part.get_content_disposition() == "inline"
    assert mail.text.count("[Picture:") == 1


def test_the_same_variant_is_the_same_bytes(tmp_path):
    media = (picture(tmp_path / "a.png"),)
    assert written(media=media).raw == written(media=media).raw
    assert written(key="another").raw != written().raw


def test_without_a_due_time_the_key_tells_it_and_else_it_is_the_epoch():
    assert written(at=None).message["Date"] == "Tue, 17 Sep 2024 12:40:52 +0000"
    assert written(at=None, key="k1").message["Date"] == "Thu, 01 Jan 1970 00:00:00 +0000"
    assert (
        written(at=None, key="6fa459ea-ee8a-4ca4-894e-db77e160355e")
        .message["Date"]
        .startswith("Thu, 01 Jan 1970")
    )


def test_the_post_speaks_its_own_language_and_so_do_the_words_around_it():
    mail = written(language="es", title="Aviso", text="Hierva el agua.")
    assert mail.message["Content-Language"] == "es"
    assert '<html lang="es">' in mail.html
    assert "Cancelar la suscripción" in mail.html
    assert "Recibe este boletín porque se suscribió a las noticias de City of Riverton." in mail.text


def test_the_footer_says_what_one_signed_up_for():
    assert "because you signed up for news from City of Riverton." in written().text
    assert "signed up for news from news@riverton.example.gov." in written(more={"sender_name": ""}).html
    assert "because you signed up for Road works." in written(more={"list_name": "Road works"}).text


def test_a_language_without_words_of_ours_takes_the_channels():
    mail = written(language="ar", more={"language": "es"})
    assert '<html lang="ar">' in mail.html
    assert '<footer lang="es"' in mail.html
    assert '<html lang="en">' in written(language="not a language").html
    assert "Unsubscribe" in written(language="fr", more={"language": "de"}).html


def test_a_correction_says_so_in_words_that_are_true_for_who_never_got_the_first():
    mail = written(corrects=f"<first.{REF}@riverton.example.gov>")
    said = "This bulletin corrects an earlier one. If you have that one, please go by this one."
    assert mail.text.startswith(said)
    assert said in mail.html


def test_a_correction_names_no_readers_copy():
    mail = written(corrects=f"<first.{REF}@riverton.example.gov>")
    assert mail.message["In-Reply-To"] is None
    assert b"<first." not in mail.raw


def test_a_correction_to_a_mailing_list_is_an_answer_to_the_one_copy_that_all_got():
    first = "<first.to@riverton.example.gov>"
    everyone = Entry(ref="to", place="the setting to", address=parse("bulletin@lists.example.gov"))
    mail = written(to=everyone, token=None, corrects=first)
    assert header(mail, "In-Reply-To") == header(mail, "References") == first


def test_no_line_is_too_long_and_all_bytes_are_plain(tmp_path):
    mail = written(
        title="Überflutung " * 40,
        text="ein sehr langes Wort".replace(" ", "") * 300,
        media=(picture(tmp_path / "a.png", side=200),),
    )
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")
    assert mail.raw.isascii()
    head = mail.raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 120
    assert mail.message["Subject"] == ("Überflutung " * 40).strip()


def test_an_address_of_another_script_makes_an_international_message():
    letter = write(variant(), Settings.model_validate(SETTINGS), entry("ñandú@münchen.example"), None)
    assert letter.international
    assert "To: ñandú@xn--mnchen-3ya.example\r\n".encode() in letter.data


def test_an_address_with_only_a_foreign_domain_stays_plain():
    letter = write(variant(), Settings.model_validate(SETTINGS), entry("ana@münchen.example"), None)
    assert not letter.international
    assert b"To: ana@xn--mnchen-3ya.example\r\n" in letter.data


@pytest.mark.parametrize("mark", ["\r\n", "\n", "\r", "\0", "\x0b", "\u2028", "\x85"])
def test_no_header_can_be_smuggled_in_by_the_title(mark):
    with pytest.raises(Rejected, match="the title"):
        written(title=f"Bridge{mark}Bcc: everyone@example.gov")


@pytest.mark.parametrize("title", [None, "", "  "])
def test_a_bulletin_needs_a_title(title):
    with pytest.raises(Rejected, match="needs a title"):
        written(title=title)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://", "https://x.example/a b", "/roads", "https://x.example/\0"]
)
def test_a_link_that_leads_nowhere_is_rejected(link):
    with pytest.raises(Rejected, match="no web address"):
        written(link=link)


def test_a_key_that_could_break_a_header_is_rejected():
    with pytest.raises(Rejected, match="Message-ID"):
        written(key="k1>\r\nBcc: x")


def test_a_link_that_makes_a_line_too_long_is_fine_in_a_body():
    link = "https://x.example/" + "a" * 2000
    assert link in written(link=link).text


def test_a_page_to_leave_by_that_makes_a_line_too_long_is_rejected():
    with pytest.raises(Rejected, match="998 bytes"):
        written(more={"unsubscribe_url": "https://x.example/" + "a" * 1000 + "/{token}"})


def test_a_picture_that_is_not_the_approved_one_is_rejected(tmp_path):
    medium = picture(tmp_path / "a.png")
    medium.path.write_bytes(b"another")
    with pytest.raises(Rejected, match="not the file that was approved"):
        written(media=(medium,))
    medium.path.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        written(media=(medium,))


def test_a_kind_of_file_that_mail_programs_do_not_show_is_rejected(tmp_path):
    with pytest.raises(Rejected, match="video/mp4"):
        written(media=(Media(path=tmp_path / "x.mp4", mime="video/mp4"),))


def test_control_characters_reach_no_reader():
    mail = written(text="Boil\0 water\x1b[31m.\r\nNow.")
    assert "Boil water[31m. Now." in mail.text


def test_nothing_is_loaded_from_elsewhere_and_links_lead_somewhere():
    text = "![A map](https://maps.example/x.png) and [![linked](https://x.example/y.png)](https://x.example/)"
    text += " [here](/here)\n\n![](local.png)"
    html = written(text=text).html
    assert "<img" not in html
    assert ">A map</a>" in html
    assert ">linked</a>" in html
    assert "here (/here)" in html
    assert "local.png" in html


def test_headings_follow_the_title_without_a_gap():
    html = written(text="### Detour\n\n##### Bus\n\n# Hours").html
    assert [found[1] for found in re.findall(r"<(h(\d))", html)] == ["1", "2", "3", "2"]


def test_code_is_shown_as_it_is():
    html = written(text="```\n<b>x</b> & y\n```\n\n    indented\n\n`inline`").html
    assert re.search(r"<pre style=[^>]*>&lt;b&gt;x&lt;/b&gt; &amp; y\n</pre>", html)
    assert re.search(r"<pre style=[^>]*>indented\n</pre>", html)
    assert re.search(r"<code style=[^>]*>inline</code>", html)


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=300).map(
    lambda text: " ".join(text.split())
)


def shown(field: bytes) -> str:
    """Return the words of a header field as RFC 2047 has them read."""
    return str(make_header(decode_header(field.decode().replace("\r\n", ""))))


@settings(deadline=None)
@given(title=WORDS.filter(bool), name=WORDS)
def test_any_title_and_name_arrive_as_they_are_and_add_no_header(title, name):
    names = [field.partition(b":")[0] for field in fields(written().raw)]
    raw = written(title=title, to=entry(name=name)).raw
    assert [field.partition(b":")[0] for field in fields(raw)] == names
    assert raw.isascii()
    found = dict(field.split(b": ", 1) for field in fields(raw))
    assert shown(found[b"Subject"]) == title
    known, _, address = found[b"To"].rpartition(b"<")
    assert address == b"ana@example.gov>" if name else found[b"To"] == b"ana@example.gov"
    if known.startswith(b'"'):
        known = unquote(known.decode().strip()).encode()
    assert shown(known).strip() == name


@settings(deadline=None)
@given(text=st.text(max_size=400))
def test_any_text_stays_within_its_part(text):
    message = parsed(written(text=text).raw)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert all(part.defects == [] for part in message.walk())
