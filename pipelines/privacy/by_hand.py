"""What an erasure cannot do: the services hold the person too, and only people may delete there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from pipelines.config import Settings
from pipelines.privacy import duckdb_rows, store_rows
from pipelines.privacy.mentions import Finding
from pipelines.privacy.person import OBJECTS, Person
from pipelines.store_tables import clay_submissions
from pipelines.writeback.hubspot import NAME as HUBSPOT

Task = dict[str, str]
CLAY_TABLES = {"table_rows", "callback_events", "submissions"}


def tasks(
    settings: Settings, person: Person, in_warehouse: Iterable[duckdb_rows.Found], in_store: Sequence[store_rows.Found]
) -> list[Task]:
    """One for each record in Salesforce, row in Clay, lead in Smartlead and contact in HubSpot; where to find it."""
    rows = {_key(one) for one in in_warehouse if one.schema == "raw_clay" and one.table in CLAY_TABLES}
    clay = [_clay_row(*key) for key in sorted(rows | _submitted(in_store))]
    return [*_salesforce(settings, person), *clay, *_smartlead(person), *_hubspot(in_store)]


def submitted(in_store: Iterable[store_rows.Found]) -> list[Task]:
    """One for each row that we have sent to Clay, or may have, loaded since or not."""
    return [_clay_row(*key) for key in sorted(_submitted(in_store))]


def _salesforce(settings: Settings, person: Person) -> list[Task]:
    found = []
    for org, record_id in sorted(person.records):
        connection = settings.salesforce.get(org)
        where = f"{connection.login_url.rstrip('/')}/{record_id}" if connection else record_id
        what = OBJECTS.get(record_id[:3], "record")
        found.append({"service": f"Salesforce {org}", "what": what, "id": record_id, "where": where, "do": "delete"})
    return found


def _clay_row(table: str, row: str) -> Task:
    return {"service": "Clay", "what": "row", "id": row, "where": f"table {table}", "do": "delete"}


def _submitted(in_store: Iterable[store_rows.Found]) -> set[tuple[str, str]]:
    sent = (one.row for one in in_store if one.table is clay_submissions and one.finding is Finding.THEIRS)
    return {(row["table_id"], row["campaign_member_id"]) for row in sent}


def _key(one: duckdb_rows.Found) -> tuple[str, str]:
    row = one.row if one.table != "callback_events" else json.loads(one.row["payload"] or "{}")
    return str(row.get("table_id")), str(row.get("row_id") or row.get("campaign_member_id"))


def _hubspot(in_store: Iterable[store_rows.Found]) -> list[Task]:
    if not any(one.row.get("org") == HUBSPOT for one in in_store):
        return []
    return [{"service": "HubSpot", "what": "contact", "id": "", "where": "contact of the address", "do": "delete"}]


def _smartlead(person: Person) -> list[Task]:
    found = [
        {
            "service": "Smartlead",
            "what": "lead",
            "id": lead,
            "where": f"DELETE campaigns/{campaign}/leads/{lead}",
            "do": "delete",
        }
        for campaign, lead in sorted(person.in_campaigns)
    ]
    block = {"service": "Smartlead", "what": "address", "id": "", "where": "global block list", "do": "add"}
    return [*found, block] if found else []
