"""What goes out on a channel: the author's words whole, in the order and on the parts where they belong."""

import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.counting import count, links
from govpost.domain import Action, Capabilities, Draft, Media, Variant
from govpost.render import fits, plain, render
from govpost.sentences import pieces

LINK = "https://riverton.example.gov/roads"
BRIDGE = Media(path=Path("bridge.jpg"), mime="image/jpeg", alt="Orange barriers")


def draft(body: str = "The *road* is closed.", **more) -> Draft:
    return Draft(slug="road", path=Path("road.md"), title="Road closed", body=body, **more)


def texts(post: Draft, **capabilities) -> list[str]:
    return [part.text for part in render(post, "hub", Capabilities(**capabilities))]


def test_without_own_wording_the_body_goes_out_as_plain_text_and_the_link_on_its_own_line():
    assert texts(draft(link=LINK)) == [f"The road is closed.\n\n{LINK}"]


def test_the_link_goes_into_the_link_field_where_there_is_one():
    (part,) = render(draft(link=LINK), "hub", Capabilities(link=True))
    assert (part.text, part.link) == ("The road is closed.", LINK)


@pytest.mark.parametrize(
    "body", [f"See {LINK}.", f"[Read]({LINK})", f"<{LINK}>", f"({LINK}), now", f"“{LINK}”"]
)
def test_a_link_that_stands_in_the_text_is_not_repeated(body):
    assert texts(draft(body, link=LINK)) == [plain(body)]


@pytest.mark.parametrize(
    "body", [f"See {LINK}/x.", f"See https://old.gov/{LINK}", f"See {LINK}?x", f"See {LINK}.html"]
)
def test_a_longer_link_is_another_link(body):
    assert texts(draft(body, link=LINK))[0].endswith(f"\n\n{LINK}")


def test_a_platform_that_reads_markdown_gets_the_markdown_itself():
    assert texts(draft(link=LINK), markup="markdown") == [f"The *road* is closed.\n\n<{LINK}>"]


def test_a_platform_that_shows_html_gets_html():
    expected = f'<p>The <em>road</em> is closed.</p>\n\n<p><a href="{LINK}">{LINK}</a></p>'
    assert texts(draft(link=LINK), markup="html") == [expected]


def test_a_post_without_text_is_its_link():
    assert texts(draft("", link=LINK)) == [LINK]


def test_the_title_goes_out_only_where_the_platform_has_one():
    assert render(draft(), "hub", Capabilities())[0].title is None
    assert render(draft(), "hub", Capabilities(title=True))[0].title == "Road closed"


@pytest.mark.parametrize("markup", ["plain", "markdown"])
def test_own_wording_goes_out_word_for_word_and_part_for_part(markup):
    words = ("*Road* closed. Really. ", "More <b>here</b>")
    post = draft(link=LINK, wording={"hub": words})
    assert tuple(texts(post, markup=markup, max_chars=5, threads=True)) == words


def test_own_wording_shows_as_these_words_in_html():
    assert texts(draft(wording={"hub": ("<b> *x*",)}), markup="html") == ["<p>&lt;b&gt; *x*</p>"]


def test_own_wording_takes_its_link_in_the_link_field():
    (part,) = render(draft(link=LINK, wording={"hub": ("Road closed.",)}), "hub", Capabilities(link=True))
    assert (part.text, part.link) == ("Road closed.", LINK)


def test_wording_for_one_channel_is_not_used_on_another():
    assert texts(draft(wording={"other": ("x",)})) == ["The road is closed."]


def test_media_title_and_link_field_go_with_the_first_part_and_the_rest_with_all():
    capabilities = Capabilities(max_chars=12, threads=True, title=True, link=True)
    post = draft("One is here. Two is here.", link=LINK, language="en", media=(BRIDGE,))
    first, second = render(post, "hub", capabilities, action=Action.AMEND, corrects="https://hub/1")
    assert (first.title, first.link, first.media) == ("Road closed", LINK, (BRIDGE,))
    assert (second.title, second.link, second.media) == (None, None, ())
    for part in (first, second):
        assert (part.key, part.language, part.action, part.corrects) == (
            "",
            "en",
            Action.AMEND,
            "https://hub/1",
        )


def test_a_text_over_the_limit_becomes_a_thread_at_sentence_ends():
    post = draft("Dr. Lee came. She left at 3.5 p.m. today. Bye.")
    assert texts(post, max_chars=30, threads=True) == ["Dr. Lee came.", "She left at 3.5 p.m. today.", "Bye."]


def test_a_text_over_the_limit_stays_whole_where_there_are_no_threads():
    assert texts(draft("One is here. Two is here."), max_chars=5) == ["One is here. Two is here."]


def test_html_is_never_parted():
    assert len(texts(draft("One is here. Two is here."), max_chars=5, threads=True, markup="html")) == 1


def test_a_sentence_longer_than_the_limit_stays_whole():
    post = draft("Short. This one is far too long. End.")
    assert texts(post, max_chars=10, threads=True) == ["Short.", "This one is far too long.", "End."]


def test_a_part_rather_ends_with_its_paragraph():
    post = draft("One one one. Two two two.\n\nThree three. Four.")
    assert texts(post, max_chars=40, threads=True) == ["One one one. Two two two.", "Three three. Four."]


def test_a_part_is_not_left_half_empty_for_the_sake_of_a_paragraph():
    post = draft("One.\n\nTwo two two two. Three three three three.")
    assert texts(post, max_chars=30, threads=True) == ["One.\n\nTwo two two two.", "Three three three three."]


def test_markdown_is_parted_between_its_blocks():
    post = draft("# Storm\n\n- Water. Food\n- Radio\n\n`a. B` is *code. Yes.*", link=LINK)
    assert texts(post, max_chars=10, threads=True, markup="markdown") == [
        "# Storm",
        "- Water. Food",
        "- Radio",
        "`a. B` is *code. Yes.*",
        f"<{LINK}>",
    ]


COUNTINGS = ("graphemes", "codepoints", "utf16", "bytes", "weighted")
WORDS = "The road is closed. Dr. No! ¿Qué? 次。文！ 3.5 a.m. \U0001f469\u200d\U0001f467 \U0001f44b\U0001f3fd é e\u0301"
SENTENCES = st.lists(
    st.one_of(
        st.sampled_from([*WORDS.split(), "\n\n"]),
        st.from_regex(r"https://[a-z]{1,5}\.gov/[a-z.?=]{0,9}[a-z]", fullmatch=True),
        st.text(alphabet="aB. \n。!\u0301\ufe0f\u200dé", max_size=4),
    ),
    max_size=50,
).map(" ".join)


@given(SENTENCES, st.sampled_from(COUNTINGS), st.integers(1, 60), st.sampled_from([None, 5, 23]))
def test_a_thread_loses_nothing_cuts_no_link_and_fits(words, counting, limit, price):
    capabilities = Capabilities(max_chars=limit, count=counting, link_chars=price, threads=True)
    parts, whole = texts(draft(words), **asdict(capabilities)), plain(words)
    assert "".join("".join(parts).split()) == "".join(whole.split())
    assert all(part.strip() for part in parts) or parts == [whole]
    assert [link for part in parts for link in _links(part)] == _links(whole)
    for part in parts:
        assert count(part, capabilities) <= limit or len(pieces(part)) <= 1


def _links(text: str) -> list[str]:
    return [text[start:end] for start, end in links(text)]


@pytest.mark.parametrize("counting", COUNTINGS)
def test_a_hundred_kilobytes_are_parted_in_a_moment(counting):
    body = (
        "The bridge is closed for 3.5 miles. See https://a.gov/roads?x=1 for more, and go by Oak Street. "
        * 1000
    )
    began = time.process_time()
    parts = texts(draft(body), max_chars=280, count=counting, threads=True)
    assert time.process_time() - began < 1.5
    assert len(parts) > 250


def variant(text: str = "Hi", *media: Media) -> Variant:
    return Variant(key="", text=text, media=media)


def test_what_fits_has_no_reasons():
    assert fits(variant("Hi", BRIDGE), Capabilities(max_chars=2, max_alt=15)) == []
    assert fits(variant("x" * 1000), Capabilities()) == []


def test_a_text_over_the_limit_says_by_how_much():
    assert fits(variant("Hello"), Capabilities(max_chars=3)) == [
        "the text has 5 characters, 2 over the limit of 3"
    ]
    assert fits(variant("é"), Capabilities(max_chars=1, count="bytes")) == [
        "the text has 2 bytes, 1 over the limit of 1"
    ]


def test_a_variant_without_words_and_pictures_does_not_fit():
    assert fits(variant(" \n"), Capabilities()) == ["there is no text"]
    assert fits(variant("", BRIDGE), Capabilities()) == []


def test_too_many_media_do_not_fit():
    capabilities = Capabilities(max_media=1)
    assert fits(variant("x", BRIDGE, BRIDGE), capabilities) == ["there are 2 media files, the limit is 1"]
    assert fits(variant("x", BRIDGE), Capabilities(max_media=0)) == ["there is 1 media file, the limit is 0"]


def test_a_wrong_type_does_not_fit():
    film = Media(path=Path("film.mp4"), mime="video/mp4")
    assert fits(variant("x", film), Capabilities(media_types=("image/png",))) == [
        "film.mp4 is video/mp4; taken are image/png"
    ]
    assert fits(variant("x", film), Capabilities(media_types=())) == [
        "film.mp4 is video/mp4; taken are no files"
    ]


def test_a_description_that_is_too_long_does_not_fit():
    assert fits(variant("x", BRIDGE), Capabilities(max_alt=10, count="bytes")) == [
        "bridge.jpg has a description of 15 characters, 5 over the limit of 10"
    ]


def test_a_file_that_is_too_big_does_not_fit(tmp_path):
    (tmp_path / "big.png").write_bytes(b"x" * 2000)
    big = Media(path=tmp_path / "big.png", mime="image/png", alt="A big picture")
    assert fits(variant("x", big), Capabilities(max_media_bytes=1999)) == [
        "big.png has 2,000 bytes, over the limit of 1,999"
    ]
