"""Who somebody is: from an address or a record to all records and addresses that are the same person.

The same address in any org is the same person, in whatever case; ``ann+news@`` is another address than ``ann@``. Leads
that were merged are the same person, so is the contact that a lead became, and the lead in Smartlead with their ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.salesforce.ids import to_18
from pipelines.salesforce.orgs import read_field_names
from pipelines.warehouse import connect_read_only

# Of each raw table: the column with an address, and the columns with ids that are the same person.
SAME_PERSON: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "leads": ("Email", ("Id", "MasterRecordId", "ConvertedContactId")),
    "contacts": ("Email", ("Id",)),
    "campaign_members": (None, ("Id", "LeadId", "ContactId")),
}
OBJECTS = {"00Q": "Lead", "003": "Contact", "00v": "CampaignMember"}
ALL_TABLES = "select table_schema, table_name from information_schema.tables"
IN_SMARTLEAD = """
    select lower(trim(email)), cast(lead_id as varchar), campaign_lead_map_id, cast(campaign_id as varchar)
    from raw_smartlead.campaign_leads
    where lower(trim(email)) in (select unnest($addresses))
        or coalesce(lower(custom_fields ->> 'org'), '') || left(custom_fields ->> 'LeadId', 15)
            in (select unnest($records))
        or coalesce(lower(custom_fields ->> 'org'), '') || left(custom_fields ->> 'CampaignMemberId', 15)
            in (select unnest($records))
"""


@dataclass
class Person:
    """Somebody's addresses in lower case, records by org, and places in Smartlead.

    Also what :class:`pipelines.privacy.mentions.Known` wants.
    """

    addresses: set[str] = field(default_factory=set)
    records: set[tuple[str, str]] = field(default_factory=set)
    smartlead: set[str] = field(default_factory=set)
    in_campaigns: set[tuple[str, str]] = field(default_factory=set)

    def address(self, address: str) -> bool:
        """Whether an address is theirs."""
        return address in self.addresses

    def record(self, org: str | None, id_15: str) -> bool:
        """Whether a Salesforce record is theirs, in an org or, None, in any."""
        return any(one[:15] == id_15 and org in {None, of} for of, one in self.records)

    def smartlead_lead(self, number: str) -> bool:
        """Whether a lead in Smartlead is theirs."""
        return number in self.smartlead

    @property
    def needles(self) -> set[str]:
        """Texts in lower case of which every row about them holds at least one."""
        of_addresses = {part for one in self.addresses for part in _ascii_parts(one)}
        return of_addresses | {one[:15].lower() for _, one in self.records} | self.smartlead

    @property
    def size(self) -> int:
        """How much is known; it grows while the same person is found elsewhere."""
        return len(self.addresses) + len(self.records) + len(self.smartlead)


def find_person(settings: Settings, *, email: str | None = None, org: str | None = None, record: str = "") -> Person:
    """Somebody by an address, or by the id of a lead, contact or campaign member in an org.

    Raises:
        DataError: the address or id has no valid form, or there is no such org.
        LockedError: another process is writing the warehouse.
    """
    person, orgs = Person(), list(read_field_names(settings.project_dir))
    if email is not None:
        if not all(email.strip().partition("@")) or email.strip().count("@") != 1:
            raise DataError("What was given is no e-mail address.", next_step="Write it as name@domain.")
        person.addresses.add(email.strip().lower())
    else:
        if record[:3] not in OBJECTS or not org:
            raise DataError(
                "A record is the id of a lead, contact or campaign member, in an org.",
                next_step="Give --record and --org, or --email.",
            )
        if org.lower() not in orgs:
            raise DataError(f"There is no org '{org}'.", next_step=f"Choose from {', '.join(sorted(orgs))}.")
        person.records.add((org.lower(), to_18(record)))
    if settings.warehouse_path.exists():
        with connect_read_only(settings.warehouse_path) as warehouse:
            _complete(warehouse, person, orgs)
    return person


def _complete(warehouse: duckdb.DuckDBPyConnection, person: Person, orgs: list[str]) -> None:
    tables = {f"{schema}.{name}" for schema, name in warehouse.execute(ALL_TABLES).fetchall()}
    before = -1
    while person.size > before:
        before = person.size
        for org in orgs:
            for name, (address, ids) in SAME_PERSON.items():
                if f"raw_salesforce_{org}.{name}" in tables:
                    _from_salesforce(warehouse, person, org, name, address, ids)
        if "raw_smartlead.campaign_leads" in tables:
            _from_smartlead(warehouse, person)


def _from_salesforce(
    warehouse: duckdb.DuckDBPyConnection,
    person: Person,
    org: str,
    name: str,
    address: str | None,
    ids: tuple[str, ...],
) -> None:
    theirs = " or ".join(f'left("{column}", 15) in (select unnest($ids))' for column in ids)
    by_address = f"lower(trim({address})) in (select unnest($addresses)) or " if address else ""
    wanted = ", ".join(f'"{column}"' for column in ids)
    rows = warehouse.execute(
        f"select {address or 'null'}, {wanted} from raw_salesforce_{org}.{name}"  # noqa: S608  our own names
        f" where {by_address}{theirs}",
        {"ids": [one[:15] for of, one in person.records if of == org]}
        | ({"addresses": list(person.addresses)} if address else {}),
    ).fetchall()
    for found_address, *found_ids in rows:
        person.records |= {(org, one) for one in found_ids if one}
        if found_address:
            person.addresses.add(found_address.strip().lower())


def _from_smartlead(warehouse: duckdb.DuckDBPyConnection, person: Person) -> None:
    # without its org, an id stands for the record in any org
    records = [f"{named}{one[:15]}" for org, one in person.records for named in (org, "")]
    known = {"addresses": list(person.addresses), "records": records}
    found: list[Any] = warehouse.execute(IN_SMARTLEAD, known).fetchall()
    for address, lead_id, map_id, campaign_id in found:
        if address:
            person.addresses.add(address)
        person.smartlead |= {lead_id, map_id} - {None}
        person.in_campaigns.add((campaign_id, lead_id))


def _ascii_parts(address: str) -> list[str]:
    """The local part, or where JSON might write that with escapes, the domain."""
    local, _, domain = address.partition("@")
    return [local] if local.isascii() else [domain if domain.isascii() else ""]
