"""Signing in: client credentials and JWT bearer, with Salesforce's own refusals. Tokens live in real time."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from sandbox.salesforce.errors import invalid_session
from sandbox.world.catalog import INTEGRATION_USER
from sandbox.world.ids import salesforce_id

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = {"https://login.salesforce.com", "https://test.salesforce.com"}
SESSION_SECONDS = 7_200


@dataclass
class OAuthError(Exception):
    """A refusal of the token endpoint: an object, not an array as elsewhere."""

    error: str
    description: str

    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"error": self.error, "error_description": self.description}


@dataclass
class SignIn:
    """The connected app of one org and the sessions it has opened."""

    org: str
    url: str
    client_id: str
    client_secret: str
    username: str
    public_key_file: Path | None = None
    _sessions: dict[str, float] = field(default_factory=dict)

    @property
    def user_id(self) -> str:
        """The integration user that every session runs as."""
        return salesforce_id("User", self.org, INTEGRATION_USER)

    @property
    def organization_id(self) -> str:
        """The org's own id."""
        return salesforce_id("Organization", self.org, 1)

    def token(self, form: Mapping[str, str], authorization: str = "") -> dict[str, str]:
        """Open a session.

        Raises:
            OAuthError: the grant is refused.
        """
        grant = form.get("grant_type")
        if grant == "client_credentials":
            self._check_secret(form, authorization)
        elif grant == JWT_BEARER:
            self._check_assertion(form.get("assertion", ""))
        else:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        token = f"{self.organization_id[:15]}!{secrets.token_hex(32)}"
        self._sessions[token] = time.monotonic() + SESSION_SECONDS
        return {
            "access_token": token,
            "scope": "api",
            "instance_url": self.url,
            "id": f"https://login.salesforce.com/id/{self.organization_id}/{self.user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        }

    def check(self, authorization: str) -> None:
        """Check an ``Authorization`` header.

        Raises:
            SalesforceError: INVALID_SESSION_ID.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme not in {"Bearer", "OAuth"} or self._sessions.get(token, 0) < time.monotonic():
            raise invalid_session()

    def expire_all(self) -> None:
        """End every session."""
        self._sessions.clear()

    def _check_secret(self, form: Mapping[str, str], authorization: str) -> None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic ") and not client_id:
            decoded = _base64_text(authorization.removeprefix("Basic "))
            client_id, _, secret = decoded.partition(":")
        if client_id != self.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str) -> None:
        if self.public_key_file is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        # Clients in the field send the expiry as text or in milliseconds, so it is read by hand.
        options: Any = {"verify_exp": False, "verify_aud": False, "verify_sub": False, "verify_iss": False}
        try:
            claims = jwt.decode(assertion, self.public_key_file.read_text(), algorithms=["RS256"], options=options)
            expires = float(claims["exp"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if str(claims.get("aud", "")).rstrip("/") not in AUDIENCES | {self.url}:
            raise OAuthError("invalid_grant", "audience is invalid")
        if (expires / 1000 if expires > 1e11 else expires) < time.time():
            raise OAuthError("invalid_grant", "expired authorization code")
        if claims.get("sub") != self.username:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")


def _base64_text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except ValueError:
        return ""
