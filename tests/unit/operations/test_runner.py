"""A run of a cadence: what fails stops nothing else, what is done is not done again, the history is true."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import (
    ApprovalNeededError,
    BuildError,
    OutreachError,
    PartialFailureError,
    ServiceError,
    StoppedError,
)
from pipelines.operations import history
from pipelines.operations.cadences import CADENCES, Step, steps_of
from pipelines.operations.history import command_of, last_run, steps_of_run
from pipelines.operations.runner import RunReport, require_success, run_steps_of
from pipelines.store import open_store, writing
from pipelines.store_tables import run_steps

STEPS = steps_of(CADENCES["replies"], ["icare", "core"])
NAMES = [step.name for step in STEPS]
AFTER_LOADS = ["build", "notices", "push replies icare", "push replies core"]


class Runs:
    """Runs of the replies cadence whose steps end as the test says; ``taken`` are those of the last run."""

    def __init__(self, store_url: str) -> None:
        self.engine = open_store(Settings(store_url=store_url))
        self.taken: list[str] = []

    def __call__(self, *, resume: bool = False, **ends: BaseException) -> RunReport:
        self.taken = []

        def act(step: Step, summary: dict[str, Any]) -> None:
            self.taken.append(step.name)
            summary["rows"] = 1
            if error := ends.get(step.name.replace(" ", "_")):
                raise error

        return run_steps_of(self.engine, "replies", STEPS, act, resume_within=timedelta(hours=6) if resume else None)

    def history(self) -> dict[str, int | None]:
        last = last_run(self.engine, command_of("replies"))
        assert last is not None
        return {row["step"]: row["exit_code"] for row in steps_of_run(self.engine, last.run_id)}


@pytest.fixture
def run(store_url: str) -> Runs:
    return Runs(store_url)


def outcomes(report: RunReport) -> dict[str, str]:
    return {step.step: step.outcome for step in report.steps}


def test_every_step_is_taken_in_its_order_and_recorded(run: Runs) -> None:
    report = run()
    assert run.taken == NAMES == [step.step for step in report.steps]
    assert NAMES[-3:] == ["notices", "push replies icare", "push replies core"]
    assert run.history() == dict.fromkeys(NAMES, 0)
    last = last_run(run.engine, "run replies", only_good=True)
    assert last is not None
    assert last.run_id == report.run_id


def test_one_orgs_failure_does_not_stop_the_others_work(run: Runs) -> None:
    down = ServiceError("Salesforce icare cannot be reached.", next_step="Wait.")
    report = run(load_salesforce_icare=down)
    ended = outcomes(report)
    assert ended["load salesforce icare"] == "failed"
    assert ended["push replies icare"] == "not taken"
    assert [name for name, outcome in ended.items() if outcome == "done"] == [n for n in NAMES if "icare" not in n]
    with pytest.raises(PartialFailureError, match=r"Of 9 steps, 1 failed\. .*cannot be reached") as caught:
        require_success(report)
    assert caught.value.exit_code == 4
    again = "Then run outreach run replies --resume: it does what is missing or due again."
    assert caught.value.next_step == f"Wait. {again}"
    last = last_run(run.engine, "run replies")
    assert last is not None
    assert last.exit_code == 4


def test_nothing_is_pushed_from_a_build_that_failed_or_had_nothing_new(run: Runs) -> None:
    ended = outcomes(run(build=ServiceError("x")))
    assert (ended["notices"], ended["push replies icare"]) == ("done", "not taken")
    loads = {name.replace(" ", "_"): ServiceError("x") for name in NAMES if name.startswith("load")}
    report = run(**loads)
    assert outcomes(report)["build"] == "not taken"
    assert report.exit_code == 4


@pytest.mark.parametrize(
    ("errors", "code"), [([ApprovalNeededError("a"), PartialFailureError("p")], 12), ([ServiceError("s")] * 2, 4)]
)
def test_the_exit_code_is_that_of_the_worst_step(run: Runs, errors: list[OutreachError], code: int) -> None:
    icare, core = errors[0], errors[1]
    assert run(push_replies_icare=icare, push_replies_core=core).exit_code == code


def test_what_waits_for_consent_is_not_called_failed(run: Runs) -> None:
    wanted = {
        f"push_replies_{org}": ApprovalNeededError(f"The plan of {org} needs consent.", next_step="Approve it.")
        for org in ("icare", "core")
    }
    report = run(**wanted)
    assert outcomes(report)["push replies core"] == "waits for consent"
    with pytest.raises(PartialFailureError, match=r"Of 9 steps, 2 wait for consent\.") as caught:
        require_success(report)
    assert (caught.value.exit_code, caught.value.next_step) == (12, "Approve it.")


def test_a_stopped_push_stops_the_run(run: Runs) -> None:
    report = run(push_replies_icare=StoppedError("Ann said so."))
    assert outcomes(report)["push replies core"] == "not taken"
    assert (report.exit_code, run.history()["push replies icare"]) == (11, 11)


def test_resuming_takes_only_what_is_missing(run: Runs) -> None:
    first = run(build=ServiceError("x"))
    second = run(resume=True, push_replies_core=ServiceError("y"))
    assert second.resumed_run_id == first.run_id
    assert run.taken == AFTER_LOADS  # the notices, too: they were written without the new build
    third = run(resume=True)
    assert run.taken == ["push replies core"]
    assert third.exit_code == 0
    assert run.history() == dict.fromkeys(NAMES, 0)
    assert steps_of_run(run.engine, third.run_id)[0]["done_in_run_id"] == first.run_id
    run(resume=True)
    assert run.taken == NAMES


def test_what_needs_a_load_that_is_taken_again_is_taken_again(run: Runs) -> None:
    first = run(load_smartlead=ServiceError("x"))
    assert run.history() == dict.fromkeys(NAMES, 0) | {"load smartlead": 4}
    with pytest.raises(KeyboardInterrupt):  # what was not taken over is due for the run after this one, too
        run(resume=True, load_smartlead=KeyboardInterrupt())
    loads = [name for name in NAMES if name.startswith("load")]
    assert run.history() == dict.fromkeys(loads, 0) | {"load smartlead": 130}
    third = run(resume=True)
    assert run.taken == ["load smartlead", *AFTER_LOADS]
    assert run.history() == dict.fromkeys(NAMES, 0)
    earlier = {row["step"]: row["done_in_run_id"] for row in steps_of_run(run.engine, third.run_id)}
    assert earlier == dict.fromkeys(NAMES) | {name: first.run_id for name in loads if name != "load smartlead"}


def test_a_build_that_fails_after_a_retried_load_leaves_notices_and_pushes_due(run: Runs) -> None:
    run(load_clay=ServiceError("x"))
    report = run(resume=True, build=BuildError("y"))
    assert outcomes(report)["push replies icare"] == "not taken"
    assert run(resume=True).exit_code == 0
    assert run.taken == AFTER_LOADS


def test_rejected_records_make_no_cadence_late_and_their_push_is_resumed(run: Runs) -> None:
    first = run(push_replies_core=PartialFailureError("1 was rejected."))
    last = last_run(run.engine, "run replies", only_good=True)
    assert last is not None
    assert (last.run_id, last.exit_code) == (first.run_id, 10)
    run(resume=True)
    assert run.taken == ["push replies core"]


@pytest.mark.parametrize("step", ["load salesforce icare", "build", "push replies core"])
def test_killed_at_any_step_the_next_run_goes_on(run: Runs, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    end_step = history._end_step

    def die_before_the_end(engine: Any, one: Any, ended: Step, *more: Any) -> None:
        if ended.name != step:
            end_step(engine, one, ended, *more)

    with monkeypatch.context() as dying:  # nothing of its end is recorded, as if the process had been killed
        dying.setattr(history, "_end_step", die_before_the_end)
        dying.setattr("pipelines.runs._end", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            run(**{step.replace(" ", "_"): KeyboardInterrupt()})
    last = last_run(run.engine, "run replies")
    assert last is not None
    assert (last.ended_at, last.exit_code) == (None, None)
    assert run(resume=True).exit_code == 0
    assert run.taken == NAMES[NAMES.index(step) :]
    assert run().exit_code == 0


def test_an_old_run_is_not_resumed(run: Runs) -> None:
    first = run(build=ServiceError("x"))
    with writing(run.engine) as connection:
        key = run_steps.c.step == "load clay"
        began = connection.scalar(sa.select(run_steps.c.started_at).where(key))
        assert began is not None
        connection.execute(run_steps.update().where(key).values(started_at=began - timedelta(hours=7)))
    assert run(resume=True).resumed_run_id is None
    assert first.exit_code == 4
    assert run.taken == NAMES


def test_a_defect_of_ours_does_not_stop_the_other_steps_and_is_raised_in_the_end(run: Runs) -> None:
    defect = KeyError("ann@lead.example")
    report = run(load_clay=defect, push_replies_core=ServiceError("y"))
    assert [step.detail for step in report.failed] == ["a defect of this program, KeyError.", "y"]
    assert "ann@" not in json.dumps(report.as_document())
    with pytest.raises(KeyError) as caught:
        require_success(report)
    assert caught.value is defect
    assert "Of 9 steps, 2 failed." in defect.__notes__[0]
    assert run.taken == NAMES
    assert run.history()["load clay"] == 1
    last = last_run(run.engine, "run replies")
    assert last is not None
    assert last.exit_code == 1


def test_an_interruption_ends_the_run_and_shows(run: Runs) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(build=KeyboardInterrupt())
    assert run.history()["build"] == 130
    assert run(resume=True).exit_code == 0
    assert run.taken == AFTER_LOADS


def test_every_cadence_has_its_steps() -> None:
    for name, cadence in CADENCES.items():
        names = [step.name for step in steps_of(cadence, ["icare", "core"])]
        assert len(names) == len(set(names)), name
        assert "build" in names
