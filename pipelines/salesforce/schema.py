"""From Salesforce's describe to Arrow: which fields to select, with which types, and values that keep them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from pipelines.errors import DataError, ServiceError
from pipelines.salesforce.objects import SalesforceObject
from pipelines.salesforce.orgs import FieldNames

_TEXT = pa.string()
_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "double": pa.float64(),
    "int": pa.int64(),
}


def arrow_schema(
    salesforce_object: SalesforceObject, names: FieldNames, described: dict[str, dict[str, Any]]
) -> pa.Schema:
    """The org's own fields of an object with their types.

    Raises:
        DataError: the integration user cannot see a field that is needed; names each and the permission to give.
    """
    fields = names.api_names(salesforce_object.name, salesforce_object.fields)
    missing = [field for field in fields if field not in described]
    if missing:
        raise DataError(
            f"Salesforce {names.org} does not show {salesforce_object.name}.{', '.join(missing)}"
            " to the integration user.",
            next_step="Give its permission set read access to the field, or correct the name in dbt_project.yml.",
        )
    return pa.schema([(field, _TYPES.get(described[field]["type"], _TEXT)) for field in fields])


def arrow_table(records: Sequence[dict[str, Any]], schema: pa.Schema, where: str) -> pa.Table:
    """One page of records as an Arrow table.

    Args:
        records: what the API returned.
        schema: the fields and types of the object.
        where: org and object, for the error.

    Raises:
        ServiceError: a value does not have the type that describe gave.
    """
    try:
        columns = [_column(records, field) for field in schema]
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise ServiceError(
            f"{where} sent a value that does not fit its described type ({type(error).__name__}).",
            next_step="Run the command again; if it stays, check the field's type in Salesforce.",
        ) from None
    return pa.Table.from_arrays(columns, schema=schema)


def _column(records: Sequence[dict[str, Any]], field: pa.Field) -> pa.Array:
    values = [record.get(field.name) for record in records]
    if pa.types.is_timestamp(field.type):
        values = [_instant(value) for value in values]
    elif pa.types.is_date(field.type):
        values = [None if value is None else date.fromisoformat(value) for value in values]
    elif pa.types.is_string(field.type):
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, type=field.type)


def _instant(value: str | None) -> datetime | None:
    """REST writes 2026-09-01T06:00:00.000+0000, Bulk writes 2026-09-01T06:00:00.000Z."""
    return None if value is None else datetime.fromisoformat(value)
