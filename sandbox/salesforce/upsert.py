"""Upsert: the value of an external id decides whether a record is new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.salesforce.drafts import Draft, draft_create, draft_update
from sandbox.salesforce.errors import RowError, SalesforceError
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.state import State
from sandbox.world.field import Field
from sandbox.world.ids import is_well_formed, to_18
from sandbox.world.plan import table


def key_field(described: SObject, name: str) -> Field:
    """The field that an address names as the key: an external id, or the id itself.

    Raises:
        SalesforceError: NOT_FOUND, it is neither.
    """
    field = described.by_api_name.get(name.lower())
    if field is None or not (field.is_external_id or field.type == "id"):
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise SalesforceError(404, "NOT_FOUND", message)
    return field


def find(state: State, described: SObject, field: Field, value: str) -> list[str]:
    """The ids of the living records that have this value in the key field."""
    if field.type == "id":
        if not is_well_formed(value):
            return []
        value = to_18(value[:15])
    column = f'"{field.api_name}"'
    test = f"{column} = ?" if field.type == "id" else f"lower({column}) = lower(?)"
    alive = ' and not "IsDeleted"' if "IsDeleted" in described.by_canonical_name else ""
    query = f'select "Id" from {table(described.org, described.name)} where {test}{alive} order by "Id"'
    return [record_id for (record_id,) in state.rows(query, [value])]


def draft_upsert(
    state: State, described: SObject, field: Field, record: Mapping[str, Any], seen: set[str], value: Any = None
) -> Draft:
    """Read a record that is new or not.

    Args:
        state: the orgs.
        described: the record's object.
        field: the key.
        record: the fields as they were sent.
        seen: what the request has named before, values of the key as well as ids; the record's are added.
        value: the key's value, where the address gives it and not the record.

    Raises:
        SalesforceError: a field does not exist, or its value cannot be read as its type.
    """
    name = field.api_name
    if value is None:
        value = next((given for key, given in record.items() if key.lower() == name.lower()), None)
    fields = {key: given for key, given in record.items() if key.lower() not in {name.lower(), "id"}}
    if field.type == "id":
        return draft_update(described, fields, seen, record_id=value) if value else draft_create(described, fields)
    if not isinstance(value, str) or not value:
        return RowError("MISSING_ARGUMENT", f"{name} not specified", (name,))
    if value.lower() in seen:
        return RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", (name,))
    seen.add(value.lower())
    found = find(state, described, field, value)
    if len(found) > 1:
        message = f"{name}: more than one record found for external id field: [{', '.join(found)}]"
        return RowError("DUPLICATE_EXTERNAL_ID", message, (name,))
    if found:
        return draft_update(described, fields, seen, record_id=found[0])
    return draft_create(described, fields | {name: value})
