"""Requests inside a request: they meet the same pages as any other, under the session of the outer one."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Match, Route

from sandbox.salesforce.errors import SalesforceError, not_found

FORBIDDEN_HEADERS = {"accept", "authorization", "content-type"}


@dataclass(frozen=True)
class Answer:
    """What a page said."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None

    @property
    def is_error(self) -> bool:
        """Whether it refused."""
        return self.status >= 400


def ask(outer: Request, routes: Sequence[Route], method: str, url: str, headers: Any, body: Any) -> Answer:
    """Send a request to the page that its address names, with the outer request's headers besides its own."""
    try:
        return _ask(outer, routes, method.upper(), url, headers or {}, body)
    except SalesforceError as error:
        return Answer(error.status, error.body())


def _ask(outer: Request, routes: Sequence[Route], method: str, url: str, headers: Any, body: Any) -> Answer:
    if refused := sorted(name for name in headers if name.lower() in FORBIDDEN_HEADERS):
        raise SalesforceError(400, "INVALID_HTTP_HEADER", f"A subrequest cannot have the header {refused[0]}.")
    address = urlsplit(url)
    given = {name.lower().encode(): str(value).encode() for name, value in headers.items()}
    kept = [(name, value) for name, value in outer.scope["headers"] if name not in given]
    scope = {
        **outer.scope,
        "method": method,
        "path": address.path.rstrip("/"),
        "query_string": address.query.encode(),
        "headers": [*kept, *given.items()],
    }
    matches = [(route, *route.matches(scope)) for route in routes]
    for route, match, found in matches:
        if match is Match.FULL:
            request = Request({**scope, **found})
            response = inspect.unwrap(route.endpoint)(request, body)
            content = json.loads(response.body) if response.body else None
            shown = {"Location": response.headers["location"]} if "location" in response.headers else {}
            return Answer(response.status_code, content, shown)
    if any(match is Match.PARTIAL for _, match, _ in matches):
        raise SalesforceError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed.")
    raise not_found()
