"""Bulk API 2.0 query jobs: states, pages that respect line breaks in values, options, refusals, and planned faults."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator

import httpx
import pytest

LEADS = "SELECT Id, Email, CreatedDate, ConvertedDate, IsConverted, Owner.Name, Matched_Account__r.Name FROM Lead"
TRICKY = 'one\ntwo "three", four\r\nfive; \u2028 "'


def create(client, query: str = LEADS, operation: str = "query", **body) -> httpx.Response:
    return client.request("POST", "jobs/query", json={"operation": operation, "query": query} | body)


def job(client, query: str = LEADS, operation: str = "query", **body) -> str:
    """The address of a job that is complete."""
    address = f"jobs/query/{create(client, query, operation, **body).raise_for_status().json()['id']}"
    assert client.request("GET", address).json()["state"] == "JobComplete"
    return address


def pages(client, address: str, **parameters) -> Iterator[httpx.Response]:
    locator = ""
    while locator != "null":
        more = parameters | ({"locator": locator} if locator else {})
        page = client.request("GET", f"{address}/results", params=more).raise_for_status()
        yield page
        locator = page.headers["sforce-locator"]


def rows(page: httpx.Response, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(page.content.decode(), newline=""), delimiter=delimiter, strict=True))


@pytest.fixture(scope="module")
def described(shared) -> list[str]:
    """The leads of the shared world, in which every third has a description that is hard to write as CSV."""
    ids = [one["Id"] for one in shared.icare.records("SELECT Id FROM Lead ORDER BY Id")]
    shared.state.execute(
        'update icare."Lead" set company_description__c = if("Id" in (select unnest(?)), ?, null)', [ids[::3], TRICKY]
    )
    return ids


def test_the_life_of_a_job(shared) -> None:
    created = create(shared.icare).raise_for_status().json()
    assert created["id"].startswith("750")
    assert created | {"id": "", "createdById": "", "createdDate": "", "systemModstamp": ""} == {
        "id": "",
        "operation": "query",
        "object": "Lead",
        "createdById": "",
        "createdDate": "",
        "systemModstamp": "",
        "state": "UploadComplete",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 62.0,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    address = f"jobs/query/{created['id']}"
    info = shared.icare.request("GET", address).json()
    assert (info["state"], info["jobType"], info["retries"]) == ("JobComplete", "V2Query", 0)
    assert info["numberRecordsProcessed"] == shared.icare.count("Lead")
    assert isinstance(info["totalProcessingTime"], int)
    assert created["id"] in [one["id"] for one in shared.icare.request("GET", "jobs/query").json()["records"]]
    assert shared.icare.request("GET", f"jobs/query/{created['id'][:15]}").json()["id"] == created["id"]
    assert shared.core.request("GET", address).status_code == 404
    assert shared.icare.request("DELETE", address).status_code == 204
    for path in (address, f"{address}/results"):
        assert shared.icare.request("GET", path).json()[0]["errorCode"] == "NOT_FOUND"


def test_values_equal_those_of_rest_in_the_notation_of_bulk(shared) -> None:
    (page,) = pages(shared.icare, job(shared.icare))
    found = {row["Id"]: row for row in rows(page)}
    records = shared.icare.records(LEADS)
    assert page.headers["sforce-numberofrecords"] == str(len(records)) == str(len(found))
    assert page.headers["content-type"].startswith("text/csv")
    for record in records:
        assert found[record["Id"]] == {
            "Id": record["Id"],
            "Email": record["Email"] or "",
            "CreatedDate": record["CreatedDate"].replace("+0000", "Z"),
            "ConvertedDate": record["ConvertedDate"] or "",
            "IsConverted": "true" if record["IsConverted"] else "false",
            "Owner.Name": record["Owner"]["Name"],
            "Matched_Account__r.Name": (record["Matched_Account__r"] or {"Name": ""})["Name"],
        }
    assert page.text.startswith('"Id","Email",')
    assert ',"",' in page.text  # also a value that is not there is quoted
    assert any(row["ConvertedDate"] for row in found.values())


def test_deleted_records_only_in_query_all(shared) -> None:
    query = "SELECT Id, IsDeleted FROM Lead"
    living, everything = (
        {
            row["Id"]: row["IsDeleted"]
            for page in pages(shared.icare, job(shared.icare, query, kind))
            for row in rows(page)
        }
        for kind in ("query", "queryAll")
    )
    assert set(living.values()) == {"false"}
    assert living.keys() == {record_id for record_id, is_deleted in everything.items() if is_deleted == "false"}
    assert len(everything) > len(living)


@pytest.mark.parametrize("size", [1, 7, 100, 99_999])
def test_pages_of_any_size_break_between_records_and_not_inside_them(shared, described, size) -> None:
    query = "SELECT Id, company_description__c FROM Lead ORDER BY Id LIMIT 100"
    address = job(shared.icare, query)
    found = list(pages(shared.icare, address, maxRecords=size))
    assert [int(page.headers["sforce-numberofrecords"]) for page in found] == [len(rows(page)) for page in found]
    assert len(found) == -(-100 // size)
    read = [(row["Id"], row["company_description__c"]) for page in found for row in rows(page)]
    assert read == [(one, "" if place % 3 else TRICKY) for place, one in enumerate(described[:100])]
    again = shared.icare.request("GET", f"{address}/results", params={"maxRecords": 60, "locator": "NDA"})
    assert [row["Id"] for row in rows(again)] == described[40:100]


@pytest.mark.parametrize(
    ("delimiter", "character"),
    [("BACKQUOTE", "`"), ("CARET", "^"), ("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("TAB", "\t")],
)
def test_delimiters_and_line_endings(shared, described, delimiter, character) -> None:
    options = {"columnDelimiter": delimiter, "lineEnding": "CRLF"}
    address = job(shared.icare, "SELECT Id, company_description__c FROM Lead ORDER BY Id LIMIT 2", **options)
    (first,) = pages(shared.icare, address)
    header, value = f'"Id"{character}"company_description__c"', TRICKY.replace('"', '""')
    expected = f'{header}\r\n"{described[0]}"{character}"{value}"\r\n"{described[1]}"{character}""\r\n'
    assert first.content.decode() == expected


def test_gzip_when_the_client_takes_it(shared) -> None:
    address = f"{job(shared.icare)}/results"
    plain = shared.icare.request("GET", address, headers={"Accept-Encoding": "identity"})
    packed = shared.icare.request("GET", address, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    with httpx.stream("GET", str(packed.request.url), headers=packed.request.headers) as stream:
        raw = b"".join(stream.iter_raw())
    assert len(raw) < len(plain.content)
    assert gzip.decompress(raw) == plain.content


def test_nothing_found_is_a_header(shared) -> None:
    (page,) = pages(shared.icare, job(shared.icare, "SELECT Id, Email FROM Lead WHERE Country = 'Atlantis'"))
    assert (page.text, page.headers["sforce-numberofrecords"]) == ('"Id","Email"\n', "0")


def test_results_need_the_version_of_the_job(shared) -> None:
    address = job(shared.icare)
    other = shared.icare.request("GET", f"/services/data/v61.0/{address}/results")
    assert other.status_code == 409
    assert shared.icare.request("GET", f"/services/data/v61.0/{address}").json()["state"] == "JobComplete"


def test_a_job_sees_the_org_as_it_was_when_it_was_created(world) -> None:
    world.icare.control("POST", "faults", kind="slow_job", path="jobs/query", polls=1)
    address = f"jobs/query/{create(world.icare, 'SELECT Id FROM Lead').json()['id']}"
    before = world.icare.count("Lead")
    world.state.execute('update icare."Lead" set "IsDeleted" = true')
    assert world.icare.request("GET", address).json()["state"] == "InProgress"
    assert world.icare.request("GET", address).json()["numberRecordsProcessed"] == before
    assert world.icare.count("Lead") == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Address FROM Lead", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Account.BillingAddress FROM Contact", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Country FROM Lead GROUP BY Country", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT count() FROM Lead", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT MAX(CreatedDate) FROM Lead", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id FROM Lead LIMIT 3 OFFSET 2", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id FROM TaskWhoRelation", "INVALIDENTITY"),
        ("SELECT Nope__c FROM Lead", "INVALID_FIELD"),
        ("SELECT Id, id FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
def test_queries_that_are_refused(shared, query, code) -> None:
    answer = create(shared.icare, query)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_literals_and_semi_joins_are_no_reason_to_refuse(shared) -> None:
    query = (
        "SELECT Id FROM Lead WHERE LastName != 'x, (SELECT count() GROUP BY OFFSET 2' AND Id IN"
        " (SELECT LeadId FROM CampaignMember)"
    )
    (page,) = pages(shared.icare, job(shared.icare, query))
    assert {row["Id"] for row in rows(page)} == {one["Id"] for one in shared.icare.records(query)}


@pytest.mark.parametrize(
    "body", [{"operation": "insert"}, {"columnDelimiter": "SPACE"}, {"lineEnding": "CR"}, {"operation": None}]
)
def test_options_that_are_refused(shared, body) -> None:
    answer = shared.icare.request("POST", "jobs/query", json={"operation": "query", "query": LEADS} | body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALIDJOB")


@pytest.mark.parametrize("parameters", [{"locator": "nonsense"}, {"locator": "MTAwMDA"}, {"maxRecords": 0}])
def test_pages_that_are_refused(shared, parameters) -> None:
    assert shared.icare.request("GET", f"{job(shared.icare)}/results", params=parameters).status_code == 400


@pytest.mark.parametrize(
    ("kind", "end"), [("slow_job", "JobComplete"), ("fail_job", "Failed"), ("abort_job", "Aborted")]
)
def test_jobs_that_are_slow_or_end_badly(world, kind, end) -> None:
    world.icare.control("POST", "faults", kind=kind, path="jobs/query", polls=2, org="icare")
    address = f"jobs/query/{create(world.icare).json()['id']}"
    states = [world.icare.request("GET", address).json() for _ in range(4)]
    assert [one["state"] for one in states] == ["InProgress", "InProgress", end, end]
    assert not any("error" in key.lower() for one in states for key in one)
    results = world.icare.request("GET", f"{address}/results")
    assert results.status_code == (200 if end == "JobComplete" else 400)
    assert job(world.icare)  # the plan was for one job


def test_aborting(world) -> None:
    world.icare.control("POST", "faults", kind="slow_job", polls=100)
    address = f"jobs/query/{create(world.icare).json()['id']}"
    assert world.icare.request("DELETE", address).status_code == 400
    assert world.icare.request("GET", f"{address}/results").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert world.icare.request("PATCH", address, json={"state": "UploadComplete"}).status_code == 400
    assert world.icare.request("PATCH", address, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert world.icare.request("GET", address).json()["state"] == "Aborted"
    refused = world.icare.request("PATCH", job(world.icare), json={"state": "Aborted"})
    assert refused.json() == [{"errorCode": "INVALIDJOBSTATE", "message": "Aborting already Completed Job not allowed"}]
    assert world.icare.request("DELETE", address).status_code == 204


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_page_that_is_cut_off(world, encoding) -> None:
    address = f"{job(world.icare)}/results"
    headers = {"Accept-Encoding": encoding}
    whole = world.icare.request("GET", address, headers=headers)
    world.icare.control("POST", "faults", kind="body_cut", path="/results")
    received = b""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("GET", str(whole.request.url), headers=whole.request.headers) as stream,
    ):
        assert stream.headers["sforce-locator"] == "null"
        for chunk in stream.iter_raw():
            received += chunk
    assert received
    if encoding == "gzip":
        received = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(received)
    assert len(received) < len(whole.content)
    assert whole.content.startswith(received)
    assert world.icare.request("GET", address, headers=headers).content == whole.content


def test_a_page_that_is_short_although_it_seems_complete(world) -> None:
    address = f"{job(world.icare)}/results"
    headers = {"Accept-Encoding": "identity"}
    whole = world.icare.request("GET", address, headers=headers)
    world.icare.control("POST", "faults", kind="malformed_page", path="/results")
    half = world.icare.request("GET", address, headers=headers)
    assert half.headers["sforce-numberofrecords"] == whole.headers["sforce-numberofrecords"]
    assert half.content == whole.content[: len(whole.content) // 2]


def test_jobs_are_forgotten_after_seven_days(world) -> None:
    address = job(world.icare)
    files = list((world.directory / "bulk" / "icare").iterdir())
    assert len(files) == 2
    world.icare.control("POST", "advance", days=8)
    assert world.icare.request("GET", address).status_code == 404
    assert list((world.directory / "bulk" / "icare").iterdir()) == []


def test_limits_count_jobs_and_megabytes(world) -> None:
    job(world.icare)
    limits = world.icare.request("GET", "limits").json()
    assert limits["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 9_999}
    assert limits["DailyBulkV2QueryFileStorageMB"]["Max"] == 976_562
    assert limits["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 15_000}
    assert world.core.request("GET", "limits").json()["DailyBulkV2QueryJobs"]["Remaining"] == 10_000
