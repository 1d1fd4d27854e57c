"""One typed reading of both forms in which Salesforce sends records: JSON from REST, CSV from Bulk.

The same record gives the same Arrow values on both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from pipelines.errors import ServiceError

BLOCK_BYTES = 8 << 20  # a row may be 400,000 characters long


def from_json(records: Sequence[dict[str, Any]], schema: pa.Schema, where: str) -> pa.Table:
    """One page of REST records.

    Args:
        records: what the API returned; numbers with a fraction as ``Decimal``.
        schema: the fields and types of the object.
        where: org and object, for the error.

    Raises:
        ServiceError: a value does not have the type that describe gave.
    """
    try:
        columns = [_column(records, field) for field in schema]
    except (ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
        raise _does_not_fit(where, error) from None
    return pa.Table.from_arrays(columns, schema=schema)


def from_csv(file: Path, schema: pa.Schema, where: str) -> Iterator[pa.Table]:
    """One page of Bulk results, in batches of bounded size. An empty cell is null: Bulk does not tell them apart.

    Raises:
        ServiceError: the file is not the CSV of these fields.
    """
    options: dict[str, Any] = {
        "read_options": pa_csv.ReadOptions(block_size=BLOCK_BYTES),
        "parse_options": pa_csv.ParseOptions(newlines_in_values=True),
        "convert_options": pa_csv.ConvertOptions(
            column_types=schema,
            include_columns=schema.names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            timestamp_parsers=[pa_csv.ISO8601],
        ),
    }
    try:
        with pa_csv.open_csv(file, **options) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, KeyError, OSError) as error:
        raise _does_not_fit(where, error) from None


def _column(records: Sequence[dict[str, Any]], field: pa.Field) -> pa.Array:
    values = [record.get(field.name) for record in records]
    if pa.types.is_timestamp(field.type):
        values = [None if value is None else datetime.fromisoformat(value) for value in values]
    elif pa.types.is_date(field.type):
        values = [None if value is None else date.fromisoformat(value) for value in values]
    elif pa.types.is_decimal(field.type):
        values = [None if value is None else Decimal(value) for value in values]
    elif pa.types.is_floating(field.type):
        values = [None if value is None else float(value) for value in values]
    elif pa.types.is_string(field.type):
        values = [None if value is None or value == "" else str(value) for value in values]
    return pa.array(values, type=field.type)


def _does_not_fit(where: str, error: Exception) -> ServiceError:
    return ServiceError(
        f"{where} sent values that do not fit their described fields and types ({type(error).__name__}).",
        next_step="Run the command again; if it stays, check the fields' types in Salesforce.",
    )
