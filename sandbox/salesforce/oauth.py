"""Signing in: the OAuth grants and SOAP login, with Salesforce's own refusals. Tokens live in real time."""

from __future__ import annotations

import base64
import hmac
import math
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
LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")
SESSION_SECONDS = 7_200
EARLIEST_MILLISECONDS = 1e11  # in 1973; as seconds, in the year 5138


@dataclass
class OAuthError(Exception):
    """A refusal of the token endpoint: an object, not an array as elsewhere."""

    error: str
    description: str

    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"error": self.error, "error_description": self.description}


class LoginError(Exception):
    """A refusal of SOAP login; it does not say what was wrong."""

    code = "INVALID_LOGIN"
    message = "Invalid username, password, security token; or user locked out."


@dataclass
class SignIn:
    """The connected app of one org and the sessions it has opened."""

    org: str
    client_id: str
    client_secret: str
    username: str
    public_key_file: Path | None = None
    password: str | None = None  # followed by the security token, as clients send it
    refresh_token: str | None = None
    longest_assertion_seconds: int = 0  # how far ahead an assertion may expire; 0 for any time, as it is not known
    _sessions: dict[str, float] = field(default_factory=dict)

    @property
    def user_id(self) -> str:
        """The integration user that every session runs as."""
        return salesforce_id("User", self.org, INTEGRATION_USER)

    @property
    def organization_id(self) -> str:
        """The org's own id."""
        return salesforce_id("Organization", self.org, 1)

    @property
    def my_domain(self) -> str:
        """The org's own host name."""
        return f"{self.org}.my.salesforce.com"

    def token(self, form: Mapping[str, str], authorization: str, url: str) -> dict[str, str]:
        """Open a session for a grant that was sent to ``url``, an address without a path.

        Raises:
            OAuthError: the grant is refused.
        """
        grant = form.get("grant_type")
        if grant == "client_credentials":
            if url.removeprefix("https://") in LOGIN_HOSTS:
                raise OAuthError("invalid_grant", "request not supported on this domain")
            self._check_secret(form, authorization)
        elif grant == JWT_BEARER:
            self._check_assertion(form.get("assertion", ""), url)
        elif grant == "refresh_token":
            self._check_secret(form, authorization)
            if not _is_same(form.get("refresh_token", ""), self.refresh_token):
                raise OAuthError("invalid_grant", "expired access/refresh token")
        else:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        return {
            "access_token": self._open_session(),
            "scope": "api",
            "instance_url": self.instance_url(url),
            "id": self.identity_url,
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        }

    def login(self, username: str, password: str) -> str:
        """Open a session with a password, the security token behind it.

        Raises:
            LoginError: they are not the user's.
        """
        if username != self.username or not _is_same(password, self.password):
            raise LoginError
        return self._open_session()

    def instance_url(self, url: str) -> str:
        """Where to go after signing in at ``url``: from a login host to My Domain, otherwise nowhere else."""
        return f"https://{self.my_domain}" if url.removeprefix("https://") in LOGIN_HOSTS else url

    @property
    def identity_url(self) -> str:
        """The ``id`` of a token: clients read the org out of it, and may ask it who they are."""
        return f"https://{LOGIN_HOSTS[0]}/id/{self.organization_id}/{self.user_id}"

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

    def _open_session(self) -> str:
        token = f"{self.organization_id[:15]}!{secrets.token_hex(32)}"
        self._sessions[token] = time.monotonic() + SESSION_SECONDS
        return token

    def _check_secret(self, form: Mapping[str, str], authorization: str) -> None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not client_id:
            client_id, secret = basic_credentials(authorization)
        if client_id != self.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not _is_same(secret, self.client_secret):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str, url: str) -> None:
        if self.public_key_file is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        options: Any = {"verify_exp": False, "verify_aud": False, "verify_sub": False, "verify_iss": False}
        try:
            claims = jwt.decode(assertion, self.public_key_file.read_text(), algorithms=["RS256"], options=options)
            expires = _expiry(claims["exp"])
        except (jwt.PyJWTError, KeyError, OverflowError, TypeError, ValueError):
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        hosts = {f"https://{host}" for host in (*LOGIN_HOSTS, self.my_domain)}
        if str(claims.get("aud", "")).rstrip("/") not in hosts | {url}:
            raise OAuthError("invalid_grant", "audience is invalid")
        left = expires - time.time()
        if left < 0 or left > self.longest_assertion_seconds > 0:
            raise OAuthError("invalid_grant", "expired authorization code")
        if claims.get("sub") != self.username:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")


def basic_credentials(authorization: str) -> tuple[str, str]:
    """Name and secret of an HTTP Basic header; both empty when it is none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return (name, secret) if scheme == "Basic" else ("", "")


def _expiry(claim: Any) -> float:
    """Seconds since 1970: clients in the field send them as text, as fractions and as milliseconds."""
    seconds = float(claim)
    if not math.isfinite(seconds):
        raise ValueError(claim)
    return seconds / 1000 if seconds > EARLIEST_MILLISECONDS else seconds


def _is_same(given: str, expected: str | None) -> bool:
    return expected is not None and hmac.compare_digest(given.encode(), expected.encode())
