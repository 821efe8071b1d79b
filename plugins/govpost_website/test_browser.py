"""The pages in a real browser: axe-core finds nothing, nothing scrolls sideways, the keyboard gets everywhere.

Chromium is looked for on the PATH, axe-core in the folder $GOVPOST_AXE or ~/.cache/govpost/node_modules.
"""

from __future__ import annotations

import os
import shutil
import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from govpost import Media
from govpost_website.test_common import amend, amendment, picture, publish, variant, withdraw

pytestmark = pytest.mark.browser

AXE = (
    Path(os.environ.get("GOVPOST_AXE", "~/.cache/govpost/node_modules")).expanduser()
    / "axe-core"
    / "axe.min.js"
)
LONG = "Anunciodeobrasextraordinariamentelargoysinespacios" * 8
TEXT = """The bridge is closed on **Friday**. See [the list of works](https://example.gov/works).

### Detour

Use Oak Street.

- Bus 4 stops at Oak and 3rd
- Bus 12 stops at Oak and 9th

# Hours

> The inspection is required every two years.

| Day | Hours |
|---|---|
| Friday | 6 am – 6 pm |

```
a line of code that is rather long and would like to push the page wider than a small telephone can show it
```
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    film = source / "siren.mp4"
    film.write_bytes(b"film")
    captions = "WEBVTT\n\n00:00.000 --> 00:01.000\nWail"
    media = (
        picture(source / "bridge.png"),
        Media(path=film, mime="video/mp4", alt="The siren", captions=captions),
    )
    link = "https://example.gov/" + "very-long-" * 20
    pages = {"post": publish(folder, variant(1, text=TEXT, media=media, link=link))}
    pages["spanish"] = publish(folder, variant(2, language="es", title="Aviso", text="Hierva el agua."))
    pages["arabic"] = publish(folder, variant(3, language="ar", title="إشعار إغلاق الجسر", text="يغلق الجسر"))
    pages["long"] = publish(folder, variant(4, title=LONG, text=LONG))
    pages["corrected"] = publish(folder, variant(5, text=TEXT))
    amend(folder, pages["corrected"], amendment(6, text=TEXT + "\n\nMore."))
    amend(folder, pages["corrected"], amendment(7, corrects="https://news.example.gov/posts/x.html"))
    pages["withdrawn"] = publish(folder, variant(8))
    withdraw(folder, pages["withdrawn"])
    publish(folder, variant(9, title=None, at=datetime(2026, 10, 1, tzinfo=UTC)))
    found = {name: f"posts/{receipt.url.rsplit('/', 1)[1]}" for name, receipt in pages.items()}
    found |= {"index": "index.html", "archive": "archive/index.html", "month": "archive/2026-11.html"}
    return {name: (folder / path).as_uri() for name, path in found.items()}


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on the PATH")
    if not AXE.exists():
        pytest.skip(f"axe-core is not in {AXE.parent.parent}: npm install axe-core there or set GOVPOST_AXE")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


PAGES = ["post", "spanish", "arabic", "long", "corrected", "withdrawn", "index", "archive", "month"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_wrong(site, browser, name, scheme):
    context = browser.new_context(
        color_scheme=scheme, bypass_csp=True, viewport={"width": 375, "height": 700}
    )
    page = context.new_page()
    page.goto(site[name])
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations', 'incomplete']})")
    problems = [
        (rule["id"], rule["impact"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]
    ]
    open_questions = {rule["id"] for rule in found["incomplete"]} - {"video-caption"}
    context.close()
    assert problems == []
    assert open_questions == set()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_on_a_small_telephone(site, browser, name):
    context = browser.new_context(viewport={"width": 320, "height": 600})
    page = context.new_page()
    page.goto(site[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(site):
    """Serve the site on loopback, as a web server would."""
    folder = site["index"].removeprefix("file://").removesuffix("/index.html")
    handler = partial(Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["post", "index", "withdrawn"])
def test_a_page_asks_nobody_else_for_anything_and_breaks_no_rule_of_its_own(site, server, browser, name):
    context = browser.new_context()
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    folder = site["index"].removesuffix("/index.html")
    page.goto(site[name].replace(folder, server))
    context.close()
    assert all(url.startswith(server) for url in asked)
    assert [line for line in said if "favicon" not in line and "404" not in line] == []


def test_opened_from_the_disk_a_page_is_styled_and_shows_its_pictures(site, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(site["post"])
    shown = page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    styled = page.evaluate("getComputedStyle(document.querySelector('header.site')).backgroundColor")
    context.close()
    assert shown
    assert styled == "rgb(11, 60, 97)"


def test_axe_would_find_what_is_wrong(site, browser):
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(site["post"])
    page.evaluate("document.images[0].removeAttribute('alt')")
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")
    context.close()
    assert [rule["id"] for rule in found["violations"]] == ["image-alt"]


def test_the_first_tab_offers_to_skip_to_the_content(site, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(site["post"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    context.close()
