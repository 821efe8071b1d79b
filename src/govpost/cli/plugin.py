"""`govpost plugin`: what is loaded and why not, switching plugins, writing and checking one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from govpost.registry import Plugin, Registry
    from govpost.testing import Result


@click.group("plugin", cls=Noun)
def command() -> None:
    """Plugins: each brings a platform, or rules."""


def _registry(session: Session, *, all_on: bool = False) -> Registry:
    """Load the plugins, whatever the channels' settings; `all_on` loads even those that are switched off."""
    from govpost import registry
    from govpost.store import obstacles

    with session.store.read() as conn:
        off = (
            {}
            if all_on
            else {name: each["reason"] for name, each in obstacles.disabled_plugins(conn).items()}
        )
    about, root = session.config.plugins, session.workspace.root
    return registry.load(root / about.folder if about.load else None, root, off)


def _named(registry: Registry, name: str) -> Plugin:
    from govpost.errors import UsageFault, did_you_mean

    names = [plugin.name for plugin in registry.plugins]
    if name not in names:
        raise UsageFault(
            f"there is no plugin {name!r}{did_you_mean(name, names)}", f"known: {', '.join(names) or 'none'}"
        )
    return registry.plugins[names.index(name)]


@command.command("list", epilog="govpost plugin list")
@pass_session
def list_(session: Session) -> None:
    """List plugins: loaded, failed with the reason, or disabled."""
    found = [_shape(session, each) for each in _registry(session).plugins]
    if session.as_json:
        out.document(found)
        return
    rows = [
        (
            each["name"],
            each["version"],
            each["state"],
            ", ".join(each["platforms"]),
            each["source"],
            each["reason"],
        )
        for each in found
    ]
    out.table(("PLUGIN", "VERSION", "STATE", "PLATFORMS", "SOURCE", "REASON"), rows, empty="no plugins")


def _shape(session: Session, plugin: Plugin) -> dict[str, Any]:
    """Return a plugin; one that is switched off keeps the names of its platforms."""
    from govpost.store import obstacles

    found = shapes.plugin(plugin)
    if plugin.state == "disabled":
        with session.store.read() as conn:
            found["platforms"] = obstacles.disabled_plugins(conn)[plugin.name]["platforms"]
    return found


@command.command("show", epilog="govpost plugin show webhook")
@click.argument("name", metavar="NAME")
@pass_session
def show(session: Session, name: str) -> None:
    """Show one plugin, and what its platforms can and cannot."""
    from dataclasses import asdict

    from govpost.cli.describing import abilities

    registry = _registry(session)
    plugin = _named(registry, name)
    about = _shape(session, plugin)
    can = {
        each: abilities(registry.platforms[each]) for each in plugin.platforms if each in registry.platforms
    }
    if session.as_json:
        told = [{"platform": each, **asdict(able)} for each, ables in can.items() for able in ables]
        out.document({**about, "can": told})
        return
    out.facts((key, ", ".join(value) if key == "platforms" else value) for key, value in about.items())
    for each, ables in can.items():
        out.say()
        out.head(f"what {each} can and cannot")
        rows = [("yes" if able.can else "no", able.what, able.how.replace("`", "")) for able in ables]
        out.table(("CAN", "WHAT", "HOW, OR WHAT HAPPENS INSTEAD"), rows, empty="")


@command.command("enable", epilog="govpost plugin enable webhook")
@click.argument("name", metavar="NAME")
@pass_session
def enable(session: Session, name: str) -> None:
    """Switch a plugin on again; the daemon lets go on what was held for it."""
    from govpost.editorial import switching

    switching.enable_plugin(session.store, session.actor, name)
    _tell(session, name, "enabled")


@command.command("disable", epilog='govpost plugin disable webhook --reason "it posts twice"')
@click.argument("name", metavar="NAME")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on the record.")
@pass_session
def disable(session: Session, name: str, reason: str) -> None:
    """Switch a plugin off; what waits on its channels is held, and nothing is lost."""
    from govpost.editorial import switching
    from govpost.states import Role

    session.actor.need(Role.ADMIN, to="disable plugins")
    platforms = _named(_registry(session, all_on=True), name).platforms or (name,)
    stopped = switching.disable_plugin(session.store, session.config, session.actor, name, platforms, reason)
    _tell(session, name, "disabled", f"held: {', '.join(stopped)}" if stopped else "no channel uses it")


def _tell(session: Session, name: str, state: str, more: str = "") -> None:
    if session.as_json:
        out.document(_shape(session, _named(_registry(session), name)))
    else:
        out.say(f"the plugin {name} is {state}" + (f"; {more}" if more else ""))


@command.command("new", epilog="govpost plugin new noticeboard")
@click.argument("name", metavar="NAME")
@pass_session
def new(session: Session, name: str) -> None:
    """Write a plugin that works, with its test, into the workspace's plugin folder."""
    from govpost import scaffold

    folder = session.workspace.root / session.config.plugins.folder
    written = scaffold.write(name, folder)
    if session.as_json:
        out.document({"name": name, "files": [str(path) for path in written]})
        return
    for path in written:
        out.say(f"wrote {path}")
    out.say(f'next: govpost plugin check {name}, then a channel with platform = "{name}" in config.toml')


@command.command("check", epilog="govpost plugin check noticeboard")
@click.argument("name", metavar="NAME")
@pass_session
def check(session: Session, name: str) -> int:
    """Run the conformance suite on a plugin's platforms; exits 1 when it fails."""
    from govpost.errors import Refused
    from govpost.testing import runner

    registry = _registry(session, all_on=True)
    plugin = _named(registry, name)
    if plugin.state != "loaded":
        raise Refused(
            f"the plugin {name} does not load: {plugin.reason}", f"mend {plugin.source}, then check it again"
        )
    found = {each: runner.check(registry.platforms[each]) for each in plugin.platforms}
    if session.as_json:
        out.document([_result(each, result) for each, results in found.items() for result in results])
    elif not found:
        out.say(f"the plugin {name} brings no platform")
    for platform, results in () if session.as_json else found.items():
        _report(platform, results)
    return int(any(not result.ok for results in found.values() for result in results))


def _result(platform: str, result: Result) -> dict[str, Any]:
    names = ("part", "name", "ok", "skipped", "message")
    return {"platform": platform, **{name: getattr(result, name) for name in names}}


def _report(platform: str, results: Sequence[Result]) -> None:
    """Print what a platform keeps, what it does not and what does not apply, with the counts."""
    rows = [(_word(each), each.part, each.name, each.message) for each in results]
    out.table(("RESULT", "PART", "WHAT IT HAS TO KEEP", "WHY"), rows, empty="", below="WHY")
    failed, skipped = sum(not each.ok for each in results), sum(each.skipped for each in results)
    passed = len(results) - failed - skipped
    out.say(f"{platform}: {passed} of {passed + failed} passed, {skipped} did not apply, {failed} failed")


def _word(result: Result) -> str:
    return "FAILED" if not result.ok else "skipped" if result.skipped else "ok"
