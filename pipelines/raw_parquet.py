"""The raw tables as parquet under a URL, for engines that cannot read the warehouse file.

A table that has changed lands whole, in a folder of its own (``<url>/<schema>/<table>/<load>/…parquet``), through dlt's
filesystem destination. Then ``<url>/current.json`` moves, which names the folder in force of each table. So a reader
sees all of a load or nothing, an erased row is gone from every folder in force, and a schema may change.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby

import dlt
import duckdb
import pyarrow as pa

from pipelines.config import Settings
from pipelines.errors import OutreachError
from pipelines.landing import set_dlt_up
from pipelines.raw_pointer import LandedTable, landed_tables, move_pointer, own_errors
from pipelines.stores_by_url import files_at
from pipelines.warehouse import connect_read_only, warehouse_lock

LAYOUT = "{table_name}/{load_id}/{file_id}.{ext}"
BATCH_ROWS = 100_000
KEPT_SECONDS = 24 * 3600.0  # a reader may be in the middle of a folder that is not in force any more
TABLES = """
    select schema_name, table_name from duckdb_tables()
    where starts_with(schema_name, 'raw_') and not ends_with(schema_name, '_staging')
        and not starts_with(table_name, '_dlt')
    order by all
"""


@contextmanager
def loading(settings: Settings, purpose: str, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the warehouse for a load; at its end, what it has changed lands as parquet if a URL is configured.

    Raises:
        LockedError: another process is writing the warehouse.
        RefusedError: another warehouse lands there; nothing of it was touched.
        StoreError: the URL cannot be written; the warehouse has everything, and the next load lands it.
    """
    with warehouse_lock(settings.warehouse_path, purpose, wait_seconds=wait_seconds):
        try:
            yield
        except OutreachError:
            land_parquet(settings)  # what could be loaded
            raise
        land_parquet(settings)


def land_parquet(settings: Settings, *, keep_old: bool = True) -> list[LandedTable]:
    """Land the raw tables that have changed since they landed last, and return them; none if no URL is configured.

    Killed at any point, the folders in force stay whole, and the next landing begins anew. The caller holds the
    warehouse lock.

    Args:
        settings: the URL, and where the warehouse is.
        keep_old: keep folders that are no longer in force for a day, for who is reading them.

    Raises:
        DataError: the pointer cannot be used.
        RefusedError: another warehouse lands there.
        StoreError: the URL cannot be written, or the warehouse not be read; what was in force stays in force.
    """
    if settings.raw_url is None or not settings.warehouse_path.exists():
        return []
    url = settings.raw_url
    pointed_at = {one.key: one for one in landed_tables(settings)}
    with connect_read_only(settings.warehouse_path) as warehouse, own_errors(url):
        folders = _folders(url)
        before = {key: one for key, one in pointed_at.items() if one.folder in folders}
        warehouse.execute("set TimeZone = 'UTC'")
        found = [_fingerprint(warehouse, *key) for key in warehouse.execute(TABLES).fetchall()]
        changed = [one for one in found if not one.is_as(before.get(one.key))]
        by_schema = groupby(changed, lambda one: one.schema)
        landed = [one for _, tables in by_schema for one in _land(settings, url, warehouse, list(tables))]
        same = {one.key: before[one.key] for one in found if one not in changed}
        current = same | {one.key: one for one in landed}
        if current != pointed_at:
            move_pointer(settings, current.values())
        superseded = folders - {one.folder for one in current.values()}
        _remove(url, superseded, older_than=time.time() - (KEPT_SECONDS if keep_old else 0))
    return landed


def _fingerprint(warehouse: duckdb.DuckDBPyConnection, schema: str, table: str) -> LandedTable:
    """What stands in a table, whatever the order of its rows. The folder is not known yet."""
    name = f'"{schema}"."{table}"'
    columns = warehouse.execute(f"select column_name, column_type from (describe {name})").fetchall()  # noqa: S608
    rows, sum_of_hashes = warehouse.execute(f"select count(*), sum(hash(t)) from {name} as t").fetchone() or (0, 0)  # noqa: S608
    shape = ", ".join(f"{column} {kind}" for column, kind in columns)
    return LandedTable(schema, table, "", rows, f"{sum_of_hashes or 0} ({shape})")


def _land(
    settings: Settings, url: str, warehouse: duckdb.DuckDBPyConnection, tables: list[LandedTable]
) -> list[LandedTable]:
    """Land tables of one schema. dlt starts without any memory: each landing is whole, with the schema of its day."""
    schema = tables[0].schema
    set_dlt_up()
    work = settings.data_dir / "dlt_parquet"
    shutil.rmtree(work, ignore_errors=True)
    pipeline = dlt.pipeline(
        pipeline_name=schema,
        pipelines_dir=str(work),
        destination=dlt.destinations.filesystem(bucket_url=url, layout=LAYOUT),
        dataset_name=schema,
    )
    pipeline.config.restore_from_destination = False
    resources = [dlt.resource(_batches(warehouse, one), name=one.table, write_disposition="append") for one in tables]
    info = pipeline.run(resources, loader_file_format="parquet")
    info.raise_on_failed_jobs()
    shutil.rmtree(work)
    (load_id,) = info.loads_ids
    return [LandedTable(**asdict(one) | {"folder": f"{schema}/{one.table}/{load_id}"}) for one in tables]


def _batches(warehouse: duckdb.DuckDBPyConnection, one: LandedTable) -> Iterator[pa.Table]:
    reader = warehouse.execute(f'from "{one.schema}"."{one.table}"').to_arrow_reader(BATCH_ROWS)
    yield reader.schema.empty_table()  # the table lands, whatever is in it
    for batch in reader:
        yield pa.Table.from_batches([batch])


def _folders(url: str) -> set[str]:
    """What has landed under the URL, by whatever load, whole or not."""
    files, root = files_at(url)
    return {folder.removeprefix(f"{root}/") for folder in files.glob(f"{root}/raw_*/*/*")}


def _remove(url: str, folders: set[str], *, older_than: float) -> None:
    """Remove those folders whose load began before a time (seconds since 1970)."""
    files, root = files_at(url)
    for folder in folders:
        if _is_before(folder.rsplit("/", 1)[1], older_than):
            files.rm(f"{root}/{folder}", recursive=True)


def _is_before(load_id: str, moment: float) -> bool:
    """Whether a load began before a moment; dlt names loads by the second. Its own notes have other names."""
    try:
        return float(load_id) <= moment
    except ValueError:
        return False
