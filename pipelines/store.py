"""The operational store: inbox, export and write-back records, run history. It cannot be rebuilt from anywhere.

SQLite in WAL mode by default, PostgreSQL by URL. ``engine.begin()`` (or :func:`writing`) opens a transaction that
already holds SQLite's write lock, so that reading and then writing is safe; :func:`reading` never waits for writers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.engine.interfaces import ExceptionContext

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, StoreError
from pipelines.store_migrations import MIGRATIONS

SCHEMA_VERSION = 6
BUSY_SECONDS = 30
SCHEMA_LOCK = 4_701  # PostgreSQL advisory locks; SQLite has one writer anyway
INBOX_LOCK = 4_702
LEDGER_LOCK = 4_703
MATCHES_LOCK = 4_704
INCIDENTS_LOCK = 4_705

SETTINGS = "outreach_settings"  # the execution option that tells a connection whose store it is

metadata = sa.MetaData()


class UtcTimestamp(sa.types.TypeDecorator[datetime]):
    """A point in time, always with time zone UTC in Python, on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without zone; SQLite stores none, so it gets UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without time zone cannot be stored.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# BIGINT would not autoincrement on SQLite, whose INTEGER is 64 bits wide.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

store_meta = sa.Table(
    "store_meta",
    metadata,
    sa.Column("schema_version", sa.Integer, nullable=False),
)

inbox_events = sa.Table(
    "inbox_events",
    metadata,
    sa.Column("event_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("source", sa.Text, sa.CheckConstraint("source in ('smartlead', 'clay')"), nullable=False),
    sa.Column("channel", sa.Text, sa.CheckConstraint("channel in ('webhook', 'callback', 'poll')"), nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False),
    sa.Column("received_at", UtcTimestamp, nullable=False),
    sa.Column("event_type", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("parse_error", sa.Text),
    sa.Column("erased_at", UtcTimestamp),  # only the key is left, so that the fact is not taken again
    sa.UniqueConstraint("source", "dedupe_key"),
    sqlite_autoincrement=True,  # an id is never given twice
)

clay_submissions = sa.Table(
    "clay_submissions",
    metadata,
    sa.Column("submission_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("campaign_id", sa.Text, nullable=False),
    sa.Column("campaign_member_id", sa.Text, nullable=False),
    sa.Column("lead_id", sa.Text, nullable=False),
    sa.Column("table_id", sa.Text, nullable=False),
    sa.Column("payload_hash", sa.Text, nullable=False),
    sa.Column(
        "status",
        sa.Text,
        sa.CheckConstraint("status in ('intent', 'accepted', 'rejected', 'unknown')"),
        nullable=False,
    ),
    sa.Column("intent_at", UtcTimestamp, nullable=False),
    sa.Column("settled_at", UtcTimestamp),
    sa.Column("detail", sa.Text),
    sa.Column("times_sent", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("table_id", "campaign_member_id"),
    sqlite_autoincrement=True,
)

ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("entry_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("plan_id", sa.Text, nullable=False),
    sa.Column("entry_type", sa.Text, nullable=False),
    sa.Column("change_id", sa.Text, nullable=False),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("before_value", sa.Text),
    sa.Column("after_value", sa.Text),
    sa.Column("current_value", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("approval_id", sa.Text),
    sa.Column("build_id", sa.Text, nullable=False),
    sa.Column("recorded_at", UtcTimestamp, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("entry_hash", sa.Text, nullable=False),
    sa.Column("actor", sa.Text),
    sa.Index("ledger_entries_of_a_change", "run_id", "change_id"),
    sqlite_autoincrement=True,
)

sign_offs = sa.Table(
    "sign_offs",
    metadata,
    sa.Column("sign_off_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("campaign_id", sa.Text, nullable=False),
    sa.Column("gate", sa.Text, nullable=False),
    sa.Column("figures", sa.Text, nullable=False),
    sa.Column("build_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("signed_by", sa.Text, nullable=False),
    sa.Column("signed_at", UtcTimestamp, nullable=False),
    sa.Column("used_at", UtcTimestamp),
    sqlite_autoincrement=True,
)

accepted_matches = sa.Table(
    "accepted_matches",
    metadata,
    sa.Column("match_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("event_source", sa.Text, nullable=False),
    sa.Column("event_key", sa.Text, nullable=False),
    sa.Column("action", sa.Text, sa.CheckConstraint("action in ('accept', 'withdraw')"), nullable=False),
    sa.Column("org", sa.Text),
    sa.Column("campaign_member_id", sa.Text),
    sa.Column("lead_id", sa.Text),
    sa.Column("smartlead_campaign_id", sa.BigInteger),
    sa.Column("email", sa.Text),
    sa.Column("unmatched_reason", sa.Text),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("decided_at", UtcTimestamp, nullable=False),
    sqlite_autoincrement=True,
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("started_at", UtcTimestamp, nullable=False),
    sa.Column("ended_at", UtcTimestamp),
    sa.Column("exit_code", sa.Integer),
    sa.Column("summary", sa.Text),
)

run_steps = sa.Table(
    "run_steps",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("started_at", UtcTimestamp, nullable=False),
    sa.Column("ended_at", UtcTimestamp),
    sa.Column("exit_code", sa.Integer),
    sa.Column("detail", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("done_in_run_id", sa.Text),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("incident_id", Counter, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("opened_at", UtcTimestamp, nullable=False),
    sa.Column("closed_at", UtcTimestamp),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("message_key", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, sa.CheckConstraint("channel in ('email', 'webhook')"), primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("intent_at", UtcTimestamp, nullable=False),
    sa.Column("sent_at", UtcTimestamp),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("detail", sa.Text),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("erasure_id", sa.Text, primary_key=True),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", UtcTimestamp, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),  # JSON: rows by place
    sa.Column("by_hand", sa.Text),  # JSON: ids in the three services, until the erasure is complete
    sa.Column("completed_at", UtcTimestamp),
)

erased_identities = sa.Table(
    "erased_identities",
    metadata,
    sa.Column("keyed_hash", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, sa.CheckConstraint("kind in ('email', 'record', 'smartlead')"), nullable=False),
    sa.Column("erasure_id", sa.Text, nullable=False),
)


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
    with engine.connect().execution_options(reads_only=True) as connection:
        yield connection


def lock_inbox(connection: Connection) -> None:
    """Let inbox transactions commit one after the other.

    A loader that has seen event 6 asks for later ones only. On PostgreSQL, where ids are given out before the
    commit, event 5 could otherwise appear after event 6 was read, and never be loaded.
    """
    _advisory_lock(connection, INBOX_LOCK)


def lock_ledger(connection: Connection) -> None:
    """Let ledger transactions commit one after the other: each entry is chained to the one before it."""
    _advisory_lock(connection, LEDGER_LOCK)


def lock_incidents(connection: Connection) -> None:
    """Let incidents open and close one after the other: one subject has one open incident."""
    _advisory_lock(connection, INCIDENTS_LOCK)


def lock_matches(connection: Connection) -> None:
    """Let decisions on matches commit one after the other: each depends on the last word."""
    _advisory_lock(connection, MATCHES_LOCK)


def _engine(url: sa.URL, settings: Settings) -> Engine:
    try:
        engine = sa.create_engine(url, execution_options={SETTINGS: settings})
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"The operational store's URL cannot be used: {error}.",
            next_step="Correct OUTREACH_STORE_URL; PostgreSQL needs the extra outreach-warehouse[postgres].",
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
        _advisory_lock(connection, SCHEMA_LOCK)
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


def _advisory_lock(connection: Connection, key: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": key})


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
