"""jsforce, unmodified: ways of signing in, queries, Collections, Bulk 2.0, and a session that ends."""

import time

import jwt
import pytest

CLIENT = "jsforce"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_URL, MY_DOMAIN = "https://login.salesforce.com", "https://core.my.salesforce.com"
PASSWORD = ["outreach@core.example", "password-coreTOKEN"]
SIGN_IN = """
const jsforce = require("jsforce");
const conn = new jsforce.Connection({ version: "62.0" });
await conn.login(...password);
"""


def _app(url: str) -> dict[str, str]:
    return {"clientId": "app-core", "clientSecret": "secret-core", "loginUrl": url}


def _client_credentials(_) -> tuple[dict[str, str], dict[str, str]]:
    return _app(MY_DOMAIN), {"grant_type": "client_credentials"}


def _refresh_token(_) -> tuple[dict[str, str], dict[str, str]]:
    return _app(LOGIN_URL), {"grant_type": "refresh_token", "refresh_token": "refresh-core"}


def _jwt(front) -> tuple[dict[str, str], dict[str, str]]:
    claims = {"iss": "app-core", "sub": "outreach@core.example", "aud": LOGIN_URL, "exp": int(time.time()) + 180}
    assertion = jwt.encode(claims, front.private_key_file.read_text(), algorithm="RS256")
    return {"loginUrl": LOGIN_URL}, {"grant_type": JWT_BEARER, "assertion": assertion}


@pytest.mark.parametrize("grant", [_client_credentials, _refresh_token, _jwt])
def test_authorizing(client, front, grant) -> None:
    oauth2, parameters = grant(front)
    script = """
const jsforce = require("jsforce");
const conn = new jsforce.Connection({ oauth2 });
const user = await conn.authorize(parameters);
const { records } = await conn.query("SELECT Id, Name FROM Organization");
return [conn.instanceUrl, user, records[0]];
"""
    instance_url, user, organization = client.node(script, oauth2=oauth2, parameters=parameters)
    assert instance_url == MY_DOMAIN
    assert user["organizationId"] == organization["Id"]
    assert organization["Name"] == front.core.records("SELECT Name FROM Organization")[0]["Name"]


def test_a_password_opens_a_session_and_the_id_url_says_whose_it_is(client, front) -> None:
    script = (
        SIGN_IN
        + """
const signedIn = await conn.identity();
delete conn.userInfo;
return [conn.instanceUrl, signedIn, await conn.identity()];
"""
    )
    instance_url, identity, again = client.node(script, password=PASSWORD)
    assert (instance_url, identity["username"]) == (MY_DOMAIN, "outreach@core.example")
    assert again == identity
    assert front.core.count(f"User WHERE Id = '{identity['user_id']}'") == 1


def test_refusals_are_told(client) -> None:
    script = """
const jsforce = require("jsforce");
const told = async (promise) => promise.then(() => "accepted", (error) => `${error.name}: ${error.message}`);
const stranger = new jsforce.Connection({ instanceUrl: oauth2.loginUrl, accessToken: "00D!no" });
return [
  await told(new jsforce.Connection({}).login(password[0], "wrong")),
  await told(new jsforce.Connection({ oauth2 }).authorize({ grant_type: "client_credentials" })),
  await told(stranger.query("SELECT Id FROM Lead")),
];
"""
    login, authorize, query = client.node(script, password=PASSWORD, oauth2=_app(MY_DOMAIN) | {"clientSecret": "?"})
    assert login.startswith("Error: INVALID_LOGIN: Invalid username, password, security token")
    assert authorize == "invalid_client: invalid client credentials"
    assert query == "INVALID_SESSION_ID: Session expired or invalid"


@pytest.mark.parametrize("deleted", [False, True])
def test_a_query_follows_every_page(client, front, deleted) -> None:
    soql = "SELECT Id, Email, IsDeleted, SystemModstamp FROM Lead ORDER BY Id"
    script = (
        SIGN_IN
        + """
const headers = { "Sforce-Query-Options": "batchSize=200" };
const options = { autoFetch: true, maxFetch: 10000, scanAll: deleted, headers };
return (await conn.query(soql, options)).records;
"""
    )
    records = client.node(script, password=PASSWORD, soql=soql, deleted=deleted)
    assert len(records) > 200
    assert records == front.core.records(soql, deleted=deleted)
    assert any(record["IsDeleted"] for record in records) == deleted
    (more,) = {
        one["path"].rsplit("/", 1)[0].removeprefix("/services/data/v62.0/")
        for one in front.core.control("GET", "requests")["requests"]
        if one["path"].rsplit("/", 1)[-1].startswith("01g")
    }
    assert more == "query"  # also for queryAll


def test_describe_and_limits(client, front) -> None:
    script = (
        SIGN_IN
        + """
const { sobjects } = await conn.describeGlobal();
const { fields } = await conn.sobject("Lead").describe();
const { DailyApiRequests } = await conn.limits();
return [sobjects.map((it) => it.name), fields.map((it) => it.name), DailyApiRequests, conn.limitInfo.apiUsage];
"""
    )
    names, fields, daily, usage = client.node(script, password=PASSWORD)
    described = front.core.request("GET", "sobjects/Lead/describe").json()
    assert fields == [one["name"] for one in described["fields"]]
    assert {"Lead", "Contact", "Campaign", "CampaignMember", "Task"} <= set(names)
    assert daily["Max"] == usage["limit"]
    assert daily["Max"] - daily["Remaining"] == usage["used"]


def test_collections_update_and_retrieve(client, front) -> None:
    members = front.core.records("SELECT Id FROM CampaignMember WHERE Has_Replied__c = false LIMIT 2")
    first, second = (one["Id"] for one in members)
    changes = [{"Id": first, "Has_Replied__c": True}, {"Id": second, "ReplyClassification__c": "no such value"}]
    script = (
        SIGN_IN
        + """
const options = { headers: { "Sforce-Auto-Assign": "FALSE" } };
const members = conn.sobject("CampaignMember");
const results = await members.update(changes, options);
const fields = ["Id", "Has_Replied__c", "SystemModstamp"];
return [results, await members.retrieve(changes.map((it) => it.Id), { fields })];
"""
    )
    (written, refused), retrieved = client.node(script, password=PASSWORD, changes=changes)
    assert written == {"id": first, "success": True, "errors": []}
    assert refused["success"] is False
    assert refused["errors"][0]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert [(one["Id"], one["Has_Replied__c"]) for one in retrieved] == [(first, True), (second, False)]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_bulk_query_ends(client, front, deleted) -> None:
    soql = "SELECT Id, Email, SystemModstamp FROM Lead"
    script = (
        SIGN_IN
        + """
conn.bulk2.pollInterval = 100;
const stream = await conn.bulk2.query(soql, { scanAll: deleted });
return await stream.toArray();
"""
    )
    records = client.node(script, password=PASSWORD, soql=soql, deleted=deleted)
    expected = front.core.records(soql, deleted=deleted)
    assert {one["Id"]: one["Email"] for one in records} == {one["Id"]: one["Email"] or "" for one in expected}
    assert len(records) == len(expected)


def test_a_session_that_ends_between_two_pages_is_opened_again(client, front) -> None:
    front.core.control("POST", "faults", kind="expire_token", org="core", path="/query/01g")
    soql = "SELECT Id FROM Lead ORDER BY Id"
    script = (
        SIGN_IN
        + """
const first = conn.accessToken;
const options = { autoFetch: true, maxFetch: 10000, headers: { "Sforce-Query-Options": "batchSize=200" } };
const { records } = await conn.query(soql, options);
return [records.map((it) => it.Id), conn.accessToken !== first];
"""
    )
    ids, is_another = client.node(script, password=PASSWORD, soql=soql)
    front.sign_in()
    assert is_another
    assert ids == [one["Id"] for one in front.core.records(soql)]
