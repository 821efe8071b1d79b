"""The command line as a whole: help, options anywhere, did-you-mean, and errors that are one line and one tip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli_city import SOURCES, city, finish, process
from govpost.cli import errors, root
from govpost.cli.context import Session
from govpost.errors import Mistake, Mistakes, Refused, StoreUnavailable


def commands() -> list[tuple[list[str], click.Command]]:
    """List every command with its words."""
    found: list[tuple[list[str], click.Command]] = []
    for name, (module, _line) in root.TABLE.items():
        command = import_module(f"govpost.cli.{module}").command
        if isinstance(command, click.Group):
            found += [([name, verb], each) for verb, each in command.commands.items()]
        else:
            found.append(([name], command))
    return found


def test_every_command_has_help_with_an_example_that_names_it() -> None:
    for words, command in commands():
        assert command.help, words
        assert command.epilog, words
        assert " ".join(["govpost", *words]).split()[-1] in command.epilog, words
        result = CliRunner().invoke(root.cli, [*words, "--help"])
        assert result.exit_code == 0
        assert "Example" in result.stdout
        assert command.epilog.splitlines()[0] in result.stdout


def test_the_table_says_what_each_command_is() -> None:
    said = CliRunner().invoke(root.cli, ["--help"]).stdout
    for name in root.TABLE:
        assert f"  {name} " in said


def test_help_imports_no_database_no_http_no_checking_and_no_plugin() -> None:
    code = (
        "import sys\ntry:\n from govpost.cli import main; main()\nexcept SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in"
        " {'sqlalchemy','sqlmodel','pydantic','httpx2','pluggy','rich','govpost_website','govpost_webhook','jinja2'}"
        " or name in {'govpost.config','govpost.store','govpost.registry'}), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, env=environment, check=True
    )
    assert "Usage: govpost" in done.stdout
    assert done.stderr.strip() == "[]"


def test_the_version_is_said() -> None:
    for option in ("-V", "--version"):
        assert CliRunner().invoke(root.cli, [option]).stdout == "govpost 0.1.0\n"


def test_no_command_at_all_shows_the_help_and_is_a_usage_error() -> None:
    result = CliRunner().invoke(root.cli, [])
    assert result.exit_code == 2
    assert "Usage: govpost" in result.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["pots"], "there is no command 'pots' – did you mean 'post'?"),
        (["post", "lst"], "there is no command 'lst' – did you mean 'list'?"),
        (["post", "list", "--jso"], "there is no option --jso – did you mean '--json'?"),
        (["post", "list", "--state", "gone"], "invalid value for '--state'"),
        (["post", "show"], "missing argument 'POST'"),
        (["post", "list", "--limit", "0"], "invalid value for '--limit'"),
        (["daemon", "--once", "--until-idle"], "--once and --until-idle do not go together"),
        (["delivery", "resolve", "x"], "say exactly one of"),
        (["delivery", "resolve", "x", "--give-up", "--remote-id", "1"], "--remote-id goes with --live"),
        (["audit", "verify", "--head", "12"], "--head wants"),
        (["--unknown", "post"], "there is no option --unknown"),
    ],
)
def test_a_wrong_line_is_told_in_one_line_with_a_tip_and_exit_2(line: list[str], said: str) -> None:
    result = CliRunner().invoke(root.cli, line)
    assert result.exit_code == 2
    first, tip = result.stderr.splitlines()
    assert first.startswith("govpost: ")
    assert said in first
    assert tip.startswith("tip: govpost")
    assert result.stdout == ""


def test_errors_are_json_when_json_is_asked_for() -> None:
    result = CliRunner().invoke(root.cli, ["post", "lst", "--json"])
    told = json.loads(result.stderr)
    assert told["error"] == "there is no command 'lst' – did you mean 'list'?"
    assert told["exit"] == 2
    assert "govpost post --help" in told["tip"]


def test_the_common_options_stand_anywhere_in_the_line(tmp_path: Path) -> None:
    city(tmp_path, start=False)
    place = ["-C", str(tmp_path)]
    lines = (
        [*place, "--json", "--as", "ana", "post", "list"],
        ["post", *place, "--as", "ana", "--json", "list"],
        ["post", "list", *place, "--json", "--as", "ana"],
        ["--json", "post", "--as", "ana", "list", *place],
    )
    for line in lines:
        result = CliRunner().invoke(root.cli, line)
        assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_as_is_refused_where_config_does_not_allow_it(tmp_path: Path) -> None:
    riverton = city(tmp_path, start=False)
    riverton.change("impersonation = true", "impersonation = false")
    said = riverton.run("pilot", "start", "website", by="ana")
    assert (said.code, said.err.splitlines()[0]) == (1, "govpost: --as is not allowed here")


def test_as_somebody_unknown_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    said = city(tmp_path, start=False).run("post", "add", "x", by="anna")
    assert said.code == 2


def test_an_unknown_login_may_read_and_not_write(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.submit("alpha")
    assert riverton.run("post", "list", by=None).code == 0
    assert riverton.run("post", "preview", "alpha", by=None).code == 0
    assert riverton.run("explain", "alpha", by=None).code == 0
    for line in (("post", "cancel", "alpha"), ("freeze", "--reason", "x"), ("review", "approve", "alpha")):
        said = riverton.run(*line, by=None)
        assert said.code == 1
        assert "is nobody in config.toml and may only read" in said.err


def test_an_edited_config_is_on_the_record_before_the_next_command_that_writes(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    riverton.change('statement = "Residents find city services"', 'statement = "Residents find services"')
    riverton.submit("alpha")
    events = [(each["actor"], each["verb"]) for each in riverton.ask("audit", "log")]
    assert events.index(("ana", "config.change")) < events.index(("ana", "post.add"))
    change = next(each for each in riverton.ask("audit", "log") if each["verb"] == "config.change")
    assert change["detail"]["keys"] == ["strategy.goals.services.statement"]


def run(error: BaseException, session: Session, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def work() -> None:
        raise error

    code = errors.run(work, session)
    return code, capsys.readouterr().err


def test_each_kind_of_trouble_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    for error, code in (
        (Refused("no", "ask"), 1),
        (StoreUnavailable("locked", "wait"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (SystemExit(1), 1),
        (SystemExit("odd"), 0),
    ):
        assert run(error, Session(), capsys)[0] == code


def test_mistakes_are_told_one_a_line_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Mistakes(
        [
            Mistake(message="one", file="a.md", line=2, column=3),
            Mistake(message="two", file="a.md", tip="mend it"),
        ]
    )
    assert run(wrong, Session(), capsys) == (1, "a.md:2:3: one\na.md: two\ntip: mend it\n")
    told = json.loads(run(wrong, Session(as_json=True), capsys)[1])
    assert [each["line"] for each in told["mistakes"]] == [2, None]


def test_a_fault_of_our_own_is_one_line_and_its_places_are_kept_without_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".govpost").mkdir()

    def fail() -> None:
        try:
            _ = {}["hunter2"]
        except KeyError as cause:
            raise ValueError("hunter2") from cause

    code, said = errors.run(fail, Session(root=tmp_path)), capsys.readouterr().err
    assert code == 3
    assert said.splitlines()[0] == "govpost: a fault of govpost's own: ValueError"
    kept = (tmp_path / ".govpost" / "crash.log").read_text()
    assert "hunter2" not in kept + said
    assert "test_cli_root.py" in kept
    assert "KeyError" in kept
    assert (tmp_path / ".govpost" / "crash.log").stat().st_mode & 0o777 == 0o600


def test_a_traceback_is_shown_only_to_whoever_asks_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = run(ValueError("x"), Session(root=tmp_path), capsys)
    assert (code, len(said.splitlines())) == (3, 2)
    assert "GOVPOST_TRACEBACK=1" in said
    monkeypatch.setenv("GOVPOST_TRACEBACK", "1")
    assert "Traceback" in run(ValueError("x"), Session(root=tmp_path), capsys)[1]


def test_a_crash_log_that_cannot_be_written_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".govpost" / "crash.log").mkdir(parents=True)
    assert run(ValueError("x"), Session(root=tmp_path), capsys)[0] == 3


def test_a_reader_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    running = process("--help", stdout=writer)
    os.close(writer)
    assert finish(running).err == ""


def test_what_could_steer_a_terminal_is_never_printed(tmp_path: Path) -> None:
    said = city(tmp_path, start=False).run("post", "show", "\x1b[31mred\u202e")
    assert said.code == 1
    assert "\x1b" not in said.err
    assert "\u202e" not in said.err


def test_a_city_can_be_opened_from_its_own_folder(tmp_path: Path) -> None:
    city(tmp_path, start=False)
    said = finish(process("--as", "ben", "post", "list", cwd=tmp_path))
    assert (said.code, said.out) == (0, "no posts; govpost post add PATH takes one in\n")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    said = finish(process("post", "show", os.fsdecode(b"\xff\xfe"), cwd=tmp_path))
    assert (said.code, said.err.splitlines()[0]) == (
        2,
        "govpost: the line holds bytes that are not UTF-8 text",
    )
