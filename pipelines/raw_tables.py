"""Raw tables with explicit types: what a loader reads becomes Arrow tables that exist even when nothing came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from pipelines.errors import DataError
from pipelines.landing import SOURCE_READS, SourceRead, source_reads

Row = Mapping[str, Any]

TEXT = pa.string()
JSON = pa.string()  # staging parses it
INTEGER = pa.int64()
NUMBER = pa.float64()
FLAG = pa.bool_()
TIME = pa.timestamp("us", tz="UTC")

SEEN_AT = "seen_at"  # when the reading began that saw the row last: rows stay when their service shows them no more


@dataclass(frozen=True)
class RawTable:
    """A raw table: its name, the columns that identify a row, and all columns with their types."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, pa.DataType]

    @property
    def schema(self) -> pa.Schema:
        """The columns as Arrow's schema."""
        return pa.schema(list(self.columns.items()))

    def resource(self, read: Callable[[], Iterable[Sequence[Row]]]) -> DltResource:
        """The dlt resource that merges batches of rows; ``read`` runs inside it and may use its state."""
        schema = self.schema

        def batches() -> Iterator[pa.Table]:
            yield schema.empty_table()  # the table exists, whatever comes
            for rows in read():
                yield pa.Table.from_pylist(list(rows), schema=schema)

        return dlt.resource(batches, name=self.name, primary_key=list(self.key), write_disposition="merge")


@dataclass
class Reads:
    """When each table was read, by the service's own clock, and how many rows came."""

    tables: dict[str, SourceRead] = field(default_factory=dict)

    def add(self, table: RawTable, read_at: datetime, rows: int) -> None:
        """Count a batch; the first batch of a table decides when it was read."""
        before = self.tables.get(table.name, SourceRead(table.name, read_at, 0))
        self.tables[table.name] = SourceRead(table.name, before.read_at, before.rows_read + rows)

    def resource(self) -> DltResource:
        """The resource that records the readings; it must come after the tables that it counts."""

        def readings() -> Iterator[Any]:
            yield from source_reads(list(self.tables.values()))

        return dlt.resource(readings, name=SOURCE_READS, primary_key="table_name", write_disposition="merge")


class Record:
    """One record of an answer; its fields are read as the type that is expected, or the endpoint is named as broken.

    Raises (all methods):
        DataError: a field has another type than its contract says; the message shows its name, never its content.
    """

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, dict):
            raise DataError(
                f"{where}: a record is not an object but {_kind(content)}.", next_step=_NEXT_STEP.format(where=where)
            )
        self.content: dict[str, Any] = content
        self._where = where

    def text(self, name: str) -> str | None:
        """A text; numbers are taken as text, because ids come in both forms."""
        value = self.content.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            return _storable(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(name, "text")

    def integer(self, name: str) -> int | None:
        """A whole number, also one written as text; blank is None."""
        value = self.content.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise self._wrong(name, "a whole number") from None
        if not -(2**63) <= number < 2**63:
            raise self._wrong(name, "a whole number of 64 bits")
        return number

    def flag(self, name: str) -> bool | None:
        """A boolean, also one written as text."""
        value = self.content.get(name)
        if value is None or isinstance(value, bool):
            return value
        known = {"true": True, "false": False, "1": True, "0": False}
        if str(value).lower() not in known:
            raise self._wrong(name, "true or false")
        return known[str(value).lower()]

    def time(self, name: str) -> datetime | None:
        """A point in time; without a zone it is UTC. Blank is None."""
        value = self.content.get(name)
        if value is None or value == "":
            return None
        try:
            time = datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):  # the last: the first or last year, with an offset
            raise self._wrong(name, "an ISO 8601 time") from None

    def time_or_none(self, name: str) -> datetime | None:
        """A point in time, None where it cannot be read."""
        try:
            return self.time(name)
        except DataError:
            return None

    def json(self, name: str) -> str | None:
        """Any value, as JSON text."""
        value = self.content.get(name)
        return None if value is None else as_json(value)

    def record(self, name: str) -> Record:
        """A nested object; an absent one is empty."""
        return Record(self.content.get(name) or {}, f"{self._where}, {name}")

    def items(self, name: str) -> list[Any]:
        """A list; an absent one is empty."""
        value = self.content.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value or []

    def required_integer(self, name: str) -> int:
        """A whole number that identifies the record."""
        value = self.integer(name)
        if value is None:
            raise self._wrong(name, "a whole number")
        return value

    def required_text(self, name: str) -> str:
        """A text that identifies the record."""
        value = self.text(name)
        if not value:
            raise self._wrong(name, "text")
        return value

    def _wrong(self, name: str, expected: str) -> DataError:
        return DataError(
            f"{self._where}: '{name}' is {_kind(self.content.get(name))}, not {expected}.",
            next_step=_NEXT_STEP.format(where=self._where),
        )


_NEXT_STEP = "Nothing of this load was kept. Compare {where} with the service's documentation; its shape has changed."


def as_json(value: Any) -> str:
    """JSON text in one spelling, so that equal values give equal text."""
    return _storable(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _storable(text: str) -> str:
    """Half a surrogate pair is legal in JSON, but no database keeps it."""
    return text.encode("utf-8", "replace").decode()


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "missing" if value is None else names.get(type(value), "something else")
