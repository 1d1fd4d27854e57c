"""The Clay double over real HTTP, between a receiver and a Smartlead that note what they get."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.http.service import authorities
from sandbox.clay.app import ClayService
from sandbox.clay.state import open_database

API_KEY, WEBHOOK_TOKEN, TOKEN, SECRET = "api-key", "table-token", "control", "callback-secret"


class Peer:
    """Notes every request; ``status`` is what it answers."""

    def __init__(self, serve: Callable[[ASGIApp], str]) -> None:
        self.status = 200
        self.bodies: list[Any] = []
        self.requests: list[Request] = []
        self.url = serve(Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])]))

    async def _take(self, request: Request) -> Response:
        raw = await request.body()
        self.requests.append(request)
        if self.status < 300:
            self.bodies.append(json.loads(raw))
        return JSONResponse({"ok": True}, self.status)


class Double:
    """A running Clay."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60, verify=authorities())

    def submit(self, table_id: str, body: Any, token: str = WEBHOOK_TOKEN) -> httpx.Response:
        headers = {"x-clay-webhook-auth": token}
        return self.client.post(f"/v3/sources/webhook/{table_id}", json=body, headers=headers)

    def query(self, table_id: str, key: str = API_KEY, **more: Any) -> httpx.Response:
        body = {"query": {"tables": [{"id": table_id}]}, **more}
        return self.client.post("/public/v0/tables/query", json=body, headers={"clay-api-key": key})

    def look_up(self, subject: str, key: str = API_KEY, **body: str) -> httpx.Response:
        path = {"person": "people", "company": "companies"}[subject]
        return self.client.post(f"/v1/{path}/enrich", json=body, headers={"Authorization": f"Bearer {key}"})

    def control(self, action: str, **body: Any) -> Any:
        return self.client.post(f"/_sandbox/{action}", json=body, headers={"X-Sandbox-Token": TOKEN}).json()


@pytest.fixture
def receiver(serve: Callable[[ASGIApp], str]) -> Peer:
    return Peer(serve)


@pytest.fixture
def smartlead(serve: Callable[[ASGIApp], str]) -> Peer:
    return Peer(serve)


@pytest.fixture
def new_double(
    tmp_path: Path, serve: Callable[[ASGIApp], str], receiver: Peer, smartlead: Peer
) -> Callable[..., Double]:
    """A function that starts a Clay; its state lies in the same place each time."""

    def new(**config: Any) -> Double:
        standard = {
            "api_key": API_KEY,
            "webhook_token": WEBHOOK_TOKEN,
            "token": TOKEN,
            "seed": 7,
            "receiver_url": receiver.url,
            "receiver_secret": SECRET,
            "smartlead_url": smartlead.url,
            "smartlead_api_key": "smartlead-key",
        }
        return Double(serve(ClayService(open_database(tmp_path), standard | config).application()))

    return new


@pytest.fixture
def double(new_double: Callable[..., Double]) -> Double:
    return new_double()
