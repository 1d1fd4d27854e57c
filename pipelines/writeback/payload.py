"""The chokepoint: the only function that makes a record for Salesforce out of decisions (R1, R10)."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.errors import OutreachError, RefusedError
from pipelines.salesforce.ids import to_18
from pipelines.salesforce.orgs import FieldNames
from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.policy import Write

KEY_PREFIXES = {"Lead": "00Q", "CampaignMember": "00v"}


def wrong_id(object_name: str, record_id: str) -> str | None:
    """Why this is no 18-character id of an object that we write; None if it is."""
    try:
        is_right = to_18(record_id) == record_id and record_id.startswith(KEY_PREFIXES.get(object_name, "?"))
    except OutreachError:
        is_right = False
    return None if is_right else f"the id is not an 18-character id of {object_name}"


def record_payload(
    allowlist: Allowlist, names: FieldNames, object_name: str, record_id: str, writes: Iterable[Write]
) -> dict[str, bool | str]:
    """One record of an update: its 18-character id and the allowed fields under the org's own names.

    It checks again what the policy has decided, so that no caller can send anything else.

    Raises:
        RefusedError: the id is not an 18-character id of this object, or a field is not allowed.
    """
    if wrong_id(object_name, record_id):
        raise RefusedError(f"'{record_id}' is not an 18-character id of {object_name}; nothing was sent.")
    payload: dict[str, bool | str] = {"id": record_id}
    for write in writes:
        field = write.rule.field
        rule = allowlist.rule(object_name, field)
        if rule != write.rule or not rule.allows(write.value):
            raise RefusedError(f"{object_name}.{field} of {record_id} may not be written; nothing was sent.")
        payload[names.api_name(object_name, field)] = write.value
    return payload
