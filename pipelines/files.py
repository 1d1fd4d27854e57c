"""Our own files on this machine: what goes wrong with one is trouble of a local store, not a defect of this program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.errors import LockedError, StoreError


@contextmanager
def file_errors(file: Path) -> Iterator[None]:
    """Say what goes wrong with a file, a DuckDB file too, by an error that names it.

    Raises:
        LockedError: another process has the DuckDB file open.
        StoreError: the disk is full, the file cannot be read, written or removed, or is corrupt.
    """
    try:
        yield
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from None
    except duckdb.IOException as error:
        if is_open_elsewhere(error):
            raise LockedError(
                f"{file} is open in another process.", next_step="Close it there, then run the command again."
            ) from None
        raise _unusable(file, str(error)) from None


def is_open_elsewhere(error: duckdb.IOException) -> bool:
    """Whether DuckDB could not open a file because another process has it open."""
    return "Could not set lock" in str(error)


def _unusable(file: Path, why: str) -> StoreError:
    return StoreError(
        f"{file} cannot be used: {why.rstrip('.')}.",
        next_step="Free disk space, or give this user write permission, then run the command again.",
    )
