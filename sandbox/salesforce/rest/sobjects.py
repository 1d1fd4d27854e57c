"""The pages of objects and their descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import schema
from sandbox.salesforce.rest.common import VERSION, Guard, base, sobject_in_path

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org


def sobject_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``sobjects``."""
    pages = _SObjectPages(org)
    return [
        Route(f"{VERSION}/sobjects", authorized(pages.describe_all)),
        Route(f"{VERSION}/sobjects/{{sobject}}/describe", authorized(pages.describe)),
    ]


class _SObjectPages:
    def __init__(self, org: Org) -> None:
        self._org = org

    def describe_all(self, request: Request, _: Any) -> Response:
        """All objects."""
        return JSONResponse(schema.describe_all(self._org.schema, base(request)))

    def describe(self, request: Request, _: Any) -> Response:
        """One object."""
        return JSONResponse(schema.describe(sobject_in_path(self._org, request), base(request)))
