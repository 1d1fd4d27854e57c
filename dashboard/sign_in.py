"""Sign-in by OpenID Connect where it is configured; without it, whoever reaches the loopback address is the viewer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.rendering import message_page
from dashboard.view import Viewer
from pipelines.config.running import Dashboard, SignIn
from pipelines.errors import ConfigurationError, RefusedError, ServiceError
from pipelines.listening import is_loopback

OPEN_PATHS = ("/sign-in", "/sign-in/callback", "/sign-out", "/health")
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")  # a shared secret proves nothing about the provider
log = logging.getLogger(__name__)


def check_host(dashboard: Dashboard, host: str) -> None:
    """Whether the dashboard may listen on this host.

    Raises:
        ConfigurationError: other machines could reach it, and nobody would have to sign in.
    """
    if dashboard.sign_in is None and not is_loopback(host):
        raise ConfigurationError(
            f"The dashboard does not listen on {host}: other machines could reach it, and no sign-in is configured.",
            next_step="Use 127.0.0.1, or configure [dashboard.sign_in] (docs/dashboard.md).",
        )


def sign_in_middleware(dashboard: Dashboard) -> list[Middleware]:
    """What finds out who looks."""
    sign_in = dashboard.sign_in
    if sign_in is None:
        return [Middleware(LocalViewer, viewer=Viewer(dashboard.shows_personal_data))]
    session = Middleware(
        SessionMiddleware,
        secret_key=sign_in.session_secret.get_secret_value(),
        session_cookie="outreach_session",
        max_age=int(sign_in.session_hours * 3600),
        same_site="lax",  # the provider's redirect brings it along
        https_only=str(dashboard.public_url).startswith("https:"),
    )
    return [session, Middleware(SignedInOnly)]


def sign_in_routes(dashboard: Dashboard) -> list[Route]:
    """The way to the provider and back."""
    if dashboard.sign_in is None:
        return []
    doors = Doors(dashboard, dashboard.sign_in)
    return [
        Route("/sign-in", doors.to_provider),
        Route("/sign-in/callback", doors.from_provider),
        Route("/sign-out", doors.out, methods=["POST"]),
    ]


class LocalViewer:
    """Everybody is the same viewer."""

    def __init__(self, app: ASGIApp, viewer: Viewer) -> None:
        self._app = app
        self._viewer = viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say who looks."""
        scope.setdefault("state", {})["viewer"] = self._viewer
        await self._app(scope, receive, send)


class SignedInOnly:
    """Lets through who has signed in, and sends everybody else to do so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say who looks, by the session that the cookie carries."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        viewer = _viewer_of(request.session)
        scope.setdefault("state", {})["viewer"] = viewer
        if viewer is None and scope["path"] not in OPEN_PATHS:
            request.session["next"] = href_of(request)
            await RedirectResponse("/sign-in", 303)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Doors:
    """Signing in at the provider, and out of the dashboard."""

    def __init__(self, dashboard: Dashboard, sign_in: SignIn) -> None:
        self._sign_in = sign_in
        self._callback = f"{str(dashboard.public_url).rstrip('/')}/sign-in/callback"
        self._provider = OAuth().register(
            "provider",
            server_metadata_url=f"{sign_in.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_id=sign_in.client_id,
            client_secret=sign_in.client_secret.get_secret_value(),
            client_kwargs={"scope": sign_in.scope, "code_challenge_method": "S256", "timeout": 10},
        )

    async def to_provider(self, request: Request) -> Response:
        """Send the browser to the provider.

        Raises:
            ServiceError: the provider does not answer as OpenID Connect says.
        """
        try:
            await self._check_provider()
            response: Response = await self._provider.authorize_redirect(request, self._callback)
        except (httpx2.HTTPError, RuntimeError, ValueError) as error:
            log.warning("sign-in: the provider cannot be used: %s", error)
            raise ServiceError(
                "The sign-in provider cannot be reached.", next_step="Try again in a minute, or tell who keeps it."
            ) from None
        return response

    async def from_provider(self, request: Request) -> Response:
        """Take the provider's answer: code, token, signature, claims, role.

        Raises:
            RefusedError: the answer does not prove who it is, or that person has no role here.
        """
        try:
            await self._check_provider()
            token = await self._provider.authorize_access_token(
                request,
                claims_options={
                    "iss": {"essential": True, "values": [self._sign_in.issuer]},
                    "aud": {"essential": True, "values": [self._sign_in.client_id]},
                },
            )
            claims: Mapping[str, Any] = token["userinfo"]
        except (AuthlibBaseError, JoseError, httpx2.HTTPError, KeyError, ValueError, RuntimeError, TypeError) as error:
            log.warning("sign-in refused: %s", type(error).__name__)  # the text may hold what the provider said of them
            raise RefusedError("The sign-in failed.", next_step="Go to /sign-in to try again.") from None
        back_to = request.session.get("next", "/")
        request.session.clear()
        request.session["viewer"] = self._admitted(claims)
        return RedirectResponse(back_to, 303)

    async def out(self, request: Request) -> Response:
        """Forget the session. The provider keeps its own, so a page of ours that wants a viewer would sign in again."""
        request.session.clear()
        request.state.viewer = None
        return message_page(request, 200, "You have signed out.", "Choose a page to sign in again.")

    def _admitted(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        claim = claims.get(self._sign_in.role_claim, [])
        roles = {claim} if isinstance(claim, str) else set(claim)
        sees_personal_data = bool(roles & set(self._sign_in.personal_data_roles))
        if not sees_personal_data and not roles & set(self._sign_in.viewer_roles):
            raise RefusedError(
                "You have signed in, but no role of yours may see the dashboard.",
                next_step="Ask MARCOM Ops for a role.",
            )
        return {
            "name": str(claims.get("name") or claims.get("preferred_username") or claims["sub"]),
            "sees_personal_data": sees_personal_data,
            "until": time.time() + self._sign_in.session_hours * 3600,
        }

    async def _check_provider(self) -> None:
        metadata = await self._provider.load_server_metadata()
        if metadata.get("issuer") != self._sign_in.issuer:
            raise ValueError(f"it calls itself {metadata.get('issuer')}, and {self._sign_in.issuer} is configured")
        offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
        metadata["id_token_signing_alg_values_supported"] = [one for one in offered if one in ALGORITHMS] or ["RS256"]


def href_of(request: Request) -> str:
    """Path and query of a request, which always stay on this site."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _viewer_of(session: Mapping[str, Any]) -> Viewer | None:
    known = session.get("viewer")
    if not known or known["until"] < time.time():
        return None
    return Viewer(known["sees_personal_data"], known["name"])
