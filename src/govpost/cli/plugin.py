"""`govpost plugin`: what is loaded and why not, switching plugins, writing and checking one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.registry import Plugin, Registry


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
    found = [
        {"platform": platform, "name": result.name, "ok": result.ok, "message": result.message}
        for platform in plugin.platforms
        for result in runner.check(registry.platforms[platform])
    ]
    failed = sum(not each["ok"] for each in found)
    if session.as_json:
        out.document(found)
    else:
        rows = [
            (each["platform"], "ok" if each["ok"] else "FAILED", each["name"], each["message"])
            for each in found
        ]
        out.table(
            ("PLATFORM", "RESULT", "WHAT IT HAS TO KEEP", "WHY"),
            rows,
            empty=f"the plugin {name} brings no platform",
        )
        out.say(f"{len(found) - failed} of {len(found)} passed")
    return int(failed > 0)
