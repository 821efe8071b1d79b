"""The HTML part in a real browser: axe-core finds nothing, nothing scrolls sideways, it works without pictures."""

from __future__ import annotations

import re

import pytest

from govpost_email.test_common import Mail, picture, variant
from govpost_email.test_message import written
from govpost_website.test_browser import AXE, LONG, TEXT, browser  # noqa: F401 - the fixture

pytestmark = pytest.mark.browser

NAMES = ["post", "spanish", "arabic", "long", "corrected", "by_mail", "behind_a_list"]


def shown(mail: Mail, folder) -> str:
    """Put the HTML part beside its pictures, as a mail program does; returns its address."""
    html = mail.html
    for part in mail.message.walk():
        if part.get_content_maintype() == "image":
            name = str(part["Content-ID"]).strip("<>")
            (folder / name).write_bytes(part.get_content())
            html = html.replace(f"cid:{name}", name)
    page = folder / "mail.html"
    page.write_text(html, encoding="utf-8")
    return page.as_uri()


@pytest.fixture
def address(request, tmp_path) -> str:
    media = (picture(tmp_path / "bridge.png", side=64),)
    link = "https://example.gov/" + "very-long-" * 20
    mails = {
        "post": lambda: written(
            text=TEXT, media=media, link=link, more={"footer": "City Hall, 1 Main Street"}
        ),
        "spanish": lambda: written(language="es", title="Aviso", text="Hierva el agua."),
        "arabic": lambda: written(language="ar", title="إشعار إغلاق الجسر", text="يغلق الجسر"),
        "long": lambda: written(title=LONG, text=LONG),
        "corrected": lambda: written(text=TEXT, corrects="<x@example.gov>"),
        "by_mail": lambda: written(more={"unsubscribe_url": None}),
        "behind_a_list": lambda: written(token=None, media=media),
    }
    return shown(mails[request.param](), tmp_path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", NAMES, indirect=True)
def test_axe_finds_nothing_wrong(address, browser, scheme):  # noqa: F811
    context = browser.new_context(color_scheme=scheme, viewport={"width": 375, "height": 700})
    page = context.new_page()
    page.goto(address)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations', 'incomplete']})")
    context.close()
    problems = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
    assert problems == []
    unsure = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["incomplete"]]
    assert unsure == []


@pytest.mark.parametrize("address", NAMES, indirect=True)
def test_nothing_scrolls_sideways_on_a_small_telephone(address, browser):  # noqa: F811
    context = browser.new_context(viewport={"width": 320, "height": 600})
    page = context.new_page()
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


@pytest.mark.parametrize("address", ["post"], indirect=True)
def test_its_pictures_are_shown_and_nobody_else_is_asked_for_anything(address, browser):  # noqa: F811
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    context.close()
    assert all(url.startswith("file:") for url in asked)


@pytest.mark.parametrize("address", ["post"], indirect=True)
def test_without_pictures_every_word_is_there(address, browser, tmp_path):  # noqa: F811
    for path in tmp_path.glob("1.*"):
        path.unlink()
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    said = page.evaluate("document.body.innerText")
    alts = page.evaluate("[...document.images].map(image => image.alt)")
    context.close()
    assert alts == ["Barriers across the bridge"]
    assert variant().title in said and "Unsubscribe" in said
    assert not re.search(r"cid:|https?://[^e]", said)
