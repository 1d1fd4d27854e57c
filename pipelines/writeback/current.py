"""What stands in Salesforce now: values by record and field, with hidden and missing told from blank (R10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.salesforce.client import RETRIEVE_LIMIT, SalesforceClient
from pipelines.salesforce.orgs import FieldNames
from pipelines.writeback.policy import Current, FieldRule, Missing, Outcome, Present, Stop, Unreadable

Described = dict[str, dict[str, Any]]


@dataclass
class OrgReader:
    """Reads current values and field properties of one org, by canonical field names."""

    client: SalesforceClient
    names: FieldNames

    def __post_init__(self) -> None:
        self._described: dict[str, Described] = {}

    def values(
        self, object_name: str, record_ids: Sequence[str], fields: Iterable[str]
    ) -> dict[tuple[str, str], Current]:
        """The current value of each field of each record, by (record id, canonical field)."""
        visible = self._describe(object_name)
        api_names = {field: self.names.api_name(object_name, field) for field in fields}
        readable = [api_name for api_name in api_names.values() if api_name in visible]
        found: dict[tuple[str, str], Current] = {}
        for start in range(0, len(record_ids), RETRIEVE_LIMIT):
            ids = record_ids[start : start + RETRIEVE_LIMIT]
            records = self.client.retrieve(object_name, ids, ["Id", *readable])
            for record_id, record in zip(ids, records, strict=True):
                for field, api_name in api_names.items():
                    found[record_id, field] = _current(record, api_name, is_readable=api_name in visible)
        return found

    def obstacle(self, rule: FieldRule, wanted: str) -> Stop | None:
        """Why the org itself would not take a value in this field, by its describe; None if it would."""
        described = self._describe(rule.object).get(self.names.api_name(rule.object, rule.field))
        if described is None:
            return Stop(Outcome.NOT_READABLE, "the field is hidden from the integration user, or does not exist")
        if not described.get("updateable") or described.get("calculated"):
            return Stop(Outcome.REJECTED, "the integration user may not update the field")
        return _misfit(described, wanted)

    def _describe(self, object_name: str) -> Described:
        if object_name not in self._described:
            self._described[object_name] = self.client.describe(object_name)
        return self._described[object_name]


def _current(record: dict[str, Any] | None, api_name: str, *, is_readable: bool) -> Current:
    if record is None:
        return Missing()
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
