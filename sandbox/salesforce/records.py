"""sObject Collections: reading and writing records by the list, each row with its own result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from sandbox.salesforce.dml import Caller, write
from sandbox.salesforce.drafts import Draft, Operation, draft_create, draft_delete, draft_update
from sandbox.salesforce.errors import RowError, SalesforceError
from sandbox.salesforce.schema import Schema, SObject
from sandbox.salesforce.state import State
from sandbox.salesforce.translate import Translation
from sandbox.salesforce.upsert import draft_upsert, key_field
from sandbox.world.ids import is_well_formed, to_18

MOST_WRITTEN, MOST_RETRIEVED, MOST_CHUNKS = 200, 2_000, 10

Result = dict[str, Any]
__all__ = ["Caller", "create", "delete", "retrieve", "update", "upsert"]


def retrieve(state: State, described: SObject, body: Any, base: str) -> str:
    """Read records by id and give them in order as JSON, with null for one that is missing or deleted.

    Raises:
        SalesforceError: the request is malformed, too large, or names an unknown field.
    """
    ids, names = _ids_and_fields(body)
    paths = list(dict.fromkeys(["Id", *(name for name in names if name.lower() != "id")]))
    found = read(state, described, ids, paths, base)
    return f"[{','.join(found.get(to_18(one[:15]), 'null') for one in ids)}]"


def read(state: State, described: SObject, ids: Sequence[str], paths: list[str], base: str) -> dict[str, str]:
    """The living records with these well-formed ids: each as JSON, by id."""
    translation = Translation(described, state.now)
    record = translation.json_record(paths, base)
    visible = "" if "IsDeleted" not in described.by_canonical_name else ' and not t."IsDeleted"'
    if not ids:
        return {}
    wanted = ", ".join("?" * len(ids))  # a plain list is looked up before the parents are joined
    rows = state.rows(
        f'select t."Id", {record} from {translation.source} where t."Id" in ({wanted}){visible}',
        [to_18(one[:15]) for one in ids],
    )
    return dict(rows)


def update(
    state: State, schema: Schema, body: Any, caller: Caller, *, locked_rows: int = 0
) -> tuple[list[Result], int]:
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
    draft = partial(draft_update, seen=set())
    return _write(state, schema, body, caller, draft, locked_rows=locked_rows)


def create(
    state: State, schema: Schema, body: Any, caller: Caller, *, locked_rows: int = 0
) -> tuple[list[Result], int]:
    """Create records; otherwise as :func:`update`."""
    return _write(state, schema, body, caller, draft_create, locked_rows=locked_rows)


def upsert(
    state: State, described: SObject, key: str, body: Any, caller: Caller, *, locked_rows: int = 0
) -> tuple[list[Result], int]:
    """Update the records that the key field finds and create the others; otherwise as :func:`update`.

    Raises:
        SalesforceError: besides, the key is no external id, or a record is of another object.
    """
    schema, field, seen = described.schema, key_field(described, key), set[str]()

    def draft(given: SObject, record: dict[str, Any]) -> Draft:
        if given.name != described.name:
            raise SalesforceError(400, "INVALID_INPUT", f"Every record must be of type {described.name}.")
        return draft_upsert(state, described, field, record, seen)

    return _write(state, schema, body, caller, draft, locked_rows=locked_rows, says_created=True)


def delete(
    state: State, schema: Schema, ids: Sequence[str], caller: Caller, *, all_or_none: bool, locked_rows: int = 0
) -> tuple[list[Result], int]:
    """Move records to the recycle bin; otherwise as :func:`update`."""
    _check_count(ids)
    seen: set[str] = set()
    drafts = [draft_delete(schema, one, seen) for one in ids]
    outcomes, locked = write(state, schema, drafts, caller, all_or_none=all_or_none, locked_rows=locked_rows)
    return [result(one) for one in outcomes], locked


def result(outcome: Draft, *, says_created: bool = False) -> Result:
    """What a call says of one record."""
    if isinstance(outcome, RowError):
        return outcome.body()
    created = {"created": outcome.operation is Operation.CREATE} if says_created else {}
    return {"id": outcome.record_id, "success": True, "errors": [], **created}


def _write(
    state: State,
    schema: Schema,
    body: Any,
    caller: Caller,
    draft: Callable[[SObject, dict[str, Any]], Draft],
    *,
    locked_rows: int,
    says_created: bool = False,
) -> tuple[list[Result], int]:
    records, all_or_none = _records(body)
    typed = [(_typed(schema, record), record) for record in records]
    if len([key for key, _ in groupby(typed, key=lambda one: one[0].name)]) > MOST_CHUNKS:
        raise SalesforceError(400, "INVALID_INPUT", f"The request has more than {MOST_CHUNKS} chunks of record types.")
    drafts = [draft(described, record) for described, record in typed]
    outcomes, locked = write(state, schema, drafts, caller, all_or_none=all_or_none, locked_rows=locked_rows)
    results = [result(one, says_created=says_created) for one in outcomes]
    if schema.switches.failed_rows_have_id:
        for row, (_, record) in zip(results, typed, strict=True):
            row.setdefault("id", record.get("id", record.get("Id")))
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
    _check_count(body["records"])
    return body["records"], bool(body.get("allOrNone", False))


def _check_count(records: Sequence[Any]) -> None:
    if len(records) > MOST_WRITTEN:
        raise SalesforceError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_WRITTEN} records"
        )


def _typed(schema: Schema, record: Any) -> SObject:
    name = record.get("attributes", {}).get("type") if isinstance(record, dict) else None
    if not isinstance(name, str):
        raise SalesforceError(400, "INVALID_INPUT", "Every record needs attributes.type.")
    return schema.sobject(name)
