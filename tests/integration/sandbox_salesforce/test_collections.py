"""sObject Collections over HTTP: read, create, update, upsert and delete, and what makes a whole call fail."""

import pytest

from sandbox.world.ids import salesforce_id

MISSING = salesforce_id("Lead", "icare", 999_999)


@pytest.fixture
def admin(world):
    world.icare.become("administrator")
    return world.icare


def _lead(name: str, **fields):
    return {"attributes": {"type": "Lead"}, "LastName": name, "Company": "New", **fields}


def _collection(client, method: str, path: str = "", **content):
    content = content if method in {"GET", "DELETE"} else {"json": content}
    headers = {"Sforce-Auto-Assign": "FALSE"}
    return client.request(method, f"composite/sobjects{path}", headers=headers, **content)


def _ids(client, count: int, where: str = "IsConverted = false") -> list[str]:
    return [one["Id"] for one in client.records(f"SELECT Id FROM Lead WHERE {where} ORDER BY Id LIMIT {count}")]


def _code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def _row_codes(answer) -> list[str]:
    assert answer.status_code == 200
    return [row["errors"][0]["statusCode"] if row["errors"] else "ok" for row in answer.json()]


def test_records_are_read_in_order_with_null_for_what_is_missing(shared) -> None:
    first, second = _ids(shared.icare, 2)
    wanted = [second[:15], MISSING, first, second]
    by_body = _collection(shared.icare, "POST", "/Lead", ids=wanted, fields=["Email", "Owner.Name"]).json()
    assert [one and one["Id"] for one in by_body] == [second, None, first, second]
    params = {"ids": ",".join(wanted), "fields": "Email,Owner.Name"}
    assert _collection(shared.icare, "GET", "/Lead", params=params).json() == by_body
    assert _code(_collection(shared.icare, "GET", "/Lead", params={"ids": first})) == (400, "MISSING_ARGUMENT")
    assert _code(_collection(shared.icare, "POST", "/Lead", ids=["x"], fields=[])) == (400, "MALFORMED_ID")
    too_many = _collection(shared.icare, "POST", "/Lead", ids=[first] * 2_001, fields=["Id"])
    assert _code(too_many) == (400, "EXCEEDED_ID_LIMIT")
    assert len(_collection(shared.icare, "POST", "/Lead", ids=[first] * 2_000, fields=["Id"]).json()) == 2_000
    assert _code(_collection(shared.icare, "POST", "/Lead", ids=[first], fields=["Nope"])) == (400, "INVALID_FIELD")


def test_records_are_created_of_several_types(admin) -> None:
    campaign = {"attributes": {"type": "Campaign"}, "Name": "New campaign"}
    rows = _collection(admin, "POST", records=[_lead("One"), campaign, _lead("Two", Email="no address")]).json()
    assert [row["success"] for row in rows] == [True, True, False]
    assert [row.get("id", "")[:3] for row in rows] == ["00Q", "701", ""]
    assert rows[2]["errors"][0]["fields"] == ["Email"]
    assert admin.count(f"Lead WHERE Id = '{rows[0]['id']}' AND LastName = 'One'") == 1


def test_all_or_none_takes_everything_back(admin) -> None:
    answer = _collection(admin, "POST", allOrNone=True, records=[_lead("Gone"), _lead("Bad", Email="x"), _lead("Gone")])
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert _row_codes(answer) == [rolled_back, "INVALID_EMAIL_ADDRESS", rolled_back]
    first, second = _ids(admin, 2)
    changes = [admin.record("Lead", first, Title="New"), admin.record("Lead", MISSING, Title="New")]
    answer = _collection(admin, "PATCH", allOrNone=True, records=changes)
    assert _row_codes(answer) == [rolled_back, "INVALID_CROSS_REFERENCE_KEY"]
    params = {"ids": f"{first},{second},{MISSING}", "allOrNone": "true"}
    answer = _collection(admin, "DELETE", params=params)
    assert _row_codes(answer) == [rolled_back, rolled_back, "INVALID_CROSS_REFERENCE_KEY"]
    assert admin.count("Lead WHERE LastName = 'Gone' OR Title = 'New'") == 0
    assert admin.count(f"Lead WHERE Id IN ('{first}', '{second}')") == 2
    assert admin.control("GET", "writes")["writes"] == []


def test_records_are_upserted_by_external_id(admin) -> None:
    given = [_lead("One", Legacy_Id__c="A"), _lead("Two", Legacy_Id__c="B"), _lead("Again", Legacy_Id__c="a")]
    first = _collection(admin, "PATCH", "/Lead/Legacy_Id__c", records=given)
    assert _row_codes(first) == ["ok", "ok", "DUPLICATE_VALUE"]
    given = [_lead("Three", Legacy_Id__c="C"), _lead("Uno", Legacy_Id__c="A"), _lead("Nobody")]
    second = _collection(admin, "PATCH", "/Lead/Legacy_Id__c", records=given)
    assert [row.get("created") for row in second.json()] == [True, False, None]
    assert second.json()[1]["id"] == first.json()[0]["id"]
    leads = admin.records("SELECT LastName FROM Lead WHERE Legacy_Id__c != null ORDER BY Legacy_Id__c")
    assert [one["LastName"] for one in leads] == ["Uno", "Two", "Three"]
    other = {"attributes": {"type": "Contact"}, "LastName": "x", "Legacy_Id__c": "D"}
    assert _code(_collection(admin, "PATCH", "/Lead/Legacy_Id__c", records=[other])) == (400, "INVALID_INPUT")
    assert _code(_collection(admin, "PATCH", "/Lead/Company", records=given)) == (404, "NOT_FOUND")


def test_records_are_deleted_whatever_their_type(admin) -> None:
    (lead,) = _ids(admin, 1)
    task = admin.records("SELECT Id FROM Task LIMIT 1")[0]["Id"]
    answer = _collection(admin, "DELETE", params={"ids": f"{lead}, {task},{lead},nonsense"})
    assert _row_codes(answer) == ["ok", "ok", "DUPLICATE_VALUE", "MALFORMED_ID"]
    assert admin.count(f"Lead WHERE Id = '{lead}'") == admin.count(f"Task WHERE Id = '{task}'") == 0
    assert _code(_collection(admin, "DELETE")) == (400, "MISSING_ARGUMENT")


def test_the_integration_user_cannot_create_or_delete(world) -> None:
    (lead,) = _ids(world.icare, 1)
    created = _collection(world.icare, "POST", records=[_lead("x")])
    assert _row_codes(created) == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]
    deleted = _collection(world.icare, "DELETE", params={"ids": lead})
    assert _row_codes(deleted) == ["INSUFFICIENT_ACCESS_OR_READONLY"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_too_many_records_or_chunks_fail_the_whole_call(admin, method) -> None:
    campaign = {"attributes": {"type": "Campaign"}, "Name": "x", "id": salesforce_id("Campaign", "icare", 1)}
    lead = _lead("x", id=MISSING)
    assert _code(_collection(admin, method, records=[lead] * 201)) == (400, "EXCEEDED_ID_LIMIT")
    assert _code(_collection(admin, method, records=[lead, campaign] * 5 + [lead])) == (400, "INVALID_INPUT")
    assert _collection(admin, method, records=[lead, lead, campaign] * 5).status_code == 200
    assert _code(_collection(admin, method, records=[{"LastName": "x"}])) == (400, "INVALID_INPUT")
    assert _code(_collection(admin, method, records=[lead | {"attributes": {"type": "Nope"}}])) == (400, "INVALID_TYPE")
    assert _code(_collection(admin, method, records="x")) == (400, "JSON_PARSER_ERROR")


def test_failed_rows_repeat_their_id_only_when_a_switch_says_so(admin) -> None:
    change = admin.record("Lead", MISSING, Title="x")
    assert "id" not in admin.update(change).json()[0]
    admin.control("POST", "switches", org="icare", switches={"failed_rows_have_id": True})
    assert admin.update(change).json()[0]["id"] == MISSING
