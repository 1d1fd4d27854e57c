"""The results of a job: a CSV file that DuckDB writes, and any stretch of its records as bytes."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from sandbox.salesforce.bulk.csv_dialect import Dialect

CHUNK = 1 << 20  # bytes that are read and sent at a time
FASTEST_GZIP = 1


class Results:
    """A CSV file with a header, and beside it where every record ends: a record may have line breaks in its values.

    Args:
        file: where the CSV is; the positions are in the same place with the suffix ``.ends``.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ends = file.with_suffix(".ends")
        self._header = 0
        self.records = 0

    @property
    def size(self) -> int:
        """Bytes of the CSV, as far as it is written."""
        return self._file.stat().st_size if self._file.exists() else 0

    def write(
        self, connection: duckdb.DuckDBPyConnection, select: str, parameters: Sequence[Any], dialect: Dialect
    ) -> None:
        """Write what a query gives. Every value must be text: each is quoted, as Salesforce does, also an empty one."""
        path = str(self._file).replace("'", "''")
        ending = dialect.line_ending.replace("\r", "\\r").replace("\n", "\\n")
        connection.execute(
            f"""copy ({select}) to '{path}'
            (format csv, header, force_quote *, delimiter '{dialect.delimiter}', new_line '{ending}')""",
            parameters,
        )
        self._note_ends()

    def page(self, first: int, count: int) -> tuple[int, Iterator[bytes]]:
        """Some records, with the header before them, as CSV: how many bytes, and the bytes in chunks.

        Args:
            first: how many records to pass over.
            count: how many to give; all of them must be there.
        """
        start, end = self._end(first), self._end(first + count)
        return self._header + end - start, self._bytes(start, end)

    def delete(self) -> None:
        """Delete the files, if they are there."""
        self._file.unlink(missing_ok=True)
        self._ends.unlink(missing_ok=True)

    def _note_ends(self) -> None:
        """Find the ends of the records: a line break is inside a value as long as a quote is open."""
        ends = array("Q")
        position, is_open = 0, 0
        with self._file.open("rb", buffering=CHUNK) as lines:
            for line in lines:
                position += len(line)
                is_open ^= line.count(b'"') & 1
                if not is_open:
                    ends.append(position)
        self._header, self.records = ends[0], len(ends) - 1
        with self._ends.open("wb") as file:
            ends.tofile(file)

    def _end(self, record: int) -> int:
        with self._ends.open("rb") as file:
            file.seek(record * 8)
            return array("Q", file.read(8))[0]

    def _bytes(self, start: int, end: int) -> Iterator[bytes]:
        with self._file.open("rb") as file:
            yield file.read(self._header)
            file.seek(start)
            while start < end:
                chunk = file.read(min(CHUNK, end - start))
                start += len(chunk)
                yield chunk


def gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks of bytes in the gzip format."""
    compressor = zlib.compressobj(FASTEST_GZIP, wbits=16 + zlib.MAX_WBITS)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()
