"""The logs of changes and deletions, the recycle bin, merges, and transactions that commit late."""

import pytest

START, END = "2026-09-01T06:00:00+00:00", "2026-09-01T07:00:00Z"


def _log(client, name: str, sobject: str = "Lead", **times: str):
    return client.request("GET", f"sobjects/{sobject}/{name}", params={"start": START, "end": END} | times)


def _changed(client, **times: str) -> list[str]:
    return _log(client, "updated", **times).raise_for_status().json()["ids"]


def _deleted(client, sobject: str = "Lead", **times: str) -> list[str]:
    return [one["id"] for one in _log(client, "deleted", sobject, **times).raise_for_status().json()["deletedRecords"]]


def _leads(client, count: int) -> list[str]:
    where = "IsConverted = false AND external_hard_bounced__c = false"
    return [one["Id"] for one in client.records(f"SELECT Id FROM Lead WHERE {where} ORDER BY Id LIMIT {count}")]


def _bin(client, action: str, **body):
    return client.control("POST", "recycle_bin", org="icare", action=action, **body)


def test_changes_are_logged_by_system_modstamp_and_covered_until_now(world) -> None:
    first, second = _leads(world.icare, 2)
    assert _changed(world.icare) == []
    world.icare.row("PATCH", f"Lead/{second}", external_hard_bounced__c=True)
    world.icare.row("PATCH", f"Lead/{first}", external_hard_bounced__c=True)
    answer = _log(world.icare, "updated").json()
    assert answer == {"ids": [second, first], "latestDateCovered": "2026-09-01T06:00:03.000+0000"}
    assert _changed(world.icare, start="2026-09-01T08:00:02+02:00") == [first]
    assert _changed(world.icare, end="2026-09-01T06:00:02Z") == [second]
    assert _log(world.core, "updated").json()["ids"] == []
    covered = _log(world.icare, "updated", end="2026-09-01T06:00:01Z").json()["latestDateCovered"]
    assert covered == "2026-09-01T06:00:01.000+0000"
    assert _log(world.icare, "updated", "CampaignMember").json()["ids"] == []


def test_deletions_are_logged_until_the_record_is_restored_even_out_of_an_emptied_bin(world) -> None:
    kept, gone = _leads(world.icare, 2)
    _bin(world.icare, "delete", object="Lead", ids=[kept, gone])
    assert _changed(world.icare) == []
    answer = _log(world.icare, "deleted").json()
    assert answer["deletedRecords"] == [
        {"id": one, "deletedDate": "2026-09-01T06:00:01.000+0000"} for one in sorted([kept, gone])
    ]
    assert answer["earliestDateAvailable"] == "2026-08-17T06:00:01.000+0000"
    _bin(world.icare, "undelete", object="Lead", ids=[kept])
    assert (_deleted(world.icare), _changed(world.icare)) == ([gone], [kept])
    assert _bin(world.icare, "empty", object="Lead")["deleted"] > 1
    assert _deleted(world.icare) == [gone]
    assert world.icare.records(f"SELECT Id FROM Lead WHERE Id = '{gone}'", deleted=True) == []
    assert world.icare.row("GET", f"Lead/{gone}").json()[0]["errorCode"] == "NOT_FOUND"


def test_a_merge_leaves_the_losers_in_query_all_with_the_id_of_the_survivor(world) -> None:
    survivor, first, second = _leads(world.icare, 3)
    _bin(world.icare, "merge", survivor=survivor, ids=[first, second])
    losers = world.icare.records(f"SELECT Id, IsDeleted FROM Lead WHERE MasterRecordId = '{survivor}'", deleted=True)
    assert {one["Id"] for one in losers if one["IsDeleted"]} == {first, second}
    assert sorted(_deleted(world.icare)) == sorted([first, second])
    assert _changed(world.icare) == [survivor]
    assert world.icare.count(f"CampaignMember WHERE LeadId IN ('{first}', '{second}')") == 0
    assert world.icare.count(f"Task WHERE WhoId IN ('{first}', '{second}')") == 0
    refused = world.icare.update(world.icare.record("Lead", first, external_hard_bounced__c=True)).json()
    assert refused[0]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"


def test_the_bin_empties_itself_only_when_a_switch_says_so(world) -> None:
    query = "SELECT SystemModstamp FROM Lead WHERE IsDeleted = true AND SystemModstamp < 2026-08-18T00:00:00Z"
    assert world.icare.records(query, deleted=True)
    for switches, is_empty in (({}, False), ({"recycle_bin_days": 15}, True)):
        world.icare.control("POST", "switches", org="icare", switches=switches)
        world.icare.control("POST", "advance", days=1)
        assert (world.icare.records(query, deleted=True) == []) == is_empty
    assert world.icare.records("SELECT Id FROM Lead WHERE IsDeleted = true", deleted=True)


def test_deleted_members_are_gone_from_query_all_when_a_switch_says_so(world) -> None:
    member = world.icare.records("SELECT Id FROM CampaignMember LIMIT 1")[0]["Id"]
    _bin(world.icare, "delete", object="CampaignMember", ids=[member])
    query = f"SELECT Id FROM CampaignMember WHERE Id = '{member}'"
    assert len(world.icare.records(query, deleted=True)) == 1
    world.icare.control("POST", "switches", org="icare", switches={"deleted_members_in_query_all": False})
    assert world.icare.records(query, deleted=True) == []
    assert _deleted(world.icare, "CampaignMember") == [member]


def test_what_commits_late_carries_an_early_stamp_and_is_not_covered_before(world) -> None:
    slow, quick = _leads(world.icare, 2)
    change = world.icare.record("Lead", slow, Title="Late")
    begun = world.icare.control("POST", "transactions", org="icare", records=[change])
    world.icare.row("PATCH", f"Lead/{quick}", external_hard_bounced__c=True)
    answer = _log(world.icare, "updated").json()
    assert answer == {"ids": [quick], "latestDateCovered": "2026-09-01T06:00:01.000+0000"}
    assert world.icare.control("POST", "transactions", org="icare", commit=begun["id"]) == {"written": 1}
    answer = _log(world.icare, "updated").json()
    assert answer == {"ids": [slow, quick], "latestDateCovered": "2026-09-01T06:00:04.000+0000"}
    assert world.icare.row("GET", f"Lead/{slow}", fields="Title,SystemModstamp").json().items() >= {
        ("Title", "Late"),
        ("SystemModstamp", "2026-09-01T06:00:01.000+0000"),
    }


@pytest.mark.parametrize(
    ("sobject", "times", "code"),
    [
        ("Lead", {"start": "2026-08-01T06:00:00Z"}, "INVALID_REPLICATION_DATE"),
        ("Lead", {"start": END, "end": START}, "INVALID_REPLICATION_DATE"),
        ("Lead", {"start": START, "end": START}, "INVALID_REPLICATION_DATE"),
        ("Lead", {"start": "yesterday"}, "INVALID_REPLICATION_DATE"),
        ("Lead", {"start": "2026-09-01T06:00:00"}, "INVALID_REPLICATION_DATE"),
        ("Lead", {"end": ""}, "MISSING_ARGUMENT"),
        ("LeadHistory", {}, "INVALID_TYPE_FOR_OPERATION"),
    ],
)
def test_times_that_are_refused(shared, sobject, times, code) -> None:
    for name in ("updated", "deleted"):
        answer = _log(shared.icare, name, sobject, **times)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_an_object_without_a_recycle_bin_and_one_that_does_not_exist(shared) -> None:
    assert _log(shared.icare, "deleted", "User").json()["deletedRecords"] == []
    assert _log(shared.icare, "updated", "Nope").status_code == 404


def test_limits_and_seconds_of_the_logs_are_switches(world) -> None:
    _bin(world.icare, "delete", object="Lead", ids=_leads(world.icare, 2))
    world.icare.control("POST", "switches", org="icare", switches={"most_replicated_ids": 1})
    assert _log(world.icare, "deleted").json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    switches = {"most_replicated_ids": 2, "replication_ignores_seconds": True}
    assert world.icare.control("POST", "switches", org="icare", switches=switches).items() >= switches.items()
    refused = _log(world.icare, "deleted", end="2026-09-01T06:00:59Z").json()
    assert refused[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    assert len(_deleted(world.icare, end="2026-09-01T06:01:59Z")) == 2
