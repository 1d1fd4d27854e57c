"""Sending the outbox: in order mostly, some twice, some never; a hook that fails too often is switched off."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

import httpx

from pipelines.http.service import authorities
from sandbox.database import Database, Row
from sandbox.world.nature import unit

DISABLED_AFTER = 5  # failures in a row
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Weather:
    """Which shares of the events arrive twice, never, or after later ones."""

    twice: float = 0.03
    lost: float = 0.02
    late: float = 0.04

    def __post_init__(self) -> None:
        if not all(0 <= share <= 1 for share in vars(self).values()):
            raise ValueError("A share lies between 0 and 1.")


class Delivery:
    """Delivers events to their webhooks, in a weather that may be changed."""

    def __init__(self, database: Database, seed: int) -> None:
        self.weather = Weather()
        self._db = database
        self._seed = seed

    def deliver(self) -> int:
        """Try everything that is open once and return how many events arrived.

        A refusal (4xx) is final for its event. When nobody answers, or with 5xx, the hook is left alone until the next
        time, and what is open waits.
        """
        with httpx.Client(timeout=TIMEOUT_SECONDS, verify=authorities()) as client:
            webhooks = self._db.rows("select * from webhooks where is_disabled = 0 order by id")
            return sum(self._deliver_to(client, webhook) for webhook in webhooks)

    def _deliver_to(self, client: httpx.Client, webhook: Row) -> int:
        arrived, failures = 0, int(webhook["failures"])
        for event in self._in_order(webhook):
            status = self._deliver_one(client, webhook, event)
            arrived += status == "delivered"
            failures = {"delivered": 0, "lost": failures}.get(status, failures + 1)
            is_disabled = failures >= DISABLED_AFTER
            self._keep(webhook, event, status, failures, is_disabled=is_disabled)
            if status == "open" or is_disabled:
                break
        return arrived

    def _in_order(self, webhook: Row) -> list[Row]:
        events = self._db.rows(
            "select * from outbox where webhook_id = ? and status = 'open' order by id", [webhook["id"]]
        )
        return sorted(events, key=lambda event: self._unit("late", event) < self.weather.late)

    def _deliver_one(self, client: httpx.Client, webhook: Row, event: Row) -> str:
        if self._unit("lost", event) < self.weather.lost:
            return "lost"
        status = self._post(client, webhook, event)
        if status == "delivered" and self._unit("twice", event) < self.weather.twice:
            self._post(client, webhook, event)
        return status

    def _post(self, client: httpx.Client, webhook: Row, event: Row) -> str:
        raw = event["body"].encode()
        signature = hmac.new(webhook["secret"].encode(), raw, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "X-Smartlead-Signature": f"sha256={signature}"}
        try:
            response = client.post(webhook["url"], content=raw, headers=headers | json.loads(webhook["headers"]))
        except httpx.HTTPError:
            return "open"
        if response.is_success:
            return "delivered"
        return "failed" if response.is_client_error and response.status_code != 429 else "open"

    def _keep(self, webhook: Row, event: Row, status: str, failures: int, *, is_disabled: bool) -> None:
        with self._db.transaction():
            self._db.execute("update outbox set status = ? where id = ?", [status, event["id"]])
            self._db.execute(
                "update webhooks set failures = ?, is_disabled = ? where id = ?",
                [failures, is_disabled, webhook["id"]],
            )

    def _unit(self, what: str, event: Row) -> float:
        return unit(self._seed, what, event["webhook_id"], event["id"])
