"""The pages of bulk jobs, of either kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from anyio import from_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.salesforce.bulk import jobs
from sandbox.salesforce.bulk.csv_dialect import Dialect
from sandbox.salesforce.bulk.csv_rows import ResultFiles
from sandbox.salesforce.bulk.ingest import MOST_BYTES, IngestJob
from sandbox.salesforce.bulk.jobs import ENDS, AnyJob
from sandbox.salesforce.bulk.query import QueryJob
from sandbox.salesforce.bulk.results import gzipped
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.rest.common import VERSION, Guard, caller_of

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org


def bulk_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``jobs``."""
    query, ingest = _QueryPages(org), _IngestPages(org)
    routes: list[Route] = []
    for name, pages in (("query", query), ("ingest", ingest)):
        every, job = f"{VERSION}/jobs/{name}", f"{VERSION}/jobs/{name}/{{job}}"
        routes += [
            Route(every, authorized(pages.create), methods=["POST"]),
            Route(every, authorized(pages.all)),
            Route(job, authorized(pages.get)),
            Route(job, authorized(pages.change), methods=["PATCH"]),
            Route(job, authorized(pages.delete), methods=["DELETE"]),
        ]
    return [
        *routes,
        Route(f"{VERSION}/jobs/query/{{job}}/results", authorized(query.results)),
        Route(f"{VERSION}/jobs/ingest/{{job}}/batches", authorized(ingest.upload), methods=["PUT"]),
        Route(f"{VERSION}/jobs/ingest/{{job}}/{{results}}", authorized(ingest.results)),
    ]


class _JobPages:
    """What can be done with jobs of both kinds."""

    kind: type[jobs.Job]

    def __init__(self, org: Org) -> None:
        self._org = org
        self._state = org.service.state

    def delete(self, request: Request, _: Any) -> Response:
        self._org.bulk.jobs.delete(self._job(request, self.kind))
        return Response(status_code=204)

    def _job(self, request: Request, kind: type[AnyJob]) -> AnyJob:
        return self._org.bulk.jobs.get(kind, request.path_params["job"])

    def _request(self, request: Request, body: Any) -> jobs.Request:
        if not isinstance(body, dict):
            raise SalesforceError(400, "INVALIDJOB", "InvalidJob : a job is created by a JSON object")
        fault = self._org.service.faults.strike_job(self._org.name, _address(request))
        return jobs.Request(self._org.sign_in.user_id, request.path_params["version"], Dialect.of(body), fault)


class _QueryPages(_JobPages):
    kind = QueryJob

    def create(self, request: Request, body: Any) -> Response:
        return JSONResponse(self._org.bulk.queries.create(body, self._request(request, body)).info())

    def all(self, request: Request, _: Any) -> Response:
        return _listed([job.info() | {"jobType": "V2Query"} for job in self._org.bulk.jobs.all(QueryJob)])

    def get(self, request: Request, _: Any) -> Response:
        return JSONResponse(self._job(request, QueryJob).details())

    def change(self, request: Request, body: Any) -> Response:
        job = self._job(request, QueryJob)
        if _new_state(body) != "Aborted":
            raise SalesforceError(400, "INVALIDJOB", "InvalidJob : the state of a query job can only become Aborted")
        job.abort(self._state.now)
        return JSONResponse(job.info())

    def results(self, request: Request, _: Any) -> Response:
        job, asked = self._job(request, QueryJob), request.query_params
        version = request.path_params["version"]
        page = self._org.bulk.queries.page(job, version, asked.get("locator"), asked.get("maxRecords"))
        headers = {"Sforce-Locator": page.locator, "Sforce-NumberOfRecords": str(page.records)}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return StreamingResponse(gzipped(page.chunks), media_type="text/csv", headers=headers)
        headers["Content-Length"] = str(page.size)
        return StreamingResponse(page.chunks, media_type="text/csv", headers=headers)


class _IngestPages(_JobPages):
    kind = IngestJob

    def create(self, request: Request, body: Any) -> Response:
        asked = self._request(request, body)
        # Lead assignment is a matter of the job here, not of a header.
        caller = replace(caller_of(self._org, request), assigns_leads=bool(body.get("assignmentRuleId")))
        faults = self._org.service.faults
        return JSONResponse(self._org.bulk.ingests.create(body, asked, caller, faults, _address(request)).info())

    def all(self, request: Request, _: Any) -> Response:
        return _listed([job.info() | {"jobType": "V2Ingest"} for job in self._org.bulk.jobs.all(IngestJob)])

    def get(self, request: Request, _: Any) -> Response:
        return JSONResponse(self._job(request, IngestJob).details())

    def change(self, request: Request, body: Any) -> Response:
        job = self._job(request, IngestJob)
        match _new_state(body):
            case "UploadComplete":
                self._org.bulk.ingests.start(job)
            case "Aborted":
                job.abort(self._state.now)
            case other:
                message = f"InvalidJob : the state can become UploadComplete or Aborted, not {other}"
                raise SalesforceError(400, "INVALIDJOB", message)
        return JSONResponse(job.info())

    def upload(self, request: Request, _: Any) -> Response:
        job = self._job(request, IngestJob)
        if not request.headers.get("content-type", "").startswith("text/csv"):
            raise SalesforceError(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be text/csv")
        self._org.bulk.ingests.check_upload(job)
        with NamedTemporaryFile(dir=job.upload.parent) as file:
            from_thread.run(_receive, request, file)
            self._org.bulk.ingests.keep_upload(job, Path(file.name))
        return Response(status_code=201)

    def results(self, request: Request, _: Any) -> Response:
        job, name = self._job(request, IngestJob), request.path_params["results"].lower()
        known = {one.lower(): one for one in ResultFiles.NAMES}
        if name not in known or job.state not in ENDS:
            raise SalesforceError(400, "INVALIDJOBSTATE", f"The job has no {name}: its state is {job.state}")
        job.settle()
        file = job.files.path(known[name])
        return FileResponse(file, media_type="text/csv") if file.exists() else Response("", media_type="text/csv")


async def _receive(request: Request, file: IO[bytes]) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MOST_BYTES:
            file.write(chunk)
    file.flush()
    if size > MOST_BYTES:
        message = f"ClientInputError : {size} bytes are more than the {MOST_BYTES} that a job takes"
        raise SalesforceError(413, "CLIENTINPUTERROR", message)


def _address(request: Request) -> str:
    return f"{request.method} {request.url.path}"


def _new_state(body: Any) -> Any:
    return body.get("state") if isinstance(body, dict) else None


def _listed(records: list[dict[str, Any]]) -> Response:
    return JSONResponse({"done": True, "records": records, "nextRecordsUrl": None})
