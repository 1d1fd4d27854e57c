"""Describe: what the integration user sees and may change, per org."""


def _fields(client, sobject: str) -> dict:
    described = client.request("GET", f"sobjects/{sobject}/describe").raise_for_status().json()
    return {field["name"]: field for field in described["fields"]}


def test_the_integration_user_may_change_exactly_the_active_writable_fields(shared) -> None:
    objects = [one["name"] for one in shared.icare.request("GET", "sobjects").json()["sobjects"]]
    writable = {
        org: {
            f"{sobject}.{name}"
            for sobject in objects
            for name, field in _fields(client, sobject).items()
            if field["updateable"]
        }
        for org, client in (("icare", shared.icare), ("core", shared.core))
    }
    members = {"CampaignMember.Has_Replied__c", "CampaignMember.ReplyClassification__c"}
    assert writable == {
        "icare": members | {"Lead.external_hard_bounced__c"},
        "core": members | {"Lead.Ext_Hard_Bounced__c"},
    }


def test_fields_that_the_user_cannot_see_are_absent_and_orgs_differ(shared) -> None:
    icare, core = _fields(shared.icare, "Lead"), _fields(shared.core, "Lead")
    assert "pi__comments__c" not in icare.keys() | core.keys()
    assert {"GBU__c", "Care_Segment__c"} <= icare.keys()
    assert {"Business_Unit__c", "Core_Territory__c"} <= core.keys()
    assert "GBU__c" not in core


def test_locked_fields_formulas_and_picklists(shared) -> None:
    fields = _fields(shared.icare, "Lead")
    assert [fields[name]["updateable"] for name in ("Industry", "company_description__c")] == [False, False]
    assert [name for name, field in fields.items() if field["calculated"]] == [
        "overall_hard_bounced__c",
        "Cold_Lead_Eligible__c",
    ]
    assert "pi__pardot_hard_bounced__c" in fields["overall_hard_bounced__c"]["calculatedFormula"]
    reply = _fields(shared.icare, "CampaignMember")["ReplyClassification__c"]
    assert (reply["type"], reply["restrictedPicklist"]) == ("picklist", True)
    assert {one["value"]: one["active"] for one in reply["picklistValues"]} == {
        "Positive": True,
        "Neutral": True,
        "Negative": True,
        "Interested": False,
    }
    assert fields["Matched_Account__c"]["referenceTo"] == ["Account"]
    assert (fields["CreatedDate"]["type"], fields["ConvertedDate"]["type"]) == ("datetime", "date")


def test_an_administrator_can_lock_and_unlock_fields(world) -> None:
    lead = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")[0]["Id"]
    change = world.icare.record("Lead", lead, Industry="Energy")
    assert world.icare.update(change).json()[0]["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    world.icare.control("POST", "permissions", org="icare", object="Lead", field="Industry", access="write")
    assert _fields(world.icare, "Lead")["Industry"]["updateable"]
    assert world.icare.update(change).json()[0]["success"]
    world.icare.control("POST", "permissions", org="icare", object="Lead", field="Industry", access="none")
    assert "Industry" not in _fields(world.icare, "Lead")
    assert world.icare.query("SELECT Industry FROM Lead").json()[0]["errorCode"] == "INVALID_FIELD"
    assert _fields(world.core, "Lead")["Industry"]["updateable"] is False
