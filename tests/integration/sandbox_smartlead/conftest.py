"""The Smartlead double over real HTTP, and a receiver that notes what it gets and misbehaves on demand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from sandbox.smartlead.app import SmartleadService
from sandbox.smartlead.state import open_database

KEY, TOKEN, SECRET = "key", "control", "webhook-secret"
CAMPAIGN = 2710101


class Receiver:
    """Notes every event; ``status`` is what it answers."""

    def __init__(self, serve: Callable[[ASGIApp], str]) -> None:
        self.status = 200
        self.events: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.url = serve(Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])]))

    async def _take(self, request: Request) -> Response:
        raw = await request.body()
        self.requests.append((dict(request.headers), raw))
        if self.status < 300:
            self.events.append(json.loads(raw))
        return JSONResponse({}, self.status)

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event_type"] == event_type]


class Double:
    """A running Smartlead."""

    def __init__(self, url: str, service: SmartleadService) -> None:
        self.url = url
        self.service = service
        self.client = httpx.Client(base_url=f"{url}/api/v1", params={"api_key": KEY}, timeout=60, verify=authorities())

    def get(self, path: str, **params: Any) -> Any:
        response = self.client.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.client.post(path, json=body)

    def control(self, action: str, **body: Any) -> Any:
        headers = {"X-Sandbox-Token": TOKEN}
        url = f"{self.url}/_sandbox/{action}"
        return httpx.post(url, json=body, headers=headers, timeout=60, verify=authorities()).json()

    def add(self, count: int, campaign: int = CAMPAIGN, **custom_fields: str) -> None:
        leads = [
            {"email": f"person{number}@company{number}.example", "first_name": "Ann", "custom_fields": custom_fields}
            for number in range(count)
        ]
        assert self.post(f"/campaigns/{campaign}/leads", {"lead_list": leads}).status_code == 200


@pytest.fixture
def new_double(tmp_path: Path, serve: Callable[[ASGIApp], str]) -> Iterator[Callable[..., Double]]:
    """A function that starts a Smartlead; its state lies in the same place each time."""
    doubles: list[Double] = []

    def new(**config: Any) -> Double:
        limit = {"per_minute": 10_000, "per_two_seconds": 10_000}
        standard = {"api_key": KEY, "token": TOKEN, "seed": 7, "rate_limit": limit, "receiver_secret": SECRET}
        service = SmartleadService(open_database(tmp_path), standard | config)
        service.register_webhooks()
        doubles.append(Double(serve(service.application()), service))
        return doubles[-1]

    yield new
    for double in doubles:
        double.client.close()


@pytest.fixture
def double(new_double: Callable[..., Double]) -> Double:
    return new_double()


@pytest.fixture
def receiver(serve: Callable[[ASGIApp], str]) -> Receiver:
    return Receiver(serve)
