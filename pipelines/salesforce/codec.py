"""One typed reading of both forms in which Salesforce sends records: JSON from REST, CSV from Bulk.

The same record gives the same Arrow values on both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from pipelines.errors import ServiceError

BLOCK_BYTES = 8 << 20  # a row may be 400,000 characters long
EXACT = Context(prec=400)  # more digits than a number of Salesforce's can have
MISFITS = (ValueError, TypeError, ArithmeticError, pa.ArrowException)
Convert = Callable[[Any, pa.DataType], pa.Array]  # of a list of JSON values, or of an array of texts


def from_json(records: Sequence[dict[str, Any]], schema: pa.Schema, where: str) -> pa.Table:
    """One page of REST records.

    Args:
        records: what the API returned; numbers with a fraction as ``Decimal``.
        schema: the fields and types of the object; ``Id`` is one of them.
        where: org and object, for the error.

    Raises:
        ServiceError: a value does not have the type that describe gave; names record and field.
    """
    ids = [record.get("Id") for record in records]
    columns = [_column(_of_json, [record.get(field.name) for record in records], field, ids, where) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def from_csv(file: Path, schema: pa.Schema, where: str) -> Iterator[pa.Table]:
    """One page of Bulk results, in batches of bounded size. An empty cell is null: Bulk does not tell them apart.

    Raises:
        ServiceError: the file is not the CSV of these fields, or a value does not have the type that describe gave;
            then it names record and field.
    """
    options: dict[str, Any] = {
        "read_options": pa_csv.ReadOptions(block_size=BLOCK_BYTES),
        "parse_options": pa_csv.ParseOptions(newlines_in_values=True),
        "convert_options": pa_csv.ConvertOptions(
            column_types=dict.fromkeys(schema.names, pa.string()),
            include_columns=schema.names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    }
    try:
        with pa_csv.open_csv(file, **options) as reader:
            for batch in reader:
                ids = batch.column("Id")
                columns = [_column(_of_text, batch.column(field.name), field, ids, where) for field in schema]
                yield pa.Table.from_arrays(columns, schema=schema)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise ServiceError(
            f"{where}: what Salesforce sent is not the CSV of the fields that were asked for ({type(error).__name__}).",
            next_step="Run the command again; if it stays, check the integration user's field permissions.",
        ) from None


def _column(convert: Convert, values: Any, field: pa.Field, ids: Any, where: str) -> pa.Array:
    """The values of a field in its type."""
    try:
        return convert(values, field.type)
    except MISFITS as error:
        misfit = next((n for n in range(len(values)) if not _fits(convert, values[n : n + 1], field.type)), 0)
        raise ServiceError(
            f"{where} {ids[misfit]}: the value of {field.name} does not fit its described type, {field.type}"
            f" ({type(error).__name__}).",
            next_step="Run the command again; if it stays, check the field of this record in Salesforce.",
        ) from None


def _fits(convert: Convert, values: Any, kind: pa.DataType) -> bool:
    try:
        convert(values, kind)
    except MISFITS:
        return False
    return True


def _of_json(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        values = [None if value is None else datetime.fromisoformat(value) for value in values]
    elif pa.types.is_date(kind):
        values = [None if value is None else date.fromisoformat(value) for value in values]
    elif pa.types.is_decimal(kind):
        values = [None if value is None else _rounded(Decimal(value), kind) for value in values]
    elif pa.types.is_floating(kind):
        values = [None if value is None else float(value) for value in values]
    elif pa.types.is_string(kind):
        values = [None if value is None or value == "" else str(value) for value in values]
    return pa.array(values, type=kind)


def _of_text(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return pc.cast(texts, kind)
    except pa.ArrowException:
        if not pa.types.is_decimal(kind):
            raise
        return _of_json(texts.to_pylist(), kind)


def _rounded(value: Decimal, kind: pa.Decimal128Type) -> Decimal:
    """A number with the decimals of its field, as Salesforce's pages show it.

    What API or Apex has set keeps more decimals than the field has, in Salesforce and in its answers. They end here:
    with another type of column, every warehouse would have to read the object anew, and dlt would keep the old type.
    """
    step = Decimal(1).scaleb(-kind.scale)
    rounded = value.quantize(step, ROUND_HALF_UP, EXACT)
    has_room = len(rounded.as_tuple().digits) <= kind.precision  # 9.96 with one decimal would need another digit
    return rounded if has_room else value.quantize(step, ROUND_DOWN, EXACT)
