"""The HTTP face of one org: addresses, versions, sessions, limits, and what an administrator's pages would show."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce.bulk.bulk import Bulk
from sandbox.salesforce.control import control_routes
from sandbox.salesforce.doorway import Doorway
from sandbox.salesforce.errors import SalesforceError, not_found
from sandbox.salesforce.faults import FaultPlan
from sandbox.salesforce.identity import identity_routes
from sandbox.salesforce.limits import limits
from sandbox.salesforce.oauth import SignIn
from sandbox.salesforce.query import Queries
from sandbox.salesforce.replication import Transactions
from sandbox.salesforce.rest.bulk import bulk_routes
from sandbox.salesforce.rest.bulk_one import bulk_one_routes
from sandbox.salesforce.rest.collections import collection_routes
from sandbox.salesforce.rest.common import Handler, base
from sandbox.salesforce.rest.composite import composite_routes
from sandbox.salesforce.rest.queries import query_routes
from sandbox.salesforce.rest.reports import report_routes
from sandbox.salesforce.rest.rows import row_routes
from sandbox.salesforce.rest.sobjects import sobject_routes
from sandbox.salesforce.rest.tree import tree_routes
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.state import State

FIRST_VERSION, LAST_VERSION = 31, 67  # older ones are retired; jsforce asks for 50.0 when told nothing
LONGEST_REQUEST = 16_384  # characters of address and headers together
CONNECTED_APP = "Outreach"
RECORDED_REQUESTS = 10_000


@dataclass
class Service:
    """What the servers of both orgs share."""

    state: State
    token: str
    faults: FaultPlan = field(default_factory=FaultPlan)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECORDED_REQUESTS))
    orgs: dict[str, Org] = field(default_factory=dict)


@dataclass
class Org:
    """One org: its sign-in, its open queries, and how much of its quota is used."""

    name: str
    service: Service
    sign_in: SignIn
    schema: Schema
    queries: Queries
    bulk: Bulk
    transactions: Transactions = field(default_factory=Transactions)
    report_runs: list[datetime] = field(default_factory=list)
    daily_requests: int = 100_000
    used_requests: int = 0

    @property
    def usage(self) -> str:
        """The value of ``Sforce-Limit-Info``."""
        usage = f"{self.used_requests}/{self.daily_requests}"
        own = f"; per-app-api-usage={usage}(appName={CONNECTED_APP})" if self.schema.switches.per_app_usage else ""
        return f"api-usage={usage}{own}"


def create_app(org: Org) -> Doorway:
    """The application of one org."""
    data = "/services/data"
    version = f"{data}/v{{version}}"
    api = _Api(org)
    pages = [
        Route(f"{version}/limits", api.authorized(api.limits)),
        *sobject_routes(org, api.authorized),
        *row_routes(org, api.authorized),
        *query_routes(org, api.authorized),
        *collection_routes(org, api.authorized),
    ]
    routes = [
        Route(data, api.versions),
        Route(version, api.authorized(api.resources)),
        *pages,
        *composite_routes(org, api.authorized, pages),
        *tree_routes(org, api.authorized),
        *report_routes(org, api.authorized),
        *bulk_routes(org, api.authorized),
        *identity_routes(org),
        *bulk_one_routes(org),
        *control_routes(org.service),
    ]
    handlers: Any = {SalesforceError: _salesforce_error, HTTPException: _http_error}
    return Doorway(Starlette(routes=routes, exception_handlers=handlers), org)


class _Api:
    """The endpoints. Those that touch the state run in a thread, so that a long query does not stop the other org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def authorized(self, handler: Handler) -> Callable[[Request], Any]:
        """An endpoint that needs a session, counts against the quota, and gets the request's JSON body, if any."""

        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            if not self._is_known(request.path_params["version"]):
                raise not_found()
            self._org.sign_in.check(request.headers.get("authorization", ""))
            _check_length(request)
            if self._org.used_requests >= self._org.daily_requests:
                message = self._org.schema.switches.daily_limit_message
                raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", message)
            self._org.used_requests += 1
            body = await _json_body(request) if request.method in {"POST", "PATCH"} else None
            return await run_in_threadpool(handler, request, body)

        return endpoint

    def versions(self, request: Request) -> Response:
        """The API versions; needs no session."""
        numbers = range(FIRST_VERSION, LAST_VERSION + 1)
        return JSONResponse(
            [{"label": f"Release {one}", "url": f"/services/data/v{one}.0", "version": f"{one}.0"} for one in numbers]
        )

    def resources(self, request: Request, _: Any) -> Response:
        """The resources of a version, and who is asking."""
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "analytics")
        resources = {name: f"{base(request)}/{name}" for name in names}
        return JSONResponse(resources | {"identity": self._org.sign_in.identity_url})

    def limits(self, request: Request, _: Any) -> Response:
        """What is left of each allocation."""
        return JSONResponse(limits(self._org))

    def _is_known(self, version: str) -> bool:
        number, _, minor = version.partition(".")
        return minor == "0" and number.isdecimal() and FIRST_VERSION <= int(number) <= LAST_VERSION


async def _json_body(request: Request) -> Any:
    try:
        return await request.json() if await request.body() else None
    except ValueError as error:
        raise SalesforceError(400, "JSON_PARSER_ERROR", f"The request body is not JSON: {error}") from None


def _check_length(request: Request) -> None:
    headers = sum(len(name) + len(value) for name, value in request.headers.items())
    if len(str(request.url)) + headers > LONGEST_REQUEST:
        raise SalesforceError(414, "URI_TOO_LONG", f"Address and headers have more than {LONGEST_REQUEST} characters.")


def _salesforce_error(_: Request, error: SalesforceError) -> Response:
    return JSONResponse(error.body(), error.status)


def _http_error(_: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        message = "HTTP Method not allowed. See the Allow header for what is."
        return JSONResponse([{"errorCode": "METHOD_NOT_ALLOWED", "message": message}], 405, headers=error.headers)
    return JSONResponse(not_found().body(), 404)
