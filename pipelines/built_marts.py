"""The marts as a build has left them: in the warehouse file, or as parquet that another engine has written.

A source of marts copies them into the schema ``marts`` of an open DuckDB connection and returns up to when their data
reach (UTC).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.errors import DataError, RefusedError
from pipelines.warehouse import connect_read_only

Source = Callable[[duckdb.DuckDBPyConnection], datetime]
Contracts = Mapping[str, Mapping[str, str]]
AS_OF = "int_operations__as_of"
TABLES = """
    select schema_name, table_name, comment from duckdb_tables()
    where database_name = current_database() and schema_name in ('policy', 'staging', 'intermediate', 'marts')
    order by all
"""  # that dbt builds


def marts_of_warehouse(file: Path, models: AbstractSet[str] | None = None) -> Source:
    """The marts of a warehouse file.

    Args:
        file: the warehouse.
        models: what was built, if not everything was. In a copy of earlier marts only these are brought up to date.

    The source raises a RefusedError for a mart that was not built and has other columns than the earlier one.
    """

    def copy(connection: duckdb.DuckDBPyConnection) -> datetime:
        earlier = _columns_of_marts(connection)
        connection.execute(f"attach '{file}' as warehouse (read_only)")
        marts = _columns_of_marts(connection, "warehouse")
        for mart, columns in marts.items():
            is_built = models is None or mart in models
            if is_built and columns == earlier.get(mart):
                _replace_changed_rows(connection, mart, columns)
            elif is_built:
                connection.execute(f'create or replace table marts."{mart}" as from warehouse.marts."{mart}"')
            elif columns != earlier.get(mart):
                raise RefusedError(
                    f"The mart {mart} has other columns than the published one, and was not built now.",
                    next_step="Run outreach build, which builds, tests and publishes everything.",
                )
        row = connection.execute(f"select as_of_at from warehouse.intermediate.{AS_OF}").fetchone()  # noqa: S608
        return _as_of(row if marts else None, str(file))

    return copy


def note_published(file: Path, build_id: str) -> None:
    """Note at every table of a warehouse file which build has published it.

    The note is the table's comment, so a table that is built anew, by whomever, has none. The caller holds the
    warehouse lock.
    """
    with duckdb.connect(str(file)) as warehouse:
        warehouse.begin()
        for schema, table, _ in warehouse.execute(TABLES).fetchall():
            warehouse.execute(f'comment on table "{schema}"."{table}" is \'{build_id}\'')
        warehouse.commit()


def tables_not_of(file: Path, build_id: str) -> list[str]:
    """The tables of a warehouse file that this build has not published, as ``schema.table``.

    Raises:
        DataError: there is no such file.
        LockedError: another process is writing it.
    """
    with connect_read_only(file) as warehouse:
        tables = warehouse.execute(TABLES).fetchall()
    return [f"{schema}.{table}" for schema, table, note in tables if note != build_id]


def marts_of_parquet(url: str, contracts: Contracts) -> Source:
    """The marts under a folder or object store URL, as ``<url>/marts/<mart>/*.parquet``.

    Another engine has other types for the same values, such as times with a zone or shorter integers; each column
    becomes what the mart's contract says. ``<url>/intermediate/int_operations__as_of`` says how far the data reach.
    """

    def copy(connection: duckdb.DuckDBPyConnection) -> datetime:
        connection.execute("set TimeZone = 'UTC'")  # by which an instant becomes a timestamp without a zone
        for mart, columns in sorted(contracts.items()):
            _register(connection, f"{url}/marts/{mart}", mart)
            casts = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in columns.items())
            try:
                connection.execute(f'create or replace table marts."{mart}" as select {casts} from landed')  # noqa: S608
            except (duckdb.BinderException, duckdb.ConversionException) as error:
                raise DataError(
                    f"The mart {mart} in {url} does not keep its contract: {error}.", next_step="Build it anew."
                ) from None
        _register(connection, f"{url}/intermediate/{AS_OF}", AS_OF)
        row = connection.execute("select cast(as_of_at as timestamp) from landed").fetchone()
        connection.unregister("landed")
        return _as_of(row, url)

    return copy


def contracts_of(manifest: Path) -> Contracts:
    """The columns of each mart with their types, as dbt's manifest has them.

    Raises:
        DataError: dbt has written none.
    """
    try:
        nodes = json.loads(manifest.read_text())["nodes"].values()
    except (OSError, ValueError, KeyError):
        raise DataError(f"{manifest} is no manifest of dbt.", next_step="Run outreach build.") from None
    return {
        node["name"]: {column["name"]: column["data_type"] for column in node["columns"].values()}
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def _columns_of_marts(
    connection: duckdb.DuckDBPyConnection, catalog: str | None = None
) -> dict[str, list[tuple[str, str]]]:
    """The marts of an attached file, by default of the one that was opened: mart -> names and types of its columns."""
    rows = connection.execute(
        "select table_name, list((column_name, data_type) order by ordinal_position) from information_schema.columns"
        " where table_catalog = coalesce(?, current_database()) and table_schema = 'marts' group by all order by all",
        [catalog],
    )
    return dict(rows.fetchall())


def _replace_changed_rows(connection: duckdb.DuckDBPyConnection, mart: str, columns: list[tuple[str, str]]) -> None:
    """Replace the rows that differ: cheaper than writing a large mart. No mart has the same row twice.

    Rows are compared by two hashes of 64 bits, over all columns and over the first ones, which hold the key: the hash
    table of a join on the columns themselves would hold every text twice, and take three times as long.
    """
    names = [f'"{name}"' for name, _ in columns]
    hashed = f"select rowid as place, hash({', '.join(names)}) as row_hash, hash({', '.join(names[:3])}) as key_hash"
    old, new = f'marts."{mart}"', f'warehouse.marts."{mart}"'
    connection.execute(f"""
        create or replace temp table changed as
            select old.place as gone, new.place as come
            from ({hashed} from {old}) as old full join ({hashed} from {new}) as new using (row_hash, key_hash)
            where old.place is null or new.place is null;
        delete from {old} where rowid in (select gone from changed);
        insert into {old} from {new} where rowid in (select come from changed)""")  # noqa: S608  names of our own marts


def _register(connection: duckdb.DuckDBPyConnection, url: str, what: str) -> None:
    # Loading them takes a quarter of a second, and only another engine's marts need them.
    import pyarrow.dataset as parquet  # noqa: PLC0415

    from pipelines.stores_by_url import files_at  # noqa: PLC0415

    files, path = files_at(url)
    if not files.exists(path):
        raise DataError(f"{what} is missing: there is no {url}.", next_step="Run outreach build.")
    connection.register("landed", parquet.dataset(path, filesystem=files, format="parquet"))


def _as_of(row: tuple[datetime] | None, where: str) -> datetime:
    if row is None:
        raise DataError(f"{where} holds no marts.", next_step="Run outreach build.")
    return row[0].replace(tzinfo=UTC)
