"""The seam between the writer and what it writes to: one Salesforce org, or HubSpot's contacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pipelines.salesforce.bulk_update import BulkUpdates
from pipelines.updates import RowResult
from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.policy import Current, FieldRule, Stop, Write

Record = dict[str, Any]
Payload = dict[str, Any]


class Destination(Protocol):
    """Reads and updates records by canonical field names.

    Every request may raise ``LostAnswerError`` where nobody knows whether a change was made, ``BusyError`` where none
    was made and may be in a moment, ``DataError`` where the request is not accepted, another ``OutreachError`` where
    nothing can be done for now.
    """

    @property
    def organization_id(self) -> str:
        """Which org or account this is."""

    @property
    def user_id(self) -> str | None:
        """Who changes records here, None if records do not say who changed them last."""

    @property
    def most_records(self) -> int:
        """How many records one update may have."""

    def server_time(self) -> datetime:
        """What time it is there (UTC)."""

    def count(self, object_name: str) -> int:
        """How many records of an object there are."""

    def check_quota(self) -> None:
        """Raise a QuotaError if the rest of the day's calls is the business's."""

    def wrong_id(self, object_name: str, record_id: str) -> str | None:
        """Why this cannot be the key of a record of the object; None if it can."""

    def values(
        self, object_name: str, record_ids: Sequence[str], fields: Iterable[str]
    ) -> dict[tuple[str, str], Current]:
        """The current value of each field of each record, by (record id, field)."""

    def whole(self, object_name: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """Every field of the records that exist, by the destination's own names, by record id."""

    def api_name(self, object_name: str, field: str) -> str:
        """The destination's own name of a field."""

    def obstacle(self, rule: FieldRule, wanted: str) -> Stop | None:
        """Why the destination itself would not take a value in this field; None if it would."""

    def forget(self) -> None:
        """Ask for the fields' properties again at the next use."""

    def payload(self, allowlist: Allowlist, object_name: str, record_id: str, writes: Iterable[Write]) -> Payload:
        """One record of an update; refuses what the allowlist does not allow."""

    def update(self, object_name: str, payloads: Mapping[str, Payload]) -> list[RowResult]:
        """Send one update, once, and give the answer for each record in order; ``payloads`` are by record id."""

    def bulk_updates(self, *, longest_job_seconds: float, **more: Any) -> BulkUpdates | None:
        """Its jobs for many records at once; None if it has none."""
