"""Writing records: one transaction per call, each record with its own outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.salesforce.checks import broken_rules, check_stored, duplicates
from sandbox.salesforce.drafts import Change, Draft, Operation
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.field_history import tracked
from sandbox.salesforce.recycle_bin import delete
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.state import State
from sandbox.world.catalog import ADMIN
from sandbox.world.fields import OPEN, fields
from sandbox.world.ids import salesforce_id
from sandbox.world.plan import table

ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
DEFAULTS = {"Lead": OPEN, "Campaign": "Planned", "CampaignMember": "Sent", "Task": "Open"}  # of Status


@dataclass(frozen=True)
class Caller:
    """Who writes, and how."""

    user_id: str
    client: str
    assigns_leads: bool  # Salesforce's default: lead assignment runs, and may change the owner
    saves_duplicates: bool = False  # although a duplicate rule warns


def write(
    state: State,
    schema: Schema,
    drafts: Sequence[Draft],
    caller: Caller,
    *,
    all_or_none: bool = False,
    locked_rows: int = 0,
    stamped_at: datetime | None = None,
) -> tuple[list[Draft], int]:
    """Write records.

    Args:
        state: the orgs.
        schema: the org that is written to.
        drafts: the records, or why one is refused already.
        caller: who asks.
        all_or_none: write nothing if one record is refused.
        locked_rows: how many records to refuse as locked by somebody else (a planned fault).
        stamped_at: when the records say they were changed (UTC, naive), if not now.

    Returns:
        For each draft, in order, the change that was made or the error; and how many were refused as locked.
    """
    with state.reading():  # nobody writes between the checks and the change
        outcomes = list(drafts)
        check_stored(state, schema, outcomes)
        locked = _lock(outcomes, locked_rows)
        if all_or_none:
            _roll_back(outcomes)
        if any(isinstance(one, Change) for one in outcomes):
            with state.writing() as now:
                _write(state, schema, outcomes, caller, all_or_none=all_or_none, moment=stamped_at or now)
    return outcomes, locked


def _lock(drafts: list[Draft], rows: int) -> int:
    locked = 0
    for place, draft in enumerate(drafts):
        if isinstance(draft, Change) and locked < rows:
            message = f"unable to obtain exclusive access to this record or 1 records: {draft.record_id}"
            drafts[place] = RowError("UNABLE_TO_LOCK_ROW", message)
            locked += 1
    return locked


def _roll_back(drafts: list[Draft]) -> list[Change]:
    """If one is refused, refuse the others for that reason; give those that were not refused themselves."""
    if not any(isinstance(one, RowError) for one in drafts):
        return []
    others = [(place, one) for place, one in enumerate(drafts) if isinstance(one, Change)]
    for place, _ in others:
        drafts[place] = ROLLED_BACK
    return [change for _, change in others]


def _write(
    state: State, schema: Schema, outcomes: list[Draft], caller: Caller, *, all_or_none: bool, moment: datetime
) -> None:
    """Store the changes, judge the result by the org's rules, and take back what breaks one."""
    changes = [one for one in outcomes if isinstance(one, Change)]
    for change in changes:
        _add_consequences(schema, change, caller, moment)
    updated = [one.record_id for one in changes if one.operation is Operation.UPDATE and one.sobject.name == "Lead"]
    with tracked(state, schema.org, "Lead", updated, moment):
        _store(state, schema.org, changes, caller, moment)
        broken = broken_rules(state, schema, changes) | _forbidden_duplicates(state, schema, changes, caller)
        refused = []
        for place, one in enumerate(outcomes):
            if isinstance(one, Change) and one.record_id in broken:
                outcomes[place] = broken[one.record_id]
                refused.append(one)
        if all_or_none:
            refused += _roll_back(outcomes)
        _take_back(state, schema.org, refused)
    _audit(state, schema.org, [one for one in outcomes if isinstance(one, Change)], caller, moment)


def _add_consequences(schema: Schema, change: Change, caller: Caller, moment: datetime) -> None:
    """What Salesforce itself writes along with a change."""
    values, name = change.values, change.sobject.name
    if change.operation is Operation.DELETE:
        return
    if name == "Lead" and caller.assigns_leads:
        values["OwnerId"] = salesforce_id("User", schema.org, ADMIN)
    if change.operation is Operation.CREATE and name in DEFAULTS:
        values.setdefault("Status", DEFAULTS[name])
    if name == "CampaignMember" and "Status" in values:
        values["HasResponded"] = values["Status"] == "Responded"
        if values["HasResponded"] and not change.before.get("FirstRespondedDate"):
            values["FirstRespondedDate"] = moment.date()
    is_new_address = change.before and change.before.get("Email") != values.get("Email", change.before.get("Email"))
    if is_new_address and schema.switches.email_change_clears_bounce:
        values.update(EmailBouncedReason=None, EmailBouncedDate=None)


def _forbidden_duplicates(
    state: State, schema: Schema, changes: Sequence[Change], caller: Caller
) -> dict[str, RowError]:
    policy = schema.switches.duplicate_leads
    if policy == "allow" or (policy == "alert" and caller.saves_duplicates):
        return {}
    return duplicates(state, schema.org, changes)


def _store(state: State, org: str, changes: Sequence[Change], caller: Caller, moment: datetime) -> None:
    alike: dict[tuple[str, Operation, tuple[str, ...]], list[Change]] = defaultdict(list)
    for change in changes:
        alike[change.sobject.name, change.operation, tuple(change.values)].append(change)
    for (name, operation, _), group in alike.items():
        if operation is Operation.DELETE:
            delete(state, org, name, [one.record_id for one in group], moment, f"'{caller.user_id}'")
        elif operation is Operation.CREATE:
            _insert(state, org, name, group, caller, moment)
        else:
            stamps = _stamps(org, name, caller, moment)
            _update(state, org, name, {one.record_id: one.values | stamps for one in group})


def _stamps(org: str, name: str, caller: Caller, moment: datetime) -> dict[str, Any]:
    stamps = {"SystemModstamp": moment, "LastModifiedDate": moment, "LastModifiedById": caller.user_id}
    return {column: value for column, value in stamps.items() if column in fields(org, name)}


def _insert(state: State, org: str, name: str, changes: Sequence[Change], caller: Caller, moment: datetime) -> None:
    known = [field for field in fields(org, name).values() if field.is_stored]
    first = state.next_number(org, name, len(changes))
    defaults: dict[str, Any] = {field.api_name: False for field in known if field.type == "boolean"}
    defaults |= {"OwnerId": caller.user_id, "CreatedDate": moment, **_stamps(org, name, caller, moment)}
    rows = []
    for place, change in enumerate(changes):
        change.record_id = salesforce_id(name, org, first + place)
        rows.append(defaults | change.values | {"Id": change.record_id})
    columns = [field.api_name for field in known if field.api_name in rows[0]]
    values = ", ".join(f'unnest(${place + 1}) as "{column}"' for place, column in enumerate(columns))
    state.execute(
        f"insert into {table(org, name)} by name select {values}",
        [[row[column] for row in rows] for column in columns],
    )


def _update(state: State, org: str, name: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the same columns of some records, each to its own value."""
    columns = list(next(iter(rows.values())))
    parameters: dict[str, Any] = {"ids": list(rows)}
    parameters |= {f"value{place}": [row[one] for row in rows.values()] for place, one in enumerate(columns)}
    given = "".join(f', unnest($value{place}) as "{column}"' for place, column in enumerate(columns))
    assignments = ", ".join(f'"{column}" = given."{column}"' for column in columns)
    state.execute(
        f"""update {table(org, name)} as record set {assignments}
        from (select unnest($ids) as id{given}) as given where record."Id" = given.id""",
        parameters,
    )


def _take_back(state: State, org: str, changes: Sequence[Change]) -> None:
    for change in changes:
        name = change.sobject.name
        if change.operation is Operation.CREATE:
            state.execute(f'delete from {table(org, name)} where "Id" = ?', [change.record_id])
        elif change.operation is Operation.UPDATE:
            _update(state, org, name, {change.record_id: change.before})


def _audit(state: State, org: str, changes: Sequence[Change], caller: Caller, moment: datetime) -> None:
    """One line of the audit log for each field that was written."""
    writes = [
        (change.sobject.name, change.record_id, column, _text(change.before.get(column)), _text(value))
        for change in changes
        for column, value in (change.values or _deletion(change)).items()
    ]
    if writes:
        objects, ids, written, before, after = (list(column) for column in zip(*writes, strict=True))
        state.execute(
            "insert into world.field_writes select ?, unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), ?, ?, ?",
            [org, objects, ids, written, before, after, caller.user_id, moment, caller.client],
        )


def _deletion(change: Change) -> Mapping[str, Any]:
    return {"IsDeleted": True} if change.operation is Operation.DELETE else {}


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
