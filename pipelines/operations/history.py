"""The steps of a run in the run history, and what the history says about the last runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.errors import OutreachError, PartialFailureError
from pipelines.operations.cadences import Kind, Step, standing
from pipelines.runs import Run, exit_code_of
from pipelines.store import reading, writing
from pipelines.store_tables import run_steps, runs

# A record that is rejected again and again has an incident of its own and does not make its cadence late.
ENDED_WELL = (0, PartialFailureError.exit_code)


@dataclass(frozen=True)
class PastRun:
    """A run as the history has it; one without an end still goes on or was killed."""

    run_id: str
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None


def command_of(cadence: str) -> str:
    """How the run history calls the runs of a cadence."""
    return f"run {cadence}"


def last_run(engine: sa.Engine, command: str, *, only_good: bool = False, is_first: bool = False) -> PastRun | None:
    """The last run of a command, or the last one that ended well, or its first one."""
    query = sa.select(runs.c.run_id, runs.c.started_at, runs.c.ended_at, runs.c.exit_code)
    latest = runs.c.started_at if is_first else runs.c.started_at.desc()
    query = query.where(runs.c.command == command).order_by(latest).limit(1)
    if only_good:
        query = query.where(runs.c.exit_code.in_(ENDED_WELL))
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return PastRun(row.run_id, row.started_at, row.ended_at, row.exit_code) if row else None


def last_ended_build(engine: sa.Engine) -> PastRun | None:
    """The build that ended last, whether a command of its own or a step of a cadence."""
    wanted = ("run_id", "started_at", "ended_at", "exit_code")
    commands = sa.select(*(runs.c[name] for name in wanted)).where(runs.c.command == "build")
    steps = sa.select(*(run_steps.c[name] for name in wanted)).where(
        run_steps.c.step == Step(Kind.BUILD).name, run_steps.c.done_in_run_id.is_(None)
    )
    builds = sa.union_all(commands, steps).subquery()
    query = sa.select(builds).where(builds.c.ended_at.is_not(None)).order_by(builds.c.ended_at.desc()).limit(1)
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return PastRun(row.run_id, row.started_at, row.ended_at, row.exit_code) if row else None


def steps_of_run(engine: sa.Engine, run_id: str) -> list[sa.RowMapping]:
    """The steps of a run in the order in which they began."""
    query = sa.select(run_steps).where(run_steps.c.run_id == run_id).order_by(run_steps.c.started_at)
    with reading(engine) as connection:
        return list(connection.execute(query).mappings())


def take_over(engine: sa.Engine, run: Run, earlier: str, steps: Sequence[Step]) -> set[str]:
    """Let a run stand on what an earlier one has done of its steps; returns the names of those.

    What stands on a step that is still missing is not taken over: it did not see what that step will bring.
    """
    done = {row["step"]: dict(row) for row in steps_of_run(engine, earlier) if row["exit_code"] == 0}
    names = standing(steps, done.keys())
    rows = [row for name, row in done.items() if name in names]
    if rows:
        taken = [row | {"run_id": run.run_id, "done_in_run_id": row["done_in_run_id"] or earlier} for row in rows]
        with writing(engine) as connection:
            connection.execute(run_steps.insert(), taken)
    return names


@contextmanager
def recorded_step(engine: sa.Engine, run: Run, step: Step) -> Iterator[dict[str, Any]]:
    """Record that a step started and how it ended; what is put into the dictionary is kept with it."""
    summary: dict[str, Any] = {}
    with writing(engine) as connection:
        connection.execute(run_steps.insert().values(run_id=run.run_id, step=step.name, started_at=datetime.now(UTC)))
    try:
        yield summary
    except BaseException as error:
        detail = error.message if isinstance(error, OutreachError) else type(error).__name__
        _end_step(engine, run, step, exit_code_of(error), detail, summary)
        raise
    _end_step(engine, run, step, 0, None, summary)


def _end_step(
    engine: sa.Engine, run: Run, step: Step, exit_code: int, detail: str | None, summary: Mapping[str, Any]
) -> None:
    ending = {"ended_at": datetime.now(UTC), "exit_code": exit_code, "detail": detail}
    ending["summary"] = json.dumps(summary, default=str) if summary else None
    key = sa.and_(run_steps.c.run_id == run.run_id, run_steps.c.step == step.name)
    with writing(engine) as connection:
        connection.execute(run_steps.update().where(key).values(ending))
