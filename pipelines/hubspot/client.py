"""A small client of HubSpot's contacts: reads are repeated with patience, writes never are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from pipelines.config.services import HubSpot
from pipelines.errors import DataError, QuotaError, ServiceError
from pipelines.http.answers import service_time, wanted_wait
from pipelines.http.service import HttpService
from pipelines.updates import BusyError, LostAnswerError, RowResult

CONTACTS = "crm/v3/objects/contacts"
BATCH_LIMIT = 100
DAILY = "DAILY"  # the policy that a 429 names when the calls of the day are used up; all others pass in seconds
Properties = dict[str, str | None]


class HubSpotClient:
    """One HubSpot account, with the access token of a private app."""

    def __init__(self, connection: HubSpot) -> None:
        token = connection.access_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"}
        self._service = HttpService("HubSpot", connection.base_url, headers=headers, secrets=[token])

    def __enter__(self) -> HubSpotClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._service.close()

    def account(self) -> tuple[str, datetime]:
        """The account's id, and what time it is there (UTC)."""
        response = self._read("GET", "account-info/v3/details")
        return str(self._service.json(response)["portalId"]), service_time(response)

    def properties(self) -> dict[str, dict[str, Any]]:
        """The properties of contacts, by name."""
        found = self._service.json(self._read("GET", "crm/v3/properties/contacts"))["results"]
        return {one["name"]: one for one in found}

    def count(self) -> int:
        """How many contacts there are."""
        response = self._read("POST", f"{CONTACTS}/search", json={"limit": 1})
        return int(self._service.json(response)["total"])

    def contacts(
        self, emails: Sequence[str], properties: Sequence[str], *, archived: bool = False
    ) -> dict[str, Properties]:
        """Up to 100 contacts by e-mail, in lower case; those that do not exist are left out (the answer is a 207)."""
        body = {"idProperty": "email", "properties": list(properties), "inputs": [{"id": one} for one in emails]}
        params = {"archived": str(archived).lower()}
        response = self._read("POST", f"{CONTACTS}/batch/read", json=body, params=params)
        found = [one["properties"] for one in self._service.json(response)["results"]]
        return {str(one["email"]).lower(): one for one in found}

    def upsert(self, contacts: Mapping[str, Properties]) -> list[RowResult]:
        """Create or update up to 100 contacts by e-mail, and give the answer for each, in order. It is sent once.

        Raises:
            LostAnswerError: nobody knows whether it was applied.
            BusyError: nothing was applied, and may be in a moment.
            QuotaError: the calls of the day are used up.
            DataError: HubSpot does not accept the request, for example because of one contact; nothing was applied.
            ServiceError: HubSpot refused the whole request.
        """
        inputs = [
            {"id": email, "idProperty": "email", "properties": properties, "objectWriteTraceId": str(number)}
            for number, (email, properties) in enumerate(contacts.items())
        ]
        try:
            response = self._service.send("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs})
        except httpx.ConnectError as error:
            raise BusyError(f"HubSpot cannot be reached ({type(error).__name__}); nothing was sent.") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _lost(type(error).__name__) from None
        self._refuse(response)
        try:
            answer = response.json()
            failed = {trace: error for error in answer.get("errors", []) for trace in _traces(error)}
            done = {str(one.get("objectWriteTraceId")) for one in answer["results"]}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _lost("its answer was malformed") from None
        if len(done) + len(failed) != len(inputs):
            raise _lost(f"it answered {len(done) + len(failed)} of {len(inputs)} contacts")
        return [self._row_result(failed.get(str(number))) for number in range(len(inputs))]

    def _row_result(self, error: Mapping[str, Any] | None) -> RowResult:
        if error is None:
            return RowResult(success=True)
        message = self._service.scrub(str(error.get("message", "")))[:300]
        return RowResult(success=False, error_code=str(error.get("category")), message=message)

    def _refuse(self, response: httpx.Response) -> None:
        if response.status_code >= 500:
            raise _lost(f"it answered {response.status_code}")
        if response.status_code == 429:
            if DAILY in response.text:
                raise QuotaError(
                    "HubSpot has no API calls left today.", next_step="Run the command again after midnight there."
                )
            interval = float(response.headers.get("x-hubspot-ratelimit-interval-milliseconds", 0)) / 1000
            raise BusyError(
                f"HubSpot is busy ({self._service.error(response).message})",
                next_step="Run the command again later.",
                wait_seconds=wanted_wait(response) or interval or None,
            )
        if response.status_code in {400, 409}:
            raise DataError(
                f"HubSpot does not accept a request: {self._service.error(response).message}",
                next_step="Check that the account has the properties of the allowlist.",
            )
        self._service.check(response)

    def _read(self, method: str, path: str, **request: Any) -> httpx.Response:
        response = self._service.read_any(method, path, **request)
        if response.status_code == 400:
            self._refuse(response)
        return self._service.check(response)


def _traces(error: Mapping[str, Any]) -> list[str]:
    return [str(one) for one in error["context"]["objectWriteTraceId"]]


def _lost(what: str) -> ServiceError:
    return LostAnswerError(
        f"No usable answer came from HubSpot to a request that changes something ({what}).",
        next_step="Run the command again: it looks at first what was applied.",
    )
