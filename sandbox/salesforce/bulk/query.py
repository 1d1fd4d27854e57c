"""Query jobs: SOQL in, CSV out, in pages of any size that can be read again and again."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from sandbox.salesforce import aggregates, soql
from sandbox.salesforce.bulk.jobs import Job, JobList, JobState, Request
from sandbox.salesforce.bulk.results import Results
from sandbox.salesforce.errors import SalesforceError, invalid_field
from sandbox.salesforce.query import paging, where_clause
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.translate import Translation
from sandbox.world.field import Field

OPERATIONS = ("query", "queryAll")
MEGABYTE = 1_000_000
MOST_PER_PAGE = 100_000  # records, when the client does not say; Salesforce leaves the number to itself
COMPOUND = {"address", "billingaddress", "shippingaddress", "mailingaddress", "otheraddress"}
STRING = re.compile(r"'(\\.|[^'\\])*'", re.DOTALL)
UNSUPPORTED = {  # what Bulk API 2.0 does not take, by what a query looks like without its literals
    "GROUP BY": r"\bgroup\s+by\b",
    "OFFSET": r"\boffset\s+\d",
    "TYPEOF": r"\btypeof\b",
    "Aggregate functions": r"\b(count|count_distinct|sum|avg|min|max)\s*\(",
    "FIELDS(ALL) and FIELDS(CUSTOM)": r"\bfields\s*\(\s*(all|custom)\b",
    "Nested queries": r"(^\s*select|,)\s*\(\s*select\b",
}
# Objects that Salesforce has, but not for the Bulk API.
NO_BULK = {"taskwhorelation", "eventwhorelation", "casestatus", "contractstatus", "taskstatus", "taskpriority"}


@dataclass(kw_only=True)
class QueryJob(Job):
    """A query on its way to a file; its connection sees the orgs as they were when the job was created."""

    select: str
    parameters: list[Any]
    connection: duckdb.DuckDBPyConnection
    results: Results

    def interrupt(self) -> None:
        """End the query."""
        with suppress(duckdb.ConnectionException):  # it has just ended by itself
            self.connection.interrupt()

    def forget(self) -> None:
        """Delete the results."""
        self.results.delete()

    def details(self) -> dict[str, Any]:
        """The answer about this one job; a failed job does not say why."""
        return self.info() | {
            "jobType": "V2Query",
            "numberRecordsProcessed": self.results.records if self.state is JobState.JOB_COMPLETE else 0,
            "retries": 0,
            "totalProcessingTime": self.milliseconds,
            "isPkChunkingSupported": True,
        }


@dataclass(frozen=True)
class Page:
    """Some records of a result: how many, where the next page starts, and the CSV in chunks."""

    records: int
    locator: str
    size: int
    chunks: Iterator[bytes]


class QueryJobs:
    """The query jobs among an org's jobs."""

    def __init__(self, jobs: JobList, schema: Schema, directory: Path) -> None:
        self._jobs = jobs
        self._schema = schema
        self._directory = directory

    def create(self, body: Any, request: Request) -> QueryJob:
        """Begin a job.

        Args:
            body: ``{"operation", "query", …}``.
            request: who asks, and with which API version: the results must be asked for with the same.

        Raises:
            SalesforceError: the request or its query is malformed, or asks for what the Bulk API does not support.
        """
        if body.get("operation") not in OPERATIONS:
            raise SalesforceError(400, "INVALIDJOB", f"InvalidJob : operation must be one of {', '.join(OPERATIONS)}")
        translation, select = self._select(str(body.get("query") or ""), is_all=body["operation"] == "queryAll")
        job_id = self._jobs.next_id()
        job = QueryJob(
            id=job_id,
            operation=body["operation"],
            sobject=translation.sobject.name,
            request=request,
            created_at=self._jobs.state.now,
            state=JobState.UPLOAD_COMPLETE,
            select=select,
            parameters=translation.parameters,
            connection=self._jobs.state.snapshot(),
            results=Results(self._directory / f"{job_id}.csv"),
        )
        self._jobs.used["DailyBulkV2QueryJobs"] += 1
        self._jobs.add(job)
        self._jobs.start(job, self._run)
        return job

    def page(self, job: QueryJob, version: str, locator: str | None, max_records: str | None) -> Page:
        """A page of a job's results.

        Raises:
            SalesforceError: 409, the job was created with another API version; the job is not complete; or the locator
                or the number of records is not one.
        """
        if version != job.request.version:
            message = f"The job was created with API version {job.request.version}: ask for its results with the same."
            raise SalesforceError(409, "INVALIDVERSION", message)
        if job.state is not JobState.JOB_COMPLETE:
            message = f"Results of the job are not available: its state is {job.state}, not JobComplete"
            raise SalesforceError(400, "INVALIDJOBSTATE", message)
        first = _first(locator, job.results.records)
        count = min(_count(max_records), job.results.records - first)
        after = first + count
        size, chunks = job.results.page(first, count)
        return Page(count, "null" if after == job.results.records else _locator(after), size, chunks)

    def _select(self, text: str, *, is_all: bool) -> tuple[Translation, str]:
        _check_support(text)
        query = soql.parse(text)
        if query.sobject.lower() in NO_BULK:
            raise SalesforceError(400, "INVALIDENTITY", f"Entity '{query.sobject}' is not supported by the Bulk API.")
        translation = Translation(self._schema.sobject(query.sobject), self._jobs.state.now)
        paths = aggregates.paths(translation.sobject, query)
        if any(path.split(".")[-1].lower() in COMPOUND for path in paths):
            raise _not_supported("Selecting compound data")
        columns = _columns(translation, paths)
        where = where_clause(translation, query, with_deleted=is_all)
        order = f" order by {translation.order(query.order)}" if query.order else ""
        select = f"select {columns} from {translation.source}{where}{order}{paging(query)}"
        return translation, select

    def _run(self, job: QueryJob) -> None:
        with closing(job.connection) as connection:
            try:
                if job.end is JobState.JOB_COMPLETE:
                    job.results.write(connection, job.select, job.parameters, job.request.dialect)
                    self._jobs.used["DailyBulkV2QueryFileStorageMB"] += job.results.size // MEGABYTE
            except duckdb.InterruptException:
                job.results.delete()


def _columns(translation: Translation, paths: list[str]) -> str:
    columns: dict[str, str] = {}
    for path in paths:
        name = translation.canonical(path)
        if name in columns:
            raise invalid_field(f"duplicate field selected: {path}")
        columns[name] = _csv_value(*translation.column(path))
    return ", ".join(f'{value} as "{name}"' for name, value in columns.items())


def _csv_value(column: str, field: Field) -> str:
    match field.type:
        case "datetime":
            column = f"strftime({column}, '%Y-%m-%dT%H:%M:%S.000Z')"
        case kind if kind in {"date", "boolean"} or field.is_number:
            column = f"{column}::varchar"
    return f"coalesce({column}, '')"


def _check_support(text: str) -> None:
    without_literals = STRING.sub("''", text)
    for what, pattern in UNSUPPORTED.items():
        if re.search(pattern, without_literals, re.IGNORECASE):
            raise _not_supported(what)


def _not_supported(what: str) -> SalesforceError:
    return SalesforceError(400, "FUNCTIONALITY_NOT_ENABLED", f"{what} not supported in Bulk Query")


def _locator(first: int) -> str:
    return b64encode(str(first).encode()).decode().rstrip("=")


def _first(locator: str | None, records: int) -> int:
    if not locator:
        return 0
    try:
        first = int(b64decode(locator + "=" * (-len(locator) % 4), validate=True))
    except (NotBase64, ValueError):
        first = records
    if not 0 < first < records:
        raise SalesforceError(400, "INVALID_QUERY_LOCATOR", f"invalid query locator: {locator}")
    return first


def _count(max_records: str | None) -> int:
    if max_records is None:
        return MOST_PER_PAGE
    if not max_records.isdecimal() or int(max_records) == 0:
        raise SalesforceError(400, "INVALIDREQUEST", f"maxRecords must be a positive number, not {max_records}")
    return int(max_records)
