"""Settling what an interrupted push left open: an intent without an outcome may have been applied or not (R6)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import sqlalchemy as sa

from pipelines.updates import RowResult
from pipelines.writeback import ledger
from pipelines.writeback.answers import outcome_of
from pipelines.writeback.bulk import job_of
from pipelines.writeback.chain import Entry
from pipelines.writeback.clock import Clock
from pipelines.writeback.destination import Destination
from pipelines.writeback.journal import as_text, shows
from pipelines.writeback.policy import Current, Outcome, Present


def settle_open_intents(
    engine: sa.Engine, readers: Mapping[str, Destination], clock: Clock, *, longest_job_seconds: float
) -> int:
    """Find out what became of what an interrupted push left open, record it, and return how many intents there were.

    A Bulk job is waited for, or aborted if it never was closed. An intent whose value does not stand in Salesforce is
    closed as unknown; the plan that follows repeats it.
    """
    intents = [row for row in ledger.open_intents(engine) if row["org"] in readers]
    for (org, object_name, detail), group in groupby(
        intents, key=lambda row: (row["org"], row["object"], row["detail"])
    ):
        rows, reader = list(group), readers[org]
        job_id = job_of(detail)
        updates = reader.bulk_updates(longest_job_seconds=longest_job_seconds) if job_id else None
        results = updates.finish(job_id) if updates and job_id else {}
        ids = list(dict.fromkeys(row["record_id"] for row in rows))
        current = reader.values(object_name, ids, sorted({row["field"] for row in rows}))
        ledger.append(
            engine,
            [
                _settlement(row, current[row["record_id"], row["field"]], results.get(row["record_id"]), clock)
                for row in rows
            ],
        )
    return len(intents)


def _settlement(intent: sa.RowMapping, current: Current, result: RowResult | None, clock: Clock) -> Entry:
    content = {name: intent[name] for name in Entry.__dataclass_fields__}
    if shows(current, intent["after_value"]):
        outcome, detail = Outcome.APPLIED, "settled by reading back: the value is there"
    elif result and not result.success:
        outcome, answer = outcome_of(result)
        detail = f"settled by the results of {intent['detail']}: {answer}"
    else:
        outcome, detail = Outcome.UNKNOWN, "settled by reading back: the value is not there"
    return Entry(
        **content
        | {
            "entry_type": "outcome",
            "outcome": outcome,
            "detail": detail,
            "current_value": as_text(current.value) if isinstance(current, Present) else None,
            "recorded_at": clock(),
        }
    )
