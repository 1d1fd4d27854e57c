"""The orgs under Salesforce's own host names: TLS, the way to the right org, and no way to anywhere else."""

import ssl

import httpx
import jwt
import pytest

LOGIN, TEST, ICARE = (f"https://{one}.salesforce.com" for one in ("login", "test", "icare.my"))
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    '<login xmlns="urn:partner.soap.sforce.com">'
    "<username>outreach@{0}.example</username><password>password-{0}TOKEN</password></login></e:Body></e:Envelope>"
)


@pytest.fixture
def client(front):
    """A client that knows nothing but the proxy and the CA."""
    with httpx.Client(proxy=front.proxy, verify=ssl.create_default_context(cafile=front.ca_file)) as client:
        yield client


def _organization(client: httpx.Client, token: dict[str, str]) -> str:
    """The name of the org that a token's answer leads to."""
    answer = client.get(
        f"{token['instance_url']}/services/data/v62.0/query",
        params={"q": "SELECT Name FROM Organization"},
        headers={"Authorization": f"Bearer {token['access_token']}"},
    )
    return answer.raise_for_status().json()["records"][0]["Name"]


@pytest.mark.parametrize("org", ["icare", "core"])
def test_client_credentials_at_my_domain(client, front, org) -> None:
    grant = {"grant_type": "client_credentials"}
    url = f"https://{org}.my.salesforce.com"
    token = client.post(f"{url}/services/oauth2/token", data=grant, auth=(f"app-{org}", f"secret-{org}")).json()
    assert token["instance_url"] == url
    (own,) = getattr(front, org).records("SELECT Name FROM Organization")
    assert _organization(client, token) == own["Name"]


def test_client_credentials_at_a_login_host_are_refused(client) -> None:
    grant = {"grant_type": "client_credentials", "client_id": "app-core", "client_secret": "secret-core"}
    answer = client.post(f"{LOGIN}/services/oauth2/token", data=grant)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "request not supported on this domain"}


@pytest.mark.parametrize("host", [LOGIN, TEST])
@pytest.mark.parametrize("org", ["icare", "core"])
def test_a_login_host_finds_the_org_of_each_sign_in(client, front, host, org) -> None:
    claims = {"iss": f"app-{org}", "sub": f"outreach@{org}.example", "aud": host, "exp": 9_999_999_999}
    assertion = jwt.encode(claims, front.private_key_file.read_text(), algorithm="RS256")
    app = {"client_id": f"app-{org}", "client_secret": f"secret-{org}"}
    for form in (
        {"grant_type": JWT_BEARER, "assertion": assertion},
        {"grant_type": "refresh_token", "refresh_token": f"refresh-{org}"} | app,
    ):
        token = client.post(f"{host}/services/oauth2/token", data=form).raise_for_status().json()
        assert token["instance_url"] == f"https://{org}.my.salesforce.com"
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        for page in (token["id"], f"{host}/services/oauth2/userinfo"):
            assert client.get(page, headers=headers).json()["organization_id"] == token["id"].split("/")[-2]
    answer = client.post(f"{host}/services/Soap/u/59.0", content=ENVELOPE.format(org))
    assert f"<serverUrl>https://{org}.my.salesforce.com/services/Soap/u/59.0/00D" in answer.raise_for_status().text


def test_a_login_host_refuses_whom_no_org_knows(client) -> None:
    form = {"grant_type": "refresh_token", "client_id": "app-nobody", "client_secret": "?", "refresh_token": "?"}
    answer = client.post(f"{LOGIN}/services/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_id")


@pytest.mark.parametrize(
    "url",
    ["https://example.com/", "https://other.my.salesforce.com/", f"{ICARE}:8443/", "http://login.salesforce.com/"],
)
def test_the_proxy_leads_nowhere_else(client, front, url) -> None:
    if url.startswith("https"):
        with pytest.raises(httpx.ProxyError, match="403"):
            client.get(url)
    else:
        assert client.get(url).status_code == 403
    with httpx.Client() as direct:
        assert direct.get(front.proxy).status_code == 403


def test_the_ca_must_be_trusted_and_its_key_is_gone(front) -> None:
    with (
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        httpx.Client(proxy=front.proxy) as client,
    ):
        client.get(ICARE)
    assert [one.name for one in front.directory.glob("*key*")] == ["salesforce-server-key.pem"]
    assert all(one.stat().st_mode & 0o077 == 0 for one in front.directory.glob("*private*"))
