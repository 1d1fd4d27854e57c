"""What the Smartlead and the Clay double share over HTTP: the world's clock, the control token, planned faults."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.world.clock import WorldClock

Handler = Callable[[Request], Awaitable[Response]]
CONTROL_HEADER = "x-sandbox-token"


@dataclass
class Fault:
    """What is to go wrong with the next requests to a path."""

    kind: str
    path: str
    times: int
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)


class Faults:
    """The planned faults; each is used up by the requests it hits."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Add a fault."""
        self._planned.append(fault)

    def answer(self, path: str) -> Response | None:
        """The faulty answer to a request, None when nothing is planned for it."""
        for fault in self._planned:
            if fault.times > 0 and re.search(fault.path, path):
                fault.times -= 1
                return _faulty(fault)
        return None


def _faulty(fault: Fault) -> Response:
    if fault.kind == "html_page":
        return HTMLResponse("<html><body>Attention Required! | Cloudflare</body></html>", fault.status)
    if fault.kind == "malformed_page":
        return Response('{"data": [{"id": 1, ', media_type="application/json")
    return JSONResponse({"message": "Service is busy"}, fault.status, headers=fault.headers)


def world_time_header(clock: WorldClock) -> Callable[[Request, Handler], Awaitable[Response]]:
    """Middleware that shows the world's time in the Date header."""

    async def add_header(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        response.headers["date"] = clock.http_date()
        return response

    return add_header


def is_control(request: Request, token: str) -> bool:
    """Whether a request to ``/_sandbox/…`` shows the control token."""
    return secrets.compare_digest(request.headers.get(CONTROL_HEADER, ""), token)


def fault_from(body: dict[str, Any]) -> Fault:
    """A fault as a control request describes it."""
    return Fault(
        body["kind"], body["path"], int(body.get("times", 1)), int(body.get("status", 503)), body.get("headers", {})
    )
