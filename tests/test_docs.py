"""The documentation is complete and holds together; that its examples run is shown in test_docs_examples.py."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from booklet import DOCS, PAGES, ROOT, Scene
from govpost import (
    config_model,
    content,
    contract,
    dialogue,
    domain,
)
from govpost.cli import attention
from govpost.daemon import notices
from govpost.demo import city, story
from govpost.errors import PublishError
from govpost.rules import engine
from govpost.times import duration, utcnow

REFERENCE = DOCS / "reference"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next of the same kind."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,3}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[2]


def rows(text: str) -> dict[str, list[str]]:
    """Return the rows of tables by each `name` in their first cell."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            for name in re.findall(r"`([^`]+)`", cells[0]):
                found[name] = cells
    return found


# --- Everything is described ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["commands.md", "states.md"])
def test_the_generated_pages_are_current(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == script("make_reference").PAGES[name](), "run python docs/make_reference.py"


READMES = sorted((ROOT / "plugins").glob("*/README.md"))


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_what_each_plugin_can_and_cannot_is_current(path: Path) -> None:
    written = script("make_reference").readmes()
    assert path in written, "put <!-- can:begin --> and <!-- can:end --> on lines of their own"
    assert written[path] == path.read_text(encoding="utf-8"), "run python docs/make_reference.py"


def test_every_plugin_has_a_readme() -> None:
    assert [path.parent for path in READMES] == sorted(
        path.parent for path in (ROOT / "plugins").glob("*/__init__.py")
    )


MODELS = {
    "agency": config_model.Agency,
    "store": config_model.StoreConfig,
    "security": config_model.Security,
    "strategy": config_model.Strategy,
    "strategy.goals": config_model.Goal,
    "strategy.audiences": config_model.Audience,
    "people": config_model.Person,
    "review": config_model.Review,
    "review.stages": config_model.Stage,
    "channels": config_model.ChannelConfig,
    "channels.rate": config_model.RateConfig,
    "channels.pilot": config_model.Charter,
    "daemon": config_model.DaemonConfig,
    "collector": config_model.CollectorConfig,
    "plugins": config_model.PluginsConfig,
    "notify": config_model.Notify,
}


@pytest.mark.parametrize("table", MODELS)
def test_every_config_key_is_described_with_its_default(table: str) -> None:
    text = (
        section(page("reference/config.md"), table)
        .partition("| role | may |")[0]
        .partition("| reference |")[0]
    )
    described = rows(text)
    fields = {field.alias or name: field for name, field in MODELS[table].model_fields.items()}
    assert described.keys() == fields.keys()
    for key, field in fields.items():
        shown, default = described[key][2].strip("`"), field.default
        if field.is_required():
            assert shown == "needed", key
        elif isinstance(default, timedelta):
            assert duration(json.loads(shown)) == default, key
        elif isinstance(default, bool | int | str | tuple):
            assert json.loads(shown) == (list(default) if isinstance(default, tuple) else default), key
        elif default is None:
            assert shown in ("none", "the agency's"), key


def test_every_table_of_the_config_is_described() -> None:
    headings = set(re.findall(r"^## (\S+)$", page("reference/config.md"), re.MULTILINE))
    assert headings == set(MODELS) | {"withdrawal"}
    assert set(config_model.Sections.model_fields) <= headings
    default = config_model.Sections.model_fields["withdrawal"].default
    shown = {
        key: json.loads(row[2].strip("`"))
        for key, row in rows(section(page("reference/config.md"), "withdrawal")).items()
    }
    assert shown == default


def test_every_front_matter_key_is_described() -> None:
    text = page("reference/content.md")
    assert tuple(rows(section(text, "Keys"))) == content.KEYS
    assert tuple(rows(section(text, "Keys of a medium"))) == content._MEDIA_KEYS
    shown = rows(page("how-to/editor.md")) | {
        key: [] for key in re.findall(r"\| `(\w+):", page("how-to/editor.md"))
    }
    assert set(content.KEYS) <= set(shown)


def test_every_rule_is_described() -> None:
    described = rows(page("reference/rules.md"))
    builtin = {rule.id: rule.title for rule in engine.builtin()}
    assert described.keys() == builtin.keys() | {"U09", "S01"}
    assert {key: row[1] for key, row in described.items() if key in builtin} == builtin


PARTS = tuple(
    kind
    for kind in vars(contract).values()
    if isinstance(kind, type)
    and kind.__module__ == contract.__name__
    and getattr(kind, "_is_protocol", False)
    and kind not in (contract.Platform, dialogue.Dialogue)
)


def signature(holder: type, name: str) -> str:
    found = str(inspect.signature(getattr(holder, name))).replace("'", "")
    return name + found.replace("(self, ", "(").replace("(self)", "()")


def own(holder: type) -> list[str]:
    return [
        name for name, value in vars(holder).items() if inspect.isfunction(value) and not name.startswith("_")
    ]


@pytest.mark.parametrize(
    "holder",
    [contract.Hooks, contract.Platform, contract.Dialogue, *PARTS],
    ids=lambda holder: holder.__name__,
)
def test_every_hook_and_every_part_of_the_contract_has_its_signature_as_a_heading(holder: type) -> None:
    text = page("reference/hooks.md")
    for name in own(holder):
        described = section(text, f"`{signature(holder, name)}`")
        assert holder not in PARTS or f"`{holder.__name__}`." in described


VALUES = (
    domain.Capabilities,
    domain.Variant,
    domain.Media,
    domain.Channel,
    domain.Receipt,
    domain.Account,
    domain.Metrics,
    domain.Reply,
    domain.Event,
    contract.Example,
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_every_field_that_a_plugin_sees_is_described(value: Any) -> None:
    described = rows(section(page("reference/hooks.md"), value.__name__))
    assert list(described) == [field.name for field in dataclasses.fields(value)]


def test_rules_findings_and_errors_are_described() -> None:
    text = page("reference/hooks.md")
    names = {
        field.name
        for kind in (contract.Rule, contract.RuleContext, domain.Finding)
        for field in dataclasses.fields(kind)
    }
    assert names <= set(re.findall(r"`(\w+)`", section(text, "Rule, RuleContext, Finding")))
    kinds = [PublishError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    ours = {kind.__name__ for kind in kinds if kind.__module__ == "govpost.errors"}
    assert ours <= set(re.findall(r"`(\w+)`", section(text, "Errors a platform may raise")))


ASKED = """\
post list
post list --state nowhere
post show library-hours
post check content/library-hours.md
post preview content/job-fair
review list
review show job-fair
review approve council-meeting
queue list
delivery list
metrics list
explain library-hours
status
doctor
pilot list
pilot show website
pilot report website
channel list
vault show
vault rotate
channel pause hub --reason why
plugin list
plugin show webhook
plugin disable webhook --reason why
plugin enable webhook
plugin new board
plugin check board
audit log
audit verify
post cancel job-fair
freeze --reason why
thaw --reason why
"""


def fields_of(value: Any) -> Iterator[str]:
    """Yield every key but those of counts and of what is stored as it came."""
    if isinstance(value, list):
        for each in value:
            yield from fields_of(each)
    elif isinstance(value, Mapping) and not all(
        isinstance(each, int) and not isinstance(each, bool) for each in value.values()
    ):
        for key, each in value.items():
            yield key
            if key not in ("slots", "variant", "detail", "evidence", "caps"):
                yield from fields_of(each)


def test_every_field_of_the_json_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(story.KEY, "a key for tests")
    city.build(tmp_path, "http://127.0.0.1:9/notices", utcnow())
    scene = Scene(tmp_path)
    told = page("reference/json.md") + section(page("reference/config.md"), "channels.pilot")

    def ask(line: str, by: str = "ben") -> Any:
        _code, said = scene.run("--json", "-C", str(tmp_path), "--as", by, *shlex.split(line))
        found = json.loads(said)
        for name in set(fields_of(found)):
            assert f"`{name}`" in told, f"{line}: {name}"
        return found

    ask("pilot start website")
    ask("post add content/library-hours.md content/job-fair content/council-meeting.md", by="ana")
    ask("review approve library-hours")
    scene.run("-C", str(tmp_path), "daemon", "--until-idle")
    (delivery,) = ask("delivery list")
    ask(f"delivery show {delivery['id']}")
    for line in ASKED.splitlines():
        ask(line)
    ask("post withdraw library-hours --reason error")


def test_the_events_that_need_a_person_are_named() -> None:
    for verb in notices.NEEDS_A_PERSON:
        assert f"`{verb}`" in page("reference/json.md")


def test_everything_that_status_asks_for_has_a_row_for_operators() -> None:
    kinds = set(re.findall(r'kind="([^"]+)"', inspect.getsource(attention))) | set(attention.SETTLES)
    text = section(page("how-to/operator.md"), "When something is wrong")
    assert {kind for kind in kinds if f"| `{kind}: " not in text} == set()


def test_the_wire_table_names_every_error() -> None:
    text = page("reference/errors.md")
    for name in ("Rejected", "Unauthorized", "Unavailable", "RateLimited", "Uncertain"):
        assert f"`{name}`" in section(text, "The wire")
        assert f"| `{name}` |" in section(text, "What a delivery's reason means")


# --- The pages hold together ---------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES, ids=lambda name: str(name.relative_to(ROOT)))
def test_every_link_leads_somewhere(name: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", name.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (name.parent / place).resolve() if place else name
        assert target.exists(), f"{name.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name.name}: {link}"


def test_every_decision_is_listed() -> None:
    for path in (DOCS / "decisions").glob("0*.md"):
        assert f"({path.name})" in page("decisions/README.md")


@pytest.mark.parametrize("name", [*PAGES, DOCS / "demo.svg"], ids=lambda name: str(name.relative_to(ROOT)))
def test_no_page_names_a_path_of_somebodys_machine(name: Path) -> None:
    assert (
        re.findall(
            r"(?<![\w.])/(?:root|home|work|Users|tmp)/(?!riverton)\S*", name.read_text(encoding="utf-8")
        )
        == []
    )


def test_the_picture_loads_nothing_from_elsewhere() -> None:
    picture = (DOCS / "demo.svg").read_text(encoding="utf-8")
    assert "@font-face" not in picture
    assert "url(http" not in picture
    assert "href=" not in picture


def test_the_picture_is_drawn_from_what_the_demo_says() -> None:
    demo = script("draw_demo")
    shown = "\n\n".join(
        f"$ govpost {command}\nDone: 0123abcd at http://127.0.0.1:4711/x" for command in demo.SHOWN
    )
    picture = demo.draw(shown)
    assert "4711" not in picture
    assert picture == demo.draw(shown)
