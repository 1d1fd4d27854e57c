"""SOAP login, refresh tokens, and the pages about the signed-in user."""

from dataclasses import replace
from xml.dom import minidom

import httpx
import pytest

ENVELOPE = """<?xml version="1.0" encoding="utf-8" ?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">
  <env:Body><n1:login xmlns:n1="urn:partner.soap.sforce.com">
    <n1:username>{}</n1:username><n1:password>{}</n1:password>
  </n1:login></env:Body>
</env:Envelope>"""


def _login(org, body: str) -> httpx.Response:
    return httpx.post(f"{org.url}/services/Soap/u/59.0", content=body, headers={"SOAPAction": "login"})


def _text(answer: httpx.Response, tag: str) -> str:
    """The text of the one element whose tag, prefix included, is this; clients look for it like that."""
    (_, rest) = answer.text.split(f"<{tag}>")
    minidom.parseString(answer.text)  # noqa: S318  our own answer must be XML
    return rest.split(f"</{tag}>")[0]


def test_soap_login_opens_a_session(shared) -> None:
    answer = _login(shared.icare, ENVELOPE.format("outreach@icare.example", "password-icareTOKEN"))
    assert answer.status_code == 200
    assert replace(shared.icare, token=_text(answer, "sessionId")).count("Organization") == 1
    assert _text(answer, "serverUrl").startswith(f"{shared.icare.url}/services/Soap/u/59.0/00DIc0")
    assert _text(answer, "organizationId").startswith("00D")


@pytest.mark.parametrize(
    "body",
    [
        ENVELOPE.format("outreach@icare.example", "password-icare"),
        ENVELOPE.format("outreach@core.example", "password-icareTOKEN"),
        ENVELOPE.replace("login", "logout"),
        "not XML",
    ],
)
def test_soap_login_is_refused_with_a_fault(shared, body) -> None:
    answer = _login(shared.icare, body)
    assert answer.status_code == 500
    assert _text(answer, "sf:exceptionCode") == "INVALID_LOGIN"
    assert "security token" in _text(answer, "sf:exceptionMessage")


def test_a_refresh_token_opens_a_session_for_its_own_app_only(shared) -> None:
    grant = {"grant_type": "refresh_token", "client_id": "app-icare", "client_secret": "secret-icare"}
    answer = shared.icare.sign_in(**grant, refresh_token="refresh-icare").raise_for_status().json()
    assert replace(shared.icare, token=answer["access_token"]).count("Organization") == 1
    refusals = [
        shared.icare.sign_in(**grant, refresh_token="refresh-core"),
        shared.icare.sign_in(**grant),
        shared.icare.sign_in(**grant | {"client_secret": "?"}, refresh_token="refresh-icare"),
    ]
    assert [(one.status_code, one.json()["error"]) for one in refusals] == [
        (400, "invalid_grant"),
        (400, "invalid_grant"),
        (400, "invalid_client"),
    ]


def test_the_identity_pages_say_who_is_signed_in(shared) -> None:
    grant = {"grant_type": "client_credentials", "client_id": "app-icare", "client_secret": "secret-icare"}
    _, organization, user = shared.icare.sign_in(**grant).json()["id"].rsplit("/", 2)
    (record,) = shared.icare.records(f"SELECT Email FROM User WHERE Id = '{user}'")
    info = shared.icare.request("GET", "/services/oauth2/userinfo").raise_for_status().json()
    identity = shared.icare.request("GET", f"/id/{organization}/{user}").raise_for_status().json()
    assert identity == shared.icare.request("GET", f"/id/{organization[:15]}/{user[:15]}").json()
    for page in (info, identity):
        assert (page["organization_id"], page["user_id"], page["email"]) == (organization, user, record["Email"])
    assert info["sub"] == identity["id"]
    assert (info["preferred_username"], identity["username"]) == ("outreach@icare.example",) * 2


def test_the_identity_pages_refuse_in_one_word(shared) -> None:
    def answer(path: str, **headers: str) -> tuple[int, str]:
        response = httpx.get(shared.icare.url + path, headers=headers)
        return response.status_code, response.text

    token = f"Bearer {shared.icare.token}"
    (core,) = shared.core.records("SELECT Id FROM Organization")
    (icare,) = shared.icare.records("SELECT Id FROM Organization")
    assert answer("/services/oauth2/userinfo") == (403, "Missing_OAuth_Token")
    assert answer("/services/oauth2/userinfo", Authorization="Bearer no") == (403, "Bad_OAuth_Token")
    assert answer(f"/id/{core['Id']}/x", Authorization=token) == (403, "Wrong_Org")
    assert answer(f"/id/{icare['Id']}/x", Authorization=token) == (404, "Bad_Id")
