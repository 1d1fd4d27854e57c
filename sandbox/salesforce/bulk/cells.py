"""What the cells of an ingest job's row mean: nothing, null, or a value of the field's type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sandbox.salesforce.bulk.csv_rows import Row
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.schema import SObject
from sandbox.world.field import Field

NULL = "#N/A"
TRUE, FALSE = {"true", "yes", "y", "on", "1"}, {"false", "no", "n", "off", "0"}


def record_of(described: SObject, header: Sequence[str], row: Row) -> dict[str, Any]:
    """A row as a record of a Collections request: without its empty cells, with null for ``#N/A``.

    Raises:
        RowError: the row is malformed, or a cell cannot be read as its field's type.
    """
    if row.error:
        raise RowError("INVALID_INPUT", f"The row is not valid CSV: {row.error}")
    if len(row.cells) != len(header):
        raise RowError("INVALID_INPUT", f"The row has {len(row.cells)} columns, and the header {len(header)}")
    record: dict[str, Any] = {"attributes": {"type": described.name}}
    for name, cell in zip(header, row.cells, strict=True):
        if cell:
            record[name] = _value(described.by_api_name[name.lower()], cell)
    return record


def _value(field: Field, cell: str) -> Any:
    try:
        match field.type:
            case "boolean":
                return _boolean(cell)
            case _ if cell == NULL:
                return None
            case "date":
                date.fromisoformat(cell)
            case "datetime":
                datetime.fromisoformat(cell)
            case _ if field.is_number:
                float(cell)
    except ValueError:
        message = f"value not of required type: {cell}"
        raise RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.api_name,)) from None
    return cell


def _boolean(cell: str) -> bool:
    if cell.lower() not in TRUE | FALSE:
        raise ValueError(cell)
    return cell.lower() in TRUE
