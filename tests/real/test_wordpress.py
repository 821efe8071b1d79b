"""A WordPress site through the command line: what the site then holds is what was approved."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import subprocess
import webbrowser
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

import cli_city
from real.servers.wordpress import WordPress, WordPressAccount
from real.town import ALTS, Seat, Town, town

BODY = """\
The bridge is closed on **Friday** – “Danke!” 👩🏽‍🚒 & *see* [the plan](https://riverton.example.gov/plan?a=1&b=2).

## What to do

1. Take Oak Street
2. Allow time
   - ten minutes at noon
   - twenty at five

> Stay <b>safe</b>, says [gallery] the mayor.

| From | To |
|:-----|---:|
| 6 am | 6 pm |

```
ROAD CLOSED [A1] <now>
```

---

- one

      code in a list

https://www.youtube.com/watch?v=dQw4w9WgXcQ
"""
OPTIONS = """\
options:
  press:
    categories: [Roads & Bridges, Notices]
    tags: [closure]
    excerpt: Take <Oak Street> & allow time.
    comments: open
"""
PICTURED = f"{OPTIONS}    featured: 2\n"
# WordPress's own parser and its list of blocks judge what we wrote.
PARSE = """
$_SERVER += ['HTTP_HOST' => 'localhost', 'REQUEST_URI' => '/', 'REQUEST_METHOD' => 'GET'];
$_SERVER += ['SERVER_PROTOCOL' => 'HTTP/1.1'];
require $argv[1] . '/wp-load.php';
$markup = stream_get_contents(STDIN);
$names = []; $stray = '';
$walk = function ($blocks) use (&$walk, &$names, &$stray) {
    foreach ($blocks as $block) {
        if ($block['blockName'] === null) { $stray .= trim($block['innerHTML']); continue; }
        $names[] = $block['blockName'];
        $walk($block['innerBlocks']);
    }
};
$walk(parse_blocks($markup));
$known = array_keys(WP_Block_Type_Registry::get_instance()->get_all_registered());
echo json_encode(['names' => $names, 'stray' => $stray, 'same' => serialize_blocks(parse_blocks($markup)) === $markup,
    'unknown' => array_values(array_diff($names, $known))]);
"""


@dataclass(frozen=True, kw_only=True)
class Press:
    """A town whose one channel besides its website is a WordPress site."""

    town: Town
    site: WordPressAccount
    server: WordPress

    def own(self, kind: str = "posts", status: str = "publish") -> list[dict[str, Any]]:
        """Return what the site holds of this account; an editor sees the others' too."""
        me = self.get("wp/v2/users/me")["id"]
        return [post for post in self.site.posts(kind, status) if post["author"] == me]

    def post(self) -> dict[str, Any]:
        """Return the only post of the account that is public."""
        (post,) = self.own()
        return post

    def get(self, path: str) -> Any:
        """Read from the REST API."""
        with self.site.client() as client:
            return client.get(path).raise_for_status().json()

    def parsed(self, markup: str) -> dict[str, Any]:
        """Let WordPress's own PHP parse blocks."""
        if self.server.outside:
            pytest.skip("WordPress's own parser is asked on a server of ours alone")
        said = subprocess.run(
            [self.server.php, "-r", PARSE, "--", self.server.site],
            input=markup,
            env={**self.server.environment(), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        found: dict[str, Any] = json.loads(said.stdout)
        return found


def seat(server: WordPress, site: WordPressAccount, url: str = "", **settings: str) -> Seat:
    more = "".join(f', {name} = "{value}"' for name, value in settings.items())
    return Seat(
        name="press",
        platform="wordpress",
        settings=f'{{ site = "{url or server.url}", user = "{site.user}"{more} }}',
        secrets={"password": site.password},
    )


@pytest.fixture
def press(tmp_path: Path, wordpress: WordPress) -> Press:
    site = wordpress.account()
    made = town(tmp_path, seat(wordpress, site))
    made.ok("channel", "verify", "press")
    return Press(town=made, site=site, server=wordpress)


def receipt(press: Press, slug: str) -> dict[str, Any]:
    """Return what the site said when it took the post in, as it is kept on the record."""
    (delivery,) = press.town.deliveries(slug, "press")
    with closing(sqlite3.connect(press.town.db)) as store:
        (kept,) = store.execute("SELECT receipt FROM delivery WHERE id = ?", (delivery["id"],)).fetchone()
    raw: dict[str, Any] = json.loads(kept)["raw"]
    return raw


def read(markup: str) -> str:
    """Return the words that a reader sees."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def promised(markdown: str) -> str:
    """Return the words of a preview in Markdown, read by a parser of our core's own kind."""
    from markdown_it import MarkdownIt

    rendered = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return read(rendered)


def test_the_site_holds_what_the_preview_promised(press: Press) -> None:
    press.town.release("bridge", BODY, channels="website, press", more=PICTURED, pictures=2)
    press.town.deliver()
    assert press.town.states("bridge", "press") == ["live"]
    (promise,) = press.town.promised("bridge", "press")
    post = press.post()
    content = post["content"]["raw"]
    assert html.unescape(post["title"]["raw"]) == promise["title"]
    assert read(content) == promised(promise["text"])
    assert html.unescape(post["excerpt"]["raw"]) == "Take <Oak Street> & allow time."
    assert post["comment_status"] == "open"
    assert "https://riverton.example.gov/bridge" in promise["text"]


def test_every_picture_has_its_description_above_the_post_in_it_and_in_the_library(press: Press) -> None:
    press.town.release("bridge", "Closed.", channels="website, press", more=PICTURED, pictures=2)
    press.town.deliver()
    (promise,) = press.town.promised("bridge", "press")
    promised_alts = [medium["alt"] for medium in promise["media"]]
    assert promised_alts == list(ALTS)
    post = press.post()
    lead = press.get(f"wp/v2/media/{post['featured_media']}?context=edit")
    assert lead["alt_text"] == promised_alts[1]
    (inside,) = re.findall(r'<img src="([^"]*)" alt="([^"]*)" class="wp-image-(\d+)"', post["content"]["raw"])
    assert html.unescape(inside[1]) == promised_alts[0]
    kept = press.get(f"wp/v2/media/{inside[2]}?context=edit")
    assert (kept["source_url"], kept["alt_text"]) == (inside[0], promised_alts[0])
    for number, medium in enumerate((kept, lead)):
        sent = (press.town.root / "content" / "bridge" / f"picture-{number}.png").read_bytes()
        assert httpx2.get(medium["source_url"], trust_env=False).content == sent
        assert medium["post"] == post["id"]


def test_categories_and_tags_are_made_once(press: Press) -> None:
    for slug in ("bridge", "tunnel"):
        press.town.release(slug, f"The {slug} is closed.", channels="website, press", more=OPTIONS)
    press.town.deliver()
    first, second = press.own()
    assert first["categories"] == second["categories"] and len(first["categories"]) == 2
    names = [press.get(f"wp/v2/categories/{each}")["name"] for each in first["categories"]]
    assert sorted(map(html.unescape, names)) == ["Notices", "Roads & Bridges"]
    assert [press.get(f"wp/v2/tags/{each}")["name"] for each in first["tags"]] == ["closure"]
    assert first["tags"] == second["tags"]


def test_wordpress_itself_finds_nothing_but_known_blocks(press: Press) -> None:
    press.town.release("bridge", BODY, channels="website, press", pictures=2)
    press.town.deliver()
    found = press.parsed(press.post()["content"]["raw"])
    assert found["stray"] == "" and found["unknown"] == [] and found["same"] is True
    wanted = "paragraph heading list list-item quote table code separator html image"
    assert {f"core/{name}" for name in wanted.split()} <= set(found["names"])


def test_readers_see_no_shortcode_and_nothing_embedded(press: Press) -> None:
    press.town.release("bridge", BODY, channels="website, press")
    press.town.deliver()
    shown = press.get(f"wp/v2/posts/{press.post()['id']}")["content"]["rendered"]
    assert "[gallery]" in read(shown) and "[A1] <now>" in read(shown)
    assert "<iframe" not in shown and "Stay <b>safe</b>" in read(shown)


def test_a_page_is_a_page(press: Press) -> None:
    more = "options:\n  press:\n    type: page\n"
    press.town.release("about", "Who we are.", channels="website, press", more=more)
    press.town.deliver()
    (page,) = press.own("pages")
    (delivery,) = press.town.deliveries("about", "press")
    assert delivery["remote_id"] == f"pages/{page['id']}" and delivery["url"] == page["link"]
    assert press.own() == []


def test_dates_stand_in_the_zone_of_the_site(press: Press) -> None:
    press.town.release("bridge", "Closed.", channels="website, press")
    press.town.deliver()
    post = press.post()
    raw = receipt(press, "bridge")
    assert (raw["date"], raw["date_gmt"]) == (post["date"], post["date_gmt"])
    assert post["date"] != post["date_gmt"]


def test_a_correction_shows_and_the_site_keeps_both_versions(press: Press) -> None:
    press.town.release("fair", "The fair is on Friday.", channels="website, press", pictures=1)
    press.town.deliver()
    before = press.post()
    press.town.release(
        "fair-again", "The fair is on Saturday.", channels="website, press", more="corrects: fair\n"
    )
    press.town.deliver()
    assert press.town.states("fair-again", "press") == ["live"]
    post = press.post()
    assert (post["id"], post["link"], post["date"]) == (before["id"], before["link"], before["date"])
    assert "Saturday" in read(post["content"]["raw"]) and "Friday" not in post["content"]["raw"]
    assert re.match(r"Corrected on \d{1,2} \w+ 20\d\d\.", read(post["content"]["raw"]))
    revisions = press.get(f"wp/v2/posts/{post['id']}/revisions?context=edit")
    kept = [read(each["content"]["raw"]) for each in revisions]
    assert any("Friday" in words for words in kept) and any("Saturday" in words for words in kept)
    receipts = [receipt(press, slug) for slug in ("fair", "fair-again")]
    numbers = {each["id"] for each in revisions}
    assert {raw["revision"] for raw in receipts} <= numbers and receipts[0] != receipts[1]


def test_a_correction_leaves_what_it_does_not_name(press: Press) -> None:
    press.town.release("fair", "The fair is on Friday.", channels="website, press", more=PICTURED, pictures=2)
    press.town.deliver()
    before = press.post()
    press.town.release("again", "On Saturday.", channels="website, press", more="corrects: fair\n")
    press.town.deliver()
    post = press.post()
    for left in ("categories", "tags", "comment_status", "excerpt"):
        assert post[left] == before[left]
    assert html.unescape(post["excerpt"]["raw"]) == "Take <Oak Street> & allow time."
    assert post["featured_media"] == 0 and "wp:image" not in post["content"]["raw"]


def test_what_is_withdrawn_lies_in_the_trash(press: Press) -> None:
    press.town.release("fair", "The fair is on Friday.", channels="website, press")
    press.town.deliver()
    address = press.post()["link"]
    press.town.run("post", "withdraw", "fair", "--reason", "error")
    press.town.deliver()
    assert press.town.states("fair", "press")[0] == "withdrawn"
    assert press.own() == []
    (trashed,) = press.own(status="trash")
    assert trashed["title"]["raw"] == "About fair"
    assert httpx2.get(address, trust_env=False).status_code == 404


def test_verify_says_who_we_are_and_what_is_missing(tmp_path: Path, wordpress: WordPress) -> None:
    writer = wordpress.account("contributor")
    made = town(tmp_path, seat(wordpress, writer))
    said: Mapping[str, Any] = made.ask("channel", "verify", "press")
    text = json.dumps(said)
    assert f"{writer.user} on City of Riverton" in text and "publish posts" in text
    if not wordpress.outside:
        assert f"WordPress {wordpress.version}" in text and "Europe/Stockholm" in text


def test_comments_are_counted_and_come_in_with_their_state(press: Press, wordpress: WordPress) -> None:
    press.town.release("fair", "The fair is on Friday.", channels="website, press", more=OPTIONS)
    press.town.deliver()
    post = press.post()
    for words, account in (("Where do I park?", wordpress.citizen), ("By the river.", press.site)):
        with account.client() as client:
            client.post("wp/v2/comments", json={"post": post["id"], "content": words}).raise_for_status()
    press.town.ok("metrics", "collect", "--channel", "press")
    counted = press.town.ask("metrics", "list", "--post", "fair", "--channel", "press", by=None)
    assert [each["replies"] for each in counted] == [1]
    (delivery,) = press.town.deliveries("fair", "press")
    heard = [(each["text"], each["state"], each["to"]) for each in delivery["replies"]]
    assert heard == [("Where do I park?", "held", f"posts/{post['id']}")]


def asked(press: Press, words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Publish, let a citizen ask, and return the comment as the site holds it and as govpost heard it."""
    press.town.release("fair", "The fair is on Friday.", channels="website, press", more=OPTIONS)
    press.town.deliver()
    # Somebody new: WordPress takes one comment in 15 seconds from each.
    with press.server.account("subscriber").client() as client:
        told = {"post": press.post()["id"], "content": words}
        comment: dict[str, Any] = client.post("wp/v2/comments", json=told).raise_for_status().json()
    press.town.ok("metrics", "collect", "--channel", "press")
    (delivery,) = press.town.deliveries("fair", "press")
    (heard,) = delivery["replies"]
    return comment, heard


def test_an_answer_is_a_comment_that_can_be_withdrawn_and_leaves_nothing_else(press: Press) -> None:
    comment, heard = asked(press, "Where do I park, please?")
    with press.server.admin.client() as client:
        client.post(f"wp/v2/comments/{comment['id']}", json={"status": "approved"}).raise_for_status()
    press.town.release("parking", "By the **river**.", channels="press", more=f"answers: {heard['id']}\n")
    press.town.deliver()
    assert press.town.states("parking", "press") == ["live"]
    (ours,) = press.get(f"wp/v2/comments?parent={comment['id']}")
    assert read(ours["content"]["rendered"]) == "By the river. https://riverton.example.gov/parking"
    assert len(press.own(status="any")) == 1
    press.town.run("post", "withdraw", "parking", "--reason", "error")
    press.town.deliver()
    assert press.town.states("parking", "press")[0] == "withdrawn"
    assert press.get(f"wp/v2/comments?parent={comment['id']}") == []
    assert len(press.own()) == 1 and press.own(status="trash") == []


def test_a_comment_that_waits_for_a_moderator_is_not_answered(press: Press) -> None:
    comment, heard = asked(press, "Where do I park now?")
    assert heard["state"] == "held"
    press.town.release("parking", "By the river.", channels="press", more=f"answers: {heard['id']}\n")
    press.town.deliver()
    (delivery,) = press.town.deliveries("parking", "press")
    assert delivery["state"] == "failed" and "not shown on the site" in json.dumps(delivery)
    assert press.get(f"wp/v2/comments?parent={comment['id']}&status=any") == []


@pytest.mark.parametrize(
    ("role", "lacks"),
    [
        ("subscriber", ["publish posts", "correct posts", "withdraw posts", "upload pictures"]),
        ("author", []),
    ],
)
def test_verify_tells_a_user_which_rights_are_missing(
    tmp_path: Path, wordpress: WordPress, role: str, lacks: list[str]
) -> None:
    made = town(tmp_path, seat(wordpress, wordpress.account(role)))
    said = made.run("--json", "channel", "verify", "press")
    assert (said.code == 0) is (lacks == [])
    assert said.json["account"]["missing"] == lacks


def test_a_template_that_the_theme_lacks_is_told_in_one_sentence(press: Press) -> None:
    more = "options:\n  press:\n    template: no-such.php\n"
    press.town.release("bridge", "Closed.", channels="website, press", more=more)
    press.town.deliver()
    (delivery,) = press.town.deliveries("bridge", "press")
    assert delivery["state"] == "failed" and press.own() == []
    assert delivery["reason"].startswith("the site's theme has no such template")


def test_what_cannot_be_is_said_before_it_is_approved(press: Press) -> None:
    folder = press.town.root / "content" / "bridge"
    folder.mkdir(parents=True)
    more = "options:\n  press:\n    featured: 2\n"
    words = {"title": "Bridge", "channels": "press", "slug": "bridge", "more": more, "body": "Closed."}
    (folder / "post.md").write_text(cli_city.POST.format(**words), encoding="utf-8")
    said = press.town.run("post", "check", "content/bridge/post.md")
    assert "featured asks for picture 2, and the post has none" in said.out + said.err and said.code != 0


def approves(server: WordPress, address: str) -> bool:
    """Do what a person does in a browser: log in, approve, and be sent back."""
    with httpx2.Client(trust_env=False, timeout=60, follow_redirects=True) as browser:
        browser.cookies.set("wordpress_test_cookie", "WP Cookie check", domain="127.0.0.1")
        logged = {"log": server.admin.user, "pwd": server.secret, "testcookie": "1"}
        browser.post(f"{server.url}/wp-login.php", data=logged).raise_for_status()
        page = browser.get(address).raise_for_status().text
        form = dict(re.findall(r'<input type="hidden" [^>]*name="([^"]+)" value="([^"]*)"', page))
        told = {name: html.unescape(value) for name, value in form.items()} | {"approve": "yes"}
        told |= dict(parse_qsl(urlsplit(address).query)) | {"action": "authorize_application_password"}
        back = browser.post(f"{server.url}/wp-admin/authorize-application.php", data=told)
        return back.raise_for_status().text.count("Thank you") > 0


def test_a_person_logs_in_on_the_page_of_the_site(
    tmp_path: Path, wordpress: WordPress, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wordpress.outside:
        pytest.skip("logging in by a person's password is tried on a server of ours alone")
    place = replace(seat(wordpress, wordpress.admin), secrets={})
    made = town(tmp_path, place)
    monkeypatch.setenv("BROWSER", "a browser")
    monkeypatch.setattr(webbrowser, "open", lambda address: approves(wordpress, address))
    said = made.ok("channel", "login", "press")
    assert "press is logged in; stored: password" in said.out and "missing:    nothing" in said.out
    made.release("bridge", "Closed.", channels="website, press")
    made.deliver()
    assert made.states("bridge", "press") == ["live"]
