"""Asking Clay's Enterprise API about one person or company. Each request may cost, so each is committed beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from typing import Any

import httpx

from pipelines.clay.lookups.answers import credits_of, record_of
from pipelines.clay.lookups.asked import Asked, Lookup
from pipelines.config.services import Clay, ClayLookups
from pipelines.errors import ConfigurationError, DataError, OutreachError, QuotaError, ServiceError
from pipelines.http.answers import is_html, reason_of, service_time
from pipelines.http.service import HttpService
from pipelines.rate_limit import Limit, RateLimiter

NOT_LOOKED_UP = {401, 402, 403, 405, 429}
ABOUT_THE_KEY = {400, 404, 422}  # nothing is known under it, or it cannot be used
MOST_KEPT_CHARACTERS = 20_000
WRONG_ADDRESS = "Correct people_path and companies_path of [clay.lookups]: Clay publishes neither (docs/clay.md)."


class Outcome(Enum):
    """What a lookup came to: a record, nothing, or that Clay cannot use the key."""

    FOUND = "found"
    MISSED = "missed"
    UNUSABLE = "unusable"


class LookupApi(HttpService):
    """Clay's lookups as one workspace.

    Args:
        clay: where Clay is.
        settings: the key, the paths and the pace.
        asked: where each request and its answer are kept.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self, clay: Clay, settings: ClayLookups, asked: Asked, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        key = settings.api_key.get_secret_value()
        super().__init__(
            "Clay's lookups",
            clay.base_url,
            headers={"Authorization": f"Bearer {key}", "clay-api-key": key},  # one or the other, sources disagree
            secrets=[key],
            before_request=RateLimiter([Limit(settings.requests_per_second, 1.0)], sleep=sleep).wait,
            sleep=sleep,
        )
        self._paths = {"person": settings.people_path, "company": settings.companies_path}
        self._asked = asked

    def ask(self, lookup: Lookup) -> Outcome:
        """Look somebody or a company up, keep the answer, and return what it came to.

        Raises:
            ConfigurationError: Clay refuses the key.
            QuotaError: our budget or Clay's credits are used up.
            ServiceError: Clay cannot be reached, stays busy, or has no such address.
            DataError: the answer has an unknown shape; it is kept.
            ErasedPersonError: the person was erased.
        """
        path = self._paths[lookup.subject]
        response = self._with_patience(lambda: self._attempt(lambda: self._ask_once(lookup, path), path))
        if problem := self._problem(response):
            raise problem
        if not response.is_success:
            return Outcome.MISSED if response.status_code == 404 else Outcome.UNUSABLE
        record = record_of(lookup.subject, self.json(response))
        return Outcome.MISSED if record is None else Outcome.FOUND

    def probe(self) -> None:
        """Ask for nobody, which cannot cost anything: whether Clay takes the key and has both addresses.

        Raises:
            ConfigurationError: Clay refuses the key.
            ServiceError: Clay cannot be reached, stays busy, or has no such address.
        """
        for path in self._paths.values():
            if problem := self._problem(self.read_any("POST", path, json={})):
                raise problem

    def _ask_once(self, lookup: Lookup, path: str) -> httpx.Response:
        lookup_id = self._asked.intend(lookup)
        try:
            response = self.send("POST", path, json=lookup.body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol):
            self._asked.refused(lookup_id, None)  # it never left
            raise
        if response.status_code in NOT_LOOKED_UP or _is_no_address(response):
            self._asked.refused(lookup_id, response.status_code)
        elif response.is_success or response.status_code in ABOUT_THE_KEY:
            self._keep(lookup_id, lookup, response)
        return response  # what is left may have been charged or not: it stays an intent

    def _keep(self, lookup_id: int, lookup: Lookup, response: httpx.Response) -> None:
        try:
            content = response.json()
        except ValueError:
            content = {"text": response.text[:MOST_KEPT_CHARACTERS]}
        self._asked.settle(
            lookup_id,
            lookup.key,
            _status(lookup, response, content),
            content,
            credits=credits_of(content),
            http_status=response.status_code,
            at=service_time(response),
        )

    def _problem(self, response: httpx.Response) -> OutreachError | None:
        where = f"POST {response.request.url.path}"
        reason = self.scrub(reason_of(response))
        if response.status_code in {401, 403} and not is_html(response):
            return ConfigurationError(
                f"Clay refuses the key of the lookups ({response.status_code} on {where}: {reason}).",
                next_step="Lookups need a key of Clay's Enterprise API: correct clay.lookups.api_key, or remove the"
                " section.",
            )
        if response.status_code == 402:
            return QuotaError(
                f"Clay's workspace is out of credits ({reason}). What was found is kept.",
                next_step="Top up the workspace or wait for the next month, then run the command again.",
            )
        if _is_no_address(response):
            return ServiceError(
                f"Clay has no lookups at {where} ({response.status_code}: {reason}).", next_step=WRONG_ADDRESS
            )
        if not response.is_success and response.status_code not in ABOUT_THE_KEY:
            return self.error(response)
        return None


def _status(lookup: Lookup, response: httpx.Response, content: Any) -> str:
    if not response.is_success:
        return "missed"
    try:
        return "missed" if record_of(lookup.subject, content) is None else "found"
    except DataError:
        return "unreadable"


def _is_no_address(response: httpx.Response) -> bool:
    """Whether there is nothing at all at the address, which is no miss."""
    if response.status_code == 405:
        return True
    return response.status_code == 404 and (is_html(response) or reason_of(response).startswith("Cannot POST"))
