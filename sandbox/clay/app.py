"""Clay over HTTP: webhook sources, the public API, lookups, and the sandbox's control."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clay.lookups import Lookups
from sandbox.clay.outbound import Outbound
from sandbox.clay.simulation import Simulation
from sandbox.clay.tables import TABLES, SourceFullError, TableOptions, Tables
from sandbox.clay.truth import export_truth
from sandbox.database import Database
from sandbox.http import Faults, WorldTime, control

MOST_BYTES = 100_000
PAGE_ROWS, MOST_ROWS = 100, 500


class ClayService:
    """One Clay workspace.

    Args:
        database: its state.
        config: ``api_key``, ``webhook_token``, ``token``, ``seed``, ``receiver_url`` with ``receiver_secret``,
            ``smartlead_url`` with ``smartlead_api_key``, and optionally ``tables`` (see :class:`TableOptions`).
    """

    def __init__(self, database: Database, config: dict[str, Any]) -> None:
        self._db = database
        self._config = config
        self._faults = Faults()
        self._tables = Tables(database, config["seed"], TableOptions(**config.get("tables", {})))
        self._simulation = Simulation(database, config["seed"])
        self._lookups = Lookups(database, config["seed"])
        self._outbound = Outbound(database, self._simulation, config)

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v3/sources/webhook/{table_id}", self._take, methods=["POST"]),
                Route("/public/v0/me", self._me),
                Route("/public/v0/tables/query", self._query, methods=["POST"]),
                Route("/v1/people/enrich", self._look_up("person"), methods=["POST"]),
                Route("/v1/companies/enrich", self._look_up("company"), methods=["POST"]),
                Route("/_sandbox/{action}", control(self._config["token"], self._act), methods=["GET", "POST"]),
            ],
            middleware=[Middleware(WorldTime, clock=self._db.clock)],
        )

    async def _take(self, request: Request) -> Response:
        table_id = request.path_params["table_id"]
        if table_id not in TABLES:
            return _message("Webhook source not found", 404)
        if request.headers.get("x-clay-webhook-auth") != self._config["webhook_token"]:
            return _message("Unauthorized", 401)
        path = request.url.path
        await self._faults.delay(path)
        if faulty := self._faults.answer(path):
            return faulty
        fault = self._faults.take(path, "answer_lost", "forget", "twice")
        fate = None if fault is None else fault.kind
        answer = await run_in_threadpool(self._take_rows, table_id, await request.body(), fate)
        return _message("Bad gateway", 502) if fate == "answer_lost" else answer

    def _take_rows(self, table_id: str, raw: bytes, fate: str | None) -> Response:
        """One flat object is one row, a list is many; ``fate`` is what the weather does to them."""
        if len(raw) > MOST_BYTES:
            return _message("Payload too large", 413)
        try:
            content = json.loads(raw)
            with self._db.transaction():
                for row in content if isinstance(content, list) else [content]:
                    self._tables.submit(table_id, dict(row), self._db.clock.tick(), fate)
        except (ValueError, TypeError):
            return _message("Body parse error", 400)
        except SourceFullError:
            return _message("This webhook has reached its limit of submissions", 403)
        return JSONResponse({"success": True})

    async def _me(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"workspace": {"id": 1, "name": "Sandbox"}})

    async def _query(self, request: Request) -> Response:
        await self._faults.delay(request.url.path)
        if refusal := self._refusal(request):
            return refusal
        try:
            body = await request.json()
            table_id = body["query"]["tables"][0]["id"]
            limit, offset = int(body.get("limit", PAGE_ROWS)), int(body.get("cursor") or 0)
        except (ValueError, TypeError, LookupError, AttributeError):
            return _message("query.tables must name one table, and limit and cursor must be valid", 400)
        if table_id not in TABLES:
            return _message("Table not found", 404)
        rows, cursor = await run_in_threadpool(self._tables.page, table_id, max(1, min(limit, MOST_ROWS)), offset)
        return JSONResponse({"data": rows, "cursor": cursor})

    def _look_up(self, subject: str) -> Callable[[Request], Awaitable[Response]]:
        async def look_up(request: Request) -> Response:
            path = request.url.path
            await self._faults.delay(path)
            if request.headers.get("authorization") != f"Bearer {self._config['api_key']}":
                return _message("Invalid API key", 401)
            if faulty := self._faults.answer(path):
                return faulty
            try:
                answer = await run_in_threadpool(self._lookups.answer, subject, dict(await request.json()))
            except (ValueError, TypeError) as error:
                return _message(str(error), 400)
            is_lost = self._faults.take(path, "answer_lost")
            return _message("Bad gateway", 502) if is_lost else JSONResponse(answer, 200 if answer[subject] else 404)

        return look_up

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("clay-api-key") != self._config["api_key"]:
            return _message("Invalid API key", 401)
        return self._faults.answer(request.url.path)

    def _act(self, action: str, body: dict[str, Any]) -> Any:
        if action == "advance":
            for _ in range(int(body.get("days", 1))):
                self._pass_day()
            return self._status()
        if action == "deliver":
            self._simulation.classify_replies(self._db.clock.now)
            self._outbound.call_back()
            return self._status()
        if action == "truth":
            export_truth(self._db, Path(body["out"]))
            return {"ok": True}
        if action == "faults":
            self._faults.plan(body)
            return {"ok": True}
        if action == "status":
            return self._status()
        raise LookupError(f"action {action}")

    def _pass_day(self) -> None:
        """Enrich and hand over in the morning of the day that passes; then it is the next morning."""
        self._simulation.enrich_due_rows(self._db.clock.now.date(), self._db.clock.now)
        self._outbound.push()
        self._outbound.call_back()
        with self._db.transaction():
            self._db.clock.next_morning()

    def _status(self) -> dict[str, Any]:
        count = "select count(*) from"
        return {
            "world_time": self._db.clock.now.isoformat(),
            "rows": self._db.value(f"{count} rows"),
            "pending_rows": self._db.value(f"{count} rows where status = 'pending'"),
            "open_callbacks": self._db.value(f"{count} callbacks where is_delivered = 0"),
        }


def _message(text: str, status: int) -> Response:
    return JSONResponse({"message": text}, status)
