"""Reports over HTTP: columns, rows with short ids, the ceiling of 2,000 rows, filters and limits."""

from datetime import timedelta

from sandbox.world.ids import salesforce_id_sql, to_18


def _report(client, name: str) -> str:
    return {one["name"]: one["id"] for one in client.request("GET", "analytics/reports").json()}[name]


def _run(client, name: str, *filters: tuple[str, str, str], **params: str):
    path = f"analytics/reports/{_report(client, name)}"
    if not filters:
        return client.request("GET", path, params=params)
    given = [dict(zip(("column", "operator", "value"), one, strict=True)) for one in filters]
    return client.request("POST", path, params=params, json={"reportMetadata": {"reportFilters": given}})


def _rows(answer) -> list[dict]:
    body = answer.raise_for_status().json()
    columns = body["reportMetadata"]["detailColumns"]
    rows = body["factMap"]["T!T"]["rows"]
    return [dict(zip(columns, (cell["value"] for cell in row["dataCells"]), strict=True)) for row in rows]


def test_a_report_describes_its_columns(shared) -> None:
    report = _report(shared.icare, "Leads")
    described = shared.icare.request("GET", f"analytics/reports/{report}/describe").json()
    columns = described["reportMetadata"]["detailColumns"]
    assert columns[:3] == ["Lead.Id", "Lead.Name", "Lead.Email"]
    assert list(described["reportExtendedMetadata"]["detailColumnInfo"]) == columns
    assert described["reportMetadata"]["reportFormat"] == "TABULAR"
    assert shared.icare.records("SELECT Id FROM Report WHERE Name = 'Leads'")[0]["Id"] == report
    assert shared.icare.request("GET", f"analytics/reports/{report[:15]}/describe").status_code == 200
    for unknown in ("00O000000000001", "nonsense"):
        assert shared.icare.request("GET", f"analytics/reports/{unknown}").status_code == 404


def test_ids_in_cells_have_15_characters_and_other_values_are_those_of_the_records(shared) -> None:
    fields = "Id, LeadId, Lead.Email, Campaign.Name, Status, Has_Replied__c, FirstRespondedDate"
    members = {one["Id"]: one for one in shared.icare.records(f"SELECT {fields} FROM CampaignMember")}
    answer = _run(shared.icare, "Campaign Members")
    rows = _rows(answer)
    assert {len(row["CampaignMember.Id"]) for row in rows} == {15}
    assert {to_18(row["CampaignMember.Id"]) for row in rows} == members.keys()
    for row in rows:
        member = members[to_18(row["CampaignMember.Id"])]
        assert row["CampaignMember.LeadId"] == (member["LeadId"] and member["LeadId"][:15])
        assert row["CampaignMember.Lead.Email"] == (member["Lead"] and member["Lead"]["Email"])
        assert row["CampaignMember.Has_Replied__c"] is member["Has_Replied__c"]
        assert row["CampaignMember.FirstRespondedDate"] == member["FirstRespondedDate"]
    facts = answer.json()["factMap"]["T!T"]
    assert facts["aggregates"][0]["value"] == len(members)
    assert answer.json()["allData"] is True


def test_no_more_than_2000_rows_and_all_data_says_so(world) -> None:
    copies = salesforce_id_sql("Lead", "icare", "100000 + number")
    world.state.execute(
        f"""insert into icare."Lead" by name
        select * exclude (number) replace ({copies} as "Id", 'Copy' as "Company")
        from (select * from icare."Lead" where not "IsDeleted" limit 1), range(1700) as copies(number)"""
    )
    count = world.icare.count("Lead")
    body = _run(world.icare, "Leads").json()
    assert count > 2_000
    assert (body["allData"], len(body["factMap"]["T!T"]["rows"])) == (False, 2_000)
    assert body["factMap"]["T!T"]["aggregates"][0] == {"label": f"{count:,}", "value": count}
    rest = _run(world.icare, "Leads", ("Lead.Company", "equals", "copy")).json()
    assert (rest["allData"], len(rest["factMap"]["T!T"]["rows"])) == (True, 1_700)
    short = _run(world.icare, "Leads", includeDetails="false").json()
    assert (short["hasDetailRows"], "rows" in short["factMap"]["T!T"]) == (False, False)


def test_filters_by_id_checkbox_and_time(shared) -> None:
    lead, *_ = shared.icare.records("SELECT Id FROM Lead ORDER BY Id LIMIT 5")
    rows = _rows(_run(shared.icare, "Leads", ("Lead.Id", "equals", lead["Id"][:15])))
    assert [row["Lead.Id"] for row in rows] == [lead["Id"][:15]]
    since = "2026-07-01T00:00:00Z"
    filters = [("Lead.HasOptedOutOfEmail", "equals", "True"), ("Lead.CreatedDate", "lessThan", since)]
    expected = shared.icare.count(f"Lead WHERE HasOptedOutOfEmail = true AND CreatedDate < {since}")
    assert len(_rows(_run(shared.icare, "Leads", *filters))) == expected > 0
    for wrong in (("Nope", "equals", "x"), ("Lead.Name", "like", "x")):
        assert _run(shared.icare, "Leads", wrong).status_code == 400


def test_reports_are_limited_by_the_hour(world, monkeypatch) -> None:
    assert world.icare.request("GET", "limits").json()["HourlySyncReportRuns"] == {"Max": 500, "Remaining": 500}
    monkeypatch.setattr("sandbox.salesforce.limits.HOURLY_REPORT_RUNS", 2)
    report = _report(world.icare, "Leads")
    for _ in range(2):
        assert world.icare.request("POST", f"analytics/reports/{report}").status_code == 200
    assert world.icare.request("GET", "limits").json()["HourlySyncReportRuns"] == {"Max": 2, "Remaining": 0}
    assert world.icare.request("GET", f"analytics/reports/{report}").status_code == 403
    world.state.clock.now += timedelta(hours=1)
    assert world.icare.request("GET", f"analytics/reports/{report}").status_code == 200


def test_a_column_that_the_user_must_not_see_is_not_in_the_report(world) -> None:
    world.icare.control("POST", "permissions", org="icare", object="Lead", field="Email", access="none")
    body = _run(world.icare, "Leads").json()
    assert "Lead.Email" not in body["reportMetadata"]["detailColumns"]
    assert body["factMap"]["T!T"]["rows"]


def test_the_limits_resource_names_every_allocation(shared) -> None:
    limits = shared.icare.request("GET", "limits").json()
    assert list(limits) == sorted(limits)
    assert limits.keys() >= {"DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkApiBatches", "DataStorageMB"}
    assert all(0 <= one["Remaining"] <= one["Max"] for one in limits.values())
