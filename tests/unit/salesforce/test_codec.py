"""A record gives the same values by REST and by Bulk, whatever it contains."""

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ServiceError
from pipelines.salesforce.codec import from_csv, from_json

SCHEMA = pa.schema(
    [
        ("Id", pa.string()),
        ("Description", pa.string()),
        ("IsDeleted", pa.bool_()),
        ("AnnualRevenue", pa.decimal128(18, 2)),
        ("NumberOfEmployees", pa.int64()),
        ("Score__c", pa.float64()),
        ("CreatedDate", pa.timestamp("us", tz="UTC")),
        ("ConvertedDate", pa.date32()),
    ]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=30)
ROW = st.fixed_dictionaries(
    {
        "Id": TEXT,
        "Description": st.none()
        | TEXT
        | st.sampled_from(["NA", "null", "#N/A", "a\nb", 'say "x", y', "\u2028", "007"]),
        "IsDeleted": st.booleans(),
        "AnnualRevenue": st.none() | st.decimals("-9999999999.99", "9999999999.99", places=2),
        "NumberOfEmployees": st.none() | st.integers(-(2**31), 2**31),
        "Score__c": st.none() | st.floats(-1e6, 1e6),
        "CreatedDate": st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        "ConvertedDate": st.none() | st.dates(date(1970, 1, 1), date(2100, 1, 1)),
    }
)


def as_rest(row: dict[str, Any]) -> dict[str, Any]:
    """The row as a REST answer is parsed: text for times, Decimal for fractions."""
    text = json.dumps(
        {name: float(value) if isinstance(value, Decimal) else _plain(value) for name, value in row.items()}
    )
    parsed = json.loads(text, parse_float=Decimal)
    return parsed | {"CreatedDate": row["CreatedDate"].strftime("%Y-%m-%dT%H:%M:%S.000+0000")}


def as_bulk(row: dict[str, Any]) -> dict[str, str]:
    """The row as Bulk writes it into a CSV file."""
    cells = {name: "" if value is None else str(_plain(value)) for name, value in row.items()}
    cells["IsDeleted"] = cells["IsDeleted"].lower()
    return cells | {"CreatedDate": row["CreatedDate"].strftime("%Y-%m-%dT%H:%M:%S.000Z")}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def write(file: Path, rows: list[dict[str, str]], columns: list[str]) -> Path:
    with file.open("w", newline="") as content:
        writer = csv.DictWriter(content, columns, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return file


@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_rest_and_bulk_give_the_same_values(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    columns = list(reversed(SCHEMA.names))  # Bulk's order is that of the query, not ours
    file = write(tmp_path_factory.mktemp("bulk") / "page.csv", [as_bulk(row) for row in rows], columns)
    by_bulk = pa.concat_tables(from_csv(file, SCHEMA, "Salesforce icare Lead"))
    by_rest = from_json([as_rest(row) for row in rows], SCHEMA, "Salesforce icare Lead")
    assert by_bulk.schema == by_rest.schema == SCHEMA
    assert by_bulk.to_pylist() == by_rest.to_pylist()
    assert by_rest.column("Description").to_pylist() == [row["Description"] for row in rows]


@pytest.mark.parametrize(
    ("cell", "value"), [("AnnualRevenue", "12.345"), ("IsDeleted", "yes"), ("CreatedDate", "01.09.2026"), ("Id", None)]
)
def test_what_does_not_fit_its_type_is_an_error_on_both_ways(tmp_path: Path, cell: str, value: str | None) -> None:
    row = {"Id": "00Q", "IsDeleted": "false", "AnnualRevenue": "1", "CreatedDate": "2026-09-01T06:00:00.000Z"}
    columns = [name for name in SCHEMA.names if value is not None or name != cell]
    file = write(
        tmp_path / "page.csv",
        [{name: row.get(name, "") for name in columns} | ({cell: value} if value else {})],
        columns,
    )
    with pytest.raises(ServiceError, match="Salesforce core Lead sent values that do not fit"):
        list(from_csv(file, SCHEMA, "Salesforce core Lead"))
    if value is not None:
        with pytest.raises(ServiceError, match="Salesforce core Lead sent values that do not fit"):
            from_json([row | {cell: value}], SCHEMA, "Salesforce core Lead")


def test_a_page_without_records_has_none(tmp_path: Path) -> None:
    tables = list(from_csv(write(tmp_path / "page.csv", [], SCHEMA.names), SCHEMA, "Salesforce icare Lead"))
    assert sum(table.num_rows for table in tables) == 0
