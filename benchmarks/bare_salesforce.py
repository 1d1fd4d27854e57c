"""The least that can answer a push: records in memory, and a given latency for each call.

``python -m benchmarks.bare_salesforce SECONDS`` prints its address. The double in ``sandbox/`` behaves like Salesforce
and takes its time; against it, a push would be measured together with it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import uvicorn

FIELDS = {
    "Id": "id",
    "OwnerId": "reference",
    "LastModifiedById": "reference",
    "external_hard_bounced__c": "boolean",
    "ReplyClassification__c": "string",
}
DESCRIBE = {
    "fields": [{"name": name, "type": kind, "updateable": True, "length": 255} for name, kind in FIELDS.items()]
}
USER = "005Ic0aaaaaaaaAIAQ"


class BareSalesforce:
    """An ASGI application."""

    def __init__(self, latency: float, address: str) -> None:
        self._latency = latency
        self._address = address
        self._records: dict[str, dict[str, Any]] = {}
        self._calls: Counter[str] = Counter()
        self._read_at: dict[str, float] = {}
        self._gaps = list[float]()  # seconds from each answer to a reading until the update of what was read comes

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        path: str = scope["path"]
        answer = self._answer(scope["method"], path, body)
        if not path.startswith("/_"):
            await asyncio.sleep(self._latency)
        if scope["method"] == "POST" and isinstance(answer, list):
            self._read_at |= {one["Id"]: time.monotonic() for one in answer}
        content = json.dumps(answer).encode()
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/json")]
        headers.append((b"date", format_datetime(datetime.now(UTC), usegmt=True).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, path: str, body: bytes) -> Any:
        kind = path.rpartition("/v62.0/")[2]
        if path == "/_seen":
            return {"calls": self._calls, "cpu_seconds": time.process_time(), "gaps": self._gaps}
        self._calls[f"{method} {kind}"] += 1
        if path.endswith("/token"):
            identity = f"{self._address}/id/00DIc0aaaaaaaaA/{USER}"
            return {"access_token": "bare", "instance_url": self._address, "id": identity}
        if kind == "composite/sobjects":
            records = json.loads(body)["records"]
            self._gaps.append(time.monotonic() - self._read_at[records[0]["id"]])
            return [self._update(record) for record in records]
        if kind.startswith("composite/sobjects/"):
            asked = json.loads(body)
            return [{name: self._value(one, name) for name in asked["fields"]} for one in asked["ids"]]
        return DESCRIBE if kind.endswith("describe") else {}

    def _update(self, record: dict[str, Any]) -> dict[str, Any]:
        self._records.setdefault(record["id"], {}).update(record)
        return {"id": record["id"], "success": True, "errors": []}

    def _value(self, record_id: str, name: str) -> Any:
        blank = {"Id": record_id, "LastModifiedById": USER, "external_hard_bounced__c": False}
        return self._records.get(record_id, {}).get(name, blank.get(name))


def main() -> None:
    """Serve until somebody ends the process."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(address, flush=True)  # noqa: T201
    config = uvicorn.Config(
        BareSalesforce(float(sys.argv[1]), address), log_level="warning", access_log=False, date_header=False
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
