"""Sending the outbox: in order mostly, some twice, some lost; a hook that fails too often is switched off."""

from __future__ import annotations

import hashlib
import hmac
import json

import httpx

from sandbox.database import Database, Row
from sandbox.world.nature import unit

DISABLED_AFTER = 5  # failures in a row
TWICE_SHARE, LOST_SHARE, LATE_SHARE = 0.03, 0.02, 0.04


class Delivery:
    """Delivers events to their webhooks."""

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        self._seed = seed

    def deliver(self) -> int:
        """Deliver everything that is open and return how many events arrived."""
        arrived = 0
        with httpx.Client(timeout=30) as client:
            for event in self._in_order():
                arrived += self._deliver_one(client, event)
        return arrived

    def _in_order(self) -> list[Row]:
        events = self._db.rows(
            "select outbox.*, url, headers, secret, failures, is_disabled from outbox"
            " join webhooks on webhooks.id = webhook_id where is_delivered = 0 order by outbox.id"
        )
        late = [event for event in events if self._unit("late", event) < LATE_SHARE]
        return [event for event in events if event not in late] + late

    def _deliver_one(self, client: httpx.Client, event: Row) -> int:
        if self._db.value("select is_disabled from webhooks where id = ?", [event["webhook_id"]]):
            return 0
        is_lost = self._unit("lost", event) < LOST_SHARE
        times = 0 if is_lost else 2 if self._unit("twice", event) < TWICE_SHARE else 1
        is_accepted = all(self._post(client, event) for _ in range(times))
        with self._db.transaction():
            if is_accepted:
                self._db.execute("update outbox set is_delivered = 1 where id = ?", [event["id"]])
                self._db.execute("update webhooks set failures = 0 where id = ?", [event["webhook_id"]])
            else:
                self._db.execute(
                    "update webhooks set failures = failures + 1, is_disabled = failures + 1 >= ? where id = ?",
                    [DISABLED_AFTER, event["webhook_id"]],
                )
        return int(is_accepted and times > 0)

    def _post(self, client: httpx.Client, event: Row) -> bool:
        raw = json.dumps(json.loads(event["body"])).encode()
        signature = hmac.new(event["secret"].encode(), raw, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", **json.loads(event["headers"])}
        if headers.pop("sign", None):
            headers["X-Smartlead-Signature"] = f"sha256={signature}"
        try:
            return client.post(event["url"], content=raw, headers=headers).is_success
        except httpx.HTTPError:
            return False

    def _unit(self, what: str, event: Row) -> float:
        return unit(self._seed, what, event["webhook_id"], event["id"])
