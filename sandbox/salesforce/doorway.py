"""What every request passes on its way in and out: the record of requests, planned faults, and Salesforce's headers."""

from __future__ import annotations

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
    """Wraps an org's application. Addresses may end with a slash, as some clients write them."""

    def __init__(self, application: ASGIApp, org: Org) -> None:
        self._application = application
        self._org = org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        scope["path"] = scope["path"].rstrip("/") or "/"
        is_control = scope["path"].startswith(CONTROL)
        fault = None if is_control else self._strike(scope)
        if fault is not None and fault.kind is Kind.DROP_CONNECTION:
            await _drop(send)
            return
        if fault is not None and fault.kind is Kind.EXPIRE_TOKEN:
            self._org.sign_in.expire_all()
        start, body = await self._answer(scope, receive, fault)
        if not is_control:
            self._record(scope, start["status"], fault)
        if fault is not None and fault.kind is Kind.RESPONSE_LOST:
            await _drop(send)
            return
        if fault is not None and fault.kind is Kind.MALFORMED_PAGE:
            body = body[: len(body) // 2]
        await send({**start, "headers": self._headers(scope, start, len(body))})
        await send({"type": "http.response.body", "body": body})

    def _strike(self, scope: Scope) -> Fault | None:
        query = scope["query_string"].decode()
        address = f"{scope['method']} {scope['path']}{'?' + query if query else ''}"
        return self._org.service.faults.strike(self._org.name, address)

    async def _answer(self, scope: Scope, receive: Receive, fault: Fault | None) -> tuple[Message, bytes]:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        application = self._application
        if fault is not None and fault.kind is Kind.STATUS:
            error = SalesforceError(fault.status, fault.error_code, fault.message)
            application = JSONResponse(error.body(), error.status)
        await application(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])

    def _headers(self, scope: Scope, start: Message, length: int) -> list[tuple[bytes, bytes]]:
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        headers += [
            (b"content-length", str(length).encode()),
            (b"date", self._org.service.state.clock.http_date().encode()),
        ]
        if scope["path"].startswith(DATA):
            headers.append((b"sforce-limit-info", self._org.usage.encode()))
        return headers

    def _record(self, scope: Scope, status: int, fault: Fault | None) -> None:
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


async def _drop(send: Send) -> None:
    """Begin an answer and never finish it: the server then closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
