"""The shape of the house: imports run downhill, no circles, small files and functions, plugins by the front door."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
SOURCE = TOP / "src" / "govpost"

FLOORS = (
    ("ground", "times rates domain errors digest states"),
    ("contract", "dialogue contract"),
    (
        "pure",
        "characters toml_lines config_values config_model config_checks config front_matter fields"
        " media_formats media content draft_json counting sentences markup render rules hours calendars planner"
        " disguises evidence wire_guard wire_limits wire_attempt polling wire outcomes model_errors",
    ),
    ("keepers", "registry vault key_file sealing fitted people media_store store"),
    (
        "verbs",
        "config_watch seal planning duties attempts sessions accounts logins rotating expiries ending trouble"
        " addressing renewing recording gating publisher settling collector pilots editorial workspace",
    ),
    ("roof", "daemon testing scaffold demo cli"),
)
"""Top-level modules from the ground up: a module may import what stands before it, and others of its own package."""

MAX_LINES = 300
MAX_FUNCTION = 40


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def plugin_modules() -> list[Path]:
    return sorted(path for path in (TOP / "plugins").rglob("*.py") if not path.name.startswith("test_"))


def room(path: Path) -> str:
    """Return the top-level module a file belongs to."""
    relative = path.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


def dotted(path: Path) -> str:
    parts = ("govpost", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def order() -> dict[str, int]:
    names = [name for _, row in FLOORS for name in row.split()]
    return {name: number for number, name in enumerate(names)}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Give every govpost module a file imports, late imports too, and whether it is for types only."""
    tree = ast.parse(path.read_text())
    typed = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    known = {dotted(each) for each in modules()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "govpost":
                    yield name.name, id(node) in typed
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "govpost":
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield (inner if inner in known else str(node.module)), id(node) in typed


def test_every_module_stands_on_a_floor() -> None:
    rooms = {room(path) for path in modules()} - {"__init__"}
    assert rooms <= set(order()), f"without a floor: {sorted(rooms - set(order()))}"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_run_downhill(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    floors = order()
    uphill = []
    for target, _ in imports(path):
        if target == "govpost":
            continue
        there = target.split(".")[1]
        if there != here and floors[there] >= floors[here]:
            uphill.append(f"{dotted(path)} imports {target}")
    assert uphill == []


def test_no_module_takes_part_in_a_circle() -> None:
    graph = {dotted(path): {target for target, typed in imports(path) if not typed} for path in modules()}
    graph.pop("govpost")
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in graph.get(name, ()):
            if target != name:
                walk(target, (*trail, name))
        done.add(name)

    for name in graph:
        walk(name, ())


@pytest.mark.parametrize("path", plugin_modules(), ids=lambda path: str(path.relative_to(TOP)))
def test_plugins_use_nothing_but_the_public_contract(path: Path) -> None:
    for target, _ in imports(path):
        assert target == "govpost", f"{path.name} imports {target}"


@pytest.mark.parametrize("path", [*modules(), *plugin_modules()], ids=lambda path: str(path.relative_to(TOP)))
def test_files_are_small_and_so_are_functions(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION + 5, f"{node.name} has {length} lines"


def test_the_median_function_is_short() -> None:
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in [*modules(), *plugin_modules()]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    assert statistics.median(lengths) < 10
    assert sum(length > MAX_FUNCTION for length in lengths) <= len(lengths) // 100


def test_the_core_knows_no_platform_by_name() -> None:
    for path in modules():
        if room(path) in ("demo", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(
                isinstance(each, ast.Constant) and each.value in ("website", "webhook")
                for each in (node.left, *node.comparators)
            ):
                raise AssertionError(f"{dotted(path)}:{node.lineno} asks for a platform by name")


def test_rows_and_sessions_never_leave_the_store() -> None:
    """Only the store's own modules import row classes; records and statements are all that the rest sees."""
    for path in modules():
        if room(path) == "store":
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "govpost.store.rows":
                names = {name.name for name in node.names}
                assert not {name for name in names if name.endswith("Row")}, f"{dotted(path)} imports {names}"
            if isinstance(node, ast.ImportFrom) and node.module in ("sqlalchemy.orm", "sqlmodel"):
                raise AssertionError(f"{dotted(path)} opens sessions of its own")
