"""A record gives the same values by REST and by Bulk, whatever it contains."""

import csv
import json
from collections.abc import Callable
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


GOOD = {"Id": "00Q1", "IsDeleted": False, "AnnualRevenue": "1", "CreatedDate": "2026-09-01T06:00:00.000Z"}


def both_ways(directory: Path, rows: list[dict[str, Any]]) -> list[Callable[[], pa.Table]]:
    """Reading these rows by REST and by Bulk."""
    cells = [{name: str(row.get(name, "")).replace("False", "false") for name in SCHEMA.names} for row in rows]
    file = write(directory / "page.csv", cells, SCHEMA.names)
    return [
        lambda: from_json(rows, SCHEMA, "Salesforce core Lead"),
        lambda: pa.concat_tables(from_csv(file, SCHEMA, "Salesforce core Lead")),
    ]


@pytest.mark.parametrize(
    ("sent", "landed"),
    [
        ("33.333333333333336", "33.33"),
        ("2.675", "2.68"),
        ("-2.675", "-2.68"),
        ("1.0E-5", "0.00"),
        ("9.9213206E7", "99213206.00"),
        ("123456789012345.123456789012345678901234", "123456789012345.12"),
        ("9999999999999999.996", "9999999999999999.99"),
    ],
)
def test_more_decimals_than_described_are_rounded_on_both_ways(tmp_path: Path, sent: str, landed: str) -> None:
    rows = [GOOD, GOOD | {"Id": "00Q2", "AnnualRevenue": sent}, {"Id": "00Q3"}]
    for read in both_ways(tmp_path, rows):
        assert read().column("AnnualRevenue").to_pylist() == [Decimal(1), Decimal(landed), None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("AnnualRevenue", "99999999999999999.1"),
        ("AnnualRevenue", "twelve"),
        ("NumberOfEmployees", "12.5"),
        ("Score__c", "high"),
        ("IsDeleted", "yes"),
        ("CreatedDate", "01.09.2026"),
        ("ConvertedDate", "yesterday"),
    ],
)
def test_what_does_not_fit_is_named_with_its_record_and_field(tmp_path: Path, field: str, value: str) -> None:
    for read in both_ways(tmp_path, [GOOD, GOOD | {"Id": "00Q2", field: value}, GOOD]):
        with pytest.raises(ServiceError, match=f"Salesforce core Lead 00Q2: the value of {field}") as caught:
            read()
        assert value not in caught.value.message


def test_another_csv_than_that_of_the_fields_is_an_error(tmp_path: Path) -> None:
    columns = [name for name in SCHEMA.names if name != "Score__c"]
    file = write(tmp_path / "page.csv", [dict.fromkeys(columns, "")], columns)
    with pytest.raises(ServiceError, match="Salesforce core Lead: what Salesforce sent is not the CSV"):
        list(from_csv(file, SCHEMA, "Salesforce core Lead"))


def test_a_page_without_records_has_none(tmp_path: Path) -> None:
    tables = list(from_csv(write(tmp_path / "page.csv", [], SCHEMA.names), SCHEMA, "Salesforce icare Lead"))
    assert sum(table.num_rows for table in tables) == 0
