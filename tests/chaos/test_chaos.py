"""The harness itself: it runs, a seed has one plan, and the judge finds what it is there to find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import postgres
from chaos import faults
from chaos.judge import judge
from chaos.ledger import Ledger
from chaos.plan import plan
from govpost.domain import Capabilities
from govpost.errors import Uncertain
from govpost.store.rows import DELIVERY
from office import Office, Scripted

TESTS = Path(__file__).parents[1]
CHANNEL = "none-1"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("store", "daemons"), [("sqlite", "1"), ("postgresql", "2")])
def test_a_small_run_keeps_every_promise(tmp_path: Path, store: str, daemons: str) -> None:
    if store == "postgresql" and postgres.programs() is None:
        pytest.skip("PostgreSQL is not here: pip install pgserver, or install PostgreSQL")
    report = tmp_path / "report.json"
    told = ["--deliveries", "120", "--kills", "6", "--seed", "4", "--json", str(report)]
    told += ["--store", store, "--daemons", daemons]
    paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "chaos", *told],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert found["done"]["kill"] >= 6
    assert sum(found["faults"].values()) > 10
    assert {name for name in faults.TEMPERAMENTS if found["table"][name]["live"]} == set(faults.TEMPERAMENTS)


def test_a_seed_has_one_plan_and_another_seed_another() -> None:
    assert plan(1, 60, 2000, "sqlite") == plan(1, 60, 2000, "sqlite") != plan(2, 60, 2000, "sqlite")
    assert sum(act.what == "kill" for act in plan(1, 60, 2000, "sqlite")) == 60


def test_a_request_meets_the_same_fault_whenever_the_seed_is_the_same() -> None:
    drawn = [faults.choose(5, CHANNEL, "POST", f"News-{number}", 1).name for number in range(400)]
    assert drawn == [faults.choose(5, CHANNEL, "POST", f"News-{number}", 1).name for number in range(400)]
    assert 0.05 < 1 - drawn.count("ok") / len(drawn) < 0.25
    assert all(faults.choose(5, "GET", n, reading=True, share=1).reads for n in range(100))


# --- the judge ------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path, {CHANNEL: Scripted(CHANNEL, Capabilities())})
    office.start()
    office.release("road")
    return office


def verdict(office: Office, *lines: dict[str, Any]) -> dict[str, list[str]]:
    """Judge the office against a ledger of these lines."""
    path = office.root / "ledger.jsonl"
    path.write_text("".join(json.dumps({"channel": CHANNEL} | line) + "\n" for line in lines))
    ledger = Ledger(path)
    ledger.read()
    found = judge(office.store, ledger, {("road", CHANNEL): words(office)})
    return {name: said for name, said in found.breaches().items() if said}


def words(office: Office) -> str:
    return str(office.one("road").variant["text"])


def request(office: Office, nth: int = 1, fault: str = "ok", **other: Any) -> dict[str, Any]:
    about = {"key": office.one("road").id, "nth": nth, "fault": fault, "text": words(office)}
    return {"what": "request"} | about | other


def post(office: Office, number: str = "1", **other: Any) -> dict[str, Any]:
    about = {"key": office.one("road").id, "id": number, "own": False, "text": words(office)}
    return {"what": "post"} | about | other


def test_a_run_in_which_all_went_well_is_found_good(office: Office) -> None:
    office.work()
    assert verdict(office, request(office), post(office)) == {}


def test_what_the_platform_stored_twice_by_itself_is_not_held_against_us(office: Office) -> None:
    office.work()
    assert verdict(office, request(office, fault="twice"), post(office), post(office, "2", own=True)) == {}


def test_a_post_published_twice_is_found(office: Office) -> None:
    office.work()
    found = verdict(office, request(office), post(office), request(office, 2), post(office, "2"))
    assert set(found) == {"twice", "unsafe"}


def test_a_blind_repeat_is_found_even_when_it_did_no_harm(office: Office) -> None:
    office.work()
    lines = (request(office, fault="reset-before"), request(office, 2), post(office))
    assert set(verdict(office, *lines)) == {"unsafe"}


def test_a_repeat_after_a_plain_refusal_is_no_blind_one(office: Office) -> None:
    office.work()
    assert verdict(office, request(office, fault="429-wait"), request(office, 2), post(office)) == {}


def test_a_delivery_left_lying_is_found(office: Office) -> None:
    assert set(verdict(office)) == {"lost"}


def test_a_receipt_that_was_never_given_is_found(office: Office) -> None:
    office.work()
    assert set(verdict(office, request(office))) == {"false"}


def test_a_post_that_is_there_and_called_failed_is_found(office: Office) -> None:
    with office.tx() as tx:
        tx.conn.execute(DELIVERY.update().values(state="failed"))
    assert set(verdict(office, request(office, fault="500-after"), post(office))) == {"lost"}


def test_an_uncertain_delivery_may_be_there_or_not(office: Office) -> None:
    office.platforms[CHANNEL].script = [Uncertain("no answer")]
    office.work()
    assert office.one("road").state == "uncertain"
    assert verdict(office, request(office, fault="reset-after"), post(office)) == {}
    assert verdict(office, request(office, fault="reset-before")) == {}


def test_other_words_than_the_approved_ones_are_found(office: Office) -> None:
    office.work()
    assert set(verdict(office, request(office), post(office, text="Something else"))) == {"unapproved"}


def test_a_key_that_nobody_gave_is_found(office: Office) -> None:
    office.work()
    assert set(verdict(office, request(office), post(office), request(office, key="x"))) == {"unapproved"}


def test_a_redirect_that_was_followed_is_found(office: Office) -> None:
    office.work()
    assert set(verdict(office, request(office), post(office), {"what": "trap"})) == {"other"}


def test_an_event_that_was_changed_is_found(office: Office) -> None:
    office.work()
    with office.tx() as tx:
        tx.conn.exec_driver_sql("UPDATE event SET why = 'nothing happened' WHERE id = 3")
    assert set(verdict(office, request(office), post(office))) == {"chain"}


def test_what_is_said_to_be_withdrawn_must_be_gone(office: Office) -> None:
    office.work()
    with office.tx() as tx:
        tx.conn.execute(DELIVERY.update().values(state="withdrawn"))
    gone = {"what": "gone", "id": "1", "key": office.one("road").id}
    assert verdict(office, request(office), post(office), gone) == {}
    assert set(verdict(office, request(office), post(office))) == {"false"}
