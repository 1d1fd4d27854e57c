"""A small Smartlead in the shapes that were captured live, and helpers to load it and look at what landed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.progress import Progress
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.config import Settings
from pipelines.inbox.events import InboxEvent, append
from pipelines.smartlead.loader import load_smartlead
from pipelines.store import open_store

KEY = "smartlead-key"
START = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
TABLES = (
    "campaign_analytics",
    "campaign_leads",
    "campaigns",
    "categories",
    "email_accounts",
    "email_statistics",
    "messages",
    "sequences",
    "set_aside_records",
    "source_reads",
    "webhook_events",
)


class FakeSmartlead:
    """Two campaigns with three leads each, in the shapes that were captured live."""

    def __init__(self) -> None:
        self.now = START
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.busy_answers = 0
        self.broken_path = ""
        self.campaigns: list[Any] = [
            {"id": 2, "name": "B", "status": "ACTIVE"},
            {"id": 1, "name": "A", "status": "PAUSED"},
        ]
        self.category: dict[int, int | None] = {}
        self.reply_time: dict[str, str] = {}
        self.removed: set[int] = set()  # leads, by their numbers
        self.odd_leads: dict[int, dict[str, Any]] = {}  # what is different in the record of a lead
        self.analytics: dict[int, Any] = {}  # the answer for a campaign, if not the usual one
        self.while_polled: Callable[[], object] = lambda: None

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer)])

    async def answer(self, request: Request) -> Response:
        path, params = request.path_params["path"], dict(request.query_params)
        headers = {"Date": format_datetime(self.now, usegmt=True)}
        if params.pop("api_key", None) != KEY:
            return JSONResponse({"message": "Invalid API Key"}, 401, headers)
        self.requests.append((path, params))
        if self.busy_answers:
            self.busy_answers -= 1
            return JSONResponse({"message": "slow down"}, 429, headers | {"Retry-After": "0"})
        if path == self.broken_path:
            return JSONResponse({"rows": []}, headers=headers)
        return JSONResponse(self.content(path, params), headers=headers)

    def asked(self, ending: str) -> list[dict[str, str]]:
        return [params for path, params in self.requests if path.endswith(ending)]

    def content(self, path: str, params: dict[str, str]) -> Any:
        if path == "campaigns/":
            return self.campaigns
        if path == "leads/fetch-categories":
            self.while_polled()
            return [{"id": 1, "name": "Interested", "sentiment_type": "positive"}]
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        if path == "email-accounts/":
            mailbox = {"id": 1, "from_email": "us@sender.example", "password": "hunter2", "imap_password": "hunter3"}
            return [mailbox][offset : offset + limit]
        _, campaign, what = path.split("/")
        if int(campaign) in self.analytics and what == "analytics":
            return self.analytics[int(campaign)]
        if what == "analytics":
            return {"id": int(campaign), "sent_count": "3", "reply_count": "0", "client_name": None}
        numbers = [int(campaign) * 10 + n for n in range(3)]
        if what == "sequences":
            return [{"id": int(campaign), "seq_number": 1, "subject": "Hi", "email_body": "secret pitch"}]
        page = numbers[offset : offset + limit]
        if what == "leads":
            leads = [self.lead(n) for n in page if n not in self.removed]
            return {"total_leads": str(len(leads)), "data": leads, "offset": offset, "limit": limit}
        if what == "statistics":
            return {"total_stats": "3", "data": [self.sent(n) for n in page], "offset": offset, "limit": limit}
        since = params.get("event_time_gt")
        changed = [self.history(n) for n in page if since is None or self.reply_time.get(f"s{n}", "") > since]
        return {"hasMore": False, "data": changed, "skip": offset, "limit": limit}

    def lead(self, n: int) -> dict[str, Any]:
        return {
            "campaign_lead_map_id": str(3_000_000_000 + n),
            "lead_category_id": self.category.get(n),
            "status": "INPROGRESS",
            "lead": {"id": 4_000_000_000 + n, "email": f"lead{n}@lead.example", "custom_fields": {"org": "icare"}},
        } | self.odd_leads.get(n, {})

    def sent(self, n: int) -> dict[str, Any]:
        return {
            "stats_id": f"s{n}",
            "lead_email": f"lead{n}@lead.example",
            "sequence_number": 1,
            "email_message": "secret pitch",
            "sent_time": "2026-08-20T08:00:00.000Z",
            "reply_time": self.reply_time.get(f"s{n}"),
            "is_bounced": False,
        }

    def history(self, n: int) -> dict[str, Any]:
        sent = {"stats_id": f"s{n}", "type": "SENT", "message_id": f"<s{n}>", "time": "2026-08-20T08:00:00.000Z"}
        messages = [sent | {"email_body": "secret pitch"}]
        if f"s{n}" in self.reply_time:
            reply = {"type": "REPLY", "message_id": f"<r{n}>", "time": self.reply_time[f"s{n}"], "email_body": "Yes"}
            messages.append({"stats_id": f"s{n}"} | reply)
        return {"lead_id": str(n), "from": "us@sender.example", "to": f"lead{n}@lead.example", "history": messages}


class Loaded:
    """A data directory that a Smartlead is loaded into."""

    def __init__(self, fake: FakeSmartlead, url: str, directory: Path) -> None:
        self.fake = fake
        self.url = url
        connection = {"base_url": url, "api_key": KEY, "requests_per_minute": 6000, "requests_per_two_seconds": 1000}
        self.settings = Settings(data_dir=directory, smartlead=connection)
        directory.mkdir()

    def load(self, settings: Settings | None = None) -> dict[str, int]:
        with Progress(disable=True) as progress:
            load = load_smartlead(settings or self.settings, progress)
        self.notes = load.notes
        return load.rows

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse_path), read_only=True) as connection:
            return connection.execute("set schema = 'raw_smartlead'; set TimeZone = 'UTC'; " + sql).fetchall()

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, without what says when and how often we looked."""
        excluded = {"webhook_events": "received_at", "source_reads": "rows_read"}
        selected = {table: f"* exclude ({excluded[table]})" if table in excluded else "*" for table in TABLES}
        return {table: self.query(f"select {columns} from {table} order by all") for table, columns in selected.items()}

    def store_webhook(self, name: str) -> None:
        body = json.dumps({"event_type": "EMAIL_REPLY", "campaign_id": 1, "note": name})
        append(open_store(self.settings), [InboxEvent("smartlead", "webhook", name, "EMAIL_REPLY", body)])


@pytest.fixture
def new_loaded(serve: Callable[[ASGIApp], str], tmp_path: Path) -> Callable[[str], Loaded]:
    """A function that makes a data directory of this name, all with a Smartlead of the same content."""

    def new(name: str) -> Loaded:
        fake = FakeSmartlead()
        return Loaded(fake, serve(fake.app()), tmp_path / name)

    return new


@pytest.fixture
def loaded(new_loaded: Callable[[str], Loaded]) -> Loaded:
    return new_loaded("data")
