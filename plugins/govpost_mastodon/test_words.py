"""HTML back to the words that were sent."""

import pytest

from govpost_mastodon.words import alike, same, text_of

LINK = (
    '<a href="https://riverton.example.gov/roads/main-street"><span class="invisible">https://</span>'
    '<span class="ellipsis">riverton.example.gov/roads/mai</span><span class="invisible">n-street</span></a>'
)
MENTION = (
    '<span class="h-card"><a href="https://a.example/@ann" class="u-url mention">@<span>ann</span></a></span>'
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>One</p><p>Two<br />Three</p>", "One\n\nTwo\nThree"),
        (f"<p>See {LINK}</p>", "See https://riverton.example.gov/roads/main-street"),
        (
            f"<p>{MENTION} hi</p>",
            "@ann hi",
        ),
        (
            '<p class="quote-inline">RE: <a href="https://a.example/1">https://a.example/1</a><br></p><p>Ours</p>',
            "Ours",
        ),
        ("<p>a &lt;b&gt; &amp;amp; “c”</p>", "a <b> &amp; “c”"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("no paragraph at all", "no paragraph at all"),
        ("<p>a<script>b</script>c", "ac"),
        ("", ""),
    ],
)
def test_a_status_reads_as_what_people_see(content, text):
    assert text_of(content) == text


def test_servers_trim_and_compose_and_the_words_stay_the_same():
    assert same("Cafe\u0301 \r\nopen\n", "Café\nopen")
    assert not same("Open at 8", "Open at 9")
    assert not same("A  B", "A B")


def test_texts_that_are_shown_differently_are_alike():
    assert alike("See https://a.example/1, @ann@b.example: *now*", "See https://a.example/…, @ann: now")
    assert not alike("Closed on Monday", "Closed on Tuesday")
