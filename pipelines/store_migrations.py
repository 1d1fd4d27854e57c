"""Steps that bring an older operational store up to this version; each is its own SQL, as it was at that time."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy.engine import Connection


def _ledger_names_actors(connection: Connection) -> None:
    """Version 2: the ledger takes entries of more types than intent and outcome, and says who acted."""
    check = "entry_type IN ('intent', 'outcome')"
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("alter table ledger_entries drop constraint ledger_entries_entry_type_check")
    else:  # SQLite cannot drop a constraint: the table is written anew, with the ids and the counter it has
        ddl: str = connection.exec_driver_sql(
            "select sql from sqlite_master where name = 'ledger_entries'"
        ).scalar_one()
        counter = connection.exec_driver_sql("select seq from sqlite_sequence where name = 'ledger_entries'").scalar()
        connection.exec_driver_sql("alter table ledger_entries rename to ledger_entries_1")
        connection.exec_driver_sql(re.sub(rf" CHECK \({re.escape(check)}\)", "", ddl, flags=re.IGNORECASE))
        connection.exec_driver_sql("insert into ledger_entries select * from ledger_entries_1")
        connection.exec_driver_sql("drop table ledger_entries_1")
        connection.exec_driver_sql("update sqlite_sequence set seq = ? where name = 'ledger_entries'", (counter or 0,))
    connection.exec_driver_sql("alter table ledger_entries add column actor text")


def _submissions_are_counted(connection: Connection) -> None:
    """Version 3: how often a row was sent to a Clay table, whose webhook takes a limited number in its life."""
    connection.exec_driver_sql("alter table clay_submissions add column times_sent integer not null default 1")
    connection.exec_driver_sql("update clay_submissions set times_sent = 0 where status = 'rejected'")


def _changes_are_found(connection: Connection) -> None:
    """Version 5: the last entry of each change is found without reading the whole ledger."""
    connection.exec_driver_sql(
        "create index if not exists ledger_entries_of_a_change on ledger_entries (run_id, change_id)"
    )


def _inbox_knows_tombstones(connection: Connection) -> None:
    """Version 6: an event of somebody who was erased keeps its key, and says since when."""
    time = "datetime" if connection.dialect.name == "sqlite" else "timestamptz"
    connection.exec_driver_sql(f"alter table inbox_events add column erased_at {time}")


# version found -> step to the next one; new tables only have 4 (run_steps, incidents, outbox) and 7 (clay_lookups)
MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    1: _ledger_names_actors,
    2: _submissions_are_counted,
    4: _changes_are_found,
    5: _inbox_knows_tombstones,
}
