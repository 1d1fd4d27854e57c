"""Everything that is held about somebody, for their request for access."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pipelines.campaign_map import read_campaign_map
from pipelines.config import Settings
from pipelines.privacy import duckdb_rows, files, store_rows
from pipelines.privacy.mentions import Mentions
from pipelines.privacy.person import Person
from pipelines.store import open_store

ByTable = dict[str, list[dict[str, Any]]]


def held_about(settings: Settings, person: Person) -> dict[str, Any]:
    """Who the person is taken for, and every row about them, by store and table.

    The published marts are copies of the warehouse's, and left out.

    Raises:
        LockedError: another process is writing the warehouse.
    """
    mentions = Mentions(person, read_campaign_map(settings.project_dir))
    in_warehouse = duckdb_rows.rows_in(settings.warehouse_path, person, mentions)
    return {
        "person": {
            "addresses": sorted(person.addresses),
            "salesforce_records": [" ".join(one) for one in sorted(person.records)],
            "smartlead_ids": sorted(person.smartlead),
        },
        "warehouse": _by_table(in_warehouse),
        "operational_store": _by_table(store_rows.rows_in(open_store(settings), person, mentions)),
        "files": {
            file.relative_to(settings.data_dir).as_posix(): files.rows_about(file, mentions)
            for file, _ in files.files_about(settings, mentions)
        },
    }


def _by_table(found: Iterable[duckdb_rows.Found | store_rows.Found]) -> ByTable:
    tables: ByTable = defaultdict(list)
    for one in found:
        tables[one.place].append(one.row)
    return dict(tables)
