"""What HubSpot shows of the contacts that we have written, for the reconciliation; of others nothing is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.config.services import HubSpot
from pipelines.hubspot.client import BATCH_LIMIT, HubSpotClient
from pipelines.landing import land
from pipelines.raw_tables import FLAG, TEXT, RawTable, Reads, Row
from pipelines.store import open_store, reading
from pipelines.store_tables import ledger_entries
from pipelines.writeback.hubspot import NAME
from pipelines.writeback.ledger import REDACTED
from pipelines.writeback.policy import Outcome

WRITTEN_CONTACTS = RawTable(
    "written_contacts",
    ("email", "property"),
    {"email": TEXT, "property": TEXT, "shown_value": TEXT, "is_deleted": FLAG},
)


def load_written_contacts(settings: Settings, connection: HubSpot, dataset: str) -> dict[str, int]:
    """Read the properties that the ledger says were written back from HubSpot, and return the rows landed.

    The caller holds the warehouse lock.

    Raises:
        ServiceError: HubSpot cannot be reached; what was read before stays.
        StoreError: the operational store or the warehouse cannot be used.
    """
    written = _written(settings)
    reads = Reads()

    def shown() -> Iterator[Sequence[Row]]:
        emails = list(written)
        with HubSpotClient(connection) as client:
            _, read_at = client.account()
            reads.add(WRITTEN_CONTACTS, read_at, 0)
            for start in range(0, len(emails), BATCH_LIMIT):
                part = emails[start : start + BATCH_LIMIT]
                rows = _read_back(client, {email: written[email] for email in part})
                reads.add(WRITTEN_CONTACTS, read_at, len(rows))
                yield rows

    return land(settings, dataset, [WRITTEN_CONTACTS.resource(shown), reads.resource()])


def _read_back(client: HubSpotClient, written: dict[str, list[str]]) -> list[Row]:
    """A row for each property of up to 100 contacts; a contact that is not there any more has no values."""
    asked = {"email"}.union(*written.values())
    found = client.contacts(list(written), sorted(asked))
    return [
        {
            "email": email,
            "property": name,
            "shown_value": found.get(email, {}).get(name),
            "is_deleted": email not in found,
        }
        for email, names in written.items()
        for name in names
    ]


def _written(settings: Settings) -> dict[str, list[str]]:
    """The properties of each contact that were written at least once, by e-mail address."""
    entry = ledger_entries.c
    query = sa.select(entry.record_id, entry.field).distinct()
    query = query.where(entry.org == NAME, entry.outcome == Outcome.APPLIED, entry.record_id != REDACTED)
    written: dict[str, list[str]] = {}
    with reading(open_store(settings)) as connection:
        for row in connection.execute(query.order_by(entry.record_id, entry.field)):
            written.setdefault(row.record_id, []).append(row.field)
    return written
