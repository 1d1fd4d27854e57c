"""The warehouse file: one writer at a time, held by a lock that says who holds it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psutil
from filelock import BaseFileLock, FileLock, Timeout

from pipelines.console import err
from pipelines.errors import DataError, LockedError, StoreError
from pipelines.files import is_open_elsewhere


@contextmanager
def exclusive(lock_file: Path, purpose: str, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold a lock for a purpose, such as ``load salesforce``; wait for it so long, and say for whom.

    The operating system releases the lock when its holder dies, so a killed process never blocks the next one. A file
    beside it says who holds it.

    Raises:
        LockedError: another process holds it; names its purpose, process id and start.
        StoreError: the directory cannot be written.
    """
    holder_file = _holder_file(lock_file)
    lock = _acquire(lock_file, holder_file, purpose, wait_seconds)
    try:
        yield
    finally:
        holder_file.unlink(missing_ok=True)
        lock.release()


def warehouse_lock(warehouse: Path, purpose: str, *, wait_seconds: float = 0) -> AbstractContextManager[None]:
    """The lock that every writer of the warehouse file takes first; see :func:`exclusive`."""
    return exclusive(warehouse.with_suffix(".lock"), purpose, wait_seconds=wait_seconds)


def connect_read_only(database: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file for reading.

    Raises:
        DataError: the file does not exist.
        LockedError: another process is writing it.
        StoreError: the file is corrupt or was written by a newer DuckDB.
    """
    if not database.exists():
        raise DataError(
            f"{database} does not exist.",
            next_step="Load the sources (outreach load …), then run outreach build.",
        )
    try:
        return duckdb.connect(str(database), read_only=True)
    except duckdb.IOException as error:
        if is_open_elsewhere(error):
            raise LockedError(
                f"{database} is being written by another process.", next_step="Wait until it has finished."
            ) from None
        raise StoreError(f"{database} cannot be opened: {error}.", next_step="Restore or rebuild the file.") from None


def _acquire(lock_file: Path, holder_file: Path, purpose: str, wait_seconds: float) -> BaseFileLock:
    lock = FileLock(lock_file)
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if wait_seconds <= 0:
                raise
            err.print(f"{purpose} waits for {_describe_holder(holder_file)}.", highlight=False, markup=False)
            lock.acquire(timeout=wait_seconds)
        holder_file.write_text(json.dumps(_this_process(purpose)))
    except Timeout:
        raise LockedError(
            f"{lock_file} is held by {_describe_holder(holder_file)}.", next_step="Wait until it has finished."
        ) from None
    except OSError as error:
        lock.release()
        raise StoreError(
            f"Cannot write to {lock_file.parent}: {error.strerror}.",
            next_step="Check free space and the directory's permissions.",
        ) from None
    return lock


def _this_process(purpose: str) -> dict[str, object]:
    return {
        "purpose": purpose,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def lock_holder(lock_file: Path) -> str | None:
    """Who holds a lock, None if nobody does; the lock is not touched. Of another machine, what its file says."""
    holder_file = _holder_file(lock_file)
    try:
        holder = json.loads(holder_file.read_text())
        is_ours = holder["host"] == socket.gethostname()
        return None if is_ours and not psutil.pid_exists(holder["pid"]) else _describe_holder(holder_file)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holder_file(lock_file: Path) -> Path:
    return lock_file.with_suffix(".holder.json")


def _describe_holder(holder_file: Path) -> str:
    try:
        holder = json.loads(holder_file.read_text())
    except (OSError, ValueError):
        return "another process"
    return f"'{holder['purpose']}' (process {holder['pid']} on {holder['host']}, since {holder['since']})"
