"""Field history of leads: which tracked field had which value before, who changed it and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sandbox.salesforce.state import State
from sandbox.world.fields import fields
from sandbox.world.ids import salesforce_id
from sandbox.world.plan import table

TRACKED = (
    "Email",
    "Title",
    "Industry",
    "Status",
    "OwnerId",
    "HasOptedOutOfEmail",
    "IsConverted",
    "pi__pardot_hard_bounced__c",
    "external_hard_bounced__c",
    "company_description__c",
)
SHOWN_AS = {"OwnerId": "Owner", "IsConverted": "leadConverted"}
LONGEST_VALUE = 255  # of a longer field the history says only that it changed


@contextmanager
def tracked(state: State, org: str, sobject: str, ids: Sequence[str], moment: datetime) -> Iterator[None]:
    """Note what the statements inside do to the tracked fields of some leads; other objects have no history."""
    if sobject != "Lead" or not ids:
        yield
        return
    before = _values(state, org, ids)
    yield
    after = _values(state, org, ids)
    known = fields(org, "Lead")
    rows = []
    for record_id in sorted(before):
        for place, name in enumerate(TRACKED):
            old, new = before[record_id][place], after[record_id][place]
            if old != new:
                is_long = known[name].length > LONGEST_VALUE
                shown = SHOWN_AS.get(name, known[name].api_name)
                rows.append((record_id, shown, None if is_long else old, None if is_long else new))
    users = {record_id: values[-1] for record_id, values in after.items()}
    _store(state, org, [(*row, users[row[0]]) for row in rows], moment)


def _values(state: State, org: str, ids: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    known = fields(org, "Lead")
    columns = ", ".join(f'"{known[name].api_name}"::varchar' for name in TRACKED)
    rows = state.rows(
        f'select "Id", {columns}, "LastModifiedById" from {table(org, "Lead")} where "Id" in (select unnest(?))',
        [list(ids)],
    )
    return {row[0]: row[1:] for row in rows}


def _store(state: State, org: str, rows: list[tuple[Any, ...]], moment: datetime) -> None:
    if not rows:
        return
    first = state.next_number(org, "LeadHistory", len(rows))
    ids = [salesforce_id("LeadHistory", org, first + place) for place in range(len(rows))]
    leads, names, old, new, users = (list(column) for column in zip(*rows, strict=True))
    state.execute(
        f"""insert into {table(org, "LeadHistory")} by name
        select unnest(?) as "Id", unnest(?) as "LeadId", unnest(?) as "Field", unnest(?) as "OldValue",
            unnest(?) as "NewValue", unnest(?) as "CreatedById", ? as "CreatedDate", false as "IsDeleted" """,
        [ids, leads, names, old, new, users, moment],
    )
