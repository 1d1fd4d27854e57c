"""Reading one record of a request: what can be said of it without looking at what is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from sandbox.salesforce.errors import RowError, SalesforceError, no_such_column
from sandbox.salesforce.schema import REQUIRED, Schema, SObject, is_restricted
from sandbox.world.field import Field
from sandbox.world.ids import KEY_PREFIXES, is_well_formed, to_18

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


class Operation(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass
class Change:
    """One record to write; a new one gets its id when it is stored."""

    sobject: SObject
    operation: Operation
    record_id: str = ""
    values: dict[str, Any] = field(default_factory=dict)  # by API name
    before: dict[str, Any] = field(default_factory=dict)  # the whole stored record, by column


Draft = Change | RowError  # what becomes of a record of a request, until it is written


def draft_update(described: SObject, record: Mapping[str, Any], seen: set[str], *, record_id: str = "") -> Draft:
    """Read a record that changes a stored one.

    Args:
        described: its object.
        record: the fields as they were sent, with the id if ``record_id`` does not give it.
        seen: ids that the request has named before; the record's is added.
        record_id: the id, where the address gives it.

    Raises:
        SalesforceError: a field does not exist, or its value cannot be read as its type.
    """
    given = _typed_values(described, record)
    try:
        own_id = _own_id(described, record_id or _get(record, "id"), seen)
        _check_access([known for known, _ in given if not described.can_update(known)])
        return Change(described, Operation.UPDATE, own_id, _checked_values(given))
    except RowError as error:
        return error


def draft_create(described: SObject, record: Mapping[str, Any]) -> Draft:
    """Read a record that is new.

    Raises:
        SalesforceError: a field does not exist, or its value cannot be read as its type.
    """
    given = _typed_values(described, record)
    if not described.is_createable:
        return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {described.name}")
    if _get(record, "id") is not None:
        return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
    try:
        _check_access([known for known, _ in given if not described.can_create(known)])
        values = _checked_values(given)
    except RowError as error:
        return error
    missing = _missing(described, values)
    if missing:
        return RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)
    return Change(described, Operation.CREATE, values=values)


def draft_delete(schema: Schema, record_id: Any, seen: set[str]) -> Draft:
    """Read an id that is to be deleted; the id tells the object."""
    prefix = record_id[:3] if isinstance(record_id, str) else ""
    name = next((name for name, one in KEY_PREFIXES.items() if one == prefix), None)
    if name is None:
        return RowError("MALFORMED_ID", f"malformed id {record_id}", ("Id",))
    described = schema.sobject(name)
    if not described.is_createable:
        return RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", ("Id",))
    try:
        return Change(described, Operation.DELETE, _own_id(described, record_id, seen))
    except RowError as error:
        return error


def _get(record: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in record.items() if key.lower() == name), None)


def _typed_values(described: SObject, record: Mapping[str, Any]) -> list[tuple[Field, Any]]:
    given = []
    for name, value in record.items():
        if name == "attributes" or name.lower() == "id":
            continue
        known = described.by_api_name.get(name.lower())
        if known is None:
            raise no_such_column(name, described.name)
        given.append((known, _typed_value(known, value)))
    return given


def _typed_value(known: Field, value: Any) -> Any:
    if known.type == "boolean" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if known.is_number:
        return _number(known, value)
    expected = bool if known.type == "boolean" else str
    if not isinstance(value, expected) and (value is not None or known.type == "boolean"):
        raise _not_of_type(known, type(value).__name__)
    if value is not None and known.type in {"date", "datetime"}:
        try:
            return _moment(value) if known.type == "datetime" else date.fromisoformat(value[:10])
        except ValueError:
            raise _not_of_type(known, f"'{value}'") from None
    return value


def _number(known: Field, value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        number = None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise _not_of_type(known, f"'{value}'")
    return round(number, known.scale)


def _moment(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)


def _not_of_type(known: Field, given: str) -> SalesforceError:
    message = f"Cannot deserialize instance of {known.type} from {given} in field {known.api_name}"
    return SalesforceError(400, "JSON_PARSER_ERROR", message)


def _missing(described: SObject, values: Mapping[str, Any]) -> tuple[str, ...]:
    missing = tuple(name for name in REQUIRED.get(described.name, ()) if not values.get(name))
    if described.name == "CampaignMember" and not (values.get("LeadId") or values.get("ContactId")):
        missing += ("LeadId",)
    return missing


def _own_id(described: SObject, record_id: Any, seen: set[str]) -> str:
    if record_id is None:
        raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")
    if not isinstance(record_id, str) or not is_well_formed(record_id):
        raise RowError("MALFORMED_ID", f"{described.name} ID: malformed id {record_id}", ("Id",))
    if not record_id.startswith(KEY_PREFIXES[described.name]):
        raise RowError("MALFORMED_ID", f"{described.name} ID: id value of incorrect type: {record_id}", ("Id",))
    own_id = to_18(record_id[:15])
    if own_id in seen:
        raise RowError("DUPLICATE_VALUE", f"duplicate id in the request: {own_id}", ("Id",))
    seen.add(own_id)
    return own_id


def _check_access(fields: list[Field]) -> None:
    if fields:
        refused = tuple(one.api_name for one in fields)
        raise RowError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this field"
            " and verify that it is read/write for your profile or permission set.",
            refused,
        )


def _checked_values(given: list[tuple[Field, Any]]) -> dict[str, Any]:
    return {known.api_name: _checked_value(known, value) for known, value in given}


def _checked_value(known: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    name = known.api_name
    if known.type == "picklist" and is_restricted(known) and value not in known.values:
        message = f"{name}: bad value for restricted picklist field: {value}"
        raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (name,))
    if known.type == "reference":
        if not is_well_formed(value):
            raise RowError("MALFORMED_ID", f"{name}: id value of incorrect type: {value}", (name,))
        return to_18(value[:15])
    if known.type == "email" and value and not EMAIL.fullmatch(value):
        raise RowError("INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {value}", (name,))
    if len(value) > known.length:
        message = f"{name}: data value too large: {value[:20]} (max length={known.length})"
        raise RowError("STRING_TOO_LONG", message, (name,))
    return value or None  # an empty text is no value
