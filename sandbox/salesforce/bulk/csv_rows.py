"""Reading the CSV of an ingest job as strictly as Salesforce does, and writing its results."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sandbox.salesforce.bulk.csv_dialect import Dialect

LONGEST_HEADER = 32_000  # characters


class InvalidBatchError(Exception):
    """A file that cannot be processed at all, or not from some record on."""


@dataclass(frozen=True)
class Row:
    """A record as it was sent: its cells, and what is wrong with it as CSV, if anything."""

    cells: list[str]
    error: str = ""


class RowReader:
    """The header and the rows of an uploaded file; a value may hold line breaks.

    Raises:
        InvalidBatchError: the file is empty, not UTF-8, or does not have the job's line ending.
    """

    def __init__(self, file: Path, dialect: Dialect) -> None:
        self._text = file.open(encoding="utf-8-sig", newline="")
        self._taken: list[str] = []
        self._reader = csv.reader(self._lines(), delimiter=dialect.delimiter, strict=True)
        self.header = self._read_header(dialect)

    def __enter__(self) -> RowReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()

    def __iter__(self) -> Iterator[Row]:
        """The rows, as they come.

        Raises:
            InvalidBatchError: the file is not UTF-8.
        """
        while (row := self._next()) is not None:
            if row.cells or row.error:
                yield row

    def _read_header(self, dialect: Dialect) -> list[str]:
        first = self._next()
        if first is None or first.error or not any(first.cells):
            raise InvalidBatchError("InvalidBatch : The file has no valid header")
        line = "".join(self._taken)
        is_crlf = line.endswith("\r\n")
        if is_crlf is not (dialect.line_ending == "\r\n") and line.endswith("\n"):
            raise InvalidBatchError(
                "ClientInputError : LineEnding is invalid on user data."
                f" Current LineEnding setting is {dialect.line_ending_name}"
            )
        if len(line) > LONGEST_HEADER:
            raise InvalidBatchError(f"InvalidBatch : The header has more than {LONGEST_HEADER} characters")
        return first.cells

    def _next(self) -> Row | None:
        self._taken.clear()
        try:
            cells = next(self._reader, None)
        except csv.Error as error:
            return Row(["".join(self._taken).rstrip("\r\n")], str(error))
        except UnicodeDecodeError:
            raise InvalidBatchError("InvalidBatch : The file is not UTF-8") from None
        if cells is None:
            return None
        return Row(cells, self._spaced_quote(cells))

    def _spaced_quote(self, cells: list[str]) -> str:
        """A space before an opening quote is an error; a value that begins so has its quotes doubled."""
        is_spaced = any(cell[:1] == " " and cell.lstrip(" ").startswith('"') for cell in cells)
        return "space before an opening quote" if is_spaced and '""' not in "".join(self._taken) else ""

    def _lines(self) -> Iterator[str]:
        for line in self._text:
            self._taken.append(line)
            yield line


class ResultFiles:
    """The three result files of an ingest job."""

    NAMES = ("successfulResults", "failedResults", "unprocessedrecords")

    def __init__(self, directory: Path, job_id: str) -> None:
        self._files = {name: directory / f"{job_id}.{name}.csv" for name in self.NAMES}

    def write(self, header: Sequence[str], dialect: Dialect, *, has_failed_ids: bool) -> ResultWriter:
        """Begin all three with their headers; the older API versions give no ids of failed records."""
        return ResultWriter(self._files, header, dialect, has_failed_ids=has_failed_ids)

    def path(self, name: str) -> Path:
        """Where a result file is, or would be if the job had come to write it."""
        return self._files[name]

    def delete(self) -> None:
        """Delete the files, if they are there."""
        for file in self._files.values():
            file.unlink(missing_ok=True)


class ResultWriter:
    """The open result files."""

    def __init__(
        self, files: dict[str, Path], header: Sequence[str], dialect: Dialect, *, has_failed_ids: bool
    ) -> None:
        self._columns = len(header)
        self._has_failed_ids = has_failed_ids
        self._stack = ExitStack()
        opened = [self._stack.enter_context(file.open("w", encoding="utf-8", newline="")) for file in files.values()]
        self._writers = [
            csv.writer(file, delimiter=dialect.delimiter, lineterminator=dialect.line_ending, quoting=csv.QUOTE_ALL)
            for file in opened
        ]
        failed = ["sf__Id", "sf__Error"] if has_failed_ids else ["sf__Error"]
        for writer, own in zip(self._writers, (["sf__Id", "sf__Created"], failed, []), strict=True):
            writer.writerow([*own, *header])

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def succeeded(self, row: Row, record_id: str, *, is_new: bool) -> None:
        """Note a record that was written."""
        self._writers[0].writerow([record_id, "true" if is_new else "false", *row.cells])

    def failed(self, row: Row, record_id: str, error: str) -> None:
        """Note a record that was refused, in as many columns as the header has."""
        own = [record_id, error] if self._has_failed_ids else [error]
        padding = [""] * (self._columns - len(row.cells))
        self._writers[1].writerow([*own, *row.cells[: self._columns], *padding])

    def unprocessed(self, row: Row) -> None:
        """Note a record that the job did not come to."""
        self._writers[2].writerow(row.cells)
