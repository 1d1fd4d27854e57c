"""Sign-in against a small OpenID provider, over real HTTP: discovery, authorize, token with PKCE, keys, claims."""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.app import dashboard_app
from pipelines.config import Settings
from tests.fixtures.published_marts import publish_example

SECRET = "the client's secret"
SignIn = dict[str, Any]


@dataclass
class Provider:
    """Knows one person; a test changes what it says of them, or how it signs."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"name": "Ada Analyst", "roles": ["marcom"]})
    replaced: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    signing_key: Any = None
    algorithm: str = "RS256"
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    issuer: str | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    async def configuration(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": self.issuer or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256"],
            }
        )

    async def authorize(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        code = f"code{len(self.asked)}"
        self.asked[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    async def token(self, request: Request) -> JSONResponse:
        form = parse_qs((await request.body()).decode())
        user, _, password = base64.b64decode(request.headers["authorization"].split()[1]).decode().partition(":")
        asked = self.asked.pop(form["code"][0])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest()).rstrip(b"=")
        assert (user, httpx.URL(f"?x={password}").params["x"]) == ("dashboard", SECRET)
        assert challenge.decode() == asked["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "ada",
            "aud": "dashboard",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
        }
        signed = jwt.encode(
            claims | self.claims | self.replaced,
            self.signing_key or self.key,
            algorithm=self.algorithm,
            headers={"kid": "one"},
        )
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": signed})

    async def keys(self, _: Request) -> JSONResponse:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return JSONResponse({"keys": [key | {"kid": "one", "use": "sig"}]})


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_example(tmp_path_factory.mktemp("signed_in")).data_dir


@pytest.fixture
def provider(serve: Callable[[ASGIApp], str]) -> Provider:
    provider = Provider()
    provider.url = serve(provider.app())
    return provider


@pytest.fixture
def browser(serve: Callable[[ASGIApp], str], provider: Provider, data_dir: Path) -> Iterator[httpx.Client]:
    """A browser without a session, at a dashboard that knows the provider."""
    dashboard: list[ASGIApp] = []

    async def later(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":  # the dashboard must know its address before it can start
            await dashboard[0](scope, receive, send)

    url = serve(later)
    settings = Settings(
        data_dir=data_dir,
        dashboard={
            "public_url": url,
            "sign_in": {
                "issuer": provider.url,
                "client_id": "dashboard",
                "client_secret": SECRET,
                "session_secret": "x" * 32,
                "viewer_roles": ["marcom"],
                "personal_data_roles": ["sales"],
            },
        },
    )
    dashboard.append(dashboard_app(settings))
    with httpx.Client(base_url=url, follow_redirects=True) as client:
        yield client


def test_who_is_not_signed_in_sees_nothing(browser: httpx.Client) -> None:
    for address in ("/funnel", "/sales.csv", "/funnel/members.csv", "/funnel/report.html"):
        answer = browser.get(address, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_viewer_signs_in_comes_to_the_page_they_wanted_and_sees_masked_data(browser: httpx.Client) -> None:
    answer = browser.get("/funnel/members?stage=replied")
    assert answer.status_code == 200
    assert str(answer.url).endswith("/funnel/members?stage=replied")
    assert "Ada Analyst" in answer.text
    assert "personal data masked" in answer.text
    assert "person3@" not in answer.text


def test_the_role_decides_whether_personal_data_are_shown(browser: httpx.Client, provider: Provider) -> None:
    provider.claims = {"name": "Sam Seller", "roles": "sales"}
    assert "person3@lead3.example" in browser.get("/funnel/members?stage=replied").text


def test_who_has_no_role_is_refused(browser: httpx.Client, provider: Provider) -> None:
    provider.claims = {"roles": ["warehouse"]}
    answer = browser.get("/funnel")
    assert answer.status_code == 403
    assert "no role of yours may see the dashboard" in answer.text
    assert browser.get("/funnel", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "replaced",
    [
        {"aud": "another application"},
        {"iss": "https://evil.example"},
        {"nonce": "of another sign-in"},
        {"exp": 1_600_000_000},
        {"sub": None},
    ],
    ids=lambda replaced: next(iter(replaced)),
)
def test_a_token_with_a_wrong_claim_is_refused(
    browser: httpx.Client, provider: Provider, replaced: dict[str, Any]
) -> None:
    provider.replaced = replaced
    answer = browser.get("/funnel")
    assert answer.status_code == 403
    assert "The sign-in failed." in answer.text


def test_a_token_signed_by_another_key_or_by_a_shared_secret_is_refused(
    browser: httpx.Client, provider: Provider
) -> None:
    provider.signing_key = rsa.generate_private_key(65537, 2048)
    assert browser.get("/funnel").status_code == 403
    provider.signing_key, provider.algorithm = SECRET * 2, "HS256"
    assert browser.get("/funnel").status_code == 403


def test_an_answer_that_nobody_asked_for_is_refused(browser: httpx.Client) -> None:
    assert browser.get("/sign-in/callback?code=stolen&state=guessed").status_code == 403
    assert browser.get("/sign-in/callback?error=access_denied").status_code == 403


def test_a_provider_that_calls_itself_otherwise_is_not_used(browser: httpx.Client, provider: Provider) -> None:
    provider.issuer = "https://evil.example"
    answer = browser.get("/funnel")
    assert answer.status_code == 503
    assert "sign-in provider cannot be reached" in answer.text


def test_signing_out_ends_the_session(browser: httpx.Client) -> None:
    assert browser.get("/funnel").status_code == 200
    cookie = next(iter(browser.cookies.jar))
    assert cookie.has_nonstandard_attr("httponly")
    assert cookie.get_nonstandard_attr("samesite") == "lax"
    assert "You have signed out." in browser.post("/sign-out", follow_redirects=False).text
    assert browser.get("/funnel", follow_redirects=False).headers["location"] == "/sign-in"


def test_from_a_form_a_browser_gets_through_the_provider_and_out(browser: httpx.Client, chromium: Browser) -> None:
    context = chromium.new_context(base_url=str(browser.base_url))
    page = context.new_page()
    page.goto("/sales")
    context.clear_cookies()
    page.get_by_label("Org").select_option("icare")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("org=icare"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_contain_text("You have signed out.")
    context.close()


def test_an_altered_cookie_is_no_session(browser: httpx.Client) -> None:
    browser.get("/funnel")
    cookie = next(iter(browser.cookies.jar))
    cookie.value = "e30" + (cookie.value or "")[3:]
    assert browser.get("/funnel", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("wrong", [{}, {"public_url": "http://dashboard.example"}], ids=["no public_url", "no TLS"])
def test_sign_in_needs_an_address_with_tls(wrong: SignIn) -> None:
    sign_in = {"issuer": "https://id.example", "client_id": "a", "client_secret": "b", "session_secret": "x" * 32}
    with pytest.raises(ValueError, match="public_url"):
        Settings(dashboard={"sign_in": sign_in | {"viewer_roles": ["marcom"]}} | wrong)
