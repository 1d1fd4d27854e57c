"""outreach gate and outreach confirm: what is measured, what a person confirms, and when that is void."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

import pipelines.gates
from pipelines.campaign_map import read_campaign_map
from pipelines.clay.audience import find_campaign, read_audience
from pipelines.clay.export import export_audience
from pipelines.cli import app
from pipelines.console import progress
from pipelines.errors import DataError, RefusedError
from pipelines.gates import Gate, Purpose, confirm_gate, read_gates, require_gates
from pipelines.sign_offs import latest_sign_offs
from pipelines.store import open_store, reading
from pipelines.store_tables import sign_offs

NAME = "AI Outreach DACH Q4"
FLAGS = "flags audited"
PASSING = {FLAGS: "pass", "ids present": "pass"}
SIGNED = {FLAGS: "CRM Admin"}


def campaign(world: Any) -> Any:
    return find_campaign(read_campaign_map(world.settings().project_dir), NAME, None)


def gates(world: Any, purpose: Purpose = Purpose.EXPORT) -> dict[str, Gate]:
    return {gate.gate: gate for gate in read_gates(world.settings(), campaign(world), purpose)}


def confirm(world: Any, gate: str = FLAGS, reason: str = "compared with the list") -> Gate:
    return confirm_gate(world.settings(), campaign(world), gate, reason=reason, signed_by="Carla")


def export(world: Any) -> Any:
    settings = world.settings()
    with progress() as display:
        return export_audience(settings, read_audience(settings, NAME, None), display, sleep=lambda _: None)


def test_a_pass_that_needs_a_person_is_unknown_until_confirmed(world: Any) -> None:
    world.publish(PASSING, SIGNED)
    assert gates(world)[FLAGS].verdict == "unknown"
    assert "waits for the confirmation of CRM Admin" in gates(world)[FLAGS].evidence
    with pytest.raises(RefusedError, match="1 of 2 gates do not pass"):
        export(world)
    assert confirm(world).verdict == "pass"
    assert "confirmed by Carla on 20" in gates(world)[FLAGS].evidence
    summary, problem = export(world)
    assert (summary.accepted, problem) == (5, None)


def test_a_confirmation_is_void_when_the_figures_change(world: Any) -> None:
    world.publish(PASSING, SIGNED)
    confirm(world)
    world.publish(PASSING, SIGNED)
    assert gates(world)[FLAGS].verdict == "pass", "a new build with the same figures"
    world.publish(PASSING, SIGNED, measured=2)
    assert "is void: the figures have changed" in gates(world)[FLAGS].evidence
    with pytest.raises(RefusedError):
        require_gates(campaign(world), list(gates(world).values()), Purpose.EXPORT)


def test_a_confirmation_holds_for_one_export_and_its_launch(world: Any) -> None:
    world.publish(PASSING, SIGNED)
    confirm(world)
    world.clay.misbehave = ["accept", "500", "500", "500", "500", "500", "500", "500", "500"]
    export(world)
    assert gates(world)[FLAGS].verdict == "pass", "not all was sent: the same export goes on"
    world.clay.misbehave = []
    export(world)
    assert "was for an export that is done" in gates(world)[FLAGS].evidence
    assert gates(world, Purpose.LAUNCH)[FLAGS].verdict == "pass"
    confirm(world)
    assert gates(world)[FLAGS].verdict == "pass"


@pytest.mark.parametrize(
    ("verdicts", "gate", "reason", "error", "words"),
    [
        ({FLAGS: "fail"}, FLAGS, "never mind", RefusedError, "is fail by its figures"),
        ({FLAGS: "unknown"}, FLAGS, "never mind", RefusedError, "is unknown by its figures"),
        (PASSING, "ids present", "looked", RefusedError, "nobody confirms it"),
        (PASSING, "no such gate", "looked", DataError, "has no gate 'no such gate'"),
        (PASSING, FLAGS, "  ", RefusedError, "needs a reason"),
    ],
)
def test_what_cannot_be_confirmed(
    world: Any, verdicts: dict[str, str], gate: str, reason: str, error: type[Exception], words: str
) -> None:
    world.publish(verdicts, SIGNED)
    with pytest.raises(error, match=words):
        confirm(world, gate, reason)
    assert latest_sign_offs(open_store(world.settings()), campaign(world)) == {}


@pytest.fixture
def run(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("pipelines.cli.gates.load_settings", world.settings)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return invoke


def test_the_commands(world: Any, run: Any) -> None:
    world.publish(PASSING, SIGNED)
    refused = run("gate", NAME, "--json")
    assert isinstance(refused.exception, RefusedError)
    assert [gate["verdict"] for gate in json.loads(refused.stdout)] == ["unknown", "unknown", "pass"]
    confirmed = run("confirm", NAME, FLAGS, "--reason", "compared", "--by", "Carla")
    assert confirmed.exit_code == 0
    assert "confirmed by Carla" in confirmed.stdout
    assert run("gate", NAME).exit_code == 0
    before_launch = run("gate", NAME, "--before", "launch")
    assert isinstance(before_launch.exception, RefusedError)
    assert "enrichment quality confirmed: unknown" in before_launch.exception.message


def test_marts_of_an_older_version_say_what_to_do(world: Any, run: Any) -> None:
    world.publish(PASSING, SIGNED)
    newest = sorted((world.directory / "data" / "published").glob("*.duckdb"), key=lambda file: file.stat().st_mtime)[
        -1
    ]
    with duckdb.connect(str(newest)) as marts:
        marts.execute("alter table marts.fct_campaign_gates drop column sign_off_by")
    assert isinstance(run("gate", NAME).exception, DataError)


def test_gates_and_audience_are_those_of_one_version(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def published_meanwhile(*arguments: Any) -> Any:
        world.publish({FLAGS: "fail"})
        return latest_sign_offs(*arguments)

    world.publish(PASSING)
    monkeypatch.setattr("pipelines.gates.latest_sign_offs", published_meanwhile)
    assert len(read_audience(world.settings(), NAME, None).exportable) == 5
    with pytest.raises(RefusedError, match="1 of 1 gates"):
        read_audience(world.settings(), NAME, None)


def test_a_confirmation_names_the_build_whose_figures_it_confirms(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def published_meanwhile(*arguments: Any) -> Any:
        found = measured(*arguments)
        pointer = world.directory / "data" / "published" / "current.json"
        pointer.write_text(pointer.read_text().replace('"b"', '"later"'))
        return found

    measured = pipelines.gates._measured
    world.publish(PASSING, SIGNED)
    monkeypatch.setattr("pipelines.gates._measured", published_meanwhile)
    confirm(world)
    with reading(open_store(world.settings())) as connection:
        assert connection.scalars(sa.select(sign_offs.c.build_id)).all() == ["b"]
