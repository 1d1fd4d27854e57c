"""The chokepoint refuses whatever the policy should have stopped (R1, R10)."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import RefusedError
from pipelines.salesforce.orgs import FieldNames
from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.payload import record_payload
from pipelines.writeback.policy import FieldRule, Policy, Write

LEAD = "00QIc0aaaaaaaaAMAQ"
CORE_NAMES = FieldNames("core", {"Lead": {"external_hard_bounced__c": "Ext_Hard_Bounced__c"}})


def rule(object_name: str, field: str, *, status: str = "active", is_writable: bool = True) -> FieldRule:
    return FieldRule(object_name, field, "", status, is_writable, Policy.TRUE_ONLY, "boolean", False, "")


HARD_BOUNCED = rule("Lead", "external_hard_bounced__c")
ALLOWLIST = Allowlist(
    {
        ("Lead", "external_hard_bounced__c"): HARD_BOUNCED,
        ("Lead", "Industry"): rule("Lead", "Industry", status="pending_legal"),
        ("Lead", "overall_hard_bounced__c"): rule("Lead", "overall_hard_bounced__c", is_writable=False),
    },
    hash="",
)


def payload(record_id: str, written: FieldRule, value: bool | str = True) -> dict[str, bool | str]:
    return record_payload(ALLOWLIST, CORE_NAMES, "Lead", record_id, [Write(written, value)])


def test_an_allowed_field_travels_under_the_orgs_own_name() -> None:
    assert payload(LEAD, HARD_BOUNCED) == {"id": LEAD, "Ext_Hard_Bounced__c": True}


@pytest.mark.parametrize("field", ["Email", "OwnerId", "Industry", "overall_hard_bounced__c", "Ext_Hard_Bounced__c"])
def test_every_other_field_is_refused_whatever_its_rule_claims(field: str) -> None:
    with pytest.raises(RefusedError, match="nothing was sent"):
        payload(LEAD, rule("Lead", field))


def test_another_rule_than_the_allowlists_is_refused() -> None:
    with pytest.raises(RefusedError, match="nothing was sent"):
        payload(LEAD, replace(HARD_BOUNCED, policy=Policy.LATEST_WINS, value_type="text"), "No")


@pytest.mark.parametrize("record_id", ["00QIc0aaaaaaaaA", "003Ic0aaaaaaaaAIAQ"])
def test_a_short_id_or_another_objects_id_is_refused(record_id: str) -> None:
    with pytest.raises(RefusedError):
        payload(record_id, HARD_BOUNCED)


def test_an_id_with_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(RefusedError):
        payload("00QIc0aaaaaaaaAAAA", HARD_BOUNCED)


def test_the_reviewed_allowlist_of_the_project_is_the_one_of_the_process() -> None:
    from pipelines.writeback.allowlist import read_allowlist

    allowlist = read_allowlist(Path())
    active = {key for key, one in allowlist.rules.items() if one.is_active}
    assert active == {
        ("CampaignMember", "Has_Replied__c"),
        ("CampaignMember", "ReplyClassification__c"),
        ("Lead", "external_hard_bounced__c"),
    }
