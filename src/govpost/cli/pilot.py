"""`govpost pilot`: each channel is tried out on its own, and a person decides how it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.pilots import Pilot

NONE = "n/a"
_CHANNEL = click.argument("channel", metavar="CHANNEL")


@click.group("pilot", cls=Noun)
def command() -> None:
    """Pilots: the trial of each channel, with its charter in config.toml."""


def _all(session: Session) -> list[dict[str, Any]]:
    from govpost.store import pilots, views

    channels = session.config.channels
    with session.store.read() as conn:
        counts = views.counts_by_channel(conn)
        names = [*channels, *(name for name in pilots.every(conn) if name not in channels)]
        return [
            shapes.pilot(
                views.pilot(conn, name, channels[name].platform if name in channels else ""),
                channels[name].pilot.missing() if name in channels else ["the channel in config.toml"],
                counts.get(name, {}),
                pilots.charters(conn, name),
            )
            for name in names
        ]


def _one(session: Session, channel: str) -> dict[str, Any]:
    from govpost.pilots import known

    found = next((each for each in _all(session) if each["channel"] == channel), None)
    if found is None:
        known(session.config, channel)
        raise AssertionError(channel)
    return found


@command.command("list", epilog="govpost pilot list")
@pass_session
def list_(session: Session) -> None:
    """List the pilots: state, what a start still needs, deliveries by outcome."""
    found = _all(session)
    if session.as_json:
        out.document(found)
        return
    rows = [
        (
            each["channel"],
            each["platform"],
            each["state"],
            each["ends"] or "",
            ", ".join(each["missing"]),
            out.totals(each["counts"]),
        )
        for each in found
    ]
    out.table(
        ("CHANNEL", "PLATFORM", "STATE", "ENDS", "MISSING", "DELIVERIES"),
        rows,
        empty="config.toml names no channels",
    )


@command.command("show", epilog="govpost pilot show hub")
@_CHANNEL
@pass_session
def show(session: Session, channel: str) -> None:
    """Show one pilot with its charter, as locked and as it stands in config.toml."""
    found = _one(session, channel)
    if session.as_json:
        out.document(found)
        return
    out.head(f"{channel}: {found['state']}")
    out.facts(
        [
            ("platform", found["platform"]),
            ("missing", ", ".join(found["missing"])),
            ("started", found["started_at"]),
            ("ends", found["ends"]),
            ("reason", found["reason"]),
            ("deliveries", out.totals(found["counts"])),
        ]
    )
    for charter in found["charter"]:
        out.say(f"charter, version {charter['n']}, locked by {charter['person']} at {charter['at']}:")
        out.facts(
            (f"  {key}", _shown(value))
            for key, value in charter.items()
            if key not in ("n", "at", "person", "digest")
        )
    if not found["charter"] and channel in session.config.channels:
        out.say("charter in config.toml, not locked yet:")
        out.facts((f"  {key}", _shown(value)) for key, value in session.config.channels[channel].pilot)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number:g}" for key, number in value.items())
    if isinstance(value, timedelta):
        return f"after {_lag(value.total_seconds())}"
    return "" if value is None else str(value)


@command.command("start", epilog="govpost pilot start hub")
@_CHANNEL
@pass_session
def start(session: Session, channel: str) -> None:
    """Start a pilot; its charter must be complete and is locked as it stands."""
    from govpost import pilots

    _tell(session, pilots.start(session.store, session.config, session.actor, channel))


def _tell(session: Session, pilot: Pilot) -> None:
    if session.as_json:
        out.document(shapes.pilot(pilot.row, pilot.missing, pilot.counts, pilot.charters))
        return
    name = pilot.row.channel
    ends = f" until {pilot.row.ends}" if pilot.row.ends and pilot.row.state == "running" else ""
    out.say(f"the pilot of {name} is {pilot.row.state}{ends}")
    unsettled = pilot.counts.get("uncertain", 0)
    if pilot.row.state == "retired" and unsettled:
        out.say(
            f"  {out.counted(unsettled, 'delivery is', 'deliveries are')} still uncertain, and kept until settled:"
        )
        out.say(f"  govpost delivery list --channel {name} --state uncertain")


def _decision(verb: str, text: str) -> None:
    """Make one of the commands that need nothing but a reason."""

    @command.command(
        verb, help=text, epilog=f'govpost pilot {verb} hub --reason "decided in the weekly meeting"'
    )
    @_CHANNEL
    @click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on the record.")
    @pass_session
    def decide(session: Session, channel: str, reason: str) -> None:
        from govpost import pilots

        _tell(session, getattr(pilots, verb)(session.store, session.config, session.actor, channel, reason))


_decision("suspend", "Stop one pilot; what is queued there is held.")
_decision("resume", "Let a suspended pilot go on as what it was.")
_decision("graduate", "Make a channel permanent: its caps and end date no longer bind.")
_decision(
    "retire", "End a pilot: what waits there is cancelled, what is uncertain is kept until it is settled."
)


@command.command("report", epilog="govpost pilot report hub")
@click.argument("channel", metavar="[CHANNEL]", required=False)
@pass_session
def report(session: Session, channel: str | None) -> None:
    """Report what is recorded so far: deliveries by outcome, and how late they went live."""
    names = [channel] if channel else list(session.config.channels)
    found = [_report(session, name) for name in names]
    if session.as_json:
        out.document(found if channel is None else found[0])
        return
    for each in found:
        out.head(f"{each['channel']}: {each['state']}")
        lag, live = each["lag_seconds"], each["live"]
        share = NONE if live["share"] is None else f"{live['share']:.0%}"
        out.facts(
            [
                ("deliveries", out.totals(each["counts"])),
                ("live", f"{live['numerator']} of {live['denominator']} that ended ({share})"),
                ("lag", ", ".join(f"{name} {_lag(lag[name])}" for name in ("median", "p90", "max"))),
            ]
        )


def _report(session: Session, channel: str) -> dict[str, Any]:
    from govpost.store import views

    found = _one(session, channel)
    with session.store.read() as conn:
        lags = views.lags(conn, channel)
    counts = found["counts"]
    live = counts.get("live", 0) + counts.get("withdrawn", 0)
    ended = live + sum(counts.get(state, 0) for state in ("failed", "missed", "uncertain"))
    return {
        "channel": channel,
        "platform": found["platform"],
        "state": found["state"],
        "counts": counts,
        "live": {"numerator": live, "denominator": ended, "share": live / ended if ended else None},
        "lag_seconds": {
            "n": len(lags),
            "median": _quantile(lags, 0.5),
            "p90": _quantile(lags, 0.9),
            "max": _quantile(lags, 1.0),
        },
    }


def _quantile(lags: Sequence[timedelta], share: float) -> float | None:
    """Return the smallest value that at least this share does not exceed, in seconds."""
    if not lags:
        return None
    rank = max(-(-len(lags) * round(share * 100) // 100), 1)
    return lags[rank - 1].total_seconds()


def _lag(seconds: float | None) -> str:
    from govpost.times import describe

    return NONE if seconds is None else describe(timedelta(seconds=seconds))
