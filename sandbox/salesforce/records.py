"""sObject Collections: reading records by id, and updating up to 200 of them, each row with its own result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sandbox.salesforce.errors import RowError, SalesforceError, no_such_column
from sandbox.salesforce.schema import Schema, SObject, is_restricted
from sandbox.salesforce.state import State
from sandbox.salesforce.translate import Translation
from sandbox.world.catalog import ADMIN
from sandbox.world.fields import Access, Field, fields
from sandbox.world.ids import KEY_PREFIXES, is_well_formed, salesforce_id, to_18
from sandbox.world.plan import table

MOST_UPDATED, MOST_RETRIEVED, MOST_CHUNKS = 200, 2_000, 10


@dataclass(frozen=True)
class Caller:
    """Who sends an update, and how."""

    user_id: str
    client: str
    assigns_leads: bool  # Salesforce's default: lead assignment runs, and may change the owner


@dataclass
class _Change:
    sobject: SObject
    record_id: str
    values: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)


def retrieve(state: State, described: SObject, body: Any, base: str) -> str:
    """Read records by id and give them in order as JSON, with null for one that is missing or deleted.

    Raises:
        SalesforceError: the request is malformed, too large, or names an unknown field.
    """
    ids, names = _ids_and_fields(body)
    paths = list(dict.fromkeys(["Id", *(name for name in names if name.lower() != "id")]))
    translation = Translation(described, state.now)
    record = translation.json_record(paths, base)
    visible = "" if "IsDeleted" not in described.by_canonical_name else ' and not t."IsDeleted"'
    found: dict[str, str] = {}
    if ids:
        wanted = ", ".join("?" * len(ids))  # a plain list is looked up before the parents are joined
        rows = state.rows(
            f'select t."Id", {record} from {translation.source} where t."Id" in ({wanted}){visible}',
            [to_18(one[:15]) for one in ids],
        )
        found = dict(rows)
    return f"[{','.join(found.get(to_18(one[:15]), 'null') for one in ids)}]"


def update(
    state: State, schema: Schema, body: Any, caller: Caller, *, locked_rows: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Update records and give one result per record, in order, and how many rows were refused as locked.

    Args:
        state: the orgs.
        schema: the org of the request.
        body: ``{"allOrNone": …, "records": […]}``.
        caller: who asks.
        locked_rows: how many rows to refuse as locked by somebody else (a planned fault).

    Raises:
        SalesforceError: the request as a whole is malformed; nothing was applied.
    """
    records, all_or_none = _records(body)
    typed = [(_typed(schema, record), record) for record in records]
    if len([key for key, _ in groupby(typed, key=lambda one: one[0].name)]) > MOST_CHUNKS:
        raise SalesforceError(400, "INVALID_INPUT", f"The request has more than {MOST_CHUNKS} chunks of record types.")
    planned: list[_Change | RowError] = []
    seen: set[str] = set()
    for described, record in typed:
        planned.append(_plan(described, record, seen))
    _check_records(state, schema, planned)
    locked = _lock(planned, locked_rows)
    changes = [change for change in planned if isinstance(change, _Change)]
    if all_or_none and len(changes) < len(planned):
        rolled_back = RowError(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        )
        return [(one if isinstance(one, RowError) else rolled_back).body() for one in planned], locked
    if changes:
        with state.writing() as moment:
            _apply(state, schema.org, changes, caller, moment)
    results = [
        one.body() if isinstance(one, RowError) else {"id": one.record_id, "success": True, "errors": []}
        for one in planned
    ]
    return results, locked


def _ids_and_fields(body: Any) -> tuple[list[str], list[str]]:
    if not isinstance(body, dict) or not all(isinstance(body.get(key), list) for key in ("ids", "fields")):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The request body needs 'ids' and 'fields'.")
    if len(body["ids"]) > MOST_RETRIEVED:
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", f"cannot retrieve more than {MOST_RETRIEVED} records at once")
    for record_id in body["ids"]:
        if not (isinstance(record_id, str) and is_well_formed(record_id)):
            raise SalesforceError(400, "MALFORMED_ID", f"malformed id {record_id}")
    return body["ids"], [str(name) for name in body["fields"]]


def _records(body: Any) -> tuple[list[dict[str, Any]], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The request body needs a list of 'records'.")
    if len(body["records"]) > MOST_UPDATED:
        raise SalesforceError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_UPDATED} records"
        )
    return body["records"], bool(body.get("allOrNone", False))


def _typed(schema: Schema, record: Any) -> SObject:
    name = record.get("attributes", {}).get("type") if isinstance(record, dict) else None
    if not isinstance(name, str):
        raise SalesforceError(400, "INVALID_INPUT", "Every record needs attributes.type.")
    return schema.sobject(name)


def _plan(described: SObject, record: Mapping[str, Any], seen: set[str]) -> _Change | RowError:
    """Check what can be checked without the record itself.

    Raises:
        SalesforceError: a field does not exist, or its value cannot be read as its type.
    """
    values, given = {}, []
    for name, value in record.items():
        if name == "attributes" or name.lower() == "id":
            continue
        known = described.by_api_name.get(name.lower())
        if known is None:
            raise no_such_column(name, described.name)
        values[known.api_name] = _typed_value(known, value)
        given.append(known)
    try:
        record_id = _record_id(described, record, seen)
        _check_access(given)
        for one in given:
            _check_value(one, values[one.api_name])
    except RowError as error:
        return error
    return _Change(described, record_id, values)


def _typed_value(known: Field, value: Any) -> Any:
    if known.type == "boolean" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    expected = bool if known.type == "boolean" else str
    if not isinstance(value, expected) and (value is not None or known.type == "boolean"):
        raise SalesforceError(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {known.type} from {type(value).__name__} in field {known.api_name}",
        )
    return value


def _record_id(described: SObject, record: Mapping[str, Any], seen: set[str]) -> str:
    record_id = next((value for name, value in record.items() if name.lower() == "id"), None)
    if record_id is None:
        raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")
    if not isinstance(record_id, str) or not is_well_formed(record_id):
        raise RowError("MALFORMED_ID", f"{described.name} ID: malformed id {record_id}", ("Id",))
    if not record_id.startswith(KEY_PREFIXES[described.name]):
        raise RowError("MALFORMED_ID", f"{described.name} ID: id value of incorrect type: {record_id}", ("Id",))
    record_id = to_18(record_id[:15])
    if record_id in seen:
        raise RowError("DUPLICATE_VALUE", f"duplicate id in the request: {record_id}", ("Id",))
    seen.add(record_id)
    return record_id


def _check_access(given: Sequence[Field]) -> None:
    refused = tuple(one.api_name for one in given if one.access is not Access.WRITE)
    if refused:
        raise RowError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this field"
            " and verify that it is read/write for your profile or permission set.",
            refused,
        )


def _check_value(known: Field, value: Any) -> None:
    if not isinstance(value, str):
        return
    if known.type == "picklist" and is_restricted(known) and value not in known.values:
        raise RowError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{known.api_name}: bad value for restricted picklist field: {value}",
            (known.api_name,),
        )
    if len(value) > known.length:
        raise RowError(
            "STRING_TOO_LONG",
            f"{known.api_name}: data value too large: {value[:20]} (max length={known.length})",
            (known.api_name,),
        )


def _check_records(state: State, schema: Schema, planned: list[_Change | RowError]) -> None:
    """Replace changes of records that are missing, deleted or converted by their errors; note the values before."""
    by_object: dict[str, list[int]] = defaultdict(list)
    for place, change in enumerate(planned):
        if isinstance(change, _Change):
            by_object[change.sobject.name].append(place)
    for name, places in by_object.items():
        stored = [one.api_name for one in schema.sobject(name).by_canonical_name.values() if one.is_stored]
        columns = ", ".join(f'"{column}"' for column in stored)
        rows = state.rows(
            f'select {columns} from {table(schema.org, name)} where "Id" in (select unnest(?))',
            [[change.record_id for place in places if isinstance(change := planned[place], _Change)]],
        )
        found = {row[stored.index("Id")]: dict(zip(stored, row, strict=True)) for row in rows}
        for place in places:
            change = planned[place]
            if isinstance(change, _Change):
                error = _record_error(name, found.get(change.record_id))
                change.before = found.get(change.record_id, {})
                planned[place] = error or change


def _record_error(name: str, record: Mapping[str, Any] | None) -> RowError | None:
    if record is None:
        return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if record.get("IsDeleted"):
        return RowError("ENTITY_IS_DELETED", "entity is deleted")
    if name == "Lead" and record["IsConverted"]:
        return RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    return None


def _lock(planned: list[_Change | RowError], rows: int) -> int:
    locked = 0
    for place, change in enumerate(planned):
        if isinstance(change, _Change) and locked < rows:
            message = f"unable to obtain exclusive access to this record or 1 records: {change.record_id}"
            planned[place] = RowError("UNABLE_TO_LOCK_ROW", message)
            locked += 1
    return locked


def _apply(state: State, org: str, changes: Sequence[_Change], caller: Caller, moment: datetime) -> None:
    """Store the values, and one line of the audit log for each field that was written."""
    for change in changes:
        if change.sobject.name == "Lead" and caller.assigns_leads:
            change.values["OwnerId"] = salesforce_id("User", org, ADMIN)
    alike: dict[tuple[str, tuple[str, ...]], list[_Change]] = defaultdict(list)
    for change in changes:
        alike[change.sobject.name, tuple(change.values)].append(change)
    for (name, columns), group in alike.items():
        _store(state, org, name, columns, group, caller, moment)
    writes = [
        (change.sobject.name, change.record_id, column, _text(change.before[column]), _text(value))
        for change in changes
        for column, value in change.values.items()
    ]
    if writes:
        objects, ids, written, before, after = (list(column) for column in zip(*writes, strict=True))
        state.execute(
            "insert into world.field_writes select ?, unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), ?, ?, ?",
            [org, objects, ids, written, before, after, caller.user_id, moment, caller.client],
        )


def _store(
    state: State,
    org: str,
    name: str,
    columns: tuple[str, ...],
    changes: Sequence[_Change],
    caller: Caller,
    moment: datetime,
) -> None:
    described = fields(org, name)
    system = {"SystemModstamp": moment, "LastModifiedDate": moment, "LastModifiedById": caller.user_id}
    stamps = {column: value for column, value in system.items() if column in described}
    parameters: dict[str, Any] = {"ids": [change.record_id for change in changes]}
    parameters |= {f"stamp{place}": value for place, value in enumerate(stamps.values())}
    for place, column in enumerate(columns):
        parameters[f"value{place}"] = [change.values[column] for change in changes]
    given = ", ".join(f'unnest($value{place}) as "{column}"' for place, column in enumerate(columns))
    assignments = [f'"{column}" = given."{column}"' for column in columns]
    assignments += [f'"{column}" = $stamp{place}' for place, column in enumerate(stamps)]
    state.execute(
        f"""update {table(org, name)} as record set {", ".join(assignments)}
        from (select unnest($ids) as id{", " + given if given else ""}) as given where record."Id" = given.id""",
        parameters,
    )


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
