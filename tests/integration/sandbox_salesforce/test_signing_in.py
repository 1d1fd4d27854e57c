"""Token flows: client credentials and JWT bearer, as clients in the field send them."""

import time
from dataclasses import replace
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIMS = {"iss": "app-icare", "sub": "outreach@icare.example", "aud": "https://login.salesforce.com"}
YEAR = 31_536_000  # seconds
EXPIRED, LATER = time.time() - 60, time.time() + 86_400  # read when collected, long before some tests run


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """A private key, a stranger's private key, and the file with the public key."""
    own, stranger = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    file = tmp_path_factory.mktemp("keys") / "public.pem"
    file.write_bytes(
        own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    pem = [
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        for key in (own, stranger)
    ]
    return pem[0], pem[1], file


@pytest.fixture(scope="module")
def with_key(keys, generated, run_world, tmp_path_factory: pytest.TempPathFactory):
    """A world that knows the public key."""
    with run_world(generated, tmp_path_factory.mktemp("jwt"), {"public_key_file": str(keys[2])}) as world:
        yield world


def test_client_credentials_in_the_body_or_as_basic_authorization(shared) -> None:
    grant = {"grant_type": "client_credentials"}
    body = shared.icare.sign_in(**grant, client_id="app-icare", client_secret="secret-icare")
    basic = httpx.post(f"{shared.icare.url}/services/oauth2/token", data=grant, auth=("app-icare", "secret-icare"))
    for answer in (body, basic):
        content = answer.raise_for_status().json()
        assert content["token_type"] == "Bearer"
        assert content["instance_url"] == shared.icare.url
        assert content["access_token"].startswith("00DIc0")
        organization, user = content["id"].split("/")[-2:]
        assert (len(organization), user[:3]) == (18, "005")
        assert content["issued_at"].isdigit()
        assert replace(shared.icare, token=content["access_token"]).count("Lead") > 0


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_id": "?", "client_secret": "secret-icare"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "app-icare", "client_secret": "?"}, "invalid_client"),
        ({"grant_type": JWT_BEARER, "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_refusals_are_objects_with_error_and_description(shared, form, error) -> None:
    answer = shared.icare.sign_in(**form)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"exp": int(LATER)}, None),
        ({"exp": str(int(LATER))}, None),
        ({"exp": int(LATER * 1000)}, None),
        ({"exp": LATER + 0.5}, None),
        ({"exp": str(LATER + 0.5)}, None),
        ({"exp": int(LATER) + 10 * YEAR}, None),  # Salesforce documents no latest time
        ({"exp": int(LATER), "aud": "https://test.salesforce.com/"}, None),
        ({"exp": int(LATER), "aud": "https://icare.my.salesforce.com/"}, None),
        ({"exp": int(LATER), "aud": "https://core.my.salesforce.com"}, "audience is invalid"),
        ({"exp": int(EXPIRED)}, "expired authorization code"),
        ({"exp": int(EXPIRED * 1000)}, "expired authorization code"),
        ({"exp": int(LATER), "aud": "https://example.com"}, "audience is invalid"),
        ({"exp": int(LATER), "sub": "somebody@icare.example"}, "user hasn't approved this consumer"),
        ({"exp": int(LATER), "iss": "app-core"}, "client identifier invalid"),
        ({"exp": str(EXPIRED)}, "expired authorization code"),
        ({"exp": True}, "expired authorization code"),
        ({"exp": "soon"}, "invalid assertion"),
        ({"exp": "inf"}, "invalid assertion"),
        ({"exp": float("nan")}, "invalid assertion"),
        ({"exp": 10**400}, "invalid assertion"),
        ({"exp": [int(LATER)]}, "invalid assertion"),
        ({"exp": None}, "invalid assertion"),
        ({}, "invalid assertion"),
    ],
)
def test_jwt_bearer(with_key, keys, claims, refusal) -> None:
    assertion = jwt.encode(CLAIMS | claims, keys[0], algorithm="RS256")
    answer = with_key.icare.sign_in(grant_type=JWT_BEARER, assertion=assertion)
    if refusal is None:
        token = answer.raise_for_status().json()["access_token"]
        assert replace(with_key.icare, token=token).count("Organization") == 1
    else:
        assert (answer.status_code, answer.json()["error_description"]) == (400, refusal)


def test_jwt_of_a_stranger_is_refused(with_key, keys) -> None:
    assertion = jwt.encode(CLAIMS | {"exp": int(LATER)}, keys[1], algorithm="RS256")
    assert with_key.icare.sign_in(grant_type=JWT_BEARER, assertion=assertion).status_code == 400


@pytest.mark.parametrize("token", ["none", "00DIc0aaaaaaaaA!nonsense"])
def test_requests_without_a_session_are_refused_as_an_array(shared, token) -> None:
    answer = replace(shared.icare, token=token).query("SELECT Id FROM Lead")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_token_of_one_org_opens_no_other(shared) -> None:
    assert replace(shared.core, token=shared.icare.token).query("SELECT Id FROM Lead").status_code == 401


def test_control_pages_need_their_token(shared) -> None:
    assert httpx.get(f"{shared.icare.url}/_sandbox/status").status_code == 401
    assert shared.core.control("GET", "status")["orgs"] == ["icare", "core"]
