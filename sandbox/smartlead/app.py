"""Smartlead over HTTP: its REST API, webhooks, and the sandbox's control."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.database import Database
from sandbox.http import CLOUDFLARE_PAGE, Faults, WorldTime, control
from sandbox.smartlead import joi
from sandbox.smartlead.delivery import Delivery, Weather
from sandbox.smartlead.events import EVENT_TYPES
from sandbox.smartlead.imports import add_leads
from sandbox.smartlead.rate_limit import RateLimit
from sandbox.smartlead.rest import Api
from sandbox.smartlead.simulation import Simulation
from sandbox.smartlead.truth import export_truth
from sandbox.smartlead.webhooks import Webhooks
from sandbox.world.catalog import REPLIES_TABLE

Answer = Callable[[Request, Any], Any]
NOT_FOUND = {"error": "Campaign not found - Invalid campaign_id."}
STATUSES = {"START": "ACTIVE", "PAUSED": "PAUSED", "STOPPED": "STOPPED"}


class SmartleadService:
    """One Smartlead account.

    Args:
        database: its state.
        config: ``api_key``, ``token``, ``seed``, ``rate_limit`` and, where webhooks are to be registered,
            ``receiver_url`` with ``receiver_secret`` and ``clay_url`` with ``clay_webhook_token``.
    """

    def __init__(self, database: Database, config: dict[str, Any]) -> None:
        self._db = database
        self._config = config
        self._api = Api(database)
        self._webhooks = Webhooks(database, config.get("receiver_secret", ""))
        self._faults = Faults()
        self._limit = RateLimit(**config["rate_limit"])
        self._simulation = Simulation(database, config["seed"])
        self._delivery = Delivery(database, config["seed"])

    def application(self) -> Starlette:
        """The ASGI application."""
        get, rest = self._reading, "/api/v1"
        one, api, webhooks = rest + "/campaigns/{campaign_id:int}", self._api, self._webhooks
        routes = [
            *(get(path, lambda _: api.campaigns()) for path in (f"{rest}/campaigns/", f"{rest}/campaigns")),
            get(one, lambda request: api.campaign(_campaign(request))),
            get(f"{one}/sequences", lambda request: api.sequences(_campaign(request))),
            get(f"{one}/leads", lambda request: api.leads(_campaign(request), request.query_params)),
            get(f"{one}/statistics", lambda request: api.statistics(_campaign(request), request.query_params)),
            get(
                f"{one}/leads-statistics",
                lambda request: api.leads_statistics(_campaign(request), request.query_params),
            ),
            get(
                f"{one}/leads/{{lead_id:int}}/message-history",
                lambda request: api.history(_campaign(request), request.path_params["lead_id"]),
            ),
            get(f"{one}/analytics", lambda request: api.analytics(_campaign(request))),
            get(f"{one}/webhooks", lambda request: webhooks.of_campaign(_campaign(request))),
            get(f"{one}/webhooks/summary", lambda request: webhooks.summary(_campaign(request), *_period(request))),
            get(f"{rest}/leads/fetch-categories", lambda _: api.categories()),
            get(f"{rest}/leads/", lambda request: api.lead(request.query_params)),
            get(f"{rest}/email-accounts/", lambda request: api.email_accounts(request.query_params)),
            Route(f"{one}/leads", self._rest(self._add_leads), methods=["POST"]),
            Route(f"{one}/status", self._rest(self._set_status), methods=["POST"]),
            Route(f"{one}/webhooks", self._rest(self._save_webhook), methods=["POST"]),
            Route(f"{one}/webhooks", self._rest(self._delete_webhook), methods=["DELETE"]),
            Route(f"{one}/webhooks/retrigger-failed-events", self._rest(self._retrigger), methods=["POST"]),
            Route("/_sandbox/{action}", control(self._config["token"], self._act), methods=["GET", "POST"]),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(WorldTime, clock=self._db.clock)],
            exception_handlers={404: _no_such_page, 405: _no_such_page},
        )

    def register_webhooks(self) -> None:
        """Register the receiver, and Clay's table of replies, with every campaign that has no webhook yet."""
        receiver, clay = self._config.get("receiver_url"), self._config.get("clay_url")
        events = [event for event in EVENT_TYPES if event != "FIRST_EMAIL_SENT"]
        with self._db.transaction():
            for campaign in self._api.campaigns():
                if self._webhooks.of_campaign(campaign["id"]):
                    continue
                if receiver:
                    self._webhooks.insert(campaign["id"], "outreach", f"{receiver}/smartlead/webhook", events)
                if clay:
                    headers = {"x-clay-webhook-auth": self._config["clay_webhook_token"]}
                    url = f"{clay}/v3/sources/webhook/{REPLIES_TABLE}"
                    self._webhooks.insert(campaign["id"], "clay", url, ["EMAIL_REPLY"], headers)

    def _reading(self, path: str, answer: Callable[[Request], Any]) -> Route:
        return Route(path, self._rest(lambda request, _: answer(request)))

    def _rest(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            await self._faults.delay(request.url.path)
            if refusal := self._refusal(request):
                return refusal
            body = await request.body()
            return await run_in_threadpool(self._answer, request, answer, body)

        return endpoint

    def _answer(self, request: Request, answer: Answer, body: bytes) -> Response:
        if "campaign_id" in request.path_params and not self._api.has_campaign(_campaign(request)):
            return JSONResponse(NOT_FOUND, 404)
        try:
            content = answer(request, json.loads(body) if body else {})
        except json.JSONDecodeError:
            return JSONResponse({"message": "Invalid request payload JSON format"}, 400)
        except joi.JoiError as error:
            return JSONResponse({"message": str(error)}, 400)
        if self._faults.take(request.url.path, "shift"):
            self._remove_newest_lead(_campaign(request))
        headers = self._limit.headers()
        if isinstance(content, str):
            return PlainTextResponse(content, headers=headers)
        return JSONResponse(content, headers=headers)

    def _refusal(self, request: Request) -> Response | None:
        if not request.headers.get("user-agent"):
            return HTMLResponse(CLOUDFLARE_PAGE, 403)
        key = request.query_params.get("api_key")
        if key is None:
            return JSONResponse({"message": "API key is required."}, 401)
        if key != self._config["api_key"]:
            return JSONResponse({"message": "Invalid API Key"}, 401)
        if fault := self._faults.answer(request.url.path):
            return fault
        if wait := self._limit.wait_seconds():
            return self._too_many(wait)
        return None

    def _too_many(self, wait_seconds: float) -> Response:
        """The real service sends Retry-After only sometimes."""
        seconds = int(wait_seconds) + 1
        message = f"Too many requests. Please retry after {seconds} seconds."
        body = {"error": {"code": "RATE_LIMIT_EXCEEDED", "message": message, "retry_after": seconds}}
        self._limit.refused += 1
        retry_after = {"Retry-After": str(seconds)} if self._limit.refused % 2 else {}
        return JSONResponse(body, 429, headers=self._limit.headers() | retry_after)

    def _add_leads(self, request: Request, body: Any) -> Any:
        return add_leads(self._db, _campaign(request), body)

    def _set_status(self, request: Request, body: Any) -> str:
        status = joi.required(body, "status")
        if status not in STATUSES:
            raise joi.JoiError(f'"status" must be one of [{", ".join(STATUSES)}]')
        with self._db.transaction():
            self._db.execute(
                "update campaigns set status = ?, updated_at = ? where id = ?",
                [STATUSES[status], self._db.clock.tick().isoformat(), _campaign(request)],
            )
        return "success"

    def _save_webhook(self, request: Request, body: Any) -> Any:
        return self._webhooks.save(_campaign(request), body)

    def _delete_webhook(self, request: Request, body: Any) -> Any:
        return self._webhooks.delete(_campaign(request), body)

    def _retrigger(self, request: Request, body: Any) -> Any:
        count = self._webhooks.retrigger(_campaign(request), *_between(body))
        self._delivery.deliver()
        return {"ok": True, "retriggered": count}

    def _act(self, action: str, body: dict[str, Any]) -> Any:
        if action == "advance":
            arrived = sum(self._pass_day() for _ in range(int(body.get("days", 1))))
            return {"world_time": self._db.clock.now.isoformat(), "webhooks_delivered": arrived}
        if action == "truth":
            export_truth(self._db, Path(body["out"]))
            return {"ok": True}
        if action == "faults":
            self._faults.plan(body)
            return {"ok": True}
        if action == "weather":
            self._delivery.weather = Weather(**body)
            return {"ok": True}
        if action == "status":
            return self._status()
        raise LookupError(f"action {action}")

    def _remove_newest_lead(self, campaign_id: int) -> None:
        """All later leads, and their mails, move up a place."""
        newest = "select max(map_id) from campaign_leads where campaign_id = ?"
        with self._db.transaction():
            self._db.execute(f"delete from campaign_leads where map_id = ({newest})", [campaign_id])

    def _pass_day(self) -> int:
        self._simulation.pass_day(self._db.clock.now.date())
        with self._db.transaction():
            self._db.clock.next_morning()
        return self._delivery.deliver()

    def _status(self) -> dict[str, Any]:
        count = "select count(*) from"
        counts = {table: self._db.value(f"{count} {table}") for table in ("campaigns", "leads", "mails", "mailboxes")}
        return {
            "world_time": self._db.clock.now.isoformat(),
            **counts,
            "replies": self._db.value(f"{count} messages where type = 'REPLY'"),
            "undelivered_webhooks": self._db.value(f"{count} outbox where status = 'open'"),
            "disabled_webhooks": self._db.value(f"{count} webhooks where is_disabled = 1"),
        }


def _campaign(request: Request) -> int:
    return int(request.path_params["campaign_id"])


def _period(request: Request) -> tuple[str, str]:
    return _between(dict(request.query_params))


def _between(parameters: dict[str, str]) -> tuple[str, str]:
    for name in ("fromTime", "toTime"):
        joi.required(parameters, name)
    return joi.moment(parameters, "fromTime") or "", joi.moment(parameters, "toTime") or ""


async def _no_such_page(request: Request, _: Exception) -> Response:
    page = f"<!DOCTYPE html><pre>Cannot {request.method} {request.url.path}</pre>"
    return HTMLResponse(page, 404)
