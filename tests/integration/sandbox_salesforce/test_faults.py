"""Planned faults: each strikes the requests it names, as often as it says, and leaves the rest alone."""

import httpx
import pytest

QUERY = "SELECT Id FROM Lead LIMIT 3"


@pytest.fixture
def change(world) -> dict:
    (one,) = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
    return world.icare.record("Lead", one["Id"], external_hard_bounced__c=True)


def test_status(world) -> None:
    world.icare.control("POST", "faults", kind="status", path="/query", times=2, org="icare", after=1)
    assert world.icare.query(QUERY).status_code == 200
    for _ in range(2):
        answer = world.icare.query(QUERY)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (503, "SERVER_UNAVAILABLE")
    assert world.icare.query(QUERY).status_code == 200
    assert world.core.query(QUERY).status_code == 200


def test_expired_token_in_the_middle_of_a_load(world) -> None:
    size = {"Sforce-Query-Options": "batchSize=200"}
    first = world.icare.query("SELECT Id FROM Lead", deleted=True, **size).json()
    world.icare.control("POST", "faults", kind="expire_token", path="/query/01g")
    assert world.icare.request("GET", first["nextRecordsUrl"]).status_code == 401
    grant = {"grant_type": "client_credentials", "client_id": "app-icare", "client_secret": "secret-icare"}
    world.icare.token = world.icare.sign_in(**grant).json()["access_token"]
    assert world.icare.request("GET", first["nextRecordsUrl"]).status_code == 200


def test_malformed_page(world) -> None:
    world.icare.control("POST", "faults", kind="malformed_page", path="queryAll")
    answer = world.icare.query(QUERY, deleted=True)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert len(world.icare.query(QUERY, deleted=True).json()["records"]) == 3


@pytest.mark.parametrize(("kind", "is_applied"), [("response_lost", True), ("drop_connection", False)])
def test_lost_answers(world, change, kind, is_applied) -> None:
    world.icare.control("POST", "faults", kind=kind, path="PATCH .*composite/sobjects")
    with pytest.raises(httpx.RemoteProtocolError):
        world.icare.update(change)
    assert bool(world.icare.control("GET", "writes")["writes"]) is is_applied
    assert world.icare.update(change).json()[0]["success"]


def test_locked_rows(world, change) -> None:
    others = world.icare.records(f"SELECT Id FROM Lead WHERE IsConverted = false AND Id != '{change['id']}' LIMIT 2")
    changes = [change, *(world.icare.record("Lead", one["Id"], external_hard_bounced__c=True) for one in others)]
    world.icare.control("POST", "faults", kind="lock_row", path="composite/sobjects", times=2)
    first = world.icare.update(*changes).json()
    assert [row["success"] for row in first] == [False, False, True]
    assert first[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert all(row["success"] for row in world.icare.update(*changes).json())


def test_plans_can_be_cleared_and_wrong_ones_are_refused(world) -> None:
    world.icare.control("POST", "faults", kind="status", path="")
    world.icare.control("DELETE", "faults")
    assert world.icare.query(QUERY).status_code == 200
    for wrong in ({"kind": "earthquake"}, {"kind": "status", "path": "("}, {"kind": "status", "colour": "red"}):
        with pytest.raises(httpx.HTTPStatusError):
            world.icare.control("POST", "faults", **wrong)


def test_requests_are_recorded_with_salesforce_headers_but_no_secret(world, change) -> None:
    world.icare.request(
        "PATCH",
        "composite/sobjects",
        json={"records": [change]},
        headers={"Sforce-Auto-Assign": "FALSE", "Sforce-Call-Options": "client=tester"},
    )
    last = world.core.control("GET", "requests")["requests"][-1]
    assert last == {
        "org": "icare",
        "method": "PATCH",
        "path": "/services/data/v62.0/composite/sobjects",
        "status": 200,
        "fault": None,
        "headers": {"sforce-auto-assign": "FALSE", "sforce-call-options": "client=tester"},
    }
    assert world.icare.control("GET", "writes")["writes"][0]["client"] == "tester"
