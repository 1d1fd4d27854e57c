"""Single records over HTTP: create, read, change and delete, by id or by external id, with conditions."""

import pytest

from sandbox.world.ids import salesforce_id

OPEN_LEAD = "FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false ORDER BY Id LIMIT 1"
LONG_AGO, LATER = "Thu, 01 Jan 1998 00:00:00 GMT", "Wed, 01 Jan 2098 00:00:00 GMT"
MISSING = salesforce_id("Lead", "icare", 999_999)


@pytest.fixture
def lead(world) -> str:
    return world.icare.records(f"SELECT Id {OPEN_LEAD}")[0]["Id"]


def _refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def test_a_record_is_read_by_either_id_whole_or_in_part(shared) -> None:
    (lead,) = shared.icare.records("SELECT Id, Email, OwnerId FROM Lead WHERE Email != null LIMIT 1")
    whole = shared.icare.row("GET", f"Lead/{lead['Id']}").json()
    assert (whole["attributes"]["type"], whole["Email"], whole["OwnerId"]) == ("Lead", lead["Email"], lead["OwnerId"])
    described = {field["name"] for field in shared.icare.request("GET", "sobjects/Lead/describe").json()["fields"]}
    assert whole.keys() == described | {"attributes"}
    part = shared.icare.row("GET", f"Lead/{lead['Id'][:15]}", fields="Email,Owner.Name").json()
    assert list(part) == ["attributes", "Email", "Owner", "Id"]
    assert shared.icare.row("GET", f"lead/{lead['Id']}/").status_code == 200
    assert _refusal(shared.icare.row("GET", f"Lead/{lead['Id']}", fields="Nope")) == (400, "INVALID_FIELD")
    user = shared.icare.row("GET", f"User/{lead['OwnerId']}").json()
    assert user["Username"].endswith("@icare.example")


def test_what_is_not_there_is_not_found(shared) -> None:
    deleted = shared.icare.records("SELECT Id FROM Lead WHERE IsDeleted = true LIMIT 1", deleted=True)[0]["Id"]
    for path in (f"Lead/{MISSING}", f"Lead/{deleted}", "Lead/nonsense", f"Account/{MISSING}", f"Nope/{MISSING}"):
        assert _refusal(shared.icare.row("GET", path)) == (404, "NOT_FOUND")
    assert _refusal(shared.icare.row("PATCH", f"Lead/{MISSING}", external_hard_bounced__c=True)) == (404, "NOT_FOUND")
    refused = shared.icare.row("PATCH", f"Lead/{deleted}", external_hard_bounced__c=True)
    assert _refusal(refused) == (404, "ENTITY_IS_DELETED")


def test_a_record_is_changed_and_the_answer_is_empty(world, lead) -> None:
    answer = world.icare.row("PATCH", f"Lead/{lead[:15]}", external_hard_bounced__c=True)
    assert (answer.status_code, answer.content) == (204, b"")
    assert world.icare.row("GET", f"Lead/{lead}").json()["overall_hard_bounced__c"] is True
    refused = world.icare.row("PATCH", f"Lead/{lead}", Industry="Energy")
    assert _refusal(refused) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert refused.json()[0]["fields"] == ["Industry"]
    assert _refusal(world.icare.row("PATCH", f"Lead/{lead}", Nope=1)) == (400, "INVALID_FIELD")


def test_a_change_that_forgets_the_header_assigns_the_lead(world, lead) -> None:
    owner = world.icare.row("GET", f"Lead/{lead}").json()["OwnerId"]
    world.icare.row("PATCH", f"Lead/{lead}", external_hard_bounced__c=True)
    assert world.icare.row("GET", f"Lead/{lead}").json()["OwnerId"] == owner
    world.icare.request("PATCH", f"sobjects/Lead/{lead}", json={"external_hard_bounced__c": False})
    assert world.icare.row("GET", f"Lead/{lead}").json()["OwnerId"] != owner


def test_the_integration_user_neither_creates_nor_deletes(world, lead) -> None:
    created = world.icare.row("POST", "Lead", LastName="New", Company="New")
    assert _refusal(created) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    assert _refusal(world.icare.row("DELETE", f"Lead/{lead}")) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert world.icare.count(f"Lead WHERE Id = '{lead}'") == 1


def test_an_administrator_creates_and_deletes(world) -> None:
    world.icare.become("administrator")
    created = world.icare.row("POST", "Lead", LastName="Žáček", Company="New & Sons", Email="new@new.example")
    assert (created.status_code, created.json()["success"], created.json()["errors"]) == (201, True, [])
    record_id = created.json()["id"]
    assert created.headers["location"] == f"/services/data/v62.0/sobjects/Lead/{record_id}"
    record = world.icare.row("GET", f"Lead/{record_id}").json()
    assert (record["Name"], record["Status"], record["IsConverted"]) == ("Žáček", "Open - Not Contacted", False)
    assert record["CreatedDate"] == record["SystemModstamp"] == "2026-09-01T06:00:01.000+0000"
    assert world.icare.row("DELETE", f"Lead/{record_id}").status_code == 204
    assert _refusal(world.icare.row("DELETE", f"Lead/{record_id}")) == (404, "ENTITY_IS_DELETED")
    (gone,) = world.icare.records(f"SELECT IsDeleted FROM Lead WHERE Id = '{record_id}'", deleted=True)
    assert gone["IsDeleted"] is True


@pytest.mark.parametrize(
    ("sobject", "fields", "code"),
    [
        ("Lead", {"LastName": "x"}, "REQUIRED_FIELD_MISSING"),
        ("Lead", {"LastName": "x", "Company": "y", "Email": "not an address"}, "INVALID_EMAIL_ADDRESS"),
        ("Lead", {"LastName": "x", "Company": "y", "IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Lead", {"LastName": "x", "Company": "y", "OwnerId": MISSING}, "INVALID_CROSS_REFERENCE_KEY"),
        ("Lead", {"LastName": "x", "Company": "y", "OwnerId": "me"}, "MALFORMED_ID"),
        ("Lead", {"LastName": "x", "Company": 5}, "JSON_PARSER_ERROR"),
        ("Task", {"ActivityDate": "tomorrow"}, "JSON_PARSER_ERROR"),
        ("Organization", {"Name": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        ("CampaignMember", {"Status": "Sent"}, "REQUIRED_FIELD_MISSING"),
    ],
)
def test_records_that_cannot_be_created(world, sobject, fields, code) -> None:
    world.icare.become("administrator")
    assert _refusal(world.icare.row("POST", sobject, **fields)) == (400, code)
    assert world.icare.control("GET", "writes")["writes"] == []


def test_campaign_members_are_unique_and_their_status_says_whether_they_responded(world) -> None:
    world.icare.become("administrator")
    lead = world.icare.row("POST", "Lead", LastName="x", Company="y").json()["id"]
    campaign = world.icare.records("SELECT Id FROM Campaign LIMIT 1")[0]["Id"]
    member = world.icare.row("POST", "CampaignMember", CampaignId=campaign, LeadId=lead).json()["id"]
    again = world.icare.row("POST", "CampaignMember", CampaignId=campaign, LeadId=lead)
    assert _refusal(again) == (400, "DUPLICATE_VALUE")
    refused = world.icare.row("PATCH", f"CampaignMember/{member}", LeadId=lead)
    assert _refusal(refused) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    before = world.icare.row("GET", f"CampaignMember/{member}").json()
    world.icare.row("PATCH", f"CampaignMember/{member}", Status="Responded")
    after = world.icare.row("GET", f"CampaignMember/{member}").json()
    assert (before["Status"], before["HasResponded"], before["FirstRespondedDate"]) == ("Sent", False, None)
    assert (after["HasResponded"], after["FirstRespondedDate"]) == (True, "2026-09-01")
    world.icare.row("DELETE", f"Lead/{lead}")
    assert _refusal(world.icare.row("GET", f"CampaignMember/{member}")) == (404, "NOT_FOUND")


def test_if_modified_since(shared) -> None:
    lead = shared.icare.records("SELECT Id FROM Lead LIMIT 1")[0]["Id"]
    fresh = shared.icare.row("GET", f"Lead/{lead}", headers={"If-Modified-Since": LONG_AGO})
    known = shared.icare.row("GET", f"Lead/{lead}", headers={"If-Modified-Since": fresh.headers["last-modified"]})
    assert (fresh.status_code, known.status_code, known.content) == (200, 304, b"")
    assert shared.icare.row("GET", f"Lead/{lead}", headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_if_unmodified_since_keeps_a_colleagues_change(world, lead) -> None:
    seen = world.icare.row("GET", f"Lead/{lead}").headers["last-modified"]
    condition = {"If-Unmodified-Since": seen}
    assert world.icare.row("PATCH", f"Lead/{lead}", headers=condition, external_hard_bounced__c=True).status_code == 204
    late = world.icare.row("PATCH", f"Lead/{lead}", headers=condition, external_hard_bounced__c=False)
    assert _refusal(late) == (412, "PRECONDITION_FAILED")
    assert world.icare.row("GET", f"Lead/{lead}").json()["external_hard_bounced__c"] is True
    assert world.icare.row("GET", f"Lead/{lead}", headers=condition).status_code == 412
    odd = world.icare.row("PATCH", f"Lead/{lead}", headers={"If-Unmodified-Since": "soon"}, Industry=None)
    assert odd.status_code == 400


def test_upsert_by_external_id(world) -> None:
    world.icare.become("administrator")
    created = world.icare.row("PATCH", "Lead/Legacy_Id__c/A-1", LastName="x", Company="y")
    assert (created.status_code, created.json()["created"]) == (201, True)
    updated = world.icare.row("PATCH", "Lead/legacy_id__c/a-1", Company="z")
    assert updated.status_code == 200
    assert updated.json() == {"id": created.json()["id"], "success": True, "errors": [], "created": False}
    assert world.icare.row("GET", "Lead/Legacy_Id__c/A-1").json()["Company"] == "z"
    world.icare.row("POST", "Lead", LastName="x", Company="y", Legacy_Id__c="A-1")
    for several in (
        world.icare.row("GET", "Lead/Legacy_Id__c/A-1"),
        world.icare.row("PATCH", "Lead/Legacy_Id__c/A-1", Company="q"),
    ):
        assert (several.status_code, len(several.json())) == (300, 2)
    assert _refusal(world.icare.row("PATCH", "Lead/Company/z", LastName="x")) == (404, "NOT_FOUND")
    assert _refusal(world.icare.row("GET", "Lead/Legacy_Id__c/A-2")) == (404, "NOT_FOUND")


def test_locked_rows_and_switches(world, lead) -> None:
    world.icare.control("POST", "faults", kind="lock_row", path="PATCH .*/sobjects/Lead")
    locked = world.icare.row("PATCH", f"Lead/{lead}", external_hard_bounced__c=True)
    assert _refusal(locked) == (400, "UNABLE_TO_LOCK_ROW")
    assert world.icare.row("PATCH", f"Lead/{lead}", external_hard_bounced__c=True).status_code == 204


def test_describe_is_not_sent_again_unless_permissions_change(world) -> None:
    first = world.icare.request("GET", "sobjects/Lead/describe")
    condition = {"If-Modified-Since": first.headers["last-modified"]}
    for path in ("sobjects", "sobjects/Lead/describe"):
        assert world.icare.request("GET", path, headers=condition).status_code == 304
    world.icare.row("PATCH", f"Lead/{world.icare.records(f'SELECT Id {OPEN_LEAD}')[0]['Id']}")
    world.icare.control("POST", "permissions", org="icare", object="Lead", field="Industry", access="write")
    assert world.icare.request("GET", "sobjects/Lead/describe", headers=condition).status_code == 200
    assert world.icare.request("GET", "sobjects/Lead").json()["objectDescribe"]["keyPrefix"] == "00Q"


@pytest.mark.parametrize(
    ("given", "shown"),
    [(12.346, 12.35), ("7", 7), (None, None), ("seven", "JSON_PARSER_ERROR"), (True, "JSON_PARSER_ERROR")],
)
def test_an_amount_is_kept_with_its_scale(world, given, shown) -> None:
    world.icare.become("administrator")
    (lead,) = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
    answer = world.icare.row("PATCH", f"Lead/{lead['Id']}", AnnualRevenue=given)
    if isinstance(shown, str):
        assert answer.json()[0]["errorCode"] == shown
    else:
        assert answer.status_code == 204
        assert world.icare.row("GET", f"Lead/{lead['Id']}").json()["AnnualRevenue"] == shown
