"""Smartlead over HTTP: its REST API, webhooks, and the sandbox's control."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.database import Database
from sandbox.http import Faults, fault_from, is_control, world_time_header
from sandbox.smartlead.delivery import Delivery
from sandbox.smartlead.rate_limit import RateLimit
from sandbox.smartlead.rest import Api, JoiError
from sandbox.smartlead.simulation import Simulation
from sandbox.smartlead.truth import export_truth

Answer = Callable[[Request, Any], Any]
NOT_FOUND = {"error": "Campaign not found - Invalid campaign_id."}


class SmartleadService:
    """One Smartlead account."""

    def __init__(self, database: Database, config: dict[str, Any]) -> None:
        self._db = database
        self._config = config
        self._api = Api(database)
        self._faults = Faults()
        self._limit = RateLimit(**config["rate_limit"])
        self._simulation = Simulation(database, config["seed"])
        self._delivery = Delivery(database, config["seed"])

    def application(self) -> Starlette:
        """The ASGI application."""
        rest, api = "/api/v1", self._api
        one = rest + "/campaigns/{campaign_id:int}"
        routes = [
            Route(f"{rest}/campaigns/", self._rest(lambda request, body: api.campaigns())),
            Route(f"{rest}/campaigns", self._rest(lambda request, body: api.campaigns())),
            Route(one, self._rest(lambda request, body: api.campaign(_campaign(request)))),
            Route(f"{one}/sequences", self._rest(lambda request, body: api.sequences(_campaign(request)))),
            Route(f"{one}/leads", self._rest(self._leads)),
            Route(f"{one}/leads", self._rest(self._add_leads), methods=["POST"]),
            Route(f"{one}/statistics", self._rest(self._statistics)),
            Route(f"{one}/leads-statistics", self._rest(self._leads_statistics)),
            Route(f"{one}/leads/{{lead_id:int}}/message-history", self._rest(self._history)),
            Route(f"{one}/analytics", self._rest(lambda request, body: api.analytics(_campaign(request)))),
            Route(f"{one}/webhooks", self._rest(self._list_webhooks)),
            Route(f"{one}/webhooks", self._rest(self._add_webhook), methods=["POST"]),
            Route(f"{rest}/leads/fetch-categories", self._rest(lambda request, body: api.categories())),
            Route(f"{rest}/email-accounts/", self._rest(self._email_accounts)),
            Route("/_sandbox/{action}", self._control, methods=["GET", "POST"]),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=world_time_header(self._db.clock))],
            exception_handlers={404: _no_such_page, 405: _no_such_page},
        )

    def register_webhooks(self) -> None:
        """Register the receiver, and Clay's table of replies, with every campaign that has no webhook yet."""
        receiver, clay = self._config.get("receiver_url"), self._config.get("clay_url")
        with self._db.transaction():
            for campaign in self._api.campaigns():
                if self._db.value("select 1 from webhooks where campaign_id = ?", [campaign["id"]]):
                    continue
                if receiver:
                    events = ["EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE"]
                    events += ["LEAD_UNSUBSCRIBED", "LEAD_CATEGORY_UPDATED"]
                    url, secret = f"{receiver}/smartlead/webhook", self._config["receiver_secret"]
                    self._insert_webhook(campaign["id"], "outreach", url, events, {"sign": "yes"}, secret)
                if clay:
                    headers = {"x-clay-webhook-auth": self._config["clay_webhook_token"]}
                    url = f"{clay}/v3/sources/webhook/t_replies"
                    self._insert_webhook(campaign["id"], "clay", url, ["EMAIL_REPLY"], headers, "")

    def _rest(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if refusal := self._refusal(request):
                return refusal
            body = await request.body()
            return await run_in_threadpool(self._answer, request, answer, body)

        return endpoint

    def _answer(self, request: Request, answer: Answer, body: bytes) -> Response:
        if "campaign_id" in request.path_params and not self._api.has_campaign(_campaign(request)):
            return JSONResponse(NOT_FOUND, 404)
        try:
            content = answer(request, json.loads(body) if body else None)
        except (JoiError, ValueError) as error:
            return JSONResponse({"message": str(error)}, 400)
        limit = {"x-ratelimit-limit": str(self._limit.per_minute), "x-ratelimit-remaining": str(self._limit.remaining)}
        return JSONResponse(content, headers=limit)

    def _refusal(self, request: Request) -> Response | None:
        if not request.headers.get("user-agent"):
            return HTMLResponse("<html><body>Attention Required! | Cloudflare</body></html>", 403)
        key = request.query_params.get("api_key")
        if key is None:
            return JSONResponse({"message": "API key is required."}, 401)
        if key != self._config["api_key"]:
            return JSONResponse({"message": "Invalid API Key"}, 401)
        if fault := self._faults.answer(request.url.path):
            return fault
        if wait := self._limit.wait_seconds():
            return _too_many(wait)
        return None

    def _leads(self, request: Request, _: Any) -> Any:
        return self._api.leads(_campaign(request), *_page(request, most=100, default=100))

    def _add_leads(self, request: Request, body: Any) -> Any:
        return self._api.add_leads(_campaign(request), body)

    def _statistics(self, request: Request, _: Any) -> Any:
        page = _page(request, most=1000, default=100)
        return self._api.statistics(_campaign(request), *page, request.query_params.get("sent_time_start_date", ""))

    def _leads_statistics(self, request: Request, _: Any) -> Any:
        for name in request.query_params.keys() - {"api_key", "event_time_gt", "created_at_gt", "limit", "offset"}:
            raise JoiError(f'"{name}" is not allowed')
        page = _page(request, most=100, default=100)
        return self._api.leads_statistics(_campaign(request), *page, request.query_params.get("event_time_gt", ""))

    def _history(self, request: Request, _: Any) -> Any:
        return {"history": self._api.history(_campaign(request), request.path_params["lead_id"])}

    def _email_accounts(self, request: Request, _: Any) -> Any:
        return self._api.email_accounts(*_page(request, most=100, default=100))

    def _list_webhooks(self, request: Request, _: Any) -> Any:
        rows = self._db.rows("select * from webhooks where campaign_id = ? order by id", [_campaign(request)])
        return [
            {
                "id": row["id"],
                "name": row["name"],
                "webhook_url": row["url"],
                "event_types": json.loads(row["event_types"]),
            }
            for row in rows
        ]

    def _add_webhook(self, request: Request, body: Any) -> Any:
        if not body.get("categories"):
            raise JoiError('"categories" does not contain 1 required value(s)')
        with self._db.transaction():
            self._insert_webhook(
                _campaign(request), body["name"], body["webhook_url"], body["event_types"], {}, "created-by-api"
            )
        return {"id": self._db.value("select max(id) from webhooks"), "name": body["name"]}

    def _insert_webhook(
        self, campaign_id: int, name: str, url: str, events: list[str], headers: dict[str, str], secret: str
    ) -> None:
        created_at = self._db.clock.now.isoformat()
        row = {"campaign_id": campaign_id, "name": name, "url": url, "event_types": events, "headers": headers}
        self._db.insert("webhooks", row | {"secret": secret, "created_at": created_at})

    async def _control(self, request: Request) -> Response:
        if not is_control(request, self._config["token"]):
            return JSONResponse({"message": "The control token is missing or wrong."}, 401)
        body = {}
        with contextlib.suppress(ValueError):
            body = await request.json()
        return await run_in_threadpool(self._act, request.path_params["action"], body)

    def _act(self, action: str, body: dict[str, Any]) -> Response:
        if action == "advance":
            arrived = sum(self._pass_day() for _ in range(int(body.get("days", 1))))
            return JSONResponse({"world_time": self._db.clock.now.isoformat(), "webhooks_delivered": arrived})
        if action == "truth":
            export_truth(self._db, Path(body["out"]))
            return JSONResponse({"ok": True})
        if action == "faults":
            self._faults.plan(fault_from(body))
            return JSONResponse({"ok": True})
        if action == "status":
            return JSONResponse(self._status())
        return JSONResponse({"message": f"There is no action {action}."}, 404)

    def _pass_day(self) -> int:
        self._simulation.pass_day(self._db.clock.now.date())
        with self._db.transaction():
            self._db.clock.next_morning()
        return self._delivery.deliver()

    def _status(self) -> dict[str, Any]:
        count = "select count(*) from"
        counts = {table: self._db.value(f"{count} {table}") for table in ("campaigns", "leads", "mails", "mailboxes")}
        replies = self._db.value(f"{count} messages where type = 'REPLY'")
        undelivered = self._db.value(f"{count} outbox where is_delivered = 0")
        return {
            "world_time": self._db.clock.now.isoformat(),
            **counts,
            "replies": replies,
            "undelivered_webhooks": undelivered,
        }


def _campaign(request: Request) -> int:
    return int(request.path_params["campaign_id"])


def _page(request: Request, *, most: int, default: int) -> tuple[int, int]:
    limit = int(request.query_params.get("limit", default))
    if limit > most:
        raise JoiError(f'"limit" must be less than or equal to {most}')
    return int(request.query_params.get("offset", 0)), limit


def _too_many(wait_seconds: float) -> Response:
    """The real service sends Retry-After only sometimes."""
    seconds = int(wait_seconds) + 1
    body = {
        "error": {
            "code": "RATE_LIMIT_EXCEEDED",
            "message": f"Too many requests. Please retry after {seconds} seconds.",
            "retry_after": seconds,
        }
    }
    return JSONResponse(body, 429, headers={"Retry-After": str(seconds)} if seconds % 2 else {})


async def _no_such_page(request: Request, _: Exception) -> Response:
    return HTMLResponse(f"<pre>Cannot {request.method} {request.url.path}</pre>", 404)
