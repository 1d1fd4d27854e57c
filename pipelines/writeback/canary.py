"""The canary: the first records of a lane are read back whole, owner included, before the rest goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pipelines.errors import RefusedError
from pipelines.http.answers import without_addresses
from pipelines.writeback.destination import Destination, Record
from pipelines.writeback.journal import Decided, PushResult
from pipelines.writeback.policy import Outcome, Write

# What every update moves, and what moves when somebody looks at a record.
MOVING = {"LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastViewedDate", "LastReferencedDate"}


@contextmanager
def watched(reader: Destination, writes: Sequence[Decided], result: PushResult) -> Iterator[None]:
    """Watch some writes: all fields of their records are compared before and after, formulas left out.

    Raises:
        RefusedError: another field has changed than those that were applied, an applied value does not stand there, or
            somebody else was the last to change the record.
    """
    if not writes:
        yield
        return
    object_name = writes[0].change.object
    ids = list(dict.fromkeys(one.change.record_id for one in writes))
    before = reader.whole(object_name, ids)
    yield
    expected: dict[str, Record] = {}
    for one in writes:
        is_applied = result.outcomes[one.change.change_id][1] is Outcome.APPLIED
        if is_applied and isinstance(one.decision, Write):
            api_name = reader.api_name(object_name, one.change.field)
            expected.setdefault(one.change.record_id, {})[api_name] = one.decision.value
    after = reader.whole(object_name, list(expected)) if expected else {}
    for record_id, values in expected.items():
        found = _surprises(before.get(record_id, {}), after.get(record_id, {}), values, reader.user_id)
        if found:
            raise RefusedError(
                f"After the first {len(expected)} records of {object_name}, {without_addresses(record_id)} is not as"
                f" expected: {'; '.join(found)}.",
                next_step="Find what else writes to this record (flow, trigger, assignment rule, a person), then plan"
                " again.",
            )


def _surprises(before: Record, after: Record, expected: Mapping[str, object], user_id: str | None) -> list[str]:
    """What is not as expected, by field names only: values may be personal data (R8)."""
    if not after:
        return ["it cannot be read any more"]
    changed = [
        f"{name} has changed too"
        for name, value in after.items()
        if before and name not in {*MOVING, *expected} and value != before.get(name)  # a new record has defaults
    ]
    missing = [f"{name} does not show what was applied" for name, value in expected.items() if after.get(name) != value]
    other = user_id is not None and after.get("LastModifiedById", user_id) != user_id
    return changed + missing + (["LastModifiedById is not our user"] if other else [])
