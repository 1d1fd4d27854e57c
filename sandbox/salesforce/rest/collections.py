"""The pages of sObject Collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import records
from sandbox.salesforce.rest.common import VERSION, Guard, base, caller_of, json_text, sobject_in_path, with_locks

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org


def collection_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``composite/sobjects``."""
    pages = _CollectionPages(org)
    collections = f"{VERSION}/composite/sobjects"
    return [
        Route(collections, authorized(pages.update), methods=["PATCH"]),
        Route(f"{collections}/{{sobject}}", authorized(pages.retrieve), methods=["POST"]),
    ]


class _CollectionPages:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._state = org.service.state

    def retrieve(self, request: Request, body: Any) -> Response:
        """Records by id."""
        return json_text(records.retrieve(self._state, sobject_in_path(self._org, request), body, base(request)))

    def update(self, request: Request, body: Any) -> Response:
        """Change up to 200 records."""
        caller, schema = caller_of(self._org, request), self._org.schema
        results = with_locks(
            self._org,
            request,
            lambda rows: records.update(self._state, schema, body, caller, locked_rows=rows),
        )
        return JSONResponse(results)
