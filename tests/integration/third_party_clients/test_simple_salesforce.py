"""simple-salesforce, unmodified: signing in, queries, describes, Collections, Bulk, and a session that ends."""

import csv
import io

import pytest

CLIENT = "simple_salesforce"
APP = {"consumer_key": "app-icare", "consumer_secret": "secret-icare", "domain": "icare.my", "version": "62.0"}
SIGN_IN = "from simple_salesforce import Salesforce\nsf = Salesforce(**connection)\n"


def _jwt(front) -> dict[str, str]:
    key_file = str(front.private_key_file)
    return {"username": "outreach@icare.example", "consumer_key": "app-icare", "privatekey_file": key_file}


def _password(_) -> dict[str, str]:
    return {"username": "outreach@icare.example", "password": "password-icare", "security_token": "TOKEN"}


@pytest.mark.parametrize("connection", [lambda _: APP, _jwt, _password], ids=["client credentials", "JWT", "password"])
def test_signing_in(client, front, connection) -> None:
    script = SIGN_IN + "print(json.dumps([sf.sf_instance, sf.query('SELECT Name FROM Organization')['records']]))"
    instance, [record] = client.python(script, connection=connection(front))
    assert instance == "icare.my.salesforce.com"
    assert record["Name"] == front.icare.records("SELECT Name FROM Organization")[0]["Name"]


@pytest.mark.parametrize(
    ("connection", "code"),
    [
        (lambda _: APP | {"consumer_secret": "?"}, "invalid_client"),
        (lambda _: APP | {"consumer_key": "?"}, "invalid_client_id"),
        (lambda front: _jwt(front) | {"username": "nobody@icare.example"}, "invalid_grant"),
        (lambda _: _password(_) | {"security_token": "?"}, "INVALID_LOGIN"),
    ],
)
def test_a_refusal_carries_salesforces_code(client, front, connection, code) -> None:
    script = """
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed
try:
    Salesforce(**connection)
except SalesforceAuthenticationFailed as error:
    print(json.dumps(error.code))
"""
    assert client.python(script, connection=connection(front)) == code


@pytest.mark.parametrize("include_deleted", [False, True])
def test_query_all_follows_every_page(client, front, include_deleted) -> None:
    soql = "SELECT Id, Email, IsDeleted, SystemModstamp FROM Lead ORDER BY Id"
    script = (
        SIGN_IN
        + """
sf.headers["Sforce-Query-Options"] = "batchSize=200"
print(json.dumps(sf.query_all(soql, include_deleted=include_deleted)["records"]))
"""
    )
    records = client.python(script, connection=APP, soql=soql, include_deleted=include_deleted)
    assert len(records) > 200
    assert records == front.icare.records(soql, deleted=include_deleted)
    assert any(record["IsDeleted"] for record in records) == include_deleted


def test_describe_and_limits(client, front) -> None:
    script = (
        SIGN_IN
        + """
fields = sf.CampaignMember.describe()["fields"]
names = [one["name"] for one in sf.describe()["sobjects"]]
used = sf.limits()["DailyApiRequests"], sf.api_usage["api-usage"]
print(json.dumps([names, [one["name"] for one in fields], used]))
"""
    )
    names, fields, (daily, (used, maximum)) = client.python(script, connection=APP)
    described = front.icare.request("GET", "sobjects/CampaignMember/describe").json()
    assert fields == [one["name"] for one in described["fields"]]
    assert {"Lead", "Contact", "Campaign", "CampaignMember", "Task"} <= set(names)
    assert (daily["Max"], daily["Max"] - daily["Remaining"]) == (maximum, used)


def test_collections_update_writes_and_says_what_failed(client, front) -> None:
    members = front.icare.records("SELECT Id FROM CampaignMember WHERE Has_Replied__c = false LIMIT 2")
    first, second = (one["Id"] for one in members)
    records = [
        front.icare.record("CampaignMember", first, Has_Replied__c=True),
        front.icare.record("CampaignMember", second, ReplyClassification__c="no such value"),
    ]
    script = (
        SIGN_IN
        + """
headers = {"Sforce-Auto-Assign": "FALSE"}
body = {"allOrNone": False, "records": records}
print(json.dumps(sf.restful("composite/sobjects", method="PATCH", json=body, headers=headers)))
"""
    )
    written, refused = client.python(script, connection=APP, records=records)
    assert written == {"id": first, "success": True, "errors": []}
    assert refused["errors"][0]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert front.icare.count(f"CampaignMember WHERE Id IN ('{first}', '{second}') AND Has_Replied__c = true") == 1


@pytest.mark.parametrize("method", ["query", "query_all"])
def test_bulk_query_goes_on_to_the_last_page(client, front, method) -> None:
    soql = "SELECT Id, Email, SystemModstamp FROM Lead"
    script = (
        SIGN_IN
        + """
pages = list(getattr(sf.bulk2.Lead, method)(soql, max_records=150, wait=0.1))
print(json.dumps(pages))
"""
    )
    pages = client.python(script, connection=APP, soql=soql, method=method)
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
    expected = front.icare.records(soql, deleted=method == "query_all")
    assert len(pages) == -(-len(expected) // 150) > 2
    assert {row["Id"]: row["Email"] for row in rows} == {one["Id"]: one["Email"] or "" for one in expected}
    assert len(rows) == len(expected)


def test_bulk_api_1_is_not_enabled(client) -> None:
    script = (
        SIGN_IN
        + """
from simple_salesforce.exceptions import SalesforceMalformedRequest
try:
    sf.bulk.Lead.query("SELECT Id FROM Lead")
except SalesforceMalformedRequest as error:
    print(json.dumps(error.content))
"""
    )
    content = client.python(script, connection=APP)
    assert content == {"exceptionCode": "FeatureNotEnabled", "exceptionMessage": "Async API not enabled"}


def test_a_bulk_update_says_which_rows_failed(client, front) -> None:
    (lead,) = front.icare.records("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
    records = [{"Id": one, "external_hard_bounced__c": "true"} for one in (lead["Id"], "00Q")]
    script = (
        SIGN_IN
        + """
(job,) = sf.bulk2.Lead.update(records=records)
print(json.dumps([job, sf.bulk2.Lead.get_all_ingest_records(job["job_id"])]))
"""
    )
    job, rows = client.python(script, connection=APP, records=records)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    assert [(one["sf__Id"], one["sf__Created"]) for one in rows["successfulRecords"]] == [(lead["Id"], "false")]
    assert [one["sf__Error"].split(":")[0] for one in rows["failedRecords"]] == ["MALFORMED_ID"]
    assert rows["unprocessedRecords"] == []


def test_a_session_that_ends_between_two_pages_is_opened_again(client, front) -> None:
    front.icare.control("POST", "faults", kind="expire_token", org="icare", path="/query/01g")
    soql = "SELECT Id FROM Lead ORDER BY Id"
    script = (
        SIGN_IN
        + """
sf.headers["Sforce-Query-Options"] = "batchSize=200"
first = sf.session_id
ids = [one["Id"] for one in sf.query_all(soql)["records"]]
print(json.dumps([ids, first != sf.session_id]))
"""
    )
    ids, is_another = client.python(script, connection=APP, soql=soql)
    front.sign_in()
    assert is_another
    assert ids == [one["Id"] for one in front.icare.records(soql)]
