"""The query pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce.errors import malformed_query
from sandbox.salesforce.query import page_size
from sandbox.salesforce.query_columns import columns
from sandbox.salesforce.rest.common import VERSION, Guard, base, json_text

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org


def query_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``query`` and ``queryAll``."""
    pages = _QueryPages(org)
    return [
        Route(f"{VERSION}/query", authorized(pages.query)),
        Route(f"{VERSION}/queryAll", authorized(pages.query)),
        Route(f"{VERSION}/query/{{locator}}", authorized(pages.more)),
        Route(f"{VERSION}/queryAll/{{locator}}", authorized(pages.more)),
    ]


class _QueryPages:
    def __init__(self, org: Org) -> None:
        self._org = org

    def query(self, request: Request, _: Any) -> Response:
        """The first page of a query, or what its columns are."""
        text = request.query_params.get("q")
        if not text:
            raise malformed_query("A query string has to be specified")
        if request.query_params.get("columns") == "true":
            return JSONResponse(columns(self._org.schema, text, self._org.service.state.now))
        with_deleted = request.url.path.rstrip("/").endswith("/queryAll")
        size = page_size(request.headers.get("sforce-query-options", ""))
        return json_text(self._org.queries.run(text, base(request), with_deleted=with_deleted, page_size=size))

    def more(self, request: Request, _: Any) -> Response:
        """A further page."""
        size = page_size(request.headers.get("sforce-query-options", ""))
        return json_text(self._org.queries.more(request.path_params["locator"], page_size=size))
