"""One post, every platform that can carry it, one run: what the servers then say is what the preview promised."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from govpost.markup import plain
from real.servers.mail import MailServer
from real.servers.mastodon import Mastodon
from real.servers.pds import Pds
from real.servers.wordpress import WordPress
from real.town import ALTS, Seat, Town, lay, town

LINK = "https://riverton.example.gov/storm"
READERS = ("ann@residents.example", "bob@residents.example")
THREAD = (
    "Storm guide, part 1: fill a bottle of water for each person and day. 💧",
    "Part 2: charge your telephone, and keep a torch – “Taschenlampe” – by your bed.",
    "Part 3: bring in chairs, bins & toys; <anything> the wind can lift.",
    "Part 4: after the storm, stay away from fallen lines. https://riverton.example.gov/storm",
)


@dataclass(frozen=True)
class Shown:
    """What one server shows of one post: its words, and its pictures' descriptions in order."""

    text: str
    alts: tuple[str, ...]
    title: str | None = None


def words(markup: str) -> str:
    """Return what a reader sees of HTML: tags gone, white space as one."""
    text = re.sub(r"<(br|/p|/h\d|/li)[^>]*>", "\n", markup)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


def on_mastodon(account: Any) -> list[Shown]:
    """Return the account's posts, oldest first, each with the answers below it: its ids say nothing of time."""
    posts = sorted(account.statuses(), key=lambda each: str(each["created_at"]))

    def below(parent: str | None) -> list[Any]:
        answers = [post for post in posts if post["in_reply_to_id"] == parent]
        return [each for post in answers for each in (post, *below(post["id"]))]

    return [
        Shown(words(post["content"]), tuple(each["description"] for each in post["media_attachments"]))
        for post in below(None)
    ]


def on_bluesky(account: Any) -> list[Shown]:
    """Return the posts of the public repository, oldest first."""
    values = [record["value"] for record in account.records()]
    return [
        Shown(value["text"], tuple(image["alt"] for image in value.get("embed", {}).get("images", ())))
        for value in values
        if value["$type"] == "app.bsky.feed.post"
    ]


def on_wordpress(account: Any, before: set[int]) -> list[Shown]:
    """Return the site's posts but those that were there before, oldest first, with every picture of each."""
    found = []
    fresh = [post for post in account.posts(status="publish") if post["id"] not in before]
    for post in sorted(fresh, key=lambda each: int(each["id"])):
        content = post["content"]["raw"]
        alts = [html.unescape(alt) for alt in re.findall(r'<img[^>]*\balt="([^"]*)"', content)]
        if post["featured_media"]:
            lead = (
                account.client()
                .get(f"wp/v2/media/{post['featured_media']}", params={"context": "edit"})
                .json()
            )
            alts = [lead["alt_text"], *(alt for alt in alts if alt != lead["alt_text"])]
        found.append(Shown(words(re.sub(r"<!--.*?-->", "", content)), tuple(alts), post["title"]["raw"]))
    return found


def in_the_mail(mails: list[Any], reader: str) -> list[Shown]:
    """Return what one reader got, oldest first."""
    found = []
    for mail in mails:
        if list(mail.recipients) != [reader]:
            continue
        plain = mail.message.get_body(("plain",)).get_content()
        rich = mail.message.get_body(("html",)).get_content()
        alts = tuple(html.unescape(alt) for alt in re.findall(r'<img[^>]*\balt="([^"]*)"', rich))
        found.append(Shown(" ".join(plain.split()), alts, mail.message["Subject"]))
    return found


@dataclass
class Stage:
    """The town and what each of its servers shows."""

    town: Town
    views: dict[str, Callable[[], list[Shown]]]
    sky: Any

    def cards(self) -> list[dict[str, Any]]:
        """Return the link cards of the Bluesky repository."""
        embeds = [record["value"].get("embed", {}) for record in self.sky.records()]
        return [embed["external"] for embed in embeds if "external" in embed]

    def last(self, channel: str) -> Shown:
        """Return the newest post of a channel."""
        return self.views[channel]()[-1]


@pytest.fixture
def stage(tmp_path: Path, mastodon: Mastodon, pds: Pds, wordpress: WordPress, mail: MailServer) -> Stage:
    """Seat the town on fresh accounts of every server."""
    fedi, sky, site = mastodon.account(), pds.account(), wordpress.account()
    readers = tmp_path / "readers.csv"
    lay(readers, "email\n" + "\n".join(READERS) + "\n")
    seats = (
        Seat(
            name="fediverse",
            platform="mastodon",
            settings=f'{{ url = "{mastodon.url}" }}',
            secrets={"access_token": fedi.token},
        ),
        Seat(
            name="bluesky",
            platform="bluesky",
            settings=f'{{ handle = "{sky.handle}", pds = "{pds.url}", directory = "{pds.plc.url}" }}',
            secrets={"password": sky.password},
        ),
        Seat(
            name="press",
            platform="wordpress",
            settings=f'{{ site = "{wordpress.url}", user = "{site.user}" }}',
            secrets={"password": site.password},
        ),
        Seat(
            name="bulletin",
            platform="email",
            settings=(
                f'{{ host = "{mail.host}", port = {mail.port}, user = "{mail.user}", ca_file = "{mail.ca_file}",'
                f' sender = "news@riverton.example.gov", list_file = "{readers}",'
                f' list_id = "bulletin.riverton.example.gov" }}'
            ),
            secrets={"password": mail.password, "list_key": "a key for references of this test"},
        ),
    )
    made = town(tmp_path, *seats)
    for name in ("fediverse", "bluesky", "press"):
        made.ok("channel", "verify", name)
    before, older = len(mail.mails()), {post["id"] for post in site.posts()}
    return Stage(
        made,
        {
            "fediverse": lambda: on_mastodon(fedi),
            "bluesky": lambda: on_bluesky(sky),
            "press": lambda: on_wordpress(site, older),
            "bulletin": lambda: in_the_mail(mail.mails()[before:], READERS[0]),
        },
        sky,
    )


ALL = "website, fediverse, bluesky, press, bulletin"


def test_every_server_shows_what_the_preview_promised(stage: Stage) -> None:
    town = stage.town
    body = "The **storm** is over – “Danke!” 👩🏽‍🚒\n\nMain Street & Oak Street are open again."
    town.release("storm", body, channels=ALL, pictures=2)
    town.deliver()
    assert set(town.states("storm")) == {"live"}
    for channel, view in stage.views.items():
        (promise,) = town.promised("storm", channel)
        (shown,) = view()
        assert shown.alts == ALTS, channel
        assert shown.alts == tuple(medium["alt"] for medium in promise["media"])
        if promise["title"] is not None and shown.title is not None:
            assert shown.title == promise["title"], channel
        promised = " ".join(plain(promise["text"]).split())
        link = promise["link"] or LINK
        assert link in shown.text, (channel, shown.text)
        if channel == "bulletin":  # what the list is and how to leave it stands around the words
            assert promised in shown.text, (channel, shown.text)
        else:
            assert " ".join(shown.text.split()) == promised, channel
        if channel == "bluesky":
            assert shown.text == promise["text"]


def test_a_link_stands_on_every_server_and_as_a_card_where_a_post_can_have_one(stage: Stage) -> None:
    town = stage.town
    card = "options:\n  bluesky:\n    card: { title: Storm guide, description: What to do }\n"
    town.release("storm", "All about the storm.", channels=ALL, more=card)
    town.deliver()
    assert set(town.states("storm")) == {"live"}
    for channel in stage.views:
        assert LINK in stage.last(channel).text, channel
    (promise,) = town.promised("storm", "bluesky")
    assert stage.cards() == [{"uri": LINK} | promise["options"]["card"]]


def test_a_thread_of_four_stands_in_its_order_wherever_there_are_threads(stage: Stage) -> None:
    town = stage.town
    wording = "".join(f"    - {part!r}\n" for part in THREAD)
    more = f"wording:\n  fediverse:\n{wording}  bluesky:\n{wording}"
    town.release("guide", "Be ready for the storm.", channels=ALL, more=more)
    town.deliver()
    for channel in ("fediverse", "bluesky"):
        assert town.states("guide", channel) == ["live"] * 4
        assert [part["text"] for part in town.promised("guide", channel)] == list(THREAD)
        assert [shown.text for shown in stage.views[channel]()] == list(THREAD)


def test_a_correction_and_a_withdrawal_reach_each_platform_that_can_carry_them(stage: Stage) -> None:
    town = stage.town
    town.release("fair", "The job fair is on Friday.", channels=ALL, pictures=1)
    town.deliver()
    first = {channel: len(view()) for channel, view in stage.views.items()}
    assert first == dict.fromkeys(stage.views, 1)
    town.release(
        "fair-again", "The job fair is on Saturday.", channels=ALL, more="corrects: fair\n", pictures=1
    )
    town.deliver()
    assert set(town.states("fair-again")) == {"live"}
    for channel, view in stage.views.items():
        shown = view()
        assert "Saturday" in shown[-1].text, channel
        amended = channel in ("fediverse", "press")
        assert len(shown) == (1 if amended else 2), channel
        assert shown[-1].alts == ALTS[:1], channel
    for slug in ("fair-again", "fair"):
        said = town.ok("post", "withdraw", slug, "--reason", "error").out
        assert "bulletin: 2 copies: its platform cannot take it down" in said
    town.deliver()
    for channel in ("fediverse", "bluesky", "press"):
        assert stage.views[channel]() == [], channel
    assert len(stage.views["bulletin"]()) == 2
