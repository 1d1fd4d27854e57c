"""Somebody's rows in a DuckDB file, whatever tables it has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.privacy.mentions import SMARTLEAD_LEAD, Finding, Mentions
from pipelines.privacy.person import Person
from pipelines.privacy.suppression import OUR_OWN
from pipelines.warehouse import connect_read_only

RAW = "raw_"
COLUMNS = """
    select schema_name, table_name, list(column_name), list(data_type)
    from duckdb_columns() inner join duckdb_tables() using (database_name, schema_name, table_name)
    where database_name = current_database() and not starts_with(table_name, '_dlt')
    group by all order by all
"""


@dataclass(frozen=True)
class Found:
    """A row that has to do with somebody."""

    schema: str
    table: str
    row_id: int
    row: dict[str, Any]
    finding: Finding
    org: str | None

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.schema}.{self.table}"


def rows_in(file: Path, person: Person, mentions: Mentions, *, only: str = "") -> list[Found]:
    """Everything about somebody in a file; ``only`` is how the schemas begin. Nothing if there is no such file."""
    if not file.exists():
        return []
    with connect_read_only(file) as connection:
        return list(_find(connection, person, mentions, only))


def erase_raw(file: Path, person: Person, mentions: Mentions) -> dict[str, int]:
    """Delete somebody's rows from the raw tables, and their address from those of others; all or nothing.

    The caller holds the warehouse lock. The bytes stay in the file until :func:`rewrite`.
    """
    counts: dict[str, int] = {}
    if not file.exists():
        return counts
    with duckdb.connect(str(file)) as connection:
        connection.begin()
        for one in list(_find(connection, person, mentions, RAW)):
            if one.finding is Finding.THEIRS:
                connection.execute(f"delete from {_quoted(one)} where rowid = ?", [one.row_id])  # noqa: S608
            else:
                without = mentions.without(one.row, one.org)
                changed = {name: value for name, value in without.items() if value != one.row[name]}
                values = ", ".join(f'"{name}" = ?' for name in changed)
                connection.execute(
                    f"update {_quoted(one)} set {values} where rowid = ?",  # noqa: S608  names of the database's own
                    [*changed.values(), one.row_id],
                )
            counts[one.place] = counts.get(one.place, 0) + 1
        connection.commit()
    return counts


def rewrite(file: Path) -> None:
    """Write a database file anew, without the bytes of what was deleted, in one step.

    The caller holds the lock of the file. Killed, the file is as it was.
    """
    unfinished = file.with_suffix(".rewriting")
    unfinished.unlink(missing_ok=True)
    if not file.exists():
        return
    with duckdb.connect(str(file)) as old:
        old.execute("checkpoint")
    with duckdb.connect() as connection:
        # under its own name, because views name the database that they are in
        connection.execute(f"""attach '{file}' as "{file.stem}" (read_only)""")
        connection.execute(f"attach '{unfinished}' as rewritten")
        connection.execute(f'copy from database "{file.stem}" to rewritten')
        connection.execute("detach rewritten")
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(file)


def _find(connection: duckdb.DuckDBPyConnection, person: Person, mentions: Mentions, only: str) -> Iterator[Found]:
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("create or replace temp table needles as select unnest(?) as text", [sorted(person.needles)])
    for schema, table, names, types in connection.execute(COLUMNS).fetchall():
        if not schema.startswith(only) or table in OUR_OWN:
            continue
        texts = [name for name, kind in zip(names, types, strict=True) if kind == "VARCHAR" or name in SMARTLEAD_LEAD]
        if not texts:
            continue
        anywhere = " or ".join(f'contains(lower(cast("{name}" as varchar)), text)' for name in texts)
        result = connection.execute(
            f'select rowid as "row id of duckdb", * from "{schema}"."{table}"'  # noqa: S608  names of the database's own
            f" where exists (select 1 from needles where {anywhere})"
        )
        org = _org(schema)
        for row in result.to_arrow_table().to_pylist():
            row_id = row.pop("row id of duckdb")
            if finding := mentions.judge(row, org):
                yield Found(schema, table, row_id, row, finding, org)


def _org(schema: str) -> str | None:
    prefix = "raw_salesforce_"
    return schema.removeprefix(prefix).removesuffix("_staging") if schema.startswith(prefix) else None


def _quoted(one: Found) -> str:
    return f'"{one.schema}"."{one.table}"'
