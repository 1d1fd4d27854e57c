"""The orgs under Salesforce's own host names, for clients that insist on them: TLS, behind a CONNECT proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jwt
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.salesforce.identity import sent_form, sent_login
from sandbox.salesforce.oauth import LOGIN_HOSTS, SignIn, basic_credentials

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

CERTIFIED_HOSTS = (*LOGIN_HOSTS, "*.my.salesforce.com")


class Front:
    """Passes a request to the org whose My Domain it names; at a login host, to the org that the sign-in is for."""

    def __init__(self, orgs: Mapping[str, Org], applications: Mapping[str, ASGIApp]) -> None:
        self._sign_ins = {name: org.sign_in for name, org in orgs.items()}
        self._applications = applications
        self._org_of_host = {sign_in.my_domain: name for name, sign_in in self._sign_ins.items()}

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name that leads here."""
        return (*LOGIN_HOSTS, *self._org_of_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        host = (request.url.hostname or "").lower()
        if host in self._org_of_host:
            await self._applications[self._org_of_host[host]](scope, receive, send)
        elif host in LOGIN_HOSTS:
            body = await request.body()
            await self._applications[self._org_of_sign_in(request, body)](scope, _replay(body, receive), send)
        else:
            await PlainTextResponse(f"There is no org at {host}.", 404)(scope, receive, send)

    def _org_of_sign_in(self, request: Request, body: bytes) -> str:
        """The org that knows a name in the request; when none does, any: it will refuse."""
        names = _names(request, body)
        known = [name for name, sign_in in self._sign_ins.items() if names & _names_of(sign_in)]
        return known[0] if known else next(iter(self._sign_ins))


def _names_of(sign_in: SignIn) -> set[str]:
    return {sign_in.client_id, sign_in.username, sign_in.organization_id[:15]}


def _names(request: Request, body: bytes) -> set[str]:
    """Whatever tells the org: consumer key and username of a sign-in, organization id of a token or an address."""
    form, authorization = sent_form(body), request.headers.get("authorization", "")
    try:
        claims = jwt.decode(form.get("assertion", ""), options={"verify_signature": False})
    except jwt.PyJWTError:
        claims = {}
    return {
        form.get("client_id", ""),
        basic_credentials(authorization)[0],
        str(claims.get("iss", "")),
        str(claims.get("sub", "")),
        sent_login(body)[0],
        authorization.partition(" ")[2].partition("!")[0],
        *(part[:15] for part in request.url.path.split("/")),
    }


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body again that has been read."""
    messages: list[Message] = [{"type": "http.request", "body": body}]

    async def give() -> Message:
        return messages.pop() if messages else await receive()

    return give
