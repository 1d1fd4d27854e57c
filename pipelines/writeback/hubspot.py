"""HubSpot's contacts as a destination: the key of a contact is its e-mail address, and one that is missing is created.

Only these contacts are ever created by us: the reference architecture's CRM sync wants it so. Salesforce has no way to
that (R10).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pipelines.errors import RefusedError
from pipelines.http.answers import E_MAIL
from pipelines.hubspot.client import BATCH_LIMIT, HubSpotClient
from pipelines.updates import RowResult
from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.destination import Payload, Record
from pipelines.writeback.policy import Current, FieldRule, Missing, Outcome, Present, Stop, Unreadable, Write

NAME = "hubspot"  # stands where Salesforce's orgs stand
CONTACTS = "contacts"


@dataclass
class HubSpotContacts:
    """One account's contacts, by lower-case e-mail address."""

    client: HubSpotClient
    user_id: str | None = None
    most_records: int = BATCH_LIMIT

    def __post_init__(self) -> None:
        self._properties: dict[str, dict[str, Any]] = {}
        self._asking = threading.Lock()

    @cached_property
    def organization_id(self) -> str:
        """The account's id."""
        return self.client.account()[0]

    def server_time(self) -> datetime:
        """What time it is in HubSpot (UTC)."""
        return self.client.account()[1]

    def count(self, object_name: str) -> int:
        """How many contacts there are."""
        return self.client.count()

    def check_quota(self) -> None:
        """HubSpot says with each answer whether calls are left; none are reserved."""

    def wrong_id(self, object_name: str, record_id: str) -> str | None:
        """Why this is no key of a contact; None if it is."""
        is_right = object_name == CONTACTS and E_MAIL.fullmatch(record_id) and record_id == record_id.lower()
        return None if is_right else "the key of a contact is an e-mail address in lower case"

    def values(
        self, object_name: str, record_ids: Sequence[str], fields: Iterable[str]
    ) -> dict[tuple[str, str], Current]:
        """The current value of each property; a contact that does not exist is blank, one that was deleted is gone."""
        names = list(fields)
        visible = [name for name in names if name in self._described()]
        found, deleted = self._read(record_ids, visible)
        gone = Missing("the contact was deleted in HubSpot; it is not created again")
        return {
            (one, name): gone if one in deleted else _current(found.get(one, {}), name, name in visible)
            for one in record_ids
            for name in names
        }

    def whole(self, object_name: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """Every property that somebody can write, of the contacts that exist."""
        names = [name for name, one in self._described().items() if not _is_read_only(one)]
        return dict(self._read(record_ids, names)[0])

    def api_name(self, object_name: str, field: str) -> str:
        """HubSpot's names are the canonical ones."""
        return field

    def obstacle(self, rule: FieldRule, wanted: str) -> Stop | None:
        """Why HubSpot would not take a value in this property; None if it would."""
        described = self._described().get(rule.field)
        if described is None:
            return Stop(Outcome.NOT_READABLE, "the account has no such property, or hides it from the app")
        if _is_read_only(described):
            return Stop(Outcome.REJECTED, "the property is read-only")
        options = {one["value"] for one in described.get("options") or [] if not one.get("hidden")}
        if options and wanted not in options:
            return Stop(Outcome.REJECTED, "the value is not an option of the property")
        return None

    def forget(self) -> None:
        """Ask for the properties again at the next use."""
        with self._asking:
            self._properties = {}

    def payload(self, allowlist: Allowlist, object_name: str, record_id: str, writes: Iterable[Write]) -> Payload:
        """The allowed properties of one contact (R1).

        Raises:
            RefusedError: the key is not one, or a property is not allowed.
        """
        if self.wrong_id(object_name, record_id):
            raise RefusedError(f"The key of one of the {object_name} is none; nothing was sent.")
        properties: Payload = {}
        for write in writes:
            rule = allowlist.rule(object_name, write.rule.field)
            if rule != write.rule or not rule.allows(write.value):
                raise RefusedError(f"{object_name}.{write.rule.field} may not be written; nothing was sent.")
            properties[write.rule.field] = write.value
        return properties

    def update(self, object_name: str, payloads: Mapping[str, Payload]) -> list[RowResult]:
        """Create or update up to 100 contacts."""
        return self.client.upsert(payloads)

    def bulk_updates(self, *, longest_job_seconds: float, **more: Any) -> None:
        """HubSpot has no jobs that we use."""

    def _read(self, emails: Sequence[str], names: Sequence[str]) -> tuple[dict[str, Record], set[str]]:
        """The contacts that exist, and which of the others were deleted."""
        found: dict[str, Record] = {}
        deleted: set[str] = set()
        asked = ["email", *(name for name in names if name != "email")]
        for start in range(0, len(emails), BATCH_LIMIT):
            part = emails[start : start + BATCH_LIMIT]
            found |= self.client.contacts(part, asked)
            if absent := [one for one in part if one not in found]:
                deleted |= self.client.contacts(absent, ["email"], archived=True).keys()
        return found, deleted

    def _described(self) -> dict[str, dict[str, Any]]:
        with self._asking:
            self._properties = self._properties or self.client.properties()
            return self._properties


def _is_read_only(described: Mapping[str, Any]) -> bool:
    return bool(described.get("calculated") or (described.get("modificationMetadata") or {}).get("readOnlyValue"))


def _current(contact: Record, name: str, is_visible: bool) -> Current:
    return Present(contact.get(name)) if is_visible else Unreadable()
