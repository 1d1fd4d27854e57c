"""SOQL over HTTP: what it finds, how it pages, and how it refuses."""

import pytest

from sandbox.salesforce import soql
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.soql_tree import Comparison, Value

ALL_LEADS = 390  # 65 % of 600


def test_a_record_carries_its_type_address_and_the_fields_asked_for_in_order(shared) -> None:
    answer = shared.icare.query("SELECT LastName, id, CreatedDate, ConvertedDate, IsConverted FROM Lead LIMIT 1")
    assert answer.json()["totalSize"] == 1
    record = answer.json()["records"][0]
    assert list(record) == ["attributes", "LastName", "Id", "CreatedDate", "ConvertedDate", "IsConverted"]
    assert record["attributes"] == {"type": "Lead", "url": f"/services/data/v62.0/sobjects/Lead/{record['Id']}"}
    assert record["CreatedDate"].endswith(".000+0000")
    assert record["ConvertedDate"] is None
    assert record["IsConverted"] is False


def test_parents_are_nested_and_null_where_missing(shared) -> None:
    records = shared.icare.records("SELECT Id, Matched_Account__c, Matched_Account__r.Name, Owner.Name FROM Lead")
    assert all(record["Owner"]["Name"] for record in records)
    assert {record["Matched_Account__r"] is None for record in records} == {True, False}
    for record in records:
        assert (record["Matched_Account__c"] is None) == (record["Matched_Account__r"] is None)


def test_deleted_records_only_in_query_all(shared) -> None:
    everything = shared.icare.records("SELECT Id, IsDeleted, MasterRecordId FROM Lead", deleted=True)
    living = {record["Id"] for record in shared.icare.records("SELECT Id FROM Lead")}
    assert len(everything) == ALL_LEADS
    assert living == {record["Id"] for record in everything if not record["IsDeleted"]}
    assert any(record["MasterRecordId"] for record in everything)


def test_pages_follow_one_another_and_the_locator_says_query_also_for_query_all(shared) -> None:
    size = {"Sforce-Query-Options": "batchSize=200"}
    first = shared.icare.query("SELECT Id FROM Lead ORDER BY SystemModstamp, Id", deleted=True, **size).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (ALL_LEADS, False, 200)
    assert first["nextRecordsUrl"].startswith("/services/data/v62.0/query/01g")
    assert first["nextRecordsUrl"].endswith("-200")
    second = shared.icare.request("GET", first["nextRecordsUrl"], headers=size).json()
    assert (second["done"], len(second["records"]), "nextRecordsUrl" in second) == (True, ALL_LEADS - 200, False)
    ids = [record["Id"] for record in first["records"] + second["records"]]
    assert len(set(ids)) == ALL_LEADS
    again = shared.icare.request("GET", first["nextRecordsUrl"], headers=size).json()
    assert again == second
    whole = shared.icare.query("SELECT Id FROM Lead ORDER BY SystemModstamp, Id", deleted=True).json()
    assert [record["Id"] for record in whole["records"]] == ids


def test_a_locator_that_is_not_open_is_refused(shared) -> None:
    for locator in ("01g000000000001AAA-2000", "nonsense"):
        answer = shared.icare.request("GET", f"query/{locator}")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_text_is_compared_without_case_and_null_is_not_equal_to_anything(shared) -> None:
    leads = shared.icare.records("SELECT Id, Email, LastName, Industry FROM Lead")
    assert shared.icare.count("Lead WHERE LastName = 'o\\'BRIEN'") == sum(one["LastName"] == "O'Brien" for one in leads)
    assert shared.icare.count("Lead WHERE Email = null") == sum(one["Email"] is None for one in leads) > 0
    assert shared.icare.count("Lead WHERE Email != null") == sum(one["Email"] is not None for one in leads)
    assert shared.icare.count("Lead WHERE Industry != 'energy'") == sum(one["Industry"] != "Energy" for one in leads)
    assert shared.icare.count("Lead WHERE Industry NOT IN ('Energy')") == shared.icare.count(
        "Lead WHERE NOT Industry = 'Energy'"
    )
    assert shared.icare.count("Lead WHERE Email LIKE '%.EXAMPLE'") == sum(
        (one["Email"] or "").lower().endswith(".example") for one in leads
    )
    assert shared.icare.count("Lead WHERE LastName IN ('null', 'na')") == sum(
        one["LastName"] in {"Null", "NA"} for one in leads
    )


def test_a_count_ends_at_the_limit(shared) -> None:
    assert shared.icare.count("Lead LIMIT 3") == 3
    assert shared.icare.count("Lead WHERE Country = 'Atlantis' LIMIT 3") == 0


def test_ids_match_in_both_lengths_and_by_case(shared) -> None:
    record_id = shared.icare.records("SELECT Id FROM Lead LIMIT 1")[0]["Id"]
    assert shared.icare.count(f"Lead WHERE Id = '{record_id}'") == 1
    assert shared.icare.count(f"Lead WHERE Id IN ('{record_id[:15]}')") == 1
    assert shared.icare.count(f"Lead WHERE Id = '{record_id[:14]}{record_id[14].swapcase()}'") in {0, 1}
    refused = shared.icare.query(f"SELECT Id FROM Lead WHERE Id = '{record_id.swapcase()}'")
    assert refused.json()[0]["errorCode"] == "INVALID_QUERY_FILTER_OPERATOR"


def test_times_logic_subqueries_and_parents_in_conditions(shared) -> None:
    leads = shared.icare.records("SELECT Id, CreatedDate, IsConverted, HasOptedOutOfEmail FROM Lead")
    since = "2026-07-01T02:00:00+02:00".replace("+", "%2B")
    answer = shared.icare.request("GET", f"query?q=SELECT+count()+FROM+Lead+WHERE+CreatedDate+>=+{since}")
    recent = [one for one in leads if one["CreatedDate"] >= "2026-07-01T00:00:00"]
    assert answer.json()["totalSize"] == len(recent) > 0
    assert shared.icare.count("Lead WHERE CreatedDate = LAST_N_DAYS:62") == len(recent)
    either = sum(one["IsConverted"] or one["HasOptedOutOfEmail"] for one in leads)
    assert shared.icare.count("Lead WHERE (IsConverted = true OR HasOptedOutOfEmail = true) AND Id != null") == either
    assert shared.icare.count("Lead WHERE NOT (IsConverted = true OR HasOptedOutOfEmail = true)") == len(leads) - either
    members = shared.icare.records("SELECT LeadId FROM CampaignMember WHERE Campaign.AI_Outreach__c = true")
    in_campaign = {one["LeadId"] for one in members} - {None}
    ai = "SELECT Id FROM Campaign WHERE AI_Outreach__c = true"
    found = shared.icare.records(
        f"SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember WHERE CampaignId IN ({ai}))"
    )
    assert {one["Id"] for one in found} == in_campaign & {one["Id"] for one in leads}


def test_order_limit_and_offset(shared) -> None:
    names = [one["Email"] for one in shared.icare.records("SELECT Email FROM Lead ORDER BY Email DESC NULLS LAST")]
    present = [name.lower() for name in names if name]
    assert present == sorted(present, reverse=True)
    assert names[-1] is None
    page = shared.icare.records("SELECT Email FROM Lead ORDER BY Email DESC NULLS LAST LIMIT 5 OFFSET 3")
    assert [one["Email"] for one in page] == names[3:8]


def test_each_org_has_its_own_names(shared) -> None:
    assert shared.core.query("SELECT Business_Unit__c, Ext_Hard_Bounced__c FROM Lead LIMIT 1").status_code == 200
    assert shared.icare.query("SELECT GBU__c, external_hard_bounced__c FROM Lead LIMIT 1").status_code == 200
    refused = shared.core.query("SELECT GBU__c FROM Lead LIMIT 1")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Nope__c FROM Lead", "INVALID_FIELD"),
        ("SELECT pi__comments__c FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE pi__comments__c = 'x'", "INVALID_FIELD"),
        ("SELECT Nope__r.Name FROM Lead", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE IsConverted = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE LastName = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE company_description__c = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead ORDER BY company_description__c", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM Lead WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead WHERE IsConverted > true", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY"),
        ("SELECT FIELDS(CUSTOM) FROM Lead LIMIT 201", "MALFORMED_QUERY"),
        ("SELECT FIELDS(MOST) FROM Lead LIMIT 1", "MALFORMED_QUERY"),
        ("SELECT Id, FIELDS(STANDARD) FROM Lead", "INVALID_FIELD"),
        ("SELECT Id anything FROM Lead", "MALFORMED_QUERY"),
        ("SELECT FIELDS() FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Status, Industry, COUNT(Id) FROM Lead GROUP BY Status", "MALFORMED_QUERY"),
        ("SELECT Status, COUNT(Id) FROM Lead", "MALFORMED_QUERY"),
        ("SELECT CreatedDate, COUNT(Id) FROM Lead GROUP BY CreatedDate", "INVALID_FIELD"),
        ("SELECT MAX(company_description__c) FROM Lead", "INVALID_FIELD"),
        ("SELECT Id, COUNT(Name) FROM Lead GROUP BY Id ORDER BY COUNT(Nope)", "INVALID_FIELD"),
        ("SELECT Id FROM Lead ORDER BY COUNT(Id)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE CreatedDate = LAST_FORTNIGHT", "MALFORMED_QUERY"),
        ("SELECT * FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE IsConverted = true AND IsDeleted = true OR Id = null", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE LastName = 'unclosed", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead; DROP TABLE Lead", "MALFORMED_QUERY"),
        ("SELECT Id", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_refusals(shared, query, code) -> None:
    answer = shared.icare.query(query)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert answer.json()[0]["message"]


def test_accounts_can_be_read_in_the_order_of_their_changes(shared) -> None:
    """dlt's source pages accounts by LastModifiedDate."""
    times = [one["LastModifiedDate"] for one in shared.icare.records("SELECT LastModifiedDate FROM Account")]
    last = sorted(times)[-2]
    later = f"SELECT LastModifiedDate FROM Account WHERE LastModifiedDate > {last} ORDER BY LastModifiedDate ASC"
    assert [one["LastModifiedDate"] for one in shared.icare.records(later)] == [max(times)]


def test_other_addresses_versions_and_methods(shared) -> None:
    assert shared.icare.request("GET", "/services/data").json()[-1]["version"] == "67.0"
    for version in ("31.0", "51.0", "67.0"):
        assert shared.icare.request("GET", f"/services/data/v{version}/limits/").status_code == 200
        assert shared.icare.request("GET", f"//services/data/v{version}//limits").status_code == 200
    unknown = [f"/services/data/v{version}/limits" for version in ("30.0", "68.0", "51", "X")]
    for path in (*unknown, "sobjects/Nope/describe", "nowhere"):
        answer = shared.icare.request("GET", path)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert shared.icare.request("DELETE", "limits").json()[0]["errorCode"] == "METHOD_NOT_ALLOWED"
    assert shared.icare.query(f"SELECT Id FROM Lead WHERE LastName = '{'x' * 17_000}'").status_code == 414


def test_quota_and_world_time_in_the_headers(start) -> None:
    world = start(daily_requests=2)
    first = world.icare.query("SELECT count() FROM Lead")
    assert first.headers["sforce-limit-info"] == "api-usage=1/2"
    assert first.headers["date"] == "Tue, 01 Sep 2026 06:00:01 GMT"
    limits = world.icare.request("GET", "limits").json()["DailyApiRequests"]
    assert limits == {"Max": 2, "Remaining": 0}
    refused = world.icare.query("SELECT count() FROM Lead")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert world.core.query("SELECT count() FROM Lead").status_code == 200


def test_keywords_inside_names_and_values_do_not_confuse_the_parser() -> None:
    query = soql.parse(
        "select Order__c, Notes__c, Limit__c, Counts from From__c where In__c = 'select \\' from \\\\ x'"
    )
    assert [item.path for item in query.items] == ["Order__c", "Notes__c", "Limit__c", "Counts"]
    assert query.where == Comparison("In__c", "=", Value("string", "select ' from \\ x"))
    with pytest.raises(SalesforceError, match="MALFORMED_QUERY"):
        soql.parse("select Id from Lead where Name = '\\q'")
