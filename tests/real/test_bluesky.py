"""Bluesky on a real PDS, through the command line and the daemon: what the preview promised is what stands there."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli_city import POST
from govpost.contract import Example
from govpost.testing.parts.accounts import Accounts
from govpost.testing.parts.changing import Changing
from govpost.testing.parts.confirming import Confirming
from govpost.testing.parts.identity import Identity
from govpost.testing.parts.posting import Posting
from govpost.testing.parts.staging import Staging
from govpost.testing.parts.timing import Timing
from govpost_bluesky import Bluesky
from govpost_bluesky.test_mp4 import mp4
from real.servers.pds import BlueskyAccount, Pds
from real.town import ALTS, Seat, Town, town
from riverton import png

LINK = "https://riverton.example.gov"
PARTS = (
    "1/4 Stürmisches Wetter am Freitag. 🌪️",
    "2/4 Bring in what the wind can take. #storm",
    "3/4 Cargue su teléfono; ¡no salga!",
    f"4/4 Shelters: {LINK}/storm",
)


def seat(account: BlueskyAccount, pds: Pds, more: str = "", *, url: str = "", **secrets: str) -> Seat:
    """Seat a channel on an account; `url` is a proxy before its PDS."""
    settings = f'handle = "{account.handle}", pds = "{url or pds.url}", directory = "{pds.plc.url}"'
    return Seat(
        name="bsky",
        platform="bluesky",
        settings=f"{{ {settings}{more} }}",
        secrets=secrets or {"password": account.password},
    )


@dataclass(frozen=True)
class Sky:
    """A town and its account."""

    town: Town
    account: BlueskyAccount

    def publish(self, slug: str, text: str, *, more: str = "", pictures: int = 0) -> list[dict[str, Any]]:
        """Release a post and deliver it; returns its deliveries, all live."""
        self.town.release(slug, text, channels="bsky", more=more, pictures=pictures)
        self.town.deliver()
        rows = self.town.deliveries(slug, "bsky")
        assert {row["state"] for row in rows} == {"live"}, [row["reason"] for row in rows]
        return rows

    def values(self, collection: str = "app.bsky.feed.post") -> list[dict[str, Any]]:
        """Return the account's records as its PDS lists them, oldest first."""
        return [record["value"] for record in self.account.records(collection)]

    def blob(self, blob: dict[str, Any]) -> bytes:
        """Return an uploaded file as anyone can fetch it."""
        ask = {"did": self.account.did, "cid": blob["ref"]["$link"]}
        where = f"{self.account.url}/xrpc/com.atproto.sync.getBlob"
        return httpx2.get(where, params=ask, timeout=30, trust_env=False).raise_for_status().content


@pytest.fixture
def sky(tmp_path: Path, pds: Pds) -> Sky:
    account = pds.account()
    return Sky(town(tmp_path, seat(account, pds)), account)


def correct(sky: Sky, wrong: str, slug: str, text: str) -> None:
    """Write a correction, take it in, let another approve it, deliver it."""
    path = sky.town.write(slug, text, channels="bsky")
    sky.town.ok("post", "correct", wrong, str(path.relative_to(sky.town.root)), by="ana")
    sky.town.ok("review", "approve", slug, by="cleo")
    sky.town.deliver()


def test_a_post_with_two_described_pictures_is_what_the_preview_promised(sky: Sky) -> None:
    text = "✨ Gesperrt / closed / 封鎖: the Main Street bridge. #bridge"
    sky.publish("bridge", text, pictures=2)
    (promised,) = sky.town.promised("bridge", "bsky")
    (held,) = sky.values()
    assert held["text"] == promised["text"]
    assert held["text"].startswith(text)
    assert held["langs"] == [promised["language"]]
    images = held["embed"]["images"]
    assert [image["alt"] for image in images] == [medium["alt"] for medium in promised["media"]] == list(ALTS)
    for image, medium in zip(images, promised["media"], strict=True):
        assert hashlib.sha256(sky.blob(image["image"])).hexdigest() == medium["sha256"]
    assert [image["aspectRatio"] for image in images] == [
        {"width": 320, "height": 200},
        {"width": 321, "height": 200},
    ]
    for facet in held["facets"]:
        index, feature = facet["index"], facet["features"][0]
        marked = held["text"].encode()[index["byteStart"] : index["byteEnd"]].decode()
        assert marked in (feature.get("uri"), f"#{feature.get('tag')}")
    assert len(held["facets"]) == 2


def test_a_thread_of_four_hangs_together(sky: Sky) -> None:
    wording = "wording:\n  bsky:\n" + "".join(
        f"    - {json.dumps(part, ensure_ascii=False)}\n" for part in PARTS
    )
    rows = sky.publish("storm", "A storm is coming.", more=wording)
    promised = sky.town.promised("storm", "bsky")
    held = sky.account.records()
    assert [record["value"]["text"] for record in held] == [part["text"] for part in promised] == list(PARTS)
    assert [record["uri"] for record in held] == [row["remote_id"] for row in rows]
    names = [{"uri": record["uri"], "cid": record["cid"]} for record in held]
    assert "reply" not in held[0]["value"]
    for number in range(1, 4):
        assert held[number]["value"]["reply"] == {"root": names[0], "parent": names[number - 1]}
    instants = [record["value"]["createdAt"] for record in held]
    assert instants == sorted(set(instants))


def test_a_card_shows_a_page_with_a_picture(sky: Sky) -> None:
    card = 'card: { title: "Budget 2027", description: "What the city plans." }'
    sky.publish(
        "budget", "The budget is open for comments.", more=f"options:\n  bsky:\n    {card}\n", pictures=1
    )
    (promised,) = sky.town.promised("budget", "bsky")
    (held,) = sky.values()
    external = held["embed"]["external"]
    assert (external["uri"], external["title"]) == (f"{LINK}/budget", promised["options"]["card"]["title"])
    assert external["description"] == promised["options"]["card"]["description"]
    assert hashlib.sha256(sky.blob(external["thumb"])).hexdigest() == promised["media"][0]["sha256"]
    assert f"{LINK}/budget" in held["text"]


def test_gates_stand_with_the_root_from_the_first_moment(tmp_path: Path, pds: Pds) -> None:
    account = pds.account()
    sky = Sky(town(tmp_path, seat(account, pds, ', replies = ["following"], quotes = false')), account)
    more = f"wording:\n  bsky: {json.dumps(list(PARTS[:2]), ensure_ascii=False)}\n"
    rows = sky.publish("notice", "A notice.", more=more)
    (gate,) = sky.values("app.bsky.feed.threadgate")
    assert gate["post"] == rows[0]["remote_id"]
    assert gate["allow"] == [{"$type": "app.bsky.feed.threadgate#followingRule"}]
    gated = [each["post"] for each in sky.values("app.bsky.feed.postgate")]
    assert gated == [row["remote_id"] for row in rows]
    sky.town.ok("post", "withdraw", "notice", "--reason", "error")
    sky.town.deliver()
    for kind in ("post", "threadgate", "postgate"):
        assert sky.values(f"app.bsky.feed.{kind}") == []


def test_a_correction_stands_under_the_post_it_corrects(sky: Sky) -> None:
    (wrong,) = sky.publish("pool", "The pool opens on Monday.")
    correct(sky, "pool", "pool-correction", "Correction: the pool opens on Tuesday.")
    (promised,) = sky.town.promised("pool-correction", "bsky")
    first, second = sky.values()
    assert first["text"].startswith("The pool opens on Monday.")
    assert second["text"] == promised["text"]
    assert second["reply"]["parent"]["uri"] == second["reply"]["root"]["uri"] == wrong["remote_id"]


def test_a_withdrawn_thread_is_gone(sky: Sky) -> None:
    more = f"wording:\n  bsky: {json.dumps(list(PARTS), ensure_ascii=False)}\n"
    sky.publish("storm", "A storm is coming.", more=more)
    sky.publish("stays", "This stays.")
    sky.town.ok("post", "withdraw", "storm", "--reason", "error")
    sky.town.deliver()
    assert [value["text"].splitlines()[0] for value in sky.values()] == ["This stays."]
    assert sky.town.ask("post", "show", "storm", by=None)["state"] == "withdrawn"


def test_a_photo_goes_out_small_upright_and_without_its_place(sky: Sky) -> None:
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (41.0, 52.0, 30.0)
    folder = sky.town.root / "content" / "photo"
    folder.mkdir(parents=True)
    photo = image.effect_noise((4800, 3200), 60).convert("RGB")
    photo.save(folder / "photo.jpg", quality=90, exif=exif)
    assert (folder / "photo.jpg").stat().st_size > 5_242_880
    sky.publish("photo", "A photo.", more="media:\n  - file: photo.jpg\n    alt: Noise, upright\n")
    (held,) = sky.values()
    (shown,) = held["embed"]["images"]
    data = sky.blob(shown["image"])
    there = image.open(io.BytesIO(data))
    assert len(data) <= 1_000_000
    assert not there.getexif()
    assert there.height > there.width
    assert shown["aspectRatio"] == {"width": there.width, "height": there.height}


def test_a_film_keeps_its_shape_and_its_description(sky: Sky) -> None:
    folder = sky.town.root / "content" / "film"
    folder.mkdir(parents=True)
    (folder / "film.mp4").write_bytes(mp4(1080, 1920))
    sky.publish("film", "A film.", more="media:\n  - file: film.mp4\n    alt: Water over the weir\n")
    (held,) = sky.values()
    assert held["embed"]["aspectRatio"] == {"width": 1080, "height": 1920}
    assert held["embed"]["alt"] == "Water over the weir"
    assert sky.blob(held["embed"]["video"]) == mp4(1080, 1920)


def test_a_mention_leads_to_the_account_it_names(sky: Sky, pds: Pds) -> None:
    sky.publish("thanks", f"Thanks to @{pds.citizen.handle} and @nobody.test.")
    (held,) = sky.values()
    dids = [facet["features"][0].get("did") for facet in held["facets"]]
    assert dids == [pds.citizen.did, None]


def test_verify_says_who_we_are_and_whether_the_profile_leads_back(sky: Sky) -> None:
    first = sky.town.ask("channel", "verify", "bsky")
    assert "links back: no" in sky.town.run("channel", "verify", "bsky").out
    with sky.account.client() as client:
        profile = {"$type": "app.bsky.actor.profile", "description": f"The city. {LINK}/"}
        body = {"repo": sky.account.did, "collection": profile["$type"], "rkey": "self", "record": profile}
        client.post("com.atproto.repo.putRecord", json=body).raise_for_status()
    again = sky.town.run("channel", "verify", "bsky").out
    assert f"@{sky.account.handle}" in again
    assert "blob 5242880" in again
    assert "links back: no" not in again
    assert sky.account.did in json.dumps(first)


def test_a_post_that_cannot_go_out_is_stopped_before_anybody_approves_it(sky: Sky) -> None:
    folder = sky.town.root / "content" / "two"
    folder.mkdir(parents=True)
    for name in ("one.png", "two.png"):
        (folder / name).write_bytes(png(32, 20))
    more = (
        "options:\n  bsky:\n    card: { title: Plan }\n"
        "media:\n  - file: one.png\n    alt: A plan\n  - file: two.png\n    alt: Another\n"
    )
    post = POST.format(title="Two", channels="bsky", slug="two", more=more, body="Plans.")
    (folder / "post.md").write_text(post, encoding="utf-8")
    said = sky.town.run("post", "check", "content/two/post.md")
    assert said.code == 1
    assert "bsky will not take it: a card holds one picture and nothing else" in said.out + said.err


def test_the_home_of_a_handle_is_found_by_its_did(tmp_path: Path, pds: Pds) -> None:
    account = pds.account()
    settings = f'{{ handle = "{account.did}", directory = "{pds.plc.url}" }}'
    place = Seat(name="bsky", platform="bluesky", settings=settings, secrets={"password": account.password})
    sky = Sky(town(tmp_path, place), account)
    sky.publish("found", "Found by its DID.")
    assert len(sky.values()) == 1


def test_without_an_appview_counts_say_why_they_are_missing(sky: Sky) -> None:
    sky.publish("counted", "Counted by nobody.")
    said = sky.town.run("metrics", "collect")
    assert "has no AppView" in said.out + said.err


class TestBlueskyKeepsTheContractOnTheRealServer(
    Identity, Accounts, Posting, Staging, Timing, Confirming, Changing
):
    """All parts of the suite but counts and replies, which need an AppView."""

    platform = Bluesky()

    @pytest.fixture(autouse=True)
    def _on_the_pds(self, aim: Example) -> None:
        type(self).live = aim


@pytest.fixture(scope="module")
def aim(pds: Pds) -> Example:
    """Log in once for a whole suite: the PDS takes thirty log-ins in five minutes."""
    account = pds.account()
    with account.client() as client:
        session = client.post(
            "com.atproto.server.createSession", json={"identifier": account.did, "password": account.password}
        )
    said = session.raise_for_status().json()
    where = {"did": account.did, "pds": account.url}
    return Example(
        settings={"handle": account.handle, "pds": account.url},
        secrets={"access": said["accessJwt"], "refresh": said["refreshJwt"], "session": json.dumps(where)},
        limits={"blob": 5_242_880, "appview": False},
        person={"password": account.password},
    )
