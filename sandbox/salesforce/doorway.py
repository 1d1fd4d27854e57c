"""What every request passes on its way in and out: the record of requests, planned faults, and Salesforce's headers."""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.faults import Fault, Kind

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

CONTROL = "/_sandbox/"
DATA = "/services/data"


class Doorway:
    """Wraps an org's application. Some clients write a slash too many in an address."""

    def __init__(self, application: ASGIApp, org: Org) -> None:
        self._application = application
        self._org = org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        scope["path"] = re.sub("/+", "/", scope["path"]).rstrip("/") or "/"
        fault = None if scope["path"].startswith(CONTROL) else self._strike(scope)
        if fault is not None and fault.kind in {Kind.DROP_CONNECTION, Kind.HANG}:
            await asyncio.sleep(fault.seconds if fault.kind is Kind.HANG else 0)
            await _drop(send)
            return
        if fault is not None and fault.kind is Kind.EXPIRE_TOKEN:
            self._org.sign_in.expire_all()
        answer = _Answer(self, scope, send, fault)
        await self._application_for(fault)(scope, receive, answer)
        await answer.end()

    def _strike(self, scope: Scope) -> Fault | None:
        query = scope["query_string"].decode()
        address = f"{scope['method']} {scope['path']}{'?' + query if query else ''}"
        return self._org.service.faults.strike(self._org.name, address)

    def _application_for(self, fault: Fault | None) -> ASGIApp:
        if fault is None or fault.kind is not Kind.STATUS:
            return self._application
        error = SalesforceError(fault.status, fault.error_code, fault.message)
        return JSONResponse(error.body(), error.status)

    def headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Salesforce's headers of every answer."""
        if not scope["path"].startswith(DATA):  # signing in happens in real time, the data in the world's
            return [(b"date", formatdate(usegmt=True).encode())]
        headers = [(b"date", self._org.service.state.clock.http_date().encode())]
        headers.append((b"sforce-limit-info", self._org.usage.encode()))
        return headers

    def record(self, scope: Scope, status: int, fault: Fault | None) -> None:
        """Note a request, unless it is one of the sandbox's own."""
        if scope["path"].startswith(CONTROL):
            return
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        entry: dict[str, Any] = {
            "org": self._org.name,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "fault": fault.kind if fault else None,
            "headers": {name: value for name, value in headers.items() if name.startswith("sforce-")},
        }
        self._org.service.requests.append(entry)


class _Answer:
    """Passes an answer on as it comes, however long it is, as far as a planned fault allows."""

    def __init__(self, doorway: Doorway, scope: Scope, send: Send, fault: Fault | None) -> None:
        self._doorway = doorway
        self._scope = scope
        self._send = send
        self._fault = fault
        self._kind = fault.kind if fault else None
        self._start: Message = {}
        self._left: int | None = None  # bytes of the body that may still pass; none for a body that passes whole

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            self._doorway.record(self._scope, message["status"], self._fault)
        elif self._kind is not Kind.RESPONSE_LOST:
            await self._pass(message.get("body", b""), is_last=not message.get("more_body", False))

    async def end(self) -> None:
        """Close the connection where the plan is that the client does not get everything."""
        if self._kind is Kind.RESPONSE_LOST:
            await _drop(self._send)

    async def _pass(self, body: bytes, *, is_last: bool) -> None:
        if self._start:
            await self._begin(body)
        if self._left is None:
            await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})
            return
        body = body[: self._left]
        self._left -= len(body)
        is_cut = self._kind is Kind.BODY_CUT  # never said to be complete, so the server closes the connection
        await self._send({"type": "http.response.body", "body": body, "more_body": is_cut or not is_last})

    async def _begin(self, body: bytes) -> None:
        start, self._start = self._start, {}
        headers = [*start["headers"], *self._doorway.headers(self._scope)]
        if self._kind in {Kind.MALFORMED_PAGE, Kind.BODY_CUT}:
            length = next((int(value) for name, value in headers if name.lower() == b"content-length"), None)
            self._left = (len(body) if length is None else length) // 2
            if length is not None and self._kind is Kind.MALFORMED_PAGE:
                headers = [one for one in headers if one[0].lower() != b"content-length"]
                headers.append((b"content-length", str(self._left).encode()))
        await self._send({**start, "headers": headers})


async def _drop(send: Send) -> None:
    """Begin an answer and never finish it: the server then closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
