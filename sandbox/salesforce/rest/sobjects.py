"""The pages of objects and their descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import replication
from sandbox.salesforce.describe import describe, describe_all, summary
from sandbox.salesforce.rest.common import VERSION, Guard, base, sobject_in_path
from sandbox.salesforce.rest.conditional import last_modified, refused

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org


def sobject_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``sobjects``."""
    pages = _SObjectPages(org)
    return [
        Route(f"{VERSION}/sobjects", authorized(pages.describe_all)),
        Route(f"{VERSION}/sobjects/{{sobject}}", authorized(pages.basics)),
        Route(f"{VERSION}/sobjects/{{sobject}}/describe", authorized(pages.describe)),
        Route(f"{VERSION}/sobjects/{{sobject}}/updated", authorized(pages.updated)),
        Route(f"{VERSION}/sobjects/{{sobject}}/deleted", authorized(pages.deleted)),
    ]


class _SObjectPages:
    def __init__(self, org: Org) -> None:
        self._org = org

    def describe_all(self, request: Request, _: Any) -> Response:
        """All objects."""
        return self._answer(request, lambda: describe_all(self._org.schema, base(request)))

    def basics(self, request: Request, _: Any) -> Response:
        """One object without its fields."""
        described = sobject_in_path(self._org, request)
        return JSONResponse({"objectDescribe": summary(described, base(request)), "recentItems": []})

    def describe(self, request: Request, _: Any) -> Response:
        """One object."""
        described = sobject_in_path(self._org, request)
        return self._answer(request, lambda: describe(described, base(request)))

    def updated(self, request: Request, _: Any) -> Response:
        """Which records were changed in a time."""
        return self._log(request, replication.updated)

    def deleted(self, request: Request, _: Any) -> Response:
        """Which records were deleted in a time."""
        return self._log(request, replication.deleted)

    def _log(self, request: Request, read: Callable[..., Any]) -> Response:
        state, described = self._org.service.state, sobject_in_path(self._org, request)
        start, end = (request.query_params.get(name) for name in ("start", "end"))
        with state.reading():  # one moment for all that is said
            times = replication.window(state, described, start, end)
            return JSONResponse(read(state, described, times, self._org.transactions))

    def _answer(self, request: Request, description: Callable[[], Any]) -> Response:
        schema = self._org.schema
        refusal = refused(request, schema.changed_at, schema.switches)
        return refusal or JSONResponse(description(), headers=last_modified(schema.changed_at))
