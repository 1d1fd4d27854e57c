"""Counts and groups, FIELDS, words for dates, and locators that grow old."""

from collections import Counter
from datetime import date

import pytest

from sandbox.salesforce.literals import days


def test_groups_are_counted_by_field_and_parent(shared) -> None:
    leads = shared.icare.records("SELECT GBU__c, Email, Owner.Name FROM Lead")
    answer = shared.icare.query("SELECT GBU__c, COUNT(Id), COUNT(Email) mails FROM Lead GROUP BY GBU__c").json()
    assert answer["records"][0]["attributes"] == {"type": "AggregateResult"}
    assert {one["GBU__c"]: one["expr0"] for one in answer["records"]} == Counter(one["GBU__c"] for one in leads)
    assert sum(one["mails"] for one in answer["records"]) == sum(one["Email"] is not None for one in leads)
    assert (answer["totalSize"], answer["done"]) == (len(answer["records"]), True)
    owners = shared.icare.records(
        "SELECT Owner.Name, COUNT(Id) n FROM Lead GROUP BY Owner.Name ORDER BY COUNT(Id) DESC"
    )
    expected = Counter(one["Owner"]["Name"] for one in leads)
    assert {one["Name"]: one["n"] for one in owners} == expected
    assert [one["n"] for one in owners] == sorted(expected.values(), reverse=True)


def test_having_keeps_some_groups(shared) -> None:
    leads = shared.icare.records("SELECT GBU__c, Country FROM Lead WHERE Country != 'Germany'")
    sizes = Counter(one["GBU__c"] for one in leads)
    most, some = max(sizes.values()), sorted(sizes)[0]
    query = "SELECT GBU__c, COUNT(Id) n FROM Lead WHERE Country != 'Germany' GROUP BY GBU__c HAVING "
    for having, expected in (
        (f"COUNT(Id) >= {most}", {gbu for gbu, size in sizes.items() if size == most}),
        (f"NOT (COUNT(Id) >= {most} OR MIN(CreatedDate) > TODAY)", {gbu for gbu, size in sizes.items() if size < most}),
        (f"GBU__c = '{some}'", {some}),
        (f"GBU__c IN ('{some}') AND COUNT(Id) < 1", set()),
    ):
        assert {one["GBU__c"] for one in shared.icare.records(query + having)} == expected, having
    for having in ("Country = 'Germany'", "COUNT(Id) > 'x'", "FIELDS(ALL) = 1", ""):
        assert shared.icare.query(query + having).status_code == 400
    assert shared.icare.query("SELECT Id FROM Lead WHERE COUNT(Id) > 1").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_figures_of_all_records(shared) -> None:
    leads = shared.icare.records("SELECT CreatedDate, OwnerId FROM Lead")
    query = "SELECT COUNT(Id), COUNT_DISTINCT(OwnerId) owners, MIN(CreatedDate), MAX(CreatedDate) latest FROM Lead"
    (figures,) = shared.icare.records(query)
    times = [one["CreatedDate"] for one in leads]
    assert figures.pop("attributes")
    assert figures == {
        "expr0": len(leads),
        "owners": len({one["OwnerId"] for one in leads}),
        "expr1": min(times),
        "latest": max(times),
    }


def test_deleted_records_are_counted_only_by_query_all(shared) -> None:
    query = "SELECT IsDeleted, COUNT(Id) FROM Lead GROUP BY IsDeleted"
    assert [one["IsDeleted"] for one in shared.icare.records(query)] == [False]
    assert [one["IsDeleted"] for one in shared.icare.records(query, deleted=True)] == [False, True]


def test_too_many_groups_need_a_limit(shared, monkeypatch) -> None:
    monkeypatch.setattr("sandbox.salesforce.query.MOST_PER_PAGE", 100)
    refused = shared.icare.query("SELECT Id, COUNT(Name) FROM Lead GROUP BY Id").json()
    assert refused[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert len(shared.icare.records("SELECT Id, COUNT(Name) FROM Lead GROUP BY Id LIMIT 100")) == 100


def test_fields_of_a_kind(shared) -> None:
    described = {one["name"] for one in shared.icare.request("GET", "sobjects/Lead/describe").json()["fields"]}
    custom = {name for name in described if name.endswith("__c")}
    for kind, names in (("ALL", described), ("CUSTOM", custom)):
        records = shared.icare.records(f"SELECT FIELDS({kind}) FROM Lead LIMIT 200")
        assert (len(records), records[0].keys() - {"attributes"}) == (200, names)
    (lead,) = shared.icare.records("SELECT fields(standard), GBU__c, Owner.Name FROM Lead LIMIT 1")
    assert lead.keys() - {"attributes"} == (described - custom) | {"GBU__c", "Owner"}


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-09-01", "2026-09-02"),
        ("yesterday", "2026-08-31", "2026-09-01"),
        ("tomorrow", "2026-09-02", "2026-09-03"),
        ("last_n_days:3", "2026-08-29", "2026-09-02"),
        ("next_n_days:3", "2026-09-02", "2026-09-05"),
        ("n_days_ago:2", "2026-08-30", "2026-08-31"),
        ("last_90_days", "2026-06-03", "2026-09-02"),
        ("this_week", "2026-08-30", "2026-09-06"),
        ("last_week", "2026-08-23", "2026-08-30"),
        ("this_month", "2026-09-01", "2026-10-01"),
        ("last_n_months:9", "2025-12-01", "2026-09-01"),
        ("next_n_years:2", "2027-01-01", "2029-01-01"),
        ("last_quarter", "2026-04-01", "2026-07-01"),
        ("next_quarter", "2026-10-01", "2027-01-01"),
        ("next_year", "2027-01-01", "2028-01-01"),
    ],
)
def test_words_for_dates(text, first, after) -> None:
    assert days(text, date(2026, 9, 1)) == (date.fromisoformat(first), date.fromisoformat(after))


def test_a_word_for_dates_in_a_condition(shared) -> None:
    leads = shared.icare.records("SELECT CreatedDate FROM Lead")
    before = sum(one["CreatedDate"] < "2026-08" for one in leads)
    assert shared.icare.count("Lead WHERE CreatedDate < LAST_MONTH") == before > 0
    assert shared.icare.count("Lead WHERE CreatedDate >= last_month") == len(leads) - before


def test_a_locator_lives_two_days(world) -> None:
    size = {"Sforce-Query-Options": "batchSize=200"}
    more = world.icare.query("SELECT Id FROM Lead", **size).json()["nextRecordsUrl"]
    world.icare.control("POST", "advance", days=1)
    assert world.icare.request("GET", more).status_code == 200
    world.icare.control("POST", "advance", days=2)
    answer = world.icare.request("GET", more)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_bulk_takes_only_the_standard_fields(shared) -> None:
    for kind, status in (("STANDARD", 200), ("ALL", 400), ("CUSTOM", 400)):
        body = {"operation": "query", "query": f"SELECT FIELDS({kind}) FROM Campaign LIMIT 10"}
        assert shared.icare.request("POST", "jobs/query", json=body).status_code == status


def test_the_columns_of_a_query_as_the_sf_command_line_asks_for_them(shared) -> None:
    def columns(soql: str):
        answer = shared.icare.request("GET", "query", params={"q": soql, "columns": "true"})
        return answer.raise_for_status().json()["columnMetadata"]

    def column(name: str, *below, shown: str | None = None, is_aggregate: bool = False):
        return {"columnName": name, "displayName": shown or name, "aggregate": is_aggregate, "joinColumns": [*below]}

    assert columns("SELECT id, Owner.name, Owner.Id FROM lead") == [
        column("Id"),
        column("Owner", column("Name"), column("Id")),
    ]
    assert columns("SELECT Status, count(Id) many FROM Lead GROUP BY Status") == [
        column("Status"),
        column("many", shown="count(Id)", is_aggregate=True),
    ]
    assert columns("SELECT count() FROM Lead") == []
    wrong = shared.icare.request("GET", "query", params={"q": "SELECT Nope FROM Lead", "columns": "true"})
    assert wrong.json()[0]["errorCode"] == "INVALID_FIELD"
