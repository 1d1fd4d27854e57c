"""What stands in Salesforce now: values by record and field, with hidden and missing told from blank (R10)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.errors import DataError
from pipelines.salesforce.bulk_update import BulkUpdates
from pipelines.salesforce.client import RETRIEVE_LIMIT, UPDATE_LIMIT, SalesforceClient
from pipelines.salesforce.fates import fates
from pipelines.salesforce.orgs import FieldNames
from pipelines.updates import RowResult
from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.destination import Payload, Record
from pipelines.writeback.payload import record_payload, wrong_id
from pipelines.writeback.policy import Current, FieldRule, Missing, Outcome, Present, Stop, Unreadable, Write

Described = dict[str, dict[str, Any]]


@dataclass
class OrgReader:
    """One Salesforce org as a destination, by canonical field names; most of it is reading."""

    client: SalesforceClient
    names: FieldNames

    def __post_init__(self) -> None:
        self._described: dict[str, Described] = {}
        self._describing = threading.Lock()

    def values(
        self, object_name: str, record_ids: Sequence[str], fields: Iterable[str]
    ) -> dict[tuple[str, str], Current]:
        """The current value of each field of each record, by (record id, canonical field)."""
        api_names = {field: self.names.api_name(object_name, field) for field in fields}
        records, visible = self._read(object_name, record_ids, list(api_names.values()))
        missing = [record_id for record_id, record in zip(record_ids, records, strict=True) if record is None]
        known = fates(self.client, object_name, missing) if missing else {}
        return {
            (record_id, field): _current(record, api_name, api_name in visible, known.get(record_id))
            for record_id, record in zip(record_ids, records, strict=True)
            for field, api_name in api_names.items()
        }

    def whole(self, object_name: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """Every field of some records that we may see, formulas and parts of compounds left out, by record id."""
        names = [
            name
            for name, field in self._describe(object_name).items()
            if not field.get("calculated") and field.get("type") not in {"address", "location", "base64"}
        ]
        records, _ = self._read(object_name, record_ids, names)
        return {record_id: record for record_id, record in zip(record_ids, records, strict=True) if record is not None}

    def forget(self) -> None:
        """Ask for describe again at the next use: permissions may have changed."""
        with self._describing:
            self._described.clear()

    @property
    def organization_id(self) -> str:
        """The 18-character id of the org."""
        return self.client.organization_id

    @property
    def user_id(self) -> str:
        """The id of the integration user."""
        return self.client.user_id

    @property
    def most_records(self) -> int:
        """How many records one update may have."""
        return UPDATE_LIMIT

    def server_time(self) -> datetime:
        """What time it is in Salesforce (UTC)."""
        return self.client.server_time()

    def count(self, object_name: str) -> int:
        """How many records of an object the integration user can see."""
        return self.client.count(object_name)

    def check_quota(self) -> None:
        """Raise a QuotaError if the rest of the day's calls is the business's."""
        self.client.quota.check_reserve()

    def wrong_id(self, object_name: str, record_id: str) -> str | None:
        """Why this is no id of a record of the object; None if it is."""
        return wrong_id(object_name, record_id)

    def api_name(self, object_name: str, field: str) -> str:
        """The org's own name of a field."""
        return self.names.api_name(object_name, field)

    def payload(self, allowlist: Allowlist, object_name: str, record_id: str, writes: Iterable[Write]) -> Payload:
        """One record of an update (R1, R10)."""
        return record_payload(allowlist, self.names, object_name, record_id, writes)

    def update(self, object_name: str, payloads: Mapping[str, Payload]) -> list[RowResult]:
        """Update up to 200 records, each on its own."""
        return self.client.update(object_name, list(payloads.values()))

    def bulk_updates(self, *, longest_job_seconds: float, **more: Any) -> BulkUpdates:
        """Its Bulk API jobs."""
        return BulkUpdates(self.client, longest_job_seconds=longest_job_seconds, **more)

    def _read(
        self, object_name: str, record_ids: Sequence[str], api_names: Sequence[str]
    ) -> tuple[list[Record | None], set[str]]:
        """The records in order, and which of the fields are visible; what describe says may be outdated by now."""
        try:
            return self._read_visible(object_name, record_ids, api_names)
        except DataError:
            self.forget()
            return self._read_visible(object_name, record_ids, api_names)

    def _read_visible(
        self, object_name: str, record_ids: Sequence[str], api_names: Sequence[str]
    ) -> tuple[list[Record | None], set[str]]:
        visible = set(api_names) & self._describe(object_name).keys()
        records: list[Record | None] = []
        for start in range(0, len(record_ids), RETRIEVE_LIMIT):
            ids = record_ids[start : start + RETRIEVE_LIMIT]
            records += self.client.retrieve(object_name, ids, ["Id", *sorted(visible)])
        return records, visible

    def obstacle(self, rule: FieldRule, wanted: str) -> Stop | None:
        """Why the org itself would not take a value in this field, by its describe; None if it would."""
        described = self._describe(rule.object).get(self.names.api_name(rule.object, rule.field))
        if described is None:
            return Stop(Outcome.NOT_READABLE, "the field is hidden from the integration user, or does not exist")
        if not described.get("updateable") or described.get("calculated"):
            return Stop(Outcome.REJECTED, "the integration user may not update the field")
        return _misfit(described, wanted)

    def _describe(self, object_name: str) -> Described:
        if described := self._described.get(object_name):
            return described
        with self._describing:  # threads that ask at the same time get one answer
            if object_name not in self._described:
                self._described[object_name] = self.client.describe(object_name)
            return self._described[object_name]


def _current(record: Record | None, api_name: str, is_readable: bool, fate: str | None) -> Current:
    if record is None:
        return Missing(fate) if fate else Missing()
    return Present(record.get(api_name)) if is_readable else Unreadable()


def _misfit(described: dict[str, Any], wanted: str) -> Stop | None:
    length = described.get("length") or 0
    if described.get("type") in {"string", "textarea"} and 0 < length < len(wanted):
        return Stop(Outcome.REJECTED, f"the text has {len(wanted)} characters, the field takes {length}")
    if described.get("type") == "picklist":
        active = {value["value"] for value in described.get("picklistValues") or [] if value.get("active")}
        if wanted not in active:
            return Stop(Outcome.REJECTED, "the value is not an active value of the picklist")
    return None
