"""What became of records that can no longer be read by id: merged, deleted, or out of sight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.errors import DataError
from pipelines.salesforce.client import SalesforceClient

IDS_PER_QUERY = 500  # a query's text may have 16 kB where it is part of the address
MERGED_OBJECTS = {"Lead", "Contact", "Account"}


def fates(client: SalesforceClient, object_name: str, record_ids: Sequence[str]) -> dict[str, str]:
    """What is known about each missing record, as text; a record that is not listed left no trace that we may see."""
    master = ", MasterRecordId" if object_name in MERGED_OBJECTS else ""
    known: dict[str, str] = {}
    for start in range(0, len(record_ids), IDS_PER_QUERY):
        ids = ", ".join(f"'{record_id}'" for record_id in record_ids[start : start + IDS_PER_QUERY])
        soql = f"SELECT Id, IsDeleted{master} FROM {object_name} WHERE Id IN ({ids})"
        known |= dict(_told(client, soql))
    return known


def _told(client: SalesforceClient, soql: str) -> Iterator[tuple[str, str]]:
    try:
        for page in client.query(soql, include_deleted=True):
            for record in page:
                if survivor := record.get("MasterRecordId"):
                    yield record["Id"], f"the record was merged into {survivor}; the value is not carried over"
                elif record["IsDeleted"]:
                    yield record["Id"], "the record was deleted"
    except DataError:
        return  # an org may hide these fields; the outcome is not_found all the same
