"""Registering webhooks with a campaign, under the rules that were met live."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead import joi
from sandbox.smartlead.events import EVENT_TYPES
from sandbox.smartlead.state import CATEGORIES
from sandbox.smartlead.times import rest_time

FIELDS = {"id", "name", "webhook_url", "event_types", "categories"}
ALL_CATEGORIES = [name for name, _ in CATEGORIES.values()]


class Webhooks:
    """The webhooks of an account.

    Args:
        database: the state.
        secret: what the account shows as ``secret_key`` in every body.
    """

    def __init__(self, database: Database, secret: str) -> None:
        self._db = database
        self._secret = secret

    def of_campaign(self, campaign_id: int) -> list[Row]:
        """A bare list."""
        rows = self._db.rows("select * from webhooks where campaign_id = ? order by id", [campaign_id])
        return [_shown(row) for row in rows]

    def save(self, campaign_id: int, body: Any) -> Row:
        """Add a webhook, or change the one whose id is given; that also switches a disabled one on again."""
        _validate(body)
        with self._db.transaction():
            if body.get("id") is None:
                webhook_id = self.insert(campaign_id, body["name"], body["webhook_url"], body["event_types"])
                self._db.execute(
                    "update webhooks set categories = ? where id = ?", [json.dumps(body["categories"]), webhook_id]
                )
            else:
                webhook_id = self._change(campaign_id, body)
        return _shown(self._db.row("select * from webhooks where id = ?", [webhook_id]) or {})

    def insert(
        self, campaign_id: int, name: str, url: str, event_types: list[str], headers: dict[str, str] | None = None
    ) -> int:
        """Register a webhook; ``headers`` are sent along with every event."""
        now = self._db.clock.now.isoformat()
        row = {
            "campaign_id": campaign_id,
            "name": name,
            "url": url,
            "event_types": event_types,
            "categories": ALL_CATEGORIES,
            "headers": headers or {},
            "secret": self._secret,
            "created_at": now,
            "updated_at": now,
        }
        self._db.insert("webhooks", row)
        return int(self._db.value("select max(id) from webhooks"))

    def delete(self, campaign_id: int, body: Any) -> Row:
        """Delete a webhook and what was still to be delivered to it."""
        webhook_id = joi.required(body if isinstance(body, dict) else {}, "id")
        with self._db.transaction():
            self._db.execute("delete from webhooks where campaign_id = ? and id = ?", [campaign_id, webhook_id])
            self._db.execute("delete from outbox where webhook_id not in (select id from webhooks)")
        return {"ok": True}

    def summary(self, campaign_id: int, since: str, until: str) -> Row:
        """How many events of a period were delivered and how many failed."""
        counts = self._db.row(
            "select count(*) as total, coalesce(sum(outbox.status in ('delivered', 'lost')), 0) as success,"
            " coalesce(sum(outbox.status in ('failed', 'open')), 0) as failed"
            " from outbox join webhooks on webhooks.id = webhook_id"
            " where campaign_id = ? and outbox.created_at between ? and ?",
            [campaign_id, since, until],
        )
        return counts or {}

    def retrigger(self, campaign_id: int, since: str, until: str) -> int:
        """Put the failed events of a period back into the outbox; returns how many."""
        with self._db.transaction():
            return self._db.execute(
                "update outbox set status = 'open' where status = 'failed' and created_at between ? and ?"
                " and webhook_id in (select id from webhooks where campaign_id = ?)",
                [since, until, campaign_id],
            )

    def _change(self, campaign_id: int, body: Row) -> int:
        changed = self._db.execute(
            "update webhooks set name = ?, url = ?, event_types = ?, categories = ?, updated_at = ?, failures = 0,"
            " is_disabled = 0 where campaign_id = ? and id = ?",
            [
                body["name"],
                body["webhook_url"],
                json.dumps(body["event_types"]),
                json.dumps(body["categories"]),
                self._db.clock.now.isoformat(),
                campaign_id,
                body["id"],
            ],
        )
        if not changed:
            raise joi.JoiError(f"Webhook {body['id']} not found")
        return int(body["id"])


def _validate(body: Any) -> None:
    if not isinstance(body, dict):
        raise joi.JoiError('"value" must be of type object')
    joi.only(body, FIELDS)
    for name in ("name", "webhook_url"):
        joi.required(body, name)
    for name in ("event_types", "categories"):
        if not body.get(name):
            raise joi.JoiError(f'"{name}" does not contain 1 required value(s)')
    for place, event_type in enumerate(body["event_types"]):
        if event_type not in EVENT_TYPES:
            raise joi.JoiError(f'"event_types[{place}]" must be one of [{", ".join(EVENT_TYPES)}]')


def _shown(row: Row) -> Row:
    return {
        "id": row["id"],
        "name": row["name"],
        "created_at": rest_time(row["created_at"]),
        "updated_at": rest_time(row["updated_at"]),
        "webhook_url": row["url"],
        "email_campaign_id": row["campaign_id"],
        "event_types": json.loads(row["event_types"]),
        "categories": json.loads(row["categories"]),
    }
