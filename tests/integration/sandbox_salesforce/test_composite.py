"""Composite and batch over HTTP: references, conditions of each part, all or none, and limits."""

import pytest

V = "/services/data/v62.0"
LONG_AGO = "Thu, 01 Jan 1998 00:00:00 GMT"


@pytest.fixture
def admin(world):
    world.icare.become("administrator")
    return world.icare


def _part(name: str, method: str, path: str, body=None, **headers: str):
    return {"referenceId": name, "method": method, "url": f"{V}/{path}", "body": body, "httpHeaders": headers}


def _composite(client, *parts, **options):
    body = {"compositeRequest": list(parts)} | options
    answer = client.request("POST", "composite", json=body, headers={"Sforce-Auto-Assign": "FALSE"})
    assert answer.status_code == 200, answer.text
    assert [one["referenceId"] for one in answer.json()["compositeResponse"]] == [one["referenceId"] for one in parts]
    return answer.json()["compositeResponse"]


def _statuses(results) -> list[int]:
    return [one["httpStatusCode"] for one in results]


def _new_lead(**fields):
    return {"LastName": "New", "Company": "New", **fields}


def test_parts_use_what_earlier_parts_answered(admin) -> None:
    results = _composite(
        admin,
        _part("campaign", "GET", "query?q=SELECT+Id,+Name+FROM+Campaign+ORDER+BY+Id+LIMIT+1"),
        _part("lead", "POST", "sobjects/Lead", _new_lead(Title="For @{campaign.records[0].Name}")),
        _part("member", "POST", "sobjects/CampaignMember",
              {"LeadId": "@{lead.id}", "CampaignId": "@{campaign.records[0].Id}"}),
        _part("read", "GET", "sobjects/CampaignMember/@{member.id}?fields=LeadId,Lead.Title,Campaign.Name"),
        _part("gone", "DELETE", "sobjects/Lead/@{lead.id}"),
    )  # fmt: skip
    assert _statuses(results) == [200, 201, 201, 200, 204]
    campaign, lead, _, read, gone = results
    assert lead["httpHeaders"] == {"Location": f"{V}/sobjects/Lead/{lead['body']['id']}"}
    assert read["body"]["LeadId"] == lead["body"]["id"]
    assert read["body"]["Lead"]["Title"] == f"For {read['body']['Campaign']['Name']}"
    assert read["body"]["Campaign"]["Name"] == campaign["body"]["records"][0]["Name"]
    assert gone["body"] is None


def test_each_part_has_its_own_condition(world) -> None:
    where = "IsConverted = false AND external_hard_bounced__c = false"
    first, second = world.icare.records(f"SELECT Id FROM Lead WHERE {where} ORDER BY Id LIMIT 2")
    change = {"external_hard_bounced__c": True}
    seen = world.icare.row("GET", f"Lead/{first['Id']}").headers["last-modified"]
    kept, refused = _composite(
        world.icare,
        _part("a", "PATCH", f"sobjects/Lead/{first['Id']}", change, **{"If-Unmodified-Since": seen}),
        _part("b", "PATCH", f"sobjects/Lead/{second['Id']}", change, **{"If-Unmodified-Since": LONG_AGO}),
    )
    assert (kept["httpStatusCode"], refused["httpStatusCode"]) == (204, 412)
    ids = f"('{first['Id']}', '{second['Id']}')"
    assert world.icare.count(f"Lead WHERE Id IN {ids} AND external_hard_bounced__c = true") == 1


def test_a_part_that_refers_to_a_failed_one_is_halted_and_the_others_go_on(admin) -> None:
    results = _composite(
        admin,
        _part("bad", "POST", "sobjects/Lead", {"LastName": "x"}),
        _part("after", "GET", "sobjects/Lead/@{bad.id}"),
        _part("unknown", "GET", "sobjects/Lead/@{nobody.id}"),
        _part("good", "POST", "sobjects/Lead", _new_lead()),
        _part("nowhere", "GET", "nowhere"),
        _part("method", "PUT", "sobjects/Lead"),
    )
    assert _statuses(results) == [400, 400, 400, 201, 404, 405]
    codes = [one["body"][0]["errorCode"] for one in results[:3]]
    assert codes == ["REQUIRED_FIELD_MISSING", "PROCESSING_HALTED", "PROCESSING_HALTED"]
    assert "bad.id" in results[1]["body"][0]["message"]


def test_all_or_none_takes_back_what_earlier_parts_did(admin) -> None:
    page = {"Sforce-Query-Options": "batchSize=200"}
    (lead,) = admin.records("SELECT Id, Title FROM Lead WHERE IsConverted = false LIMIT 1")
    results = _composite(
        admin,
        _part("leads", "GET", "query?q=SELECT+Id+FROM+Lead", **page),
        _part("new", "POST", "sobjects/Lead", _new_lead(LastName="Rolled back")),
        _part("change", "PATCH", f"sobjects/Lead/{lead['Id']}", {"Title": "Rolled back"}),
        _part("bad", "POST", "sobjects/Lead", {"LastName": "x"}),
        _part("never", "POST", "sobjects/Lead", _new_lead(LastName="Rolled back")),
        allOrNone=True,
    )
    halted = "PROCESSING_HALTED"
    codes = [one["body"][0]["errorCode"] for one in results]
    assert codes == [halted, halted, halted, "REQUIRED_FIELD_MISSING", halted]
    assert admin.count("Lead WHERE LastName = 'Rolled back' OR Title = 'Rolled back'") == 0
    assert admin.control("GET", "writes")["writes"] == []
    results = _composite(
        admin,
        _part("new", "POST", "sobjects/Lead", _new_lead(LastName="Kept")),
        _part("change", "PATCH", f"sobjects/Lead/{lead['Id']}", {"Title": "Kept"}),
        allOrNone=True,
    )
    assert _statuses(results) == [201, 204]
    assert admin.count("Lead WHERE LastName = 'Kept' OR Title = 'Kept'") == 2


def test_a_failed_row_of_a_collection_takes_everything_back(admin) -> None:
    (lead,) = admin.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
    rows = {"records": [admin.record("Lead", lead["Id"], Title="New"), admin.record("Lead", "x", Title="New")]}
    new, rows = _composite(
        admin,
        _part("new", "POST", "sobjects/Lead", _new_lead(LastName="Rolled back")),
        _part("rows", "PATCH", "composite/sobjects", rows),
        allOrNone=True,
    )
    assert new["body"][0]["errorCode"] == rows["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert admin.count("Lead WHERE LastName = 'Rolled back' OR Title = 'New'") == 0


def test_a_call_counts_once_and_locks_strike_its_parts(world) -> None:
    (lead,) = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
    world.icare.control("POST", "faults", kind="lock_row", path="PATCH .*/sobjects/Lead")
    before = world.icare.request("GET", "limits").headers["sforce-limit-info"]
    change = _part("a", "PATCH", f"sobjects/Lead/{lead['Id']}", {"external_hard_bounced__c": True})
    (locked,) = _composite(world.icare, change)
    assert locked["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    after = world.icare.request("GET", "limits").headers["sforce-limit-info"]
    assert [int(one.split("=")[1].split("/")[0]) for one in (before, after)] == [2, 4]


@pytest.mark.parametrize(
    "parts",
    [
        [_part("a", "GET", "limits")] * 2,
        [{"method": "GET", "url": f"{V}/limits"}],
        [_part("a b", "GET", "limits")],
        [_part(f"a{number}", "GET", "limits") for number in range(26)],
        [_part(f"a{number}", "GET", "query?q=SELECT+Id+FROM+Lead") for number in range(6)],
        [],
        "x",
    ],
)
def test_calls_that_are_refused_as_a_whole(shared, parts) -> None:
    answer = shared.icare.request("POST", "composite", json={"compositeRequest": parts})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] in {"INVALID_INPUT", "JSON_PARSER_ERROR"}


def test_parts_cannot_sign_in_nor_nest(shared) -> None:
    results = _composite(
        shared.icare,
        _part("a", "GET", "limits", Authorization="Bearer x"),
        _part("b", "POST", "composite", {"compositeRequest": []}),
        _part("c", "POST", "jobs/query", {}),
    )
    assert _statuses(results) == [400, 404, 404]


def test_batch_describes_objects_as_other_loaders_ask_for_it(shared) -> None:
    parts = [
        {"method": "GET", "url": f"{V}/sobjects/Lead/describe"},
        {"method": "GET", "url": "v62.0/sobjects/Nope/describe"},
        {"method": "GET", "url": "v62.0/limits"},
    ]
    answer = shared.icare.request("POST", "composite/batch", json={"batchRequests": parts}).json()
    assert answer["hasErrors"] is True
    assert [one["statusCode"] for one in answer["results"]] == [200, 404, 200]
    assert answer["results"][0]["result"]["name"] == "Lead"
    halted = shared.icare.request("POST", "composite/batch", json={"batchRequests": parts, "haltOnError": True}).json()
    assert [one["statusCode"] for one in halted["results"]] == [200, 404, 412]


def test_batch_changes_records(world) -> None:
    (lead,) = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
    url, change = f"v62.0/sobjects/Lead/{lead['Id']}", {"external_hard_bounced__c": True}
    body = {"batchRequests": [{"method": "PATCH", "url": url, "richInput": change}]}
    answer = world.icare.request("POST", "composite/batch", json=body).json()
    assert answer == {"hasErrors": False, "results": [{"statusCode": 204, "result": None}]}
    assert world.icare.row("GET", f"Lead/{lead['Id']}").json()["external_hard_bounced__c"] is True
