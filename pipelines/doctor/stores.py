"""The stores: can they be opened and written, by this version of the programs?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import duckdb
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.doctor.check import Check, Finding, cannot_tell, failed, passed, run_check
from pipelines.errors import DataError, LockedError, OutreachError
from pipelines.publish import open_published, published_version
from pipelines.raw_pointer import landed_tables
from pipelines.store import open_store, reading, writing
from pipelines.store_tables import SCHEMA_VERSION, store_meta
from pipelines.warehouse import connect_read_only, lock_holder, warehouse_lock
from pipelines.writeback import heads
from pipelines.writeback.brake import stop_order

SUBJECT = "stores"
OLDEST_HOURS = 26


def check_stores(settings: Settings) -> list[Check]:
    """Check operational store, warehouse, published marts, and the raw tables' parquet where it is wanted."""
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("The operational store can be opened and written", lambda: _store(settings)),
        ("The ledger has all that it had", lambda: _ledger(settings)),
        ("The warehouse file can be opened by this DuckDB", lambda: _warehouse(settings)),
        ("Marts are published, and not older than a day", lambda: _published(settings)),
        ("Pushes are allowed", lambda: _pushes(settings)),
    ]
    if settings.raw_url:
        looks.append(("The raw tables have landed as parquet", lambda: _parquet(settings)))
    return [run_check(SUBJECT, requirement, look) for requirement, look in looks]


def _store(settings: Settings) -> Finding:
    try:
        engine = open_store(settings)
        with writing(engine) as connection:  # takes the write lock and changes nothing
            version = connection.scalar(sa.select(store_meta.c.schema_version))
            connection.execute(store_meta.update().values(schema_version=version))
    except OutreachError as error:
        return failed(error.message, error.next_step or "Restore the store from a backup.")
    return passed(f"{engine.dialect.name}, schema version {version} of {SCHEMA_VERSION}")


def _ledger(settings: Settings) -> Finding:
    engine = open_store(settings)
    try:
        with reading(engine):
            heads.refuse_rewound(settings, engine)
    except OutreachError as error:
        return failed(error.message, error.next_step or "Restore the store from a backup.")
    return passed("the head that was noted last is in it; outreach ledger verify checks the whole chain")


def _warehouse(settings: Settings) -> Finding:
    file = settings.warehouse_path
    if not file.exists():
        return cannot_tell(f"{file} does not exist yet", "Run outreach run full.")
    if holder := lock_holder(file.with_suffix(".lock")):
        return cannot_tell(f"it is held by {holder}", "Look again when that has finished.")
    try:
        with warehouse_lock(file, "doctor"), connect_read_only(file) as connection:
            (tables,) = connection.execute("select count(*) from duckdb_tables()").fetchone() or (0,)
    except LockedError as error:
        return cannot_tell(error.message, error.next_step)
    except (OutreachError, duckdb.Error) as error:
        return failed(str(error), "Rebuild it: move the file away, then outreach run full.")
    return passed(f"{file}, {tables} tables, DuckDB {duckdb.__version__}")


def _published(settings: Settings) -> Finding:
    try:
        version = published_version(settings)
        with open_published(settings) as marts:
            marts.execute("select count(*) from fct_source_freshness")
    except DataError as error:
        return cannot_tell(error.message, error.next_step)
    except (OutreachError, duckdb.Error) as error:
        return failed(str(error), "Run outreach build.")
    hours = (datetime.now(UTC) - version.built_at).total_seconds() / 3600
    found = f"{version.file.name}, {hours:.1f} hours old"
    return passed(found) if hours <= OLDEST_HOURS else failed(found, "See outreach status for what failed.")


def _parquet(settings: Settings) -> Finding:
    try:
        landed = landed_tables(settings)
    except OutreachError as error:
        return failed(error.message, error.next_step or "Run outreach load all.")
    if not landed:
        return cannot_tell(f"nothing has landed in {settings.raw_url} yet", "Run outreach load all.")
    return passed(f"{len(landed)} tables in {settings.raw_url}")


def _pushes(settings: Settings) -> Finding:
    if who := stop_order(settings).given_by:
        return failed(f"stopped by {who}", "Allow them with outreach push --resume.")
    return passed("nobody has stopped them")
