"""Sending one row to the webhook of a Clay table, and what the answer, or its absence, means for the row."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from pipelines.config.services import ClayTable, ClayWebhook
from pipelines.errors import OutreachError, RefusedError, ServiceError
from pipelines.http.answers import reason_of, service_time, wanted_wait
from pipelines.http.service import LONGEST_WAIT_SECONDS, HttpService
from pipelines.rate_limit import Limit, RateLimiter

REQUESTS_PER_SECOND = 10
ROWS_PER_SOURCE = 50_000  # a webhook source takes so many in its life, deleted ones included
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
NEW_TABLE = "Make a new table with a new webhook in Clay, and put it into seeds/campaign_map.csv."
NEW_WEBHOOK = "Add a webhook to the table in Clay, and to next_webhooks of clay.tables.{table} in the secrets file."
ROW_PROBLEMS = {400, 413, 422}  # another row may well be accepted


@dataclass(frozen=True)
class Outcome:
    """What became of a row (accepted, rejected or unknown), when, and the error that ends the export if there is one.

    The time is Clay's where it answered.
    """

    status: str
    detail: str
    at: datetime
    fatal: OutreachError | None = None


def most_rows(table: ClayTable) -> int:
    """How many rows the webhook sources of a table take in their lives."""
    return ROWS_PER_SOURCE * len(table.webhooks)


class TableWebhooks:
    """The webhook sources of one Clay table, used one after the other.

    Args:
        table_id: the table.
        table: its sources.
        taken: how many rows they have taken so far, all together.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self, table_id: str, table: ClayTable, taken: int, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._taken = taken
        self._table_id = table_id
        self._webhooks = [TableWebhook(table_id, webhook, sleep=sleep) for webhook in table.webhooks]

    def close(self) -> None:
        """Give the connections back."""
        for webhook in self._webhooks:
            webhook.close()

    def send(self, payload: Mapping[str, str | None]) -> Outcome:
        """Send a row to the source whose turn it is; see :meth:`TableWebhook.send`."""
        place = self._taken // ROWS_PER_SOURCE
        if place >= len(self._webhooks):
            full = RefusedError(
                f"All webhooks of Clay's table {self._table_id} have taken {ROWS_PER_SOURCE:,} rows.",
                next_step=NEW_WEBHOOK.format(table=self._table_id),
            )
            return Outcome("rejected", "not sent: no webhook takes more rows", datetime.now(UTC), full)
        outcome = self._webhooks[place].send(payload)
        self._taken += outcome.status != "rejected"
        return outcome


class TableWebhook:
    """The webhook source of one Clay table."""

    def __init__(self, table_id: str, settings: ClayWebhook, *, sleep: Callable[[float], None] = time.sleep) -> None:
        token = settings.webhook_token.get_secret_value() if settings.webhook_token else ""
        self._sleep = sleep
        self._service = HttpService(
            f"Clay's table {table_id}",
            settings.webhook_url,
            headers={"x-clay-webhook-auth": token} if token else {},
            secrets=[token, settings.webhook_url],
            before_request=RateLimiter([Limit(REQUESTS_PER_SECOND, 1.0)], sleep=sleep).wait,
            sleep=sleep,
        )
        self._url = settings.webhook_url

    def close(self) -> None:
        """Give the connection back."""
        self._service.close()

    def send(self, payload: Mapping[str, str | None]) -> Outcome:
        """Send a row. Only what Clay certainly did not take is sent again: no connection, or 429."""
        for attempt in range(ATTEMPTS):
            try:
                response = self._service.send("POST", self._url, json=payload)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                reason = f"cannot be reached ({type(error).__name__})"
                wait_seconds = None
            except (httpx.TransportError, httpx.DecodingError) as error:
                return Outcome("unknown", f"no usable answer came: {type(error).__name__}", datetime.now(UTC))
            else:
                if response.status_code != 429:
                    return self._meaning(response)
                reason, wait_seconds = "answered 429", wanted_wait(response)
            if attempt < ATTEMPTS - 1:
                self._sleep(_patience(attempt, wait_seconds))
        return Outcome("rejected", f"not sent: Clay {reason}", datetime.now(UTC), self._gave_up(reason))

    def _meaning(self, response: httpx.Response) -> Outcome:
        detail, at = f"{response.status_code}", service_time(response)
        if response.is_success:
            return Outcome("accepted", detail, at)
        detail = f"{detail}: {self._service.scrub(reason_of(response))}"
        if response.status_code >= 500:
            return Outcome("unknown", detail, at)
        is_about_this_row = response.status_code in ROW_PROBLEMS
        return Outcome("rejected", detail, at, None if is_about_this_row else self._refusal(response))

    def _refusal(self, response: httpx.Response) -> OutreachError:
        error = self._service.error(response)
        # The path of a webhook is a secret of its own: whoever knows it can add rows.
        where = f"{response.request.method} {response.request.url.path}"
        error.message = error.message.replace(where, "its webhook")
        return type(error)(error.message, next_step=error.next_step)

    def _gave_up(self, reason: str) -> ServiceError:
        return ServiceError(
            f"{self._service.name} {reason}; {ATTEMPTS} attempts were made.",
            next_step="Run the export again later; it continues where it stopped.",
        )


def _patience(attempt: int, wanted: float | None) -> float:
    return min(FIRST_WAIT_SECONDS * 2**attempt if wanted is None else wanted, LONGEST_WAIT_SECONDS)
