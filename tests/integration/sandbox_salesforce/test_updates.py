"""sObject Collections: each row its own result, nothing beyond the allowed fields, and every write on record."""

import pytest

from sandbox.world.ids import salesforce_id

LEAD = {"type": "Lead"}
OPEN_LEADS = "FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false ORDER BY Id"


@pytest.fixture
def leads(world) -> list[str]:
    return [one["Id"] for one in world.icare.records(f"SELECT Id {OPEN_LEADS} LIMIT 5")]


def _stamps(client, record_id: str) -> dict:
    fields = "OwnerId, SystemModstamp, LastModifiedDate, LastModifiedById, overall_hard_bounced__c"
    (record,) = client.records(f"SELECT {fields} FROM Lead WHERE Id = '{record_id}'")
    return record


def _codes(answer) -> list[str | None]:
    return [None if row["success"] else row["errors"][0]["statusCode"] for row in answer.raise_for_status().json()]


def test_results_come_in_request_order_and_bad_rows_do_not_stop_good_ones(world, leads) -> None:
    converted = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")[0]["Id"]
    deleted = world.icare.records("SELECT Id FROM Lead WHERE IsDeleted = true LIMIT 1", deleted=True)[0]["Id"]
    campaign_member = world.icare.records("SELECT Id FROM CampaignMember LIMIT 1")[0]["Id"]

    def lead(record_id: str, **fields) -> dict:
        return world.icare.record("Lead", record_id, **(fields or {"external_hard_bounced__c": True}))

    answer = world.icare.update(
        lead(leads[0]),
        lead(converted),
        lead(leads[1], Industry="Energy"),
        lead(deleted),
        lead(salesforce_id("Lead", "icare", 999_999)),
        lead(leads[2][:15]),
        lead(leads[3][:14]),
        lead(leads[3].swapcase()),
        lead(campaign_member),
        lead(leads[0]),
        lead(leads[4], Cold_Lead_Eligible__c=True),
        {"attributes": {"type": "Lead"}, "external_hard_bounced__c": True},
    )
    assert _codes(answer) == [
        None,
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        None,
        "MALFORMED_ID",
        "MALFORMED_ID",
        "MALFORMED_ID",
        "DUPLICATE_VALUE",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "MISSING_ARGUMENT",
    ]
    assert [row.get("id") for row in answer.json()][:3] == [leads[0], None, None]
    assert answer.json()[5]["id"] == leads[2]
    written = world.icare.control("GET", "writes")["writes"]
    assert [(one["id"], one["field"], one["old"], one["new"]) for one in written] == [
        (leads[0], "external_hard_bounced__c", "false", "true"),
        (leads[2], "external_hard_bounced__c", "false", "true"),
    ]


def test_all_or_none_undoes_everything(world, leads) -> None:
    answer = world.icare.update(
        world.icare.record("Lead", leads[0], external_hard_bounced__c=True),
        world.icare.record("Lead", leads[1], Industry="Energy"),
        allOrNone=True,
    )
    assert _codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD_FOR_INSERT_UPDATE"]
    assert world.icare.control("GET", "writes")["writes"] == []
    assert _stamps(world.icare, leads[0])["overall_hard_bounced__c"] is False


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ReplyClassification__c": "Excited"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"ReplyClassification__c": "Interested"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"ReplyClassification__c": "positive"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"ReplyClassification__c": "Positive", "Has_Replied__c": True}, None),
        ({"Has_Replied__c": "true"}, None),
        ({"Status": "Responded"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ],
)
def test_values_of_members(world, fields, code) -> None:
    (one,) = world.core.records("SELECT Id FROM CampaignMember LIMIT 1")
    assert _codes(world.core.update(world.core.record("CampaignMember", one["Id"], **fields))) == [code]


def test_text_that_is_too_long(world, leads) -> None:
    for field in ("company_description__c", "Industry"):
        world.icare.control("POST", "permissions", org="icare", object="Lead", field=field, access="write")
    long = world.icare.record("Lead", leads[0], company_description__c="x" * 32_001)
    fits = world.icare.record("Lead", leads[1], company_description__c="a\nb\u2028c 'd' \U0001f600")
    unknown = world.icare.record("Lead", leads[2], Industry="Alchemy")
    codes = _codes(world.icare.update(long, fits, unknown))
    assert codes == ["STRING_TOO_LONG", None, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    (read,) = world.icare.records(f"SELECT company_description__c FROM Lead WHERE Id = '{leads[1]}'")
    assert read["company_description__c"] == "a\nb\u2028c 'd' \U0001f600"


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([{"attributes": LEAD, "id": "x", "Nope__c": 1}], "INVALID_FIELD"),
        ([{"attributes": {"type": "Nope"}, "id": "x"}], "INVALID_TYPE"),
        ([{"id": "x"}], "INVALID_INPUT"),
        ("x", "JSON_PARSER_ERROR"),
        ([{"attributes": LEAD, "id": "x", "external_hard_bounced__c": "maybe"}], "JSON_PARSER_ERROR"),
        ([{"attributes": LEAD, "id": "x", "external_hard_bounced__c": None}], "JSON_PARSER_ERROR"),
        ([{"attributes": LEAD, "id": "x"}] * 201, "EXCEEDED_ID_LIMIT"),
        ([{"attributes": LEAD, "id": "x"}, {"attributes": {"type": "CampaignMember"}, "id": "x"}] * 6, "INVALID_INPUT"),
    ],
)
def test_malformed_requests_are_refused_as_a_whole(shared, records, code) -> None:
    answer = shared.icare.request("PATCH", "composite/sobjects", json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_body_that_is_not_json(shared) -> None:
    answer = shared.icare.request("PATCH", "composite/sobjects", content=b'{"records": [')
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_a_write_moves_the_time_stamps_and_the_formula_and_nothing_else(world, leads) -> None:
    before = _stamps(world.icare, leads[0])
    world.icare.update(world.icare.record("Lead", leads[0], external_hard_bounced__c=True))
    after = _stamps(world.icare, leads[0])
    assert after["OwnerId"] == before["OwnerId"]
    assert after["overall_hard_bounced__c"] is True
    assert after["SystemModstamp"] == after["LastModifiedDate"] == "2026-09-01T06:00:01.000+0000"
    (user,) = world.icare.records(f"SELECT Name FROM User WHERE Id = '{after['LastModifiedById']}'")
    assert user["Name"] == "Outreach Integration"
    (write,) = world.core.control("GET", "writes")["writes"]
    assert (write["org"], write["object"], write["user"]) == ("icare", "Lead", after["LastModifiedById"])


def test_a_write_to_a_lead_that_forgets_the_header_changes_its_owner(world, leads) -> None:
    owner = _stamps(world.icare, leads[0])["OwnerId"]
    world.icare.update(world.icare.record("Lead", leads[0], external_hard_bounced__c=True), assign=True)
    assert _stamps(world.icare, leads[0])["OwnerId"] != owner
    assert {one["field"] for one in world.icare.control("GET", "writes")["writes"]} == {
        "external_hard_bounced__c",
        "OwnerId",
    }


def test_formulas_follow_their_inputs_without_moving_system_modstamp(world) -> None:
    query = "SELECT Id, SystemModstamp, Cold_Lead_Eligible__c FROM Lead WHERE Matched_Account__r.Is_Customer__c = 'No'"
    before = {one["Id"]: one for one in world.icare.records(query) if one["Cold_Lead_Eligible__c"]}
    world.state.execute("""update icare."Account" set "Is_Customer__c" = 'Yes' where "Is_Customer__c" = 'No'""")
    after = {one["Id"]: one for one in world.icare.records(query.replace("'No'", "'Yes'"))}
    assert before
    for record_id, record in before.items():
        assert after[record_id]["SystemModstamp"] == record["SystemModstamp"]
        assert after[record_id]["Cold_Lead_Eligible__c"] is False


def test_formulas_equal_their_definition_for_every_lead(shared) -> None:
    for client, flags, bounced in (
        (shared.icare, ("Is_Customer__c", "Is_Partner__c"), "external_hard_bounced__c"),
        (shared.core, ("Customer__c", "Partner__c"), "Ext_Hard_Bounced__c"),
    ):
        parents = ", ".join(f"Matched_Account__r.{flag}" for flag in flags)
        leads = client.records(
            f"SELECT IsConverted, HasOptedOutOfEmail, Email, pi__pardot_hard_bounced__c, {bounced}, {parents},"
            " overall_hard_bounced__c, Cold_Lead_Eligible__c FROM Lead",
            deleted=True,
        )
        for lead in leads:
            overall = lead["pi__pardot_hard_bounced__c"] or lead[bounced]
            related = any((lead["Matched_Account__r"] or {}).get(flag) == "Yes" for flag in flags)
            eligible = not (lead["IsConverted"] or lead["HasOptedOutOfEmail"] or overall or related)
            assert lead["overall_hard_bounced__c"] is overall
            assert lead["Cold_Lead_Eligible__c"] is (eligible and lead["Email"] is not None)
        assert {lead["Cold_Lead_Eligible__c"] for lead in leads} == {True, False}


def test_retrieve_keeps_the_order_and_gives_null_for_what_is_not_there(world, leads) -> None:
    deleted = world.icare.records("SELECT Id FROM Lead WHERE IsDeleted = true LIMIT 1", deleted=True)[0]["Id"]
    missing = salesforce_id("Lead", "icare", 999_999)
    body = {"ids": [leads[1], missing, leads[0][:15], deleted], "fields": ["Industry", "Cold_Lead_Eligible__c"]}
    records = world.icare.request("POST", "composite/sobjects/Lead", json=body).raise_for_status().json()
    assert [record and record["Id"] for record in records] == [leads[1], None, leads[0], None]
    assert list(records[0]) == ["attributes", "Id", "Industry", "Cold_Lead_Eligible__c"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("Lead", {"ids": [], "fields": ["Nope"]}, 400, "INVALID_FIELD"),
        ("Lead", {"ids": ["x"], "fields": ["Id"]}, 400, "MALFORMED_ID"),
        ("Lead", {"ids": ["00QIc0aaaaaaaaA"] * 2_001, "fields": ["Id"]}, 400, "EXCEEDED_ID_LIMIT"),
        ("Lead", {"ids": "x"}, 400, "JSON_PARSER_ERROR"),
        ("Nope", {"ids": [], "fields": []}, 404, "NOT_FOUND"),
    ],
)
def test_retrieve_refusals(shared, path, body, status, code) -> None:
    answer = shared.icare.request("POST", f"composite/sobjects/{path}", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
