"""What a world is generated from: seed, size and start; and the few SQL pieces that every generator step uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from sandbox.world.catalog import ORG_SHARES, ORGS
from sandbox.world.fields import fields

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Plan:
    """Seed, leads per org, and the start of the world (UTC)."""

    seed: int
    leads: Mapping[str, int]
    today: datetime

    @classmethod
    def of(cls, leads: int, seed: int, today: datetime) -> Plan:
        """Divide the leads over the orgs."""
        icare = round(leads * ORG_SHARES["icare"])
        return cls(seed, {"icare": icare, "core": leads - icare}, today)

    def draw(self, purpose: str, *keys: str) -> str:
        """SQL for a number in [0, 1), fixed for this seed, purpose and keys.

        DuckDB's own hash is 20 times as fast as the one that :mod:`sandbox.world.nature` shares with Python, and as
        repeatable as the pinned version of DuckDB.
        """
        return f"((hash(concat_ws('|', '{self.seed}', '{purpose}', {', '.join(keys)})) >> 11)::double / {2**53})"

    @property
    def now(self) -> str:
        """SQL for the start of the world."""
        return timestamp_sql(self.today)

    def first_person(self, org: str) -> int:
        """One less than the number of the org's first person: people are numbered through, org after org."""
        return sum(self.leads[before] for before in ORGS[: ORGS.index(org)])


def timestamp_sql(moment: datetime) -> str:
    """A DuckDB timestamp literal in UTC, to the second."""
    return f"timestamp '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


def seconds_sql(draw: str, seconds: object) -> str:
    """SQL for a whole number of seconds between 0 and ``seconds``, as an interval."""
    return f"to_seconds(floor({draw} * ({seconds}))::bigint)"


def table(org: str, sobject: str) -> str:
    """The table of an object in an org, quoted."""
    return f'{org}."{sobject}"'


def create_object_table(connection: duckdb.DuckDBPyConnection, org: str, sobject: str) -> None:
    """Create an empty table with the org's own API names."""
    stored = [field for field in fields(org, sobject).values() if field.is_stored]
    columns = ", ".join(f'"{field.api_name}" {field.sql_type}' for field in stored)
    connection.execute(f"create table {table(org, sobject)} ({columns})")


def insert_records(connection: duckdb.DuckDBPyConnection, org: str, sobject: str, rows: str) -> None:
    """Insert the rows of a query with canonical column names and an ordering column ``number``.

    A field that the query does not give stays empty.
    """
    given = {row[0] for row in connection.execute(f"describe {rows}").fetchall()}
    stored = [field for field in fields(org, sobject).values() if field.is_stored and field.name in given]
    targets = ", ".join(f'"{field.api_name}"' for field in stored)
    values = ", ".join(f'"{field.name}"' for field in stored)
    connection.execute(f"insert into {table(org, sobject)} ({targets}) select {values} from ({rows}) order by number")
