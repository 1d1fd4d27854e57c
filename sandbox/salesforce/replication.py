"""What was changed and what was deleted in a time: the two logs that other systems follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.state import State
from sandbox.world.plan import table

LOG_DAYS = 30


@dataclass
class Transaction:
    """Records that somebody is writing: stamped with the time of the beginning, visible only after the end."""

    started_at: datetime
    records: list[dict[str, Any]]


@dataclass
class Transactions:
    """The long transactions that are running in an org."""

    running: dict[str, Transaction] = field(default_factory=dict)

    def covered_until(self, end: datetime) -> datetime:
        """Until when nothing can appear any more: the start of the oldest transaction, or the end."""
        return min([end, *(one.started_at for one in self.running.values())])


def window(state: State, described: SObject, start: str | None, end: str | None) -> tuple[datetime, datetime]:
    """The times that a request asks for (UTC, naive).

    Raises:
        SalesforceError: the object keeps no log, or the times are missing, malformed, in the wrong order, or older than
            the log.
    """
    if not described.is_replicable:
        message = f"object type '{described.name}' is not replicable"
        raise SalesforceError(400, "INVALID_TYPE_FOR_OPERATION", message)
    first, last = _moment("start", start), _moment("end", end)
    if described.schema.switches.replication_ignores_seconds:
        first, last = (one.replace(second=0, microsecond=0) for one in (first, last))
    if first >= last:
        raise _invalid("startDate must be before endDate")
    if first < state.now.replace(tzinfo=None) - timedelta(days=LOG_DAYS):
        raise _invalid(f"startDate cannot be more than {LOG_DAYS} days ago")
    return first, last


def updated(state: State, described: SObject, times: tuple[datetime, datetime], running: Transactions) -> Any:
    """The ids of the living records that were created or changed from start until before end."""
    start, end = times
    alive = ' and not "IsDeleted"' if "IsDeleted" in described.by_canonical_name else ""
    rows = state.rows(
        f"""select "Id" from {table(described.org, described.name)}
        where "SystemModstamp" >= ? and "SystemModstamp" < ?{alive} order by "SystemModstamp", "Id" """,
        [start, end],
    )
    _check_count(described, rows)
    return {"ids": [record_id for (record_id,) in rows], "latestDateCovered": _covered(state, end, running)}


def deleted(state: State, described: SObject, times: tuple[datetime, datetime], running: Transactions) -> Any:
    """The records that were deleted from start until before end and not restored, out of the recycle bin or not."""
    start, end = times
    earliest = state.now.replace(tzinfo=None) - timedelta(days=described.schema.switches.deleted_log_days)
    in_bin = f"""select "Id", "SystemModstamp" as deleted_at from {table(described.org, described.name)}
        where "IsDeleted" union all"""
    rows = state.rows(
        f"""{in_bin if "IsDeleted" in described.by_canonical_name else ""}
        select record_id, deleted_at from world.hard_deletions where org = $org and object = $object
        order by deleted_at, 1""",
        {"org": described.org, "object": described.name},
    )
    rows = [row for row in rows if max(start, earliest) <= row[1] < end]
    _check_count(described, rows)
    return {
        "deletedRecords": [{"id": record_id, "deletedDate": _text(at)} for record_id, at in rows],
        "earliestDateAvailable": _text(earliest),
        "latestDateCovered": _covered(state, end, running),
    }


def _covered(state: State, end: datetime, running: Transactions) -> str:
    next_write = state.now.replace(tzinfo=None) + timedelta(seconds=1)
    return _text(running.covered_until(min(end, next_write)))


def _moment(name: str, text: str | None) -> datetime:
    if not text:
        raise SalesforceError(400, "MISSING_ARGUMENT", f"The parameter {name} is missing.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"{name} is not a date and time: {text}") from None
    if moment.tzinfo is None:
        raise _invalid(f"{name} has no time zone: {text}")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _check_count(described: SObject, rows: Sequence[Any]) -> None:
    most = described.schema.switches.most_replicated_ids
    if len(rows) > most:
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", f"More than {most} records: ask for a shorter time.")


def _invalid(message: str) -> SalesforceError:
    return SalesforceError(400, "INVALID_REPLICATION_DATE", message)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"
