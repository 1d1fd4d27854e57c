"""What may not happen twice at once on the operational store, whichever processes and machines share it.

SQLite has one writer anyway, and is of one machine, whose lock files do the rest (see :mod:`pipelines.warehouse`). On
PostgreSQL these are advisory locks; it releases them when the connection of their holder ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pipelines.errors import LockedError
from pipelines.warehouse import exclusive

SCHEMA_LOCK = 4_701
INBOX_LOCK = 4_702
LEDGER_LOCK = 4_703
MATCHES_LOCK = 4_704
INCIDENTS_LOCK = 4_705
PUSH_LOCK = 4_706
OUTBOX_LOCK = 4_707
LOOKUPS_LOCK = 4_708
LOOK_AGAIN_SECONDS = 1.0


def lock_schema(connection: Connection) -> None:
    """Let one process create the store, or bring it up to this version."""
    _lock(connection, SCHEMA_LOCK)


def lock_inbox(connection: Connection) -> None:
    """Let inbox transactions commit one after the other, and never beside the beginning of an erasure.

    A loader that has seen event 6 asks for later ones only. On PostgreSQL, where ids are given out before the
    commit, event 5 could otherwise appear after event 6 was read, and never be loaded.
    """
    _lock(connection, INBOX_LOCK)


def lock_ledger(connection: Connection) -> None:
    """Let ledger transactions commit one after the other: each entry is chained to the one before it."""
    _lock(connection, LEDGER_LOCK)


def lock_incidents(connection: Connection) -> None:
    """Let incidents open and close one after the other: one subject has one open incident."""
    _lock(connection, INCIDENTS_LOCK)


def lock_matches(connection: Connection) -> None:
    """Let decisions on matches commit one after the other: each depends on the last word."""
    _lock(connection, MATCHES_LOCK)


@contextmanager
def one_at_a_time(
    engine: Engine, lock_file: Path, key: int, purpose: str, *, wait_seconds: float = 0
) -> Iterator[None]:
    """Hold a lock on this machine, and on the store that others may share; wait for each of them so long.

    Raises:
        LockedError: another process holds it.
        StoreError: the directory of the lock file cannot be written.
    """
    with (
        exclusive(lock_file, purpose, wait_seconds=wait_seconds),
        alone(engine, key, purpose, wait_seconds=wait_seconds),
    ):
        yield


@contextmanager
def alone(engine: Engine, key: int, purpose: str, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold a lock of the store for a purpose, such as ``push``, longer than a transaction; wait for it so long.

    Raises:
        LockedError: a process on another machine holds it.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    until = time.monotonic() + wait_seconds
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))):
            if time.monotonic() >= until:
                raise LockedError(
                    f"Another process that shares the operational store holds the lock for '{purpose}'.",
                    next_step="Wait until it has finished; it may run on another machine.",
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        connection.detach()  # from the pool: closed at the end, which releases the lock
        yield


def _lock(connection: Connection, key: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
