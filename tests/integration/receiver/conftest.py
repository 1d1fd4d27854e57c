"""The receiver on both stores, and events as Smartlead and Clay send them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.types import ASGIApp

from pipelines.config import Settings
from pipelines.config.running import Receiver
from pipelines.http.service import authorities
from pipelines.inbox.receiver import receiver_app
from pipelines.store import open_store, reading
from pipelines.store_tables import inbox_events

SMARTLEAD_SECRET = "smart-secret"
CLAY_SECRET = "clay-secret"
REPLY = {
    "event_type": "EMAIL_REPLY",
    "campaign_id": 2710101,
    "stats_id": "s1",
    "event_timestamp": "2026-09-02T08:00:00+00:00",
    "secret_key": SMARTLEAD_SECRET,
}
ENRICHMENT = {"kind": "enrichment", "table_id": "t_icare_1", "row_id": "r1", "enriched_at": "2026-09-02T08:00:00Z"}


class Inbox:
    """A running receiver, and the inbox behind it."""

    def __init__(self, url: str, engine: sa.Engine) -> None:
        self.smartlead_secret = SMARTLEAD_SECRET
        self.clay_headers = {"Authorization": f"Bearer {CLAY_SECRET}"}
        self.url = url
        self.engine = engine
        self._client = httpx.Client(timeout=60, verify=authorities())

    def post(self, path: str, payload: Any = None, **request: Any) -> httpx.Response:
        if payload is not None:
            request["json"] = payload
        return self._client.post(self.url + path, **request)

    def reply(self, **changes: Any) -> httpx.Response:
        """Send a reply, with the right secret unless the changes have another."""
        return self.post("/smartlead/webhook", REPLY | changes)

    def enrichment(self, **changes: Any) -> httpx.Response:
        """Send an enrichment with the right token."""
        return self.post("/clay/callback", ENRICHMENT | changes, headers=self.clay_headers)

    def raw(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Send bytes as JSON."""
        return self.post(path, content=body, headers={"Content-Type": "application/json"} | headers)

    def signature(self, raw: bytes, secret: str = SMARTLEAD_SECRET) -> dict[str, str]:
        """Smartlead's signature header for a body."""
        return {"X-Smartlead-Signature": f"sha256={hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}"}

    def rows(self) -> list[sa.RowMapping]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(inbox_events).order_by("event_id")).mappings())

    def payload(self) -> dict[str, Any]:
        """The payload of the only event."""
        (row,) = self.rows()
        return json.loads(row["body"])


@pytest.fixture
def start_receiver(store_url: str, serve: Callable[[ASGIApp], str]) -> Iterator[Callable[..., Inbox]]:
    """A function that starts a receiver, with further settings."""
    engine = open_store(Settings(store_url=store_url))

    def start(**settings: Any) -> Inbox:
        receiver = Receiver(smartlead_secret=SMARTLEAD_SECRET, clay_secret=CLAY_SECRET, **settings)
        return Inbox(serve(receiver_app(engine, receiver)), engine)

    yield start
    engine.dispose()


@pytest.fixture
def inbox(start_receiver: Callable[..., Inbox]) -> Inbox:
    return start_receiver()
