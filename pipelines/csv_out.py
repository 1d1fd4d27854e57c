"""CSV for people: no cell of it runs as a formula when a spreadsheet opens it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def open_private(file: Path) -> TextIO:
    """Open a new or emptied file for writing that only its owner can read; lines end as written."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def write_csv(target: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows as CSV with a header and return how many there were.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises.
    """
    writer = csv.writer(target)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([safe_cell(row[column]) for column in columns])
        count += 1
    return count


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV text without a header, each text as safe as :func:`write_csv` makes it."""
    target = io.StringIO(newline="")
    csv.writer(target).writerows([safe_cell(value) for value in row] for row in rows)
    return target.getvalue()


def write_json_lines(target: TextIO, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line and return how many there were; times are ISO 8601."""
    count = 0
    for row in rows:
        target.write(json.dumps(dict(row), default=lambda value: value.isoformat(), ensure_ascii=False) + "\n")
        count += 1
    return count


def safe_cell(value: Any) -> Any:
    """A value as a cell that no spreadsheet runs."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_STARTS_FORMULA):
        return "'" + value
    return value
