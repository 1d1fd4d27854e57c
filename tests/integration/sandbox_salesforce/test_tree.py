"""sObject Tree over HTTP: records with records below them, all or none."""

import pytest


@pytest.fixture
def admin(world):
    world.icare.become("administrator")
    return world.icare


def _record(sobject: str, reference: str, **fields):
    return {"attributes": {"type": sobject, "referenceId": reference}, **fields}


def _create(client, sobject: str, *records):
    return client.request("POST", f"composite/tree/{sobject}", json={"records": list(records)})


def test_records_are_created_with_those_below_them(admin) -> None:
    people = {"records": [_record("Contact", "c1", LastName="One"), _record("Contact", "c2", LastName="Two")]}
    account = _record("Account", "a1", Name="New", Contacts=people)
    answer = _create(admin, "Account", account, _record("Account", "a2", Name="Other"))
    assert (answer.status_code, answer.json()["hasErrors"]) == (201, False)
    ids = {one["referenceId"]: one["id"] for one in answer.json()["results"]}
    assert list(ids) == ["a1", "c1", "c2", "a2"]
    contacts = admin.records(f"SELECT Id FROM Contact WHERE AccountId = '{ids['a1']}' ORDER BY LastName")
    assert [one["Id"] for one in contacts] == [ids["c1"], ids["c2"]]


def test_one_refused_record_takes_all_back(admin) -> None:
    people = {"records": [_record("Contact", "c1", LastName="One"), _record("Contact", "c2", Email="one")]}
    answer = _create(admin, "Account", _record("Account", "a1", Name="Gone", Contacts=people))
    assert (answer.status_code, answer.json()["hasErrors"]) == (400, True)
    ((result),) = answer.json()["results"]
    assert (result["referenceId"], result["errors"][0]["statusCode"]) == ("c2", "INVALID_EMAIL_ADDRESS")
    assert admin.count("Account WHERE Name = 'Gone'") == 0


def test_trees_that_are_refused_as_a_whole(admin) -> None:
    for records in (
        [_record("Account", "a", Name="x"), _record("Account", "a", Name="y")],
        [_record("Account", "", Name="x")],
        [_record("Contact", "c", LastName="x")],
        [_record("Account", f"a{number}", Name="x") for number in range(201)],
    ):
        refused = _create(admin, "Account", *records)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
    assert admin.control("GET", "writes")["writes"] == []


def test_the_integration_user_creates_nothing(world) -> None:
    refused = _create(world.icare, "Lead", _record("Lead", "a", LastName="x", Company="y"))
    error = refused.json()["results"][0]["errors"][0]
    assert (refused.status_code, error["statusCode"]) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
