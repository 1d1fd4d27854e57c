"""Who is signing in, and who has: the token endpoint, SOAP login, and the pages about the signed-in user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree  # expat itself stops entities that grow without end
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.oauth import LoginError, OAuthError, SignIn
from sandbox.world.plan import table

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

PARTNER = "{urn:partner.soap.sforce.com}"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
# Clients look tags up by their bare names, so the answer must not give them a prefix.
LOGIN_RESPONSE = (
    '<loginResponse xmlns="urn:partner.soap.sforce.com"><result><passwordExpired>false</passwordExpired>'
    "<sandbox>false</sandbox><serverUrl>{url}</serverUrl><sessionId>{session}</sessionId><userId>{user_id}</userId>"
    "<userInfo><organizationId>{organization_id}</organizationId><userId>{user_id}</userId>"
    "<userName>{username}</userName></userInfo></result></loginResponse>"
)
LOGIN_FAULT = (
    "<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
    '<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
    "<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
)


def identity_routes(org: Org) -> list[Route]:
    """The routes that need no session, or answer without one in their own way."""
    pages = _Pages(org)
    return [
        Route("/services/oauth2/token", pages.token, methods=["POST"]),
        Route("/services/oauth2/userinfo", pages.user_info, methods=["GET", "POST"]),
        Route("/id/{organization_id}/{user_id}", pages.identity),
        Route("/services/Soap/u/{version}", pages.login, methods=["POST"]),
    ]


def sent_form(body: bytes) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl(body.decode(errors="replace")))


def sent_login(body: bytes) -> tuple[str, str]:
    """Username and password of a SOAP login; empty when the body has none."""
    try:
        envelope = ElementTree.fromstring(body)  # noqa: S314  see the import
    except ElementTree.ParseError:
        return "", ""
    login = envelope.find(f".//{PARTNER}login")
    if login is None:
        return "", ""
    return login.findtext(f"{PARTNER}username", ""), login.findtext(f"{PARTNER}password", "")


class _Pages:
    def __init__(self, org: Org) -> None:
        self._org = org

    @property
    def _sign_in(self) -> SignIn:
        return self._org.sign_in

    async def token(self, request: Request) -> Response:
        """Open a session by one of the OAuth grants."""
        form, authorization = sent_form(await request.body()), request.headers.get("authorization", "")
        try:
            return JSONResponse(self._sign_in.token(form, authorization, _origin(request)))
        except OAuthError as error:
            return JSONResponse(error.body(), 400)

    async def login(self, request: Request) -> Response:
        """Open a session by username, password and security token."""
        try:
            session = self._sign_in.login(*sent_login(await request.body()))
        except LoginError as error:
            return _xml(LOGIN_FAULT.format(code=error.code, message=error.message), 500)
        url = f"{self._sign_in.instance_url(_origin(request))}{request.url.path}/{self._sign_in.organization_id[:15]}"
        values = {
            "url": url,
            "session": session,
            "user_id": self._sign_in.user_id,
            "organization_id": self._sign_in.organization_id,
            "username": self._sign_in.username,
        }
        return _xml(LOGIN_RESPONSE.format(**{name: escape(value) for name, value in values.items()}))

    def user_info(self, request: Request) -> Response:
        """The signed-in user, in OpenID Connect's words."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        more = {"sub": self._sign_in.identity_url, "preferred_username": self._sign_in.username, "email_verified": True}
        return JSONResponse(self._about_user() | more)

    def identity(self, request: Request) -> Response:
        """The signed-in user, at the address that a token's answer names."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if request.path_params["organization_id"][:15] != self._sign_in.organization_id[:15]:
            return PlainTextResponse("Wrong_Org", 403)
        if request.path_params["user_id"][:15] != self._sign_in.user_id[:15]:
            return PlainTextResponse("Bad_Id", 404)
        more = {"id": self._sign_in.identity_url, "asserted_user": True, "username": self._sign_in.username}
        return JSONResponse(self._about_user() | more)

    def _refusal(self, request: Request) -> Response | None:
        """These two pages refuse in a way of their own: one word."""
        sent = request.query_params.get("oauth_token")
        authorization = f"Bearer {sent}" if sent else request.headers.get("authorization", "")
        if not authorization:
            return PlainTextResponse("Missing_OAuth_Token", 403)
        try:
            self._sign_in.check(authorization)
        except SalesforceError:
            return PlainTextResponse("Bad_OAuth_Token", 403)
        return None

    def _about_user(self) -> dict[str, Any]:
        name, email, is_active = self._org.service.state.row(
            f'select "Name", "Email", "IsActive" from {table(self._org.name, "User")} where "Id" = ?',
            [self._sign_in.user_id],
        )
        rest = f"https://{self._sign_in.my_domain}/services/data/v{{version}}/"
        return {
            "organization_id": self._sign_in.organization_id,
            "user_id": self._sign_in.user_id,
            "name": name,
            "email": email,
            "active": is_active,
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "urls": {"rest": rest, "query": f"{rest}query/", "sobjects": f"{rest}sobjects/"},
        }


def _origin(request: Request) -> str:
    """Where the request was sent, without a path."""
    return str(request.base_url).rstrip("/")


def _xml(body: str, status: int = 200) -> Response:
    return Response(ENVELOPE.format(body), status, media_type="text/xml")
