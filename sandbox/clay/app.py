"""Clay over HTTP: webhook sources, the public API, callbacks and pushes to Smartlead, and the sandbox's control."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clay.simulation import CAMPAIGN_OF, Simulation
from sandbox.clay.state import ROWS_PER_TABLE, SUBMISSIONS_PER_SOURCE
from sandbox.clay.truth import export_truth
from sandbox.database import Database, Row
from sandbox.http import Faults, fault_from, is_control, world_time_header
from sandbox.world.catalog import CLAY_TABLES, REPLIES_TABLE
from sandbox.world.nature import unit

PUSH_BATCH = 100
TWICE_SHARE = 0.03


class ClayService:
    """One Clay workspace."""

    def __init__(self, database: Database, config: dict[str, Any]) -> None:
        self._db = database
        self._config = config
        self._faults = Faults()
        self._simulation = Simulation(database, config["seed"])

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v3/sources/webhook/{table_id}", self._take, methods=["POST"]),
                Route("/public/v0/me", self._me),
                Route("/public/v0/tables/query", self._query, methods=["POST"]),
                Route("/_sandbox/{action}", self._control, methods=["GET", "POST"]),
            ],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=world_time_header(self._db.clock))],
        )

    async def _take(self, request: Request) -> Response:
        if request.headers.get("x-clay-webhook-auth") != self._config["webhook_token"]:
            return JSONResponse({"message": "Unauthorized"}, 401)
        table_id = request.path_params["table_id"]
        if table_id not in {*CLAY_TABLES, REPLIES_TABLE}:
            return JSONResponse({"message": "Not found"}, 404)
        if fault := self._faults.answer(request.url.path):
            return fault
        try:
            body = await request.json()
        except ValueError:
            return JSONResponse({"message": "Body parse error"}, 400)
        return await run_in_threadpool(self._take_row, table_id, body)

    def _take_row(self, table_id: str, body: dict[str, Any]) -> Response:
        with self._db.transaction():
            self._db.execute("insert or ignore into sources (table_id) values (?)", [table_id])
            submissions = self._db.value("select submissions from sources where table_id = ?", [table_id])
            if submissions >= SUBMISSIONS_PER_SOURCE:
                return JSONResponse({"message": "Webhook submission limit reached"}, 429)
            self._db.execute("update sources set submissions = submissions + 1 where table_id = ?", [table_id])
            if self._db.value("select count(*) from rows where table_id = ?", [table_id]) < ROWS_PER_TABLE:
                now = self._db.clock.tick()
                if table_id == REPLIES_TABLE:
                    self._simulation.take_reply(body, now)
                else:
                    self._simulation.take_row(table_id, body["CampaignMemberId"], body, now)
        return JSONResponse({"success": True})

    async def _me(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"workspace": {"name": "Sandbox"}})

    async def _query(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        return await run_in_threadpool(self._answer_query, await request.json())

    def _answer_query(self, body: dict[str, Any]) -> Response:
        """Least recently updated first; the last row of a page comes again on the next one."""
        table_id = body["query"]["tables"][0]["id"]
        if table_id not in {*CLAY_TABLES, REPLIES_TABLE}:
            return JSONResponse({"message": "Table not found"}, 404)
        limit, offset = min(int(body.get("limit", 100)), 100), int(body.get("cursor") or 0)
        rows = self._db.rows(
            "select * from rows where table_id = ? order by updated_at, row_number limit ? offset ?",
            [table_id, limit + 1, offset],
        )
        cursor = str(offset + limit - 1) if len(rows) > limit else None
        return JSONResponse({"data": [_table_row(row) for row in rows[:limit]], "cursor": cursor})

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("clay-api-key") != self._config["api_key"]:
            return JSONResponse({"message": "Invalid API key"}, 401)
        return self._faults.answer(request.url.path)

    async def _control(self, request: Request) -> Response:
        if not is_control(request, self._config["token"]):
            return JSONResponse({"message": "The control token is missing or wrong."}, 401)
        body = {}
        with contextlib.suppress(ValueError):
            body = await request.json()
        return await run_in_threadpool(self._act, request.path_params["action"], body)

    def _act(self, action: str, body: dict[str, Any]) -> Response:
        if action == "advance":
            for _ in range(int(body.get("days", 1))):
                self._pass_day()
            return JSONResponse(self._status())
        if action == "deliver":
            self._simulation.classify_replies(self._db.clock.now)
            self._call_back()
            return JSONResponse(self._status())
        if action == "truth":
            export_truth(self._db, Path(body["out"]))
            return JSONResponse({"ok": True})
        if action == "faults":
            self._faults.plan(fault_from(body))
            return JSONResponse({"ok": True})
        return JSONResponse(self._status()) if action == "status" else JSONResponse({"message": "No such action"}, 404)

    def _pass_day(self) -> None:
        """Enrich and hand over in the morning of the day that passes; then it is the next morning."""
        day = self._db.clock.now.date()
        ready = self._simulation.enrich_due_rows(day, self._db.clock.now)
        self._push(ready)
        self._call_back()
        with self._db.transaction():
            self._db.clock.next_morning()

    def _push(self, rows: list[Row]) -> None:
        url, key = self._config.get("smartlead_url"), self._config.get("smartlead_api_key")
        if not url:
            return
        for table_id in sorted({row["table_id"] for row in rows}):
            of_table = [row for row in rows if row["table_id"] == table_id]
            for start in range(0, len(of_table), PUSH_BATCH):
                batch = of_table[start : start + PUSH_BATCH]
                body = {"lead_list": [self._simulation.smartlead_lead(row) for row in batch]}
                path = f"{url}/api/v1/campaigns/{CAMPAIGN_OF[table_id]}/leads"
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.post(path, params={"api_key": key}, json=body, timeout=60).is_success:
                        self._simulation.mark_pushed(batch, self._db.clock.now)

    def _call_back(self) -> None:
        """Call back everything that is open; what fails stays open, a few come twice."""
        url = f"{self._config['receiver_url']}/clay/callback"
        headers = {"Authorization": f"Bearer {self._config['receiver_secret']}"}
        with httpx.Client(timeout=30, headers=headers) as client:
            for callback in self._db.rows("select * from callbacks where is_delivered = 0 order by id"):
                body = json.loads(callback["body"])
                try:
                    is_taken = client.post(url, json=body).is_success
                    if unit(self._config["seed"], "twice", callback["id"]) < TWICE_SHARE:
                        client.post(url, json=body)
                except httpx.HTTPError:
                    return  # nobody is there; the rest would fail as well
                if is_taken:
                    with self._db.transaction():
                        self._db.execute("update callbacks set is_delivered = 1 where id = ?", [callback["id"]])

    def _status(self) -> dict[str, Any]:
        count = "select count(*) from"
        return {
            "world_time": self._db.clock.now.isoformat(),
            "rows": self._db.value(f"{count} rows"),
            "pending_rows": self._db.value(f"{count} rows where status = 'pending'"),
            "open_callbacks": self._db.value(f"{count} callbacks where is_delivered = 0"),
        }


def _table_row(row: Row) -> dict[str, Any]:
    cells = json.loads(row["cells"]) or {
        name: {"status": "success", "value": value} for name, value in json.loads(row["inputs"]).items()
    }
    if row["status"] == "pending":
        cells["enriched_at"] = {"status": "pending"}
    return {"id": row["row_id"], "updated_at": row["updated_at"], "cells": cells}
