"""In what state everything is: last runs, freshness, queues, what is open, what is published, whether pushes stop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from pipelines.clay import submissions
from pipelines.config import Settings
from pipelines.errors import DataError, PartialFailureError
from pipelines.operations import outbox
from pipelines.operations.cadences import CADENCES
from pipelines.operations.freshness import source_freshness
from pipelines.operations.history import PastRun, command_of, last_run, steps_of_run
from pipelines.operations.incidents import open_incidents
from pipelines.publish import open_published, published_version
from pipelines.store import reading
from pipelines.store_tables import clay_submissions, inbox_events, run_steps, runs
from pipelines.warehouse import lock_holder
from pipelines.writeback import ledger
from pipelines.writeback.brake import stop_order

QUEUES = {"unmatched_events": "fct_unmatched_events", "sync_errors": "fct_sync_errors"}


def read_status(settings: Settings, engine: sa.Engine) -> dict[str, Any]:
    """The state as a document for scripts; what cannot be known, because nothing is published yet, is null."""
    return {
        "cadences": [_cadence(settings, engine, name) for name in CADENCES],
        "sources": _sources(settings),
        "queues": {
            "inbox_waiting": {source: _inbox_waiting(engine, source) for source in ("smartlead", "clay")},
            **_published_queues(settings),
            "messages_waiting": outbox.waiting(engine),
        },
        "open_intents": {"writeback": len(ledger.open_intents(engine)), "clay_export": _open_submissions(engine)},
        "published": _published(settings),
        "push_stopped": stop_order(settings).given_by,
        "warehouse_held_by": lock_holder(settings.warehouse_path.with_suffix(".lock")),
        "incidents": [
            {"subject": row["subject"], "since": row["opened_at"], "detail": row["detail"]}
            for row in open_incidents(engine)
        ],
    }


def _cadence(settings: Settings, engine: sa.Engine, name: str) -> dict[str, Any]:
    last = last_run(engine, command_of(name))
    good = last_run(engine, command_of(name), only_good=True)
    failed = [row for row in steps_of_run(engine, last.run_id) if row["exit_code"] != 0] if last else []
    return {
        "cadence": name,
        "cron": CADENCES[name].cron,
        "state": _state(last, lock_holder(settings.data_dir / f"run_{name}.lock")),
        "started_at": last and last.started_at,
        "ended_at": last and last.ended_at,
        "exit_code": last and last.exit_code,
        "last_good_at": good and good.started_at,
        "steps_not_done": {row["step"]: row["detail"] or "did not end" for row in failed},
    }


def _state(last: PastRun | None, holder: str | None) -> str:
    if last is None:
        return "never ran"
    if last.exit_code is None:
        return "running" if holder else "killed"
    if last.exit_code == PartialFailureError.exit_code:
        return "done in part"
    return "failed" if last.exit_code else "done"


def _sources(settings: Settings) -> list[dict[str, Any]] | None:
    try:
        return [vars(one) | {"is_stale": one.is_stale} for one in source_freshness(settings)]
    except DataError:
        return None


def _inbox_waiting(engine: sa.Engine, source: str) -> int:
    """Webhooks and callbacks that came after the last good load of their source began: at most these are not loaded."""
    steps = sa.select(sa.func.max(run_steps.c.started_at)).where(
        run_steps.c.step == f"load {source}", run_steps.c.exit_code == 0
    )
    commands = sa.select(sa.func.max(runs.c.started_at)).where(
        runs.c.command.in_([f"load {source}", "load all"]), runs.c.exit_code == 0
    )
    with reading(engine) as connection:
        loads = [at for query in (steps, commands) if (at := connection.scalar(query))]
        arrived = sa.select(sa.func.count()).where(
            inbox_events.c.source == source,
            inbox_events.c.channel.in_(["webhook", "callback"]),
            inbox_events.c.erased_at.is_(None),
        )
        if loads:
            arrived = arrived.where(inbox_events.c.received_at > max(loads))
        return connection.execute(arrived).scalar_one()


def _published_queues(settings: Settings) -> Mapping[str, int | None]:
    try:
        with open_published(settings) as marts:
            counts = {name: marts.table(mart).count("*").fetchone() for name, mart in QUEUES.items()}
    except (DataError, duckdb.CatalogException):
        return dict.fromkeys(QUEUES)
    return {name: int(count[0]) if count else None for name, count in counts.items()}


def _open_submissions(engine: sa.Engine) -> int:
    query = sa.select(sa.func.count()).where(clay_submissions.c.status.in_(submissions.OPEN))
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def _published(settings: Settings) -> dict[str, Any] | None:
    try:
        version = published_version(settings)
    except DataError:
        return None
    age = datetime.now(UTC) - version.built_at
    return {
        "build_id": version.build_id,
        "built_at": version.built_at,
        "as_of_at": version.as_of_at,
        "age_hours": round(age.total_seconds() / 3600, 2),
    }
