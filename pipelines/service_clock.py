"""How far the loaded data reach, for sources that have no clock of their own: files and our own store."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.config import Settings
from pipelines.landing import SOURCE_READS
from pipelines.warehouse import connect_read_only


def latest_service_time(settings: Settings) -> datetime:
    """The latest moment, by any service's clock, at which anything was read; this machine's clock if nothing was.

    The caller holds the warehouse lock.

    Raises:
        LockedError: a process that does not know that lock has the file open.
        StoreError: the file cannot be opened.
    """
    if not settings.warehouse_path.exists():
        return datetime.now(UTC)
    with connect_read_only(settings.warehouse_path) as warehouse:
        warehouse.execute("set TimeZone = 'UTC'")
        datasets = warehouse.execute(
            "select schema_name from duckdb_tables() where table_name = ? and schema_name like 'raw!_%' escape '!'"
            " and schema_name not like '%!_staging' escape '!'",
            [SOURCE_READS],
        ).fetchall()
        reads = [warehouse.table(f'"{dataset}".{SOURCE_READS}').max("read_at").fetchone() for (dataset,) in datasets]
    known = [read[0] for read in reads if read and read[0] is not None]
    return max(known, default=datetime.now(UTC)).astimezone(UTC)
