"""Bulk API 2.0 ingest jobs: CSV as strict as Salesforce's, each row its own result, and the write path of REST."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sandbox.world.ids import salesforce_id

BOUNCED = "external_hard_bounced__c"
RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")


def create(client, operation: str = "update", sobject: str = "Lead", **body) -> httpx.Response:
    return client.request("POST", "jobs/ingest", json={"object": sobject, "operation": operation} | body)


def upload(client, content: str | bytes, operation: str = "update", sobject: str = "Lead", **body) -> str:
    """The address of a job with its data."""
    address = f"jobs/ingest/{create(client, operation, sobject, **body).raise_for_status().json()['id']}"
    content = content.encode() if isinstance(content, str) else content
    answer = client.request("PUT", f"{address}/batches", content=content, headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.content) == (201, b"")
    return address


def process(client, address: str) -> dict:
    """Everything about the job once its data is processed."""
    closed = client.request("PATCH", address, json={"state": "UploadComplete"}).raise_for_status().json()
    assert closed["state"] == "UploadComplete"
    return until_it_ends(client, address)


def until_it_ends(client, address: str) -> dict:
    for _ in range(100):
        info = client.request("GET", address).raise_for_status().json()
        if info["state"] not in {"UploadComplete", "InProgress"}:
            return info
    raise AssertionError(info)


def results(client, address: str, delimiter: str = ",") -> list[list[dict[str, str]]]:
    """The rows of the three results: written, failed, unprocessed."""
    contents = [client.request("GET", f"{address}/{name}").raise_for_status().content.decode() for name in RESULTS]
    return [list(csv.DictReader(io.StringIO(one, newline=""), delimiter=delimiter, strict=True)) for one in contents]


@pytest.fixture
def leads(world) -> list[str]:
    query = f"SELECT Id FROM Lead WHERE IsConverted = false AND {BOUNCED} = false ORDER BY Id"
    return [one["Id"] for one in world.icare.records(query)]


@pytest.fixture
def descriptions(world) -> None:
    for name in ("company_description__c", "Industry"):
        world.icare.control("POST", "permissions", org="icare", object="Lead", field=name, access="write")


def test_the_life_of_a_job(world, leads) -> None:
    opened = create(world.icare, assignmentRuleId="01QIc0000000001").raise_for_status().json()
    assert (opened["state"], opened["object"], opened["operation"]) == ("Open", "Lead", "update")
    assert opened["contentUrl"] == f"services/data/v62.0/jobs/ingest/{opened['id']}/batches"
    assert (opened["apiVersion"], opened["assignmentRuleId"]) == (62.0, "01QIc0000000001")
    address = f"jobs/ingest/{opened['id']}"
    assert world.icare.request("PATCH", address, json={"state": "UploadComplete"}).status_code == 400  # no data yet
    put = {"content": f"Id,{BOUNCED}\n{leads[0]},true\n", "headers": {"Content-Type": "text/csv; charset=UTF-8"}}
    assert world.icare.request("PUT", f"/{opened['contentUrl']}/", **put).status_code == 201
    again = world.icare.request("PUT", f"{address}/batches", **put)
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "CLIENTINPUTERROR")
    info = process(world.icare, address)
    assert (info["state"], info["jobType"], info["retries"]) == ("JobComplete", "V2Ingest", 0)
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"], info["apexProcessingTime"]) == (1, 0, 0)
    assert "errorMessage" not in info
    assert opened["id"] in [one["id"] for one in world.icare.request("GET", "jobs/ingest").json()["records"]]
    assert world.icare.request("PUT", f"{address}/batches", **put).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    closed_again = world.icare.request("PATCH", address, json={"state": "UploadComplete"})
    assert closed_again.json()[0]["message"] == "Closing already Completed Job not allowed"
    assert world.icare.request("GET", f"jobs/query/{opened['id']}").status_code == 404
    assert world.icare.request("DELETE", f"jobs/query/{opened['id']}").status_code == 404
    assert world.icare.request("DELETE", address).status_code == 204
    assert world.icare.request("GET", address).status_code == 404
    assert list((world.directory / "bulk" / "icare").iterdir()) == []


def test_rows_go_the_way_of_collections(world, leads) -> None:
    owner = world.icare.records(f"SELECT OwnerId FROM Lead WHERE Id = '{leads[0]}'")[0]["OwnerId"]
    converted = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")[0]["Id"]
    missing = salesforce_id("Lead", "icare", 999_999)
    rows = [(leads[0], "true", ""), (leads[1][:15], "YES", ""), (leads[2], "0", ""), (converted, "true", "")]
    rows += [(missing, "1", ""), (leads[0], "true", ""), ("x", "true", ""), ("", "true", "")]
    rows += [(leads[3], "maybe", ""), (leads[4], "#N/A", ""), (leads[5], "", ""), (leads[6], "true", "Energy")]
    content = f"id,{BOUNCED.upper()},Industry\n" + "".join(f"{','.join(row)}\n" for row in rows)
    address = upload(world.icare, content)
    info = process(world.icare, address)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 12, 8)
    written, failed, unprocessed = results(world.icare, address)
    assert [one["sf__Id"] for one in written] == [leads[5], leads[2], leads[1], leads[0]]  # not as they were sent
    assert {one["sf__Created"] for one in written} == {"false"}
    assert written[-2] == {
        "sf__Id": leads[1],
        "sf__Created": "false",
        "id": leads[1][:15],
        BOUNCED.upper(): "YES",
        "Industry": "",
    }
    assert {one["sf__Id"]: one["sf__Error"].split(":")[0] for one in failed} == {
        converted: "CANNOT_UPDATE_CONVERTED_LEAD",
        missing: "INVALID_CROSS_REFERENCE_KEY",
        leads[0]: "DUPLICATE_VALUE",
        "x": "MALFORMED_ID",
        "": "MISSING_ARGUMENT",
        leads[3]: "INVALID_TYPE_ON_FIELD_IN_RECORD",
        leads[4]: "INVALID_TYPE_ON_FIELD_IN_RECORD",
        leads[6]: "INVALID_FIELD_FOR_INSERT_UPDATE",
    }
    assert all(one["sf__Error"].endswith("--") for one in failed)
    assert next(one["sf__Error"] for one in failed if one["sf__Id"] == leads[6]).endswith(":Industry --")
    assert unprocessed == []
    writes = world.icare.control("GET", "writes")["writes"]
    assert [(one["id"], one["field"], one["new"]) for one in writes] == [
        (leads[0], BOUNCED, "true"),
        (leads[1], BOUNCED, "true"),
        (leads[2], BOUNCED, "false"),
    ]
    assert world.icare.records(f"SELECT OwnerId FROM Lead WHERE Id = '{leads[0]}'")[0]["OwnerId"] == owner


@pytest.mark.parametrize(
    ("operation", "code"),
    [("insert", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), ("delete", "INSUFFICIENT_ACCESS_OR_READONLY")],
)
def test_the_integration_user_neither_creates_nor_deletes(world, leads, operation, code) -> None:
    content = "LastName,Company\nx,y\n" if operation == "insert" else f"Id\n{leads[0]}\n"
    address = upload(world.icare, content, operation)
    info = process(world.icare, address)
    assert (info["state"], info["numberRecordsFailed"]) == ("JobComplete", 1)
    (failed,) = results(world.icare, address)[1]
    assert failed["sf__Error"].startswith(f"{code}:")
    assert world.icare.count(f"Lead WHERE Id = '{leads[0]}'") == 1


def test_an_upsert_by_id_changes_what_is_there(world, leads) -> None:
    content = f"Id,{BOUNCED}\n{leads[0]},true\n,true\n"
    address = upload(world.icare, content, "upsert", externalIdFieldName="Id")
    assert process(world.icare, address)["numberRecordsFailed"] == 1
    written, failed, _ = results(world.icare, address)
    assert [(one["sf__Id"], one["sf__Created"]) for one in written] == [(leads[0], "false")]
    assert [one["sf__Error"].split(":")[0] for one in failed] == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]


def test_an_administrator_creates_deletes_and_upserts(world, leads) -> None:
    world.icare.become("administrator")
    address = upload(world.icare, "LastName,Company,Legacy_Id__c\nnew,y,L1\nlost,,L2\n", "insert")
    assert process(world.icare, address)["numberRecordsFailed"] == 1
    (created,), (failed,), _ = results(world.icare, address)
    assert (created["sf__Created"], failed["sf__Error"].split(":")[0]) == ("true", "REQUIRED_FIELD_MISSING")
    content = "Legacy_Id__c,LastName,Company\nL1,changed,\nL3,newer,z\n"
    address = upload(world.icare, content, "upsert", externalIdFieldName="Legacy_Id__c")
    assert process(world.icare, address)["numberRecordsFailed"] == 0
    written = {one["Legacy_Id__c"]: one for one in results(world.icare, address)[0]}
    assert (written["L1"]["sf__Id"], written["L1"]["sf__Created"]) == (created["sf__Id"], "false")
    assert written["L3"]["sf__Created"] == "true"
    (record,) = world.icare.records("SELECT LastName, Company FROM Lead WHERE Legacy_Id__c = 'L1'")
    assert (record["LastName"], record["Company"]) == ("changed", "y")
    contact = world.icare.records("SELECT Id FROM Contact LIMIT 1")[0]["Id"]
    address = upload(world.icare, f"Id\n{created['sf__Id']}\n{contact}\n", "delete")
    assert process(world.icare, address)["numberRecordsFailed"] == 1
    assert world.icare.count("Lead WHERE Legacy_Id__c = 'L1'") == 0
    assert world.icare.count(f"Contact WHERE Id = '{contact}'") == 1


def test_a_validation_rule_refuses_single_rows(world, leads) -> None:
    rule = {"object": "Lead", "condition": f"Id = '{leads[1]}'", "message": "not this one"}
    world.icare.control("POST", "validation_rules", org="icare", **rule)
    world.icare.control("POST", "permissions", org="icare", bypass=False)
    for names_fields, end in ((True, ":--"), (False, "")):
        switches = {"bulk_errors_name_fields": names_fields}
        world.icare.control("POST", "switches", org="icare", switches=switches)
        address = upload(world.icare, f"Id,{BOUNCED}\n{leads[0]},true\n{leads[1]},true\n")
        assert process(world.icare, address)["numberRecordsFailed"] == 1
        error = results(world.icare, address)[1][0]["sf__Error"]
        assert error == f"FIELD_CUSTOM_VALIDATION_EXCEPTION:not this one{end}"


def test_of_requests_at_the_same_time_one_counts(world, leads) -> None:
    address = f"jobs/ingest/{create(world.icare).json()['id']}"
    content = f"Id,{BOUNCED}\n{leads[0]},true\n".encode()

    def together(*request, **more) -> list[int]:
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(world.icare.request, *request, **more) for _ in range(4)]
            return sorted(one.result().status_code for one in sent)

    put = {"content": content, "headers": {"Content-Type": "text/csv"}}
    assert together("PUT", f"{address}/batches", **put) == [201, 400, 400, 400]
    assert together("PATCH", address, json={"state": "UploadComplete"}) == [200, 400, 400, 400]
    assert until_it_ends(world.icare, address)["numberRecordsProcessed"] == 1
    assert len(world.icare.control("GET", "writes")["writes"]) == 1


def test_assignment_is_a_matter_of_the_job(world, leads) -> None:
    content = f"Id,{BOUNCED}\n{leads[0]},true\n"
    process(world.icare, upload(world.icare, content, assignmentRuleId="01QIc0000000001"))
    fields = [one["field"] for one in world.icare.control("GET", "writes")["writes"]]
    assert fields == [BOUNCED, "OwnerId"]


def test_an_empty_cell_is_ignored_and_a_special_one_is_null(world, leads, descriptions) -> None:
    def stored() -> list[str | None]:
        query = "SELECT Id, company_description__c FROM Lead"
        found = {one["Id"]: one["company_description__c"] for one in world.icare.records(query)}
        return [found[one] for one in leads[:3]]

    process(
        world.icare, upload(world.icare, "Id,company_description__c\n" + "".join(f"{one},x\n" for one in leads[:3]))
    )
    assert stored() == ["x", "x", "x"]
    content = f"Id,company_description__c\n{leads[0]},\n{leads[1]},#N/A\n{leads[2]}, y \n"
    info = process(world.icare, upload(world.icare, content))
    assert info["numberRecordsFailed"] == 0
    assert stored() == ["x", None, " y "]


@pytest.mark.parametrize(
    ("delimiter", "character"),
    [("BACKQUOTE", "`"), ("CARET", "^"), ("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("TAB", "\t")],
)
@pytest.mark.parametrize(("name", "ending"), [("LF", "\n"), ("CRLF", "\r\n")])
def test_dialects(world, leads, descriptions, delimiter, character, name, ending) -> None:
    text = f'one\n"two"{character} ,\u2028 \r\nthree'
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=character, lineterminator=ending)
    writer.writerows([["company_description__c", "Id"], [text, leads[0]]])
    address = upload(world.icare, written.getvalue(), columnDelimiter=delimiter, lineEnding=name)
    assert process(world.icare, address)["numberRecordsFailed"] == 0
    (record,) = world.icare.records(f"SELECT company_description__c FROM Lead WHERE Id = '{leads[0]}'")
    assert record["company_description__c"] == text
    answer = world.icare.request("GET", f"{address}/successfulResults").content.decode()
    header = character.join(f'"{one}"' for one in ("sf__Id", "sf__Created", "company_description__c", "Id"))
    assert answer.startswith(header + ending)
    assert results(world.icare, address, character)[0][0]["company_description__c"] == text


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{0},"true" ', "not valid CSV"),
        ('{0}, "true"', "not valid CSV"),
        ("{0}", "1 columns"),
        ("{0},true,x", "3 columns"),
    ],
)
def test_a_row_that_is_no_valid_csv_fails_alone(world, leads, row, reason) -> None:
    content = f"Id,{BOUNCED}\n{row.format(leads[0])}\n{leads[1]},true\n"
    address = upload(world.icare, content)
    assert process(world.icare, address)["state"] == "JobComplete"
    written, failed, _ = results(world.icare, address)
    assert [one["sf__Id"] for one in written] == [leads[1]]
    assert reason in failed[0]["sf__Error"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"Id,Nope__c,{BOUNCED}\na,b,c\n", "InvalidBatch : Field name not found : Nope__c"),
        ("Id,id\na,b\n", "InvalidBatch : Duplicate field name : Id"),
        (f"Id,{BOUNCED}\r\na,true\r\n", "LineEnding is invalid on user data"),
        (b"Id,LastName\na,\xff\n", "not UTF-8"),
        ("\n", "no valid header"),
    ],
)
def test_a_file_that_cannot_be_processed_fails_the_whole_job(world, content, message) -> None:
    address = upload(world.icare, content)
    info = process(world.icare, address)
    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", 0)
    assert message in info["errorMessage"]
    assert world.icare.control("GET", "writes")["writes"] == []
    unprocessed = world.icare.request("GET", f"{address}/unprocessedRecords/").raise_for_status().content
    sent = content.encode() if isinstance(content, str) else content
    assert unprocessed.replace(b'"', b"").splitlines() == sent.splitlines()


@pytest.mark.parametrize(("kind", "end"), [("fail_job", "Failed"), ("abort_job", "Aborted")])
def test_a_job_that_ends_badly_leaves_rows_unprocessed(world, leads, kind, end) -> None:
    world.icare.control("POST", "faults", kind=kind, path="jobs/ingest", polls=2)
    address = upload(world.icare, f"Id,{BOUNCED}\n" + "".join(f"{one},true\n" for one in leads))
    world.icare.request("PATCH", address, json={"state": "UploadComplete"}).raise_for_status()
    assert world.icare.request("GET", address).json()["state"] == "InProgress"
    assert world.icare.request("GET", f"{address}/failedResults").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    info = until_it_ends(world.icare, address)
    assert info["state"] == end
    assert ("errorMessage" in info) is (end == "Failed")
    written, failed, unprocessed = results(world.icare, address)
    assert (len(written), failed) == (100, [])
    assert [one["Id"] for one in unprocessed] == leads[100:]
    assert len(world.icare.control("GET", "writes")["writes"]) == info["numberRecordsProcessed"] == 100


def test_more_rows_than_a_chunk(world, leads) -> None:
    assert len(leads) > 200
    address = upload(world.icare, f"Id,{BOUNCED}\n" + "".join(f"{one},true\n" for one in leads))
    assert process(world.icare, address)["numberRecordsProcessed"] == len(leads)
    written, _, _ = results(world.icare, address)
    assert sorted(one["sf__Id"] for one in written) == leads
    assert [one["sf__Id"] for one in written] != leads
    assert world.icare.request("GET", "limits").json()["DailyBulkApiBatches"]["Remaining"] == 14_999


def test_locked_rows(world, leads) -> None:
    world.icare.control("POST", "faults", kind="lock_row", path="jobs/ingest", times=2)
    content = f"Id,{BOUNCED}\n" + "".join(f"{one},true\n" for one in leads[:5])
    address = upload(world.icare, content)
    assert process(world.icare, address)["numberRecordsFailed"] == 2
    assert {one["sf__Error"].split(":")[0] for one in results(world.icare, address)[1]} == {"UNABLE_TO_LOCK_ROW"}
    assert process(world.icare, upload(world.icare, content))["numberRecordsFailed"] == 0


def test_aborting_before_any_data(world) -> None:
    address = f"jobs/ingest/{create(world.icare).json()['id']}"
    assert world.icare.request("DELETE", address).status_code == 400
    assert world.icare.request("PATCH", address, json={"state": "Open"}).status_code == 400
    assert world.icare.request("PATCH", address, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert results(world.icare, address) == [[], [], []]
    refused = world.icare.request("PATCH", address, json={"state": "Aborted"})
    assert refused.json()[0]["message"] == "Aborting already Aborted Job not allowed"
    assert world.icare.request("DELETE", address).status_code == 204


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "query"}, "INVALIDJOB"),
        ({"object": "Nope"}, "INVALIDJOB"),
        ({"contentType": "XML"}, "INVALIDJOB"),
        ({"columnDelimiter": "SPACE"}, "INVALIDJOB"),
        ({"operation": "upsert"}, "INVALIDJOB"),
        ({"operation": "upsert", "externalIdFieldName": "Email"}, "INVALIDJOB"),
        ({"assignmentRuleId": "x"}, "INVALIDJOB"),
        ({"operation": "hardDelete"}, "FEATURENOTENABLED"),
    ],
)
def test_jobs_that_are_refused(shared, body, code) -> None:
    answer = shared.icare.request("POST", "jobs/ingest", json={"object": "Lead", "operation": "update"} | body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_uploads_that_are_refused(world) -> None:
    address = f"jobs/ingest/{create(world.icare).json()['id']}"
    as_json = world.icare.request("PUT", f"{address}/batches", content=b"Id\n", headers={"Content-Type": "text/xml"})
    assert as_json.status_code == 415
    csv_type = {"Content-Type": "text/csv"}
    large = world.icare.request("PUT", f"{address}/batches", content=b"x" * 112_500_001, headers=csv_type)
    assert large.status_code == 413
    assert world.icare.request("PUT", f"{address}/batches", content=b"Id\n", headers=csv_type).status_code == 201


def test_bulk_one_says_in_its_own_way_that_it_is_not_enabled(shared) -> None:
    session = {"X-SFDC-Session": shared.icare.token}
    as_json = shared.icare.request(
        "POST", "/services/async/59.0/job", json={}, headers=session | {"Content-Type": "application/json"}
    )
    refusal = {"exceptionCode": "FeatureNotEnabled", "exceptionMessage": "Async API not enabled"}
    assert (as_json.status_code, as_json.json()) == (400, refusal)
    as_xml = shared.icare.request("GET", "/services/async/59.0/job/750/batch", headers=session)
    assert as_xml.status_code == 400
    assert as_xml.headers["content-type"].startswith("application/xml")
    assert "<exceptionCode>FeatureNotEnabled</exceptionCode>" in as_xml.text
    stale = shared.icare.request("GET", "/services/async/59.0/job", headers={"X-SFDC-Session": "stale"})
    assert "<exceptionCode>InvalidSessionId</exceptionCode>" in stale.text
