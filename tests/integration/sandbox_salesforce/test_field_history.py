"""Field history of leads: who changed which tracked field, and for how long that is known."""

FIELDS = "Id, LeadId, Field, OldValue, NewValue, CreatedById, CreatedDate"


def _history(client, lead: str, *, deleted: bool = False) -> list[dict]:
    return client.records(f"SELECT {FIELDS} FROM LeadHistory WHERE LeadId = '{lead}' ORDER BY Field", deleted=deleted)


def test_tracked_fields_leave_a_line_with_both_values(world) -> None:
    world.icare.become("administrator")
    where = "IsConverted = false AND Industry = null"
    leads = world.icare.records(f"SELECT Id, Title, company_description__c FROM Lead WHERE {where}")
    lead = next(one for one in leads if one["company_description__c"] is None)
    changes = {"Title": "Chief", "Country": "Malta", "Industry": "Energy", "company_description__c": "Long."}
    world.icare.row("PATCH", f"Lead/{lead['Id']}", **changes)
    world.icare.row("PATCH", f"Lead/{lead['Id']}", Title="Chief")
    lines = _history(world.icare, lead["Id"])
    assert [(one["Field"], one["OldValue"], one["NewValue"]) for one in lines] == [
        ("company_description__c", None, None),
        ("Industry", None, "Energy"),
        ("Title", lead["Title"], "Chief"),
    ]
    assert {one["CreatedDate"] for one in lines} == {"2026-09-01T06:00:01.000+0000"}
    user = world.icare.records("SELECT Id FROM User WHERE Name = 'Outreach Integration'")[0]["Id"]
    assert {one["CreatedById"] for one in lines} == {user}


def test_history_is_shown_for_18_months_and_by_query_all_for_24(world) -> None:
    world.icare.become("administrator")
    lead = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")[0]["Id"]
    for title in "abc":
        world.icare.row("PATCH", f"Lead/{lead}", Title=title)
    for title, months in (("a", 17), ("b", 20), ("c", 25)):
        world.state.execute(
            f"""update icare."LeadHistory" set "CreatedDate" = timestamp '2026-09-01' - interval {months} month
            where "LeadId" = ? and "NewValue" = ?""",
            [lead, title],
        )
    assert [one["NewValue"] for one in _history(world.icare, lead)] == ["a"]
    assert {one["NewValue"] for one in _history(world.icare, lead, deleted=True)} == {"a", "b"}


def test_history_is_described_as_that_of_its_object_and_nobody_writes_it(world) -> None:
    world.icare.become("administrator")
    described = world.icare.request("GET", "sobjects/LeadHistory/describe").json()
    assert (described["associateParentEntity"], described["associateEntityType"]) == ("Lead", "History")
    assert (described["createable"], described["updateable"], described["replicateable"]) == (False, False, False)
    assert world.icare.query("SELECT Id FROM CampaignMemberHistory").json()[0]["errorCode"] == "INVALID_TYPE"
