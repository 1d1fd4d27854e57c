"""What is not known for sure of Salesforce, or set up by an administrator: each switch does what the docs say."""

from pathlib import Path

import httpx
import pytest

from sandbox.salesforce.switches import Switches

DOCS = Path(__file__).parents[3] / "docs" / "salesforce.md"


def _switch(client, **switches) -> None:
    client.control("POST", "switches", org="icare", switches=switches)


def _error(answer: httpx.Response) -> str:
    return "ok" if answer.is_success else answer.json()[0]["errorCode"]


def test_every_switch_is_documented() -> None:
    text = DOCS.read_text()
    assert [name for name in Switches().all() if f"`{name}`" not in text] == []


def test_switches_are_shown_and_only_known_ones_are_set(world) -> None:
    assert world.icare.control("POST", "switches", org="icare") == Switches().all()
    for switches in ({"nope": True}, {"precondition_body": "no"}, {"deleted_log_days": True}):
        with pytest.raises(httpx.HTTPStatusError):
            _switch(world.icare, **{"failed_rows_have_id": True} | switches)
    assert world.icare.control("POST", "switches", org="icare") == Switches().all()


def test_a_new_address_clears_the_bounce_or_not(world) -> None:
    world.icare.become("administrator")
    for clears in (True, False):
        _switch(world.icare, email_change_clears_bounce=clears)
        bounce = {"EmailBouncedReason": "550", "EmailBouncedDate": "2026-08-01T00:00:00Z"}
        lead = world.icare.row("POST", "Lead", LastName="x", Company="y", Email="a@b.example", **bounce).json()["id"]
        world.icare.row("PATCH", f"Lead/{lead}", Title="same address")
        assert world.icare.row("GET", f"Lead/{lead}").json()["EmailBouncedReason"] == "550"
        world.icare.row("PATCH", f"Lead/{lead}", Email="c@d.example")
        after = world.icare.row("GET", f"Lead/{lead}").json()
        assert (after["EmailBouncedReason"] is None, after["EmailBouncedDate"] is None) == (clears, clears)


@pytest.mark.parametrize("keeps_lead", [True, False])
def test_members_of_a_converted_lead_keep_its_id_or_not(world, keeps_lead) -> None:
    _switch(world.icare, converted_members_keep_lead=keeps_lead)
    where = "Campaign.AI_Outreach__c = true AND LeadId != null AND Lead.IsConverted = false"
    members = world.icare.records(f"SELECT Id, LeadId FROM CampaignMember WHERE {where} LIMIT 30")
    changes = [world.icare.record("CampaignMember", one["Id"], ReplyClassification__c="Positive") for one in members]
    assert all(row["success"] for row in world.icare.update(*changes).json())
    world.icare.control("POST", "advance", days=6)
    ids = ", ".join(f"'{one['Id']}'" for one in members)
    found = f"SELECT Id, LeadId, ContactId FROM CampaignMember WHERE Id IN ({ids}) AND ContactId != null"
    converted = world.icare.records(found)
    assert converted
    assert {one["LeadId"] is not None for one in converted} == {keeps_lead}
    before = {one["Id"]: one["LeadId"] for one in members}
    lead = before[converted[0]["Id"]]
    assert world.icare.row("GET", f"Lead/{lead}").json()["ConvertedContactId"] == converted[0]["ContactId"]


def test_converted_leads_are_changed_only_with_the_permission(world) -> None:
    lead = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")[0]["Id"]
    change = {"external_hard_bounced__c": True}
    assert _error(world.icare.row("PATCH", f"Lead/{lead}", **change)) == "CANNOT_UPDATE_CONVERTED_LEAD"
    _switch(world.icare, edit_converted_leads=True)
    assert _error(world.icare.row("PATCH", f"Lead/{lead}", **change)) == "ok"


@pytest.mark.parametrize(
    ("policy", "allow_save", "outcome"),
    [
        ("allow", "false", "ok"),
        ("alert", "false", "DUPLICATES_DETECTED"),
        ("alert", "true", "ok"),
        ("block", "true", "DUPLICATES_DETECTED"),
    ],
)
def test_duplicate_rules(world, policy, allow_save, outcome) -> None:
    world.icare.become("administrator")
    _switch(world.icare, duplicate_leads=policy)
    email = world.icare.records("SELECT Email FROM Lead WHERE Email LIKE '%@%.example' LIMIT 1")[0]["Email"]
    header = {"Sforce-Duplicate-Rule-Header": f"allowSave={allow_save}"}
    lead = {"LastName": "x", "Company": "y", "Email": email.upper()}
    assert _error(world.icare.row("POST", "Lead", headers=header, **lead)) == outcome
    assert world.icare.count("Lead WHERE LastName = 'x' AND Company = 'y'") == int(outcome == "ok")


def test_a_412_explains_itself_or_not(world) -> None:
    lead = world.icare.records("SELECT Id FROM Lead LIMIT 1")[0]["Id"]
    condition = {"If-Unmodified-Since": "Thu, 01 Jan 1998 00:00:00 GMT"}
    assert world.icare.row("GET", f"Lead/{lead}", headers=condition).json()[0]["errorCode"] == "PRECONDITION_FAILED"
    _switch(world.icare, precondition_body=False)
    answer = world.icare.row("GET", f"Lead/{lead}", headers=condition)
    assert (answer.status_code, answer.content) == (412, b"")


def test_usage_of_the_app_and_the_message_at_the_end_of_the_day(start) -> None:
    world = start(daily_requests=2)
    _switch(world.icare, per_app_usage=True, daily_limit_message="Enough.")
    header = world.icare.request("GET", "limits").headers["sforce-limit-info"]
    assert header == "api-usage=1/2; per-app-api-usage=1/2(appName=Outreach)"
    world.icare.request("GET", "limits")
    refused = world.icare.request("GET", "limits")
    assert refused.json() == [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "Enough."}]


def test_the_oldest_query_goes_when_there_are_too_many(world) -> None:
    _switch(world.icare, open_query_locators=1)
    size = {"Sforce-Query-Options": "batchSize=200"}
    first, second = (world.icare.query("SELECT Id FROM Lead", **size).json()["nextRecordsUrl"] for _ in range(2))
    assert _error(world.icare.request("GET", first)) == "INVALID_QUERY_LOCATOR"
    assert _error(world.icare.request("GET", second)) == "ok"


def test_the_log_of_deletions_reaches_as_far_back_as_the_switch_says(world) -> None:
    window = {"start": "2026-08-03T00:00:00Z", "end": "2026-09-01T06:00:00Z"}
    counts = []
    for days in (30, 15, 1):
        _switch(world.icare, deleted_log_days=days)
        log = world.icare.request("GET", "sobjects/Lead/deleted", params=window).json()
        assert all(one["deletedDate"] >= log["earliestDateAvailable"] for one in log["deletedRecords"])
        counts.append(len(log["deletedRecords"]))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2]
