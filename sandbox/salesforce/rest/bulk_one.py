"""Bulk API 1.0, which the orgs have not enabled: clients are told so in its own manner of speaking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce.errors import SalesforceError

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<error xmlns="http://www.force.com/2009/06/asyncapi/dataload">
 <exceptionCode>{exceptionCode}</exceptionCode>
 <exceptionMessage>{exceptionMessage}</exceptionMessage>
</error>
"""


def bulk_one_routes(org: Org) -> list[Route]:
    """The routes under ``/services/async``."""
    return [Route("/services/async/{path:path}", _Refusal(org).answer, methods=["GET", "POST", "PUT", "DELETE"])]


class _Refusal:
    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, request: Request) -> Response:
        try:
            self._org.sign_in.check(f"Bearer {request.headers.get('x-sfdc-session', '')}")
            error = {"exceptionCode": "FeatureNotEnabled", "exceptionMessage": "Async API not enabled"}
        except SalesforceError:
            error = {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}
        wanted = request.headers.get("content-type", "") + request.headers.get("accept", "")
        if "json" in wanted:
            return JSONResponse(error, 400)
        return Response(ERROR.format(**error), 400, media_type="application/xml")
