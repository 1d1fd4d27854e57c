"""Reading a CSV export from Clay: whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import DataError
from pipelines.raw_tables import Row, as_json

REQUIRED = ("CampaignMemberId", "LeadId")
LONGEST_CELL = 2**24  # Clay's action columns hold up to 200 KB, the reader's own limit is less


def read_content(path: Path) -> tuple[bytes, str]:
    """A file's content and its SHA-256, which is what identifies it: its name may change.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    return content, hashlib.sha256(content).hexdigest()


def rows_of(path: Path, content: bytes, sha256: str) -> Sequence[Row]:
    """The rows of a file, numbered from 1.

    Raises:
        DataError: a required column is missing, a row is longer or shorter than the header, or it is not UTF-8.
    """
    header, lines = _parse(path, content)
    for column in REQUIRED:
        if column not in header:
            found = ", ".join(header[:10]) or "none"
            raise _unusable(path, f"has no column {column} (its columns: {found})")
    names = _distinct(header)
    rows = []
    for number, line in enumerate(lines, start=1):
        if len(line) != len(names):
            raise _unusable(path, f"has {len(line)} cells in row {number}, and {len(names)} columns")
        payload = as_json(dict(zip(names, line, strict=True)))
        rows.append({"file_name": path.name, "file_sha256": sha256, "row_number": number, "payload": payload})
    return rows


def _parse(path: Path, content: bytes) -> tuple[list[str], list[list[str]]]:
    previous_limit = csv.field_size_limit(LONGEST_CELL)
    try:
        text = content.decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except UnicodeDecodeError:
        raise _unusable(path, "is not UTF-8") from None
    except csv.Error as error:
        raise _unusable(path, f"is not valid CSV ({error})") from None
    finally:
        csv.field_size_limit(previous_limit)
    return ([name.strip() for name in lines[0]], lines[1:]) if lines else ([], [])


def _distinct(header: Sequence[str]) -> list[str]:
    """Clay allows two columns of one name: the later ones get a number."""
    return [
        name if (before := header[:place].count(name)) == 0 else f"{name} ({before + 1})"
        for place, name in enumerate(header)
    ]


def _unusable(path: Path, problem: str) -> DataError:
    return DataError(
        f"{path} {problem}; none of its rows was loaded.",
        next_step="Export it from Clay again as CSV with CampaignMemberId and LeadId, and drop it anew.",
    )
