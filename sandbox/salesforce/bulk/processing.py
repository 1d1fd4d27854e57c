"""Processing an ingest job: its rows are written in chunks, the way Collections are, each row with its own result."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from sandbox.salesforce.bulk.cells import record_of
from sandbox.salesforce.bulk.csv_rows import InvalidBatchError, ResultWriter, Row, RowReader
from sandbox.salesforce.bulk.jobs import JobList, JobState
from sandbox.salesforce.dml import write
from sandbox.salesforce.drafts import Draft, Operation, draft_create, draft_delete, draft_update
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.schema import Schema, SObject
from sandbox.salesforce.state import State
from sandbox.salesforce.upsert import draft_upsert, key_field
from sandbox.world.ids import KEY_PREFIXES

if TYPE_CHECKING:
    from sandbox.salesforce.bulk.ingest import IngestJob

ROWS_PER_CHUNK, CHUNKS_PER_BATCH = 200, 50
FIRST_VERSION_WITH_FAILED_IDS = 53


class Processor:
    """What the worker of an org does with its ingest jobs."""

    def __init__(self, jobs: JobList, schema: Schema) -> None:
        self._jobs = jobs
        self._schema = schema

    def process(self, job: IngestJob) -> None:
        """Write the rows of the upload, and the result files."""
        try:
            with RowReader(job.upload, job.request.dialect) as rows:
                has_id = float(job.request.version) >= FIRST_VERSION_WITH_FAILED_IDS
                with job.files.write(rows.header, job.request.dialect, has_failed_ids=has_id) as results:
                    self._process(job, rows, results)
        except InvalidBatchError as error:
            _fail(job, error)
            unprocessed = job.files.path("unprocessedrecords")
            if not unprocessed.exists():
                shutil.copy(job.upload, unprocessed)

    def _process(self, job: IngestJob, rows: RowReader, results: ResultWriter) -> None:
        described = self._schema.sobject(job.sobject)
        try:
            _check_header(job, described, rows.header)
        except InvalidBatchError as error:
            _fail(job, error)
            for row in rows:
                results.unprocessed(row)
            return
        for number, chunk in enumerate(_chunks(rows)):
            if number % CHUNKS_PER_BATCH == 0:
                self._jobs.used["DailyBulkApiBatches"] += 1
            count = _count(job, number, chunk)
            self._write(job, described, rows.header, chunk[:count], results)
            for row in chunk[count:]:
                results.unprocessed(row)

    def _write(
        self, job: IngestJob, described: SObject, header: Sequence[str], chunk: Sequence[Row], results: ResultWriter
    ) -> None:
        """Write a chunk, and note the results in another order than that of the rows, as may happen."""
        state, org, seen = self._jobs.state, self._schema.org, set[str]()
        locked_rows = job.faults.rows_to_lock(org, job.address)
        with state.reading():  # nobody writes between an upsert's search and its change
            drafts = [_draft(state, job, described, header, row, seen) for row in chunk]
            outcomes, locked = write(state, self._schema, drafts, job.caller, locked_rows=locked_rows)
        job.faults.note_locked(org, job.address, locked)
        names_fields = self._schema.switches.bulk_errors_name_fields
        for row, outcome in reversed(list(zip(chunk, outcomes, strict=True))):
            if isinstance(outcome, RowError):
                results.failed(row, _own_id(header, row), _error_text(outcome, has_fields=names_fields))
                job.failed += 1
            else:
                results.succeeded(row, outcome.record_id, is_new=outcome.operation is Operation.CREATE)
        job.processed += len(chunk)


def _draft(state: State, job: IngestJob, described: SObject, header: Sequence[str], row: Row, seen: set[str]) -> Draft:
    try:
        record = record_of(described, header, row)
        match job.operation:
            case "insert":
                return draft_create(described, record)
            case "update":
                return draft_update(described, record, seen)
            case "upsert":
                key = key_field(described, job.options["externalIdFieldName"])
                return draft_upsert(state, described, key, record, seen)
            case _:
                return _draft_delete(described, _own_id(header, row), seen)
    except RowError as error:
        return error


def _draft_delete(described: SObject, record_id: str, seen: set[str]) -> Draft:
    if not record_id.startswith(KEY_PREFIXES[described.name]):
        return RowError("MALFORMED_ID", f"{described.name} ID: id value of incorrect type: {record_id}", ("Id",))
    return draft_delete(described.schema, record_id, seen)


def _check_header(job: IngestJob, described: SObject, header: Sequence[str]) -> None:
    names = [name.lower() for name in header]
    for name in header:
        if name.lower() not in described.by_api_name:
            raise InvalidBatchError(f"InvalidBatch : Field name not found : {name}")
        if names.count(name.lower()) > 1:
            raise InvalidBatchError(f"InvalidBatch : Duplicate field name : {name}")
    if job.operation == "delete" and names != ["id"]:
        raise InvalidBatchError("InvalidBatch : The 'delete' batch must contain only ids")


def _count(job: IngestJob, number: int, chunk: Sequence[Row]) -> int:
    """How many rows of a chunk to process: a job that is planned to end badly does so in its first chunk."""
    if job.state is JobState.ABORTED:
        return 0
    if job.end is JobState.JOB_COMPLETE:
        return len(chunk)
    return len(chunk) // 2 if number == 0 else 0


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while chunk := list(islice(left, ROWS_PER_CHUNK)):
        yield chunk


def _fail(job: IngestJob, error: InvalidBatchError) -> None:
    job.end, job.error_message = JobState.FAILED, str(error)


def _own_id(header: Sequence[str], row: Row) -> str:
    return next((cell for name, cell in zip(header, row.cells, strict=False) if name.lower() == "id"), "")


def _error_text(error: RowError, *, has_fields: bool) -> str:
    if not has_fields:
        return f"{error.code}:{error.message}"
    fields = ",".join(error.fields)
    return f"{error.code}:{error.message}:{fields + ' ' if fields else ''}--"
