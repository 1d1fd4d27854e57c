"""Running a cadence: its steps one after the other, each recorded, none stopped by a failure not its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pipelines.errors import ApprovalNeededError, OutreachError, StoppedError, failure_of, reason_of, worst
from pipelines.operations.cadences import Kind, Step
from pipelines.operations.history import command_of, last_run, recorded_step, steps_of_run, take_over
from pipelines.runs import Run, exit_code_of, recorded_run

Action = Callable[[Step, dict[str, Any]], None]


@dataclass(frozen=True)
class StepResult:
    """How a step ended; the exit code is None for a step that was not taken, and the detail says why."""

    step: str
    exit_code: int | None
    detail: str | None = None
    next_step: str | None = None
    is_earlier: bool = False

    @property
    def waits_for_consent(self) -> bool:
        """Whether a person has to consent before it can be done."""
        return self.exit_code == ApprovalNeededError.exit_code

    @property
    def outcome(self) -> str:
        """The result in a word or two."""
        if self.exit_code is None:
            return "not taken"
        if self.waits_for_consent:
            return "waits for consent"
        if self.exit_code:
            return "failed"
        return "done before" if self.is_earlier else "done"


@dataclass
class RunReport:
    """What a run of a cadence did, step by step."""

    cadence: str
    run_id: str
    resumed_run_id: str | None = None
    steps: list[StepResult] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)

    @property
    def failed(self) -> list[StepResult]:
        """The steps that failed."""
        return [step for step in self.steps if step.exit_code]

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0 if every step was done."""
        return worst(step.exit_code or 0 for step in self.failed) if self.failed else 0

    def as_document(self) -> dict[str, Any]:
        """The report for scripts."""
        steps = [asdict(step) | {"outcome": step.outcome} for step in self.steps]
        return {
            "cadence": self.cadence,
            "run_id": self.run_id,
            "resumed_run_id": self.resumed_run_id,
            "steps": steps,
            "exit_code": self.exit_code,
        }


def run_steps_of(
    engine: sa.Engine, cadence: str, steps: Sequence[Step], act: Action, *, resume_within: timedelta | None = None
) -> RunReport:
    """Take the steps of a cadence. The caller holds the lock of the cadence.

    A step whose own needs are not met is not taken. Killed at any point, the next run goes on: every step may be taken
    again, and with ``resume_within`` those that a failed or killed run has done are not, unless they stand on one that
    it has not.

    Args:
        engine: the operational store, which keeps run and steps.
        cadence: its name.
        steps: what to do.
        act: takes one step, and puts what is worth keeping into the dictionary.
        resume_within: go on with the last run if not all of it was done and its first step is not older than that.

    Raises:
        OutreachError: only for what concerns the run as a whole; failures of steps, and defects, are in the report.
    """
    earlier = _unfinished(engine, cadence, resume_within) if resume_within else None
    with recorded_run(engine, command_of(cadence)) as run:
        report = RunReport(cadence, run.run_id, earlier)
        done = take_over(engine, run, earlier, steps) if earlier else set()
        for step in steps:
            if step.name in done:
                report.steps.append(StepResult(step.name, 0, is_earlier=True))
            elif why := _obstacle(step, steps, report):
                report.steps.append(StepResult(step.name, None, why))
            else:
                report.steps.append(_take(engine, run, step, act, report.defects))
        run.summary.update(report.as_document())
        run.exit_code = report.exit_code
    return report


def require_success(report: RunReport) -> None:
    """Raise if a step failed or waits for a person's consent.

    Raises:
        PartialFailureError: names each of these steps; its exit code is that of the worst.
        Exception: the first defect of ours, which a traceback explains best; its note says the same.
    """
    if not report.failed:
        return
    waiting = sum(step.waits_for_consent for step in report.failed)
    failed = len(report.failed) - waiting
    counts = [f"{count} {what}" for count, what in ((failed, "failed"), (waiting, "wait for consent")) if count]
    reasons = " ".join(f"{step.step}: {step.detail}" for step in report.failed)
    next_steps = [step.next_step for step in report.failed]
    if failed:
        next_steps.append(f"Then run outreach run {report.cadence} --resume: it does what is missing or due again.")
    message = f"Of {len(report.steps)} steps, {' and '.join(counts)}. {reasons}"
    raise failure_of(message, next_steps, [report.exit_code], report.defects)


def _unfinished(engine: sa.Engine, cadence: str, resume_within: timedelta) -> str | None:
    last = last_run(engine, command_of(cadence))
    if last is None or last.exit_code == 0:
        return None
    began = min((step["started_at"] for step in steps_of_run(engine, last.run_id)), default=last.started_at)
    return last.run_id if datetime.now(UTC) - began <= resume_within else None


def _take(engine: sa.Engine, run: Run, step: Step, act: Action, defects: list[Exception]) -> StepResult:
    try:
        with recorded_step(engine, run, step) as summary:
            act(step, summary)
    except OutreachError as error:
        return StepResult(step.name, error.exit_code, error.message, error.next_step)
    except Exception as defect:
        defects.append(defect)
        next_step = "Report it with the traceback of this run."
        return StepResult(step.name, exit_code_of(defect), reason_of(defect), next_step)
    return StepResult(step.name, 0)


def _obstacle(step: Step, steps: Sequence[Step], report: RunReport) -> str | None:
    """Why a step cannot be taken, by how the ones before it ended; None if it can."""
    ended = {result.step: result.exit_code for result in report.steps}
    if StoppedError.exit_code in ended.values():
        return "the run was stopped"
    loads = [one.name for one in steps if one.kind is Kind.LOAD]
    if step.kind is Kind.BUILD and all(ended.get(name) != 0 for name in loads):
        return "nothing was loaded"
    if step.kind is Kind.PUSH:
        needed = [Step(Kind.BUILD).name, Step(Kind.LOAD, "salesforce", step.org).name]
        missing = [name for name in needed if name in ended and ended[name] != 0]
        return f"{missing[0]} was not done" if missing else None
    return None
