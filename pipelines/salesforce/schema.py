"""From Salesforce's describe to Arrow: which fields to select and with which types, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.errors import DataError
from pipelines.salesforce.objects import SalesforceObject
from pipelines.salesforce.orgs import ALL_FIELDS, FieldNames

Described = Mapping[str, Mapping[str, Any]]  # the fields of an object by API name

_TEXT = pa.string()
_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "int": pa.int64(),
    "long": pa.int64(),
}
_DECIMALS = {"currency", "double", "percent"}
# Compound fields repeat their parts and are refused by Bulk; base64 is a file, not a value.
_LEFT_OUT = {"address", "base64", "location"}
MOST_DIGITS = 38


@dataclass(frozen=True)
class ObjectSchema:
    """The fields of an object that are read, with their types, and what a reader of the load should know about them."""

    arrow: pa.Schema
    notes: tuple[str, ...] = ()

    @property
    def types(self) -> dict[str, str]:
        """The name of each field's type, to be kept until the next load."""
        return {field.name: str(field.type) for field in self.arrow}


def object_schema(salesforce_object: SalesforceObject, names: FieldNames, described: Described) -> ObjectSchema:
    """The org's own fields of an object with their types.

    Raises:
        DataError: the integration user cannot see a field that is needed; names each and the permission to give.
    """
    needed = names.api_names(salesforce_object.name, salesforce_object.fields)
    extra = names.extra_fields(salesforce_object.name) if salesforce_object.takes_extra_fields else []
    if ALL_FIELDS in extra:
        extra = list(described)
    fields = list(dict.fromkeys([*needed, *extra]))
    missing = [field for field in fields if field not in described]
    if missing:
        raise DataError(
            f"Salesforce {names.org} does not show {salesforce_object.name}.{', '.join(missing)}"
            " to the integration user.",
            next_step="Give its permission set read access to the field, or correct the name in dbt_project.yml.",
        )
    left_out = [field for field in fields if described[field]["type"] in _LEFT_OUT]
    loaded = [(field, _arrow_type(described[field])) for field in fields if field not in left_out]
    notes = [f"{salesforce_object.name}.{', '.join(left_out)}: compound or binary, left out."] if left_out else []
    return ObjectSchema(pa.schema(loaded), tuple(notes))


def check_types(schema: ObjectSchema, before: Mapping[str, str], org: str, object_name: str) -> None:
    """Check that no field which was loaded before has gone or has another type now.

    Args:
        schema: the fields as they are described now.
        before: the types of the last load by field; empty when there was none.
        org: for the error.
        object_name: for the error.

    Raises:
        DataError: names each field with what changed; nothing of the object was overwritten.
    """
    now = schema.types
    changes = [
        f"{field} was {old}, is {now.get(field, 'gone')}" for field, old in before.items() if now.get(field) != old
    ]
    if changes:
        raise DataError(
            f"Salesforce {org} changed fields of {object_name} that are loaded: {'; '.join(changes)}."
            " Nothing of it was overwritten.",
            next_step="If a field is gone, look whether it was deleted or lost its field permission."
            f" To read {object_name} anew as it is now: outreach load salesforce --org {org} --refresh {object_name}.",
        )


def field_rows(object_name: str, described: Described, schema: ObjectSchema) -> list[dict[str, Any]]:
    """The described fields of an object as rows, loaded or not: the catalogue of what could be loaded."""
    return [
        {
            "object_name": object_name,
            "field_name": name,
            "field_type": field["type"],
            "field_length": field.get("length"),
            "field_precision": field.get("precision"),
            "field_scale": field.get("scale"),
            "formula": field.get("calculatedFormula"),
            "is_loaded": name in schema.arrow.names,
        }
        for name, field in described.items()
    ]


FIELD_COLUMNS = pa.schema(
    [
        ("object_name", _TEXT),
        ("field_name", _TEXT),
        ("field_type", _TEXT),
        ("field_length", pa.int64()),
        ("field_precision", pa.int64()),
        ("field_scale", pa.int64()),
        ("formula", _TEXT),
        ("is_loaded", pa.bool_()),
    ]
)


def new_fields(described: Described, known: Sequence[str]) -> list[str]:
    """The described fields that were not there at the last load; none at the first."""
    return sorted(set(described) - set(known)) if known else []


def _arrow_type(field: Mapping[str, Any]) -> pa.DataType:
    kind, digits, scale = field["type"], field.get("precision") or 0, field.get("scale") or 0
    if kind not in _DECIMALS:
        return _TYPES.get(kind, _TEXT)
    return pa.decimal128(min(max(digits, scale + 1), MOST_DIGITS), scale) if digits else pa.float64()
