"""What the Smartlead and the Clay double share over HTTP: the world's clock, the control token, planned faults."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.world.clock import WorldClock

CONTROL_HEADER = "x-sandbox-token"
FAULTY_ANSWERS = ("status", "drop_connection", "malformed_page", "html_page")
# shift: a list changes right after one of its pages was read; the others: a row is taken and its answer lost, it is
# accepted and forgotten, it becomes two rows
FAULTS = (*FAULTY_ANSWERS, "slow", "shift", "answer_lost", "forget", "twice")
CLOUDFLARE_PAGE = "<html><head><title>Attention Required! | Cloudflare</title></head><body>…</body></html>"


@dataclass
class Fault:
    """What is to go wrong with the next requests to paths that match a pattern."""

    kind: str
    path: str
    times: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            raise ValueError(f"{self.kind} is none of {', '.join(FAULTS)}")

    def answer(self) -> Response:
        """The faulty answer."""
        if self.kind == "drop_connection":
            return _Dropped()
        if self.kind == "html_page":
            return HTMLResponse(CLOUDFLARE_PAGE, self.status)
        if self.kind == "malformed_page":
            return Response('{"data": [{"id": 1, ', media_type="application/json")
        return JSONResponse({"message": "Service is busy"}, self.status, headers=self.headers)


class Faults:
    """The planned faults; each is used up by the requests it hits."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, description: dict[str, Any]) -> None:
        """Add a fault as a control request describes it."""
        self._planned.append(Fault(**description))

    def answer(self, path: str) -> Response | None:
        """The faulty answer to a request, None when nothing is planned for it."""
        fault = self.take(path, *FAULTY_ANSWERS)
        return None if fault is None else fault.answer()

    async def delay(self, path: str) -> None:
        """Wait before a request is answered, if that is planned."""
        if fault := self.take(path, "slow"):
            await asyncio.sleep(fault.seconds)

    def take(self, path: str, *kinds: str) -> Fault | None:
        """The next fault of these kinds that is planned for a path, used up by one; None when there is none."""
        for fault in self._planned:
            if fault.times > 0 and fault.kind in kinds and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None


class _Dropped(Response):
    """An answer that ends in the middle: the server closes the connection when it notices."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data": ['})


class WorldTime:
    """Middleware that shows the world's time in the Date header."""

    def __init__(self, app: ASGIApp, clock: WorldClock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the header."""

        async def send_with_date(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["date"] = self._clock.http_date()
            await send(message)

        await self._app(scope, receive, send_with_date)


def control(token: str, act: Callable[[str, dict[str, Any]], Any]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of ``/_sandbox/{action}``.

    Args:
        token: what the caller must show in ``X-Sandbox-Token``.
        act: does an action with its parameters and returns the answer's content; raises LookupError for an unknown
            action or a missing parameter, and ValueError or TypeError for parameters that do not fit.
    """

    async def endpoint(request: Request) -> Response:
        if not secrets.compare_digest(request.headers.get(CONTROL_HEADER, "").encode(), token.encode()):
            return JSONResponse({"message": "The control token is missing or wrong."}, 401)
        raw = await request.body()
        try:
            content = await run_in_threadpool(act, request.path_params["action"], json.loads(raw) if raw else {})
        except LookupError as error:
            return JSONResponse({"message": f"There is no {error}."}, 404)
        except (ValueError, TypeError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse(content)

    return endpoint
