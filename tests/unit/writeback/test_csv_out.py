"""CSV that no spreadsheet runs."""

import csv
import io
from pathlib import Path

import pytest

from pipelines.csv_out import open_private, write_csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=x", "  =cmd|' /C calc'!A0"])
def test_a_formula_becomes_text(text: str) -> None:
    target = io.StringIO(newline="")
    assert write_csv(target, ["a"], [{"a": text}]) == 1
    assert list(csv.reader(io.StringIO(target.getvalue(), newline="")))[1] == ["'" + text]


@pytest.mark.parametrize("value", ['Größe, "quoted"\nline', "a=b", "", None, 5, False])
def test_other_values_stay_as_they_are(value: object) -> None:
    target = io.StringIO(newline="")
    write_csv(target, ["a"], [{"a": value}])
    rows = list(csv.reader(io.StringIO(target.getvalue(), newline="")))
    assert rows[1:] == [["" if value is None else str(value)]]


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    with open_private(tmp_path / "file.csv") as target:
        target.write("x")
    assert (tmp_path / "file.csv").stat().st_mode & 0o777 == 0o600
