"""The pages of sObject Collections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import records
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.rest.common import VERSION, Guard, base, caller_of, json_text, sobject_in_path, with_locks

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

Written = tuple[list[records.Result], int]


def collection_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``composite/sobjects``."""
    pages = _CollectionPages(org)
    collections = f"{VERSION}/composite/sobjects"
    return [
        Route(collections, authorized(pages.create), methods=["POST"]),
        Route(collections, authorized(pages.update), methods=["PATCH"]),
        Route(collections, authorized(pages.delete), methods=["DELETE"]),
        Route(f"{collections}/{{sobject}}", authorized(pages.retrieve), methods=["POST"]),
        Route(f"{collections}/{{sobject}}", authorized(pages.retrieve_by_address)),
        Route(f"{collections}/{{sobject}}/{{key}}", authorized(pages.upsert), methods=["PATCH"]),
    ]


class _CollectionPages:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._state = org.service.state

    def retrieve(self, request: Request, body: Any) -> Response:
        """Records by id."""
        return json_text(records.retrieve(self._state, sobject_in_path(self._org, request), body, base(request)))

    def retrieve_by_address(self, request: Request, _: Any) -> Response:
        """Records by id, as few as an address holds."""
        body = {name: _listed(request, name) for name in ("ids", "fields")}
        return self.retrieve(request, body)

    def create(self, request: Request, body: Any) -> Response:
        """Add up to 200 records."""
        return self._written(request, partial(records.create, self._state, self._org.schema, body))

    def update(self, request: Request, body: Any) -> Response:
        """Change up to 200 records."""
        return self._written(request, partial(records.update, self._state, self._org.schema, body))

    def upsert(self, request: Request, body: Any) -> Response:
        """Change or add up to 200 records by external id."""
        described, key = sobject_in_path(self._org, request), request.path_params["key"]
        return self._written(request, partial(records.upsert, self._state, described, key, body))

    def delete(self, request: Request, _: Any) -> Response:
        """Move up to 200 records to the recycle bin."""
        all_or_none = request.query_params.get("allOrNone", "").lower() == "true"
        delete = partial(records.delete, self._state, self._org.schema, _listed(request, "ids"))
        return self._written(request, partial(delete, all_or_none=all_or_none))

    def _written(self, request: Request, write: Callable[..., Written]) -> Response:
        caller = caller_of(self._org, request)
        return JSONResponse(with_locks(self._org, request, lambda rows: write(caller, locked_rows=rows)))


def _listed(request: Request, name: str) -> list[str]:
    """The parts of a parameter with commas.

    Raises:
        SalesforceError: it is missing.
    """
    given = request.query_params.get(name)
    if not given:
        raise SalesforceError(400, "MISSING_ARGUMENT", f"The parameter {name} is missing.")
    return [part.strip() for part in given.split(",")]
