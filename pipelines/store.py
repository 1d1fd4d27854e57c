"""The operational store: inbox, export and write-back records, run history. It cannot be rebuilt from anywhere.

SQLite in WAL mode by default, PostgreSQL by URL. ``engine.begin()`` (or :func:`writing`) opens a transaction that
already holds SQLite's write lock, so that reading and then writing is safe; :func:`reading` never waits for writers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import ExceptionContext

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, StoreError
from pipelines.store_locks import lock_schema
from pipelines.store_migrations import MIGRATIONS
from pipelines.store_tables import SCHEMA_VERSION, metadata, store_meta

BUSY_SECONDS = 30

SETTINGS = "outreach_settings"  # the execution option that tells a connection whose store it is


def open_store(settings: Settings) -> Engine:
    """Open the store; create it, or bring it up to this version, where needed.

    Any database error on this engine, now or later, is raised as a StoreError.

    Raises:
        StoreError: the file is corrupt, newer than this program, read-only, or the disk is full.
        ConfigurationError: the URL cannot be used.
    """
    url = _url(settings)
    if url.get_backend_name() == "sqlite":
        _make_directory(url)
    engine = _engine(url, settings)
    _create_or_check(engine)
    return engine


def open_existing_store(settings: Settings) -> Engine | None:
    """Open the store for a look; None where there is none yet. Nothing is created or brought up to this version.

    Raises:
        ConfigurationError: the URL cannot be used.
    """
    url = _url(settings)
    if url.get_backend_name() == "sqlite" and not Path((url.database or "").removeprefix("file:")).is_file():
        return None
    return _engine(url, settings)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write; commits at its end, rolls back on an error."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: it sees one state and neither waits for writers nor holds them up."""
    options: dict[str, Any] = {"reads_only": True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"  # by default each statement would see a state of its own
    with engine.connect().execution_options(**options) as connection:
        yield connection


def insert_new(
    engine: sa.Engine, table: sa.Table, *, key: Sequence[str] | None = None
) -> sqlite.Insert | postgresql.Insert:
    """An insert that leaves rows alone that are there already, by a unique key or by any."""
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=key)


def _engine(url: sa.URL, settings: Settings) -> Engine:
    try:
        engine = sa.create_engine(url, execution_options={SETTINGS: settings})
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"The operational store's URL cannot be used: {error}.",
            next_step="Correct OUTREACH_STORE_URL; PostgreSQL needs pip install -e '.[postgres]'.",
        ) from None
    event.listen(engine, "handle_error", _as_store_error)
    if url.get_backend_name() == "sqlite":
        _use_sqlite(engine)
    return engine


def _url(settings: Settings) -> sa.URL:
    try:
        url = sa.make_url(settings.operational_store_url)
    except sa.exc.ArgumentError:
        raise ConfigurationError(
            "The operational store's URL is not a database URL.",
            next_step="Write it as sqlite:///path/to/file or postgresql://user@host/database.",
        ) from None
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    return url


def _use_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions late and skip them for DDL
        pragmas = ("journal_mode = wal", "synchronous = full", "secure_delete = on")
        for pragma in (f"busy_timeout = {BUSY_SECONDS * 1000}", *pragmas):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("begin" if reads_only else "begin immediate")


def _make_directory(url: sa.URL) -> None:
    try:
        Path((url.database or ".").removeprefix("file:")).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"Cannot create a directory for the operational store {url.database}: {error.strerror}.",
            next_step="Check free space and permissions, or set OUTREACH_STORE_URL.",
        ) from None


def _create_or_check(engine: Engine) -> None:
    with reading(engine) as connection:
        version = _version(connection, engine)
    if version == SCHEMA_VERSION:
        return
    with writing(engine) as connection:
        lock_schema(connection)
        version = _version(connection, engine)  # another process may have been faster
        if version is None:
            metadata.create_all(connection)
            connection.execute(store_meta.insert().values(schema_version=SCHEMA_VERSION))
            return
        for step in sorted(step for step in MIGRATIONS if step >= version):
            MIGRATIONS[step](connection)
        metadata.create_all(connection)  # tables that are new in this version
        connection.execute(store_meta.update().values(schema_version=SCHEMA_VERSION))


def _version(connection: Connection, engine: Engine) -> int | None:
    """The schema version of the store, None when it is still empty."""
    if not sa.inspect(connection).has_table(store_meta.name):
        return None
    version: int | None = connection.scalar(sa.select(store_meta.c.schema_version))
    if version is None or not 1 <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"The operational store {_place(engine.url)} has schema version {version}; this program knows"
            f" {SCHEMA_VERSION}" + (" and the store is newer." if version and version > SCHEMA_VERSION else "."),
            next_step="Install the version of outreach that wrote it, or restore the store from a backup.",
        )
    return version


def _as_store_error(context: ExceptionContext) -> StoreError | None:
    """The error to raise instead, None to leave it as it is."""
    error = context.sqlalchemy_exception
    if isinstance(error, sa.exc.IntegrityError | sa.exc.ProgrammingError | sa.exc.DataError):
        return None  # a defect of the caller, not of the store
    if not isinstance(error, sa.exc.DatabaseError):
        return None
    reason = str(context.original_exception).strip().split("\n", maxsplit=1)[0].rstrip(".")
    where = _place(context.engine.url) if context.engine else "its database"
    return StoreError(
        f"The operational store ({where}) cannot be used: {reason}.", next_step=_next_step(reason.lower())
    )


def _next_step(reason: str) -> str:
    if "not a database" in reason or "malformed" in reason:
        return "The file is corrupt: restore it from a backup, and do not delete it, nothing else holds its content."
    if "full" in reason or "no space" in reason:
        return "Free disk space, then run the command again; nothing was lost."
    if "locked" in reason:
        return "Let the other program that holds the database's lock end, then run the command again."
    if "readonly" in reason or "read-only" in reason or "unable to open" in reason or "permission" in reason:
        return "Give this user write permission on the file and its directory."
    return "Check that the database is reachable and writable, then run the command again."


def _place(url: sa.URL) -> str:
    return url.database or "in memory" if url.get_backend_name() == "sqlite" else f"{url.host or ''}/{url.database}"
