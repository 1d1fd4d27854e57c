"""The run history: which command ran when, how it ended, and what it says it did."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.errors import INTERRUPTED, OutreachError
from pipelines.store import writing
from pipelines.store_tables import runs


@dataclass
class Run:
    """A run while it goes on; what is put into ``summary`` is kept with it.

    ``exit_code`` is how it ends without an error: a run of several steps may know of failures and go on.
    """

    run_id: str
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0


@contextmanager
def recorded_run(engine: sa.Engine, command: str) -> Iterator[Run]:
    """Record that a command started and how it ended. A run without an end was killed."""
    run = Run(uuid.uuid4().hex)
    with writing(engine) as connection:
        connection.execute(runs.insert().values(run_id=run.run_id, command=command, started_at=datetime.now(UTC)))
    try:
        yield run
    except BaseException as error:
        _end(engine, run, exit_code_of(error))
        raise
    _end(engine, run, run.exit_code)


def _end(engine: sa.Engine, run: Run, exit_code: int) -> None:
    ending = {
        "ended_at": datetime.now(UTC),
        "exit_code": exit_code,
        "summary": json.dumps(run.summary, default=str) if run.summary else None,
    }
    with writing(engine) as connection:
        connection.execute(runs.update().where(runs.c.run_id == run.run_id).values(ending))


def exit_code_of(error: BaseException) -> int:
    """The exit code that a command ends with after an error."""
    if isinstance(error, OutreachError):
        return error.exit_code
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
