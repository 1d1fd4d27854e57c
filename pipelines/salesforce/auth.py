"""Signing in as an org's integration user: client credentials, or JWT bearer with a private key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import jwt

from pipelines.config.services import SalesforceOrg
from pipelines.errors import ConfigurationError, ServiceError
from pipelines.http.answers import reason_of, service_time
from pipelines.http.service import HttpService
from pipelines.salesforce.ids import to_18

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105  a path, not a password
ASSERTION_SECONDS = 180
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=60)


@dataclass(frozen=True)
class Session:
    """A signed-in session: where to send requests, with which token, in which org, and how far our clock is ahead."""

    access_token: str
    instance_url: str
    organization_id: str
    user_id: str
    clock_ahead: timedelta


def sign_in(org: str, connection: SalesforceOrg, service: HttpService) -> Session:
    """Get an access token.

    Raises:
        ConfigurationError: the credentials are refused, or they belong to another org than the pinned one.
        ServiceError: the org cannot be reached or answers with something else than a token.
    """
    response = service.read_any("POST", connection.login_url.rstrip("/") + TOKEN_PATH, data=_grant(org, connection))
    if not response.is_success:
        raise _refusal(org, connection, service, response)
    session = _session(org, service, response)
    pinned = connection.organization_id
    if pinned and to_18(pinned) != session.organization_id:
        raise ConfigurationError(
            f"The credentials of org '{org}' sign in to the org {session.organization_id}, not to {pinned}.",
            next_step=f"Correct the credentials or the organization_id of org '{org}'.",
        )
    return session


def _refusal(org: str, connection: SalesforceOrg, service: HttpService, response: httpx.Response) -> ConfigurationError:
    message = f"Salesforce {org} refuses the sign-in of the integration user: {service.scrub(reason_of(response))}."
    ahead = _clock_ahead(response)
    if connection.uses_jwt and abs(ahead) > LARGEST_CLOCK_DIFFERENCE:
        minutes, side = abs(ahead).total_seconds() / 60, "ahead of" if ahead > timedelta() else "behind"
        return ConfigurationError(
            f"{message} This machine's clock is {minutes:.0f} minutes {side} Salesforce's.",
            next_step="Set this machine's clock (NTP): a signed assertion is valid for three minutes only.",
        )
    return ConfigurationError(
        message,
        next_step=f"Check the client id, secret or key of org '{org}' and that its app is approved for the user.",
    )


def _clock_ahead(response: httpx.Response) -> timedelta:
    return datetime.fromtimestamp(time.time(), UTC) - service_time(response)


def _grant(org: str, connection: SalesforceOrg) -> dict[str, str]:
    if connection.uses_jwt:
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": _assertion(org, connection),
        }
    if connection.client_secret is None:
        raise ConfigurationError(
            f"Org '{org}' has neither a client secret nor a private key file.",
            next_step=f"Set OUTREACH_SALESFORCE__{org.upper()}__CLIENT_SECRET or __PRIVATE_KEY_FILE and __USERNAME.",
        )
    return {
        "grant_type": "client_credentials",
        "client_id": connection.client_id,
        "client_secret": connection.client_secret.get_secret_value(),
    }


def _assertion(org: str, connection: SalesforceOrg) -> str:
    if connection.username is None or connection.private_key_file is None:
        raise ConfigurationError(
            f"Org '{org}' needs a username beside its private key.",
            next_step=f"Set OUTREACH_SALESFORCE__{org.upper()}__USERNAME.",
        )
    claims = {
        "iss": connection.client_id,
        "sub": connection.username,
        "aud": connection.audience,
        "exp": int(time.time()) + ASSERTION_SECONDS,
    }
    try:
        return jwt.encode(claims, connection.private_key_file.read_text(), algorithm="RS256")
    except (OSError, ValueError, TypeError, jwt.PyJWTError):
        raise ConfigurationError(
            f"The private key file of org '{org}', {connection.private_key_file}, cannot be used.",
            next_step="It must be a readable RSA private key in PEM form.",
        ) from None


def _session(org: str, service: HttpService, response: httpx.Response) -> Session:
    content = service.json(response)
    try:
        organization_id, user_id = content["id"].rstrip("/").split("/")[-2:]
        return Session(
            content["access_token"],
            content["instance_url"].rstrip("/"),
            to_18(organization_id),
            user_id,
            _clock_ahead(response),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ServiceError(
            f"Salesforce {org} answered the sign-in without a token, an instance URL or an identity.",
            next_step=f"Check the login_url of org '{org}'.",
        ) from None
