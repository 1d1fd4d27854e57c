"""What protects every answer: headers that forbid foreign and inline code, and the hosts that are answered at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.config.running import Dashboard

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def allowed_hosts(dashboard: Dashboard) -> list[str]:
    """Hosts that requests may name. Any other comes from a page that made its own name point here (DNS rebinding)."""
    public = dashboard.public_url.host if dashboard.public_url else None
    return [*LOOPBACK, *([public] if public else [])]


class SecurityHeaders:
    """Adds the headers to every answer, errors too. Pages hold private data, so no cache keeps them."""

    def __init__(self, app: ASGIApp, settings: Dashboard) -> None:
        self._app = app
        self._headers = HEADERS | {"Content-Security-Policy": _content_policy(settings)}
        if settings.public_url and settings.public_url.scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers when the answer starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if not scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def _content_policy(dashboard: Dashboard) -> str:
    """What a page may load, and where its forms may lead.

    The latter holds for redirects too: whose session has ended goes from a form to the provider that they sign in with.
    """
    provider = f" {urlsplit(str(dashboard.sign_in.issuer)).scheme}:" if dashboard.sign_in else ""
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{provider};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
