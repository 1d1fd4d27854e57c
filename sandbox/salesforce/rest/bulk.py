"""The pages of bulk jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.salesforce.bulk.query import QueryJobs
from sandbox.salesforce.bulk.results import gzipped
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.rest.common import VERSION, Guard

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

MEGABYTE = 1_000_000
DAILY_QUERY_JOBS, DAILY_RESULT_MEGABYTES, DAILY_BATCHES = 10_000, 976_562, 15_000


def bulk_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``jobs``."""
    query, jobs = _QueryPages(org), f"{VERSION}/jobs"
    return [
        Route(f"{jobs}/query", authorized(query.create), methods=["POST"]),
        Route(f"{jobs}/query", authorized(query.all)),
        Route(f"{jobs}/query/{{job}}", authorized(query.get)),
        Route(f"{jobs}/query/{{job}}", authorized(query.abort), methods=["PATCH"]),
        Route(f"{jobs}/query/{{job}}", authorized(query.delete), methods=["DELETE"]),
        Route(f"{jobs}/query/{{job}}/results", authorized(query.results)),
    ]


def bulk_limits(org: Org) -> dict[str, Any]:
    """What the limits resource says about bulk jobs."""
    jobs = org.bulk_queries.jobs
    megabytes = sum(job.results.size for job in jobs.all()) // MEGABYTE
    used = {
        "DailyBulkV2QueryJobs": (DAILY_QUERY_JOBS, jobs.created),
        "DailyBulkV2QueryFileStorageMB": (DAILY_RESULT_MEGABYTES, megabytes),
        "DailyBulkApiBatches": (DAILY_BATCHES, 0),
    }
    return {name: {"Max": most, "Remaining": most - number} for name, (most, number) in used.items()}


class _QueryPages:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._state = org.service.state
        self._queries: QueryJobs = org.bulk_queries

    def create(self, request: Request, body: Any) -> Response:
        fault = self._org.service.faults.strike_job(self._org.name, f"{request.method} {request.url.path}")
        job = self._queries.create(body, request.path_params["version"], self._org.sign_in.user_id, fault)
        return JSONResponse(job.info())

    def all(self, request: Request, _: Any) -> Response:
        return JSONResponse(_listed([job.info() | {"jobType": "V2Query"} for job in self._queries.jobs.all()]))

    def get(self, request: Request, _: Any) -> Response:
        return JSONResponse(self._queries.jobs.get(request.path_params["job"]).details())

    def abort(self, request: Request, body: Any) -> Response:
        if not isinstance(body, dict) or body.get("state") != "Aborted":
            raise SalesforceError(400, "INVALIDJOB", "InvalidJob : the state of a query job can only become Aborted")
        job = self._queries.jobs.get(request.path_params["job"])
        job.abort(self._state.now)
        return JSONResponse(job.info())

    def delete(self, request: Request, _: Any) -> Response:
        self._queries.jobs.delete(self._queries.jobs.get(request.path_params["job"]))
        return Response(status_code=204)

    def results(self, request: Request, _: Any) -> Response:
        job = self._queries.jobs.get(request.path_params["job"])
        asked = request.query_params
        page = self._queries.page(job, request.path_params["version"], asked.get("locator"), asked.get("maxRecords"))
        headers = {"Sforce-Locator": page.locator, "Sforce-NumberOfRecords": str(page.records)}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return StreamingResponse(gzipped(page.chunks), media_type="text/csv", headers=headers)
        headers["Content-Length"] = str(page.size)
        return StreamingResponse(page.chunks, media_type="text/csv", headers=headers)


def _listed(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"done": True, "records": records, "nextRecordsUrl": None}
