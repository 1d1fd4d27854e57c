"""Bulk API 2.0 queries: created early, waited for, downloaded page by page, and never left behind.

A job is noted in a file before it is asked for, and again when it has an id. A load that was killed is continued from
its jobs, or they are deleted; so are those that came of a request whose answer was lost.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tenacity

from pipelines.errors import QuotaError, ServiceError, StoreError
from pipelines.files import file_errors
from pipelines.salesforce.client import SalesforceClient

RECORDS_PER_PAGE = 250_000
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.5, 15.0
LONGEST_JOB_SECONDS = 2 * 3600.0
CLOCK_TOLERANCE = timedelta(minutes=1)
ATTEMPTS_TO_CREATE, LONGEST_WAIT_SECONDS = 6, 30.0
_RUNNING = {"UploadComplete", "InProgress"}
_COMPLETE = "JobComplete"


class BulkJobFailedError(ServiceError):
    """Salesforce ended a query job without its records; it does not say why, a REST query of the same text would."""


@dataclass(frozen=True)
class BulkJob:
    """A query job of ours: what it reads (everything but the end of its window), of which object, and up to when.

    Without an id it was asked for and no answer came: it may exist or not.
    """

    job_id: str | None
    reads: str
    object_name: str
    until: str


class BulkJobs:
    """The query jobs of one org.

    Args:
        client: the signed-in org.
        notes: the file in which open jobs are noted.

    Raises:
        StoreError: that file cannot be read, or by a method that notes something, not be written.
    """

    def __init__(self, client: SalesforceClient, notes: Path) -> None:
        self._client = client
        self._notes = notes
        self._open = _read_notes(notes)

    def left_over(self, reads: str) -> BulkJob | None:
        """The job that an interrupted load left for the same reading, if Salesforce still has it."""
        job = self._open.get(reads)
        if job is None or job.job_id is None:
            return None
        return job if self._state(job) in {*_RUNNING, _COMPLETE} else None

    def start(self, soql: str, wanted: BulkJob, *, include_deleted: bool) -> BulkJob:
        """Create a job; Salesforce works on it while we do something else.

        Raises:
            DataError: Bulk does not offer the object, or does not accept the query.
            ServiceError: Salesforce cannot be reached or stays busy.
        """
        self._delete_lost(self._open.get(wanted.reads))
        self._note(wanted)
        body = {"operation": "queryAll" if include_deleted else "query", "query": soql}
        creating = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_momentary),
            wait=tenacity.wait_random_exponential(multiplier=FIRST_POLL_SECONDS, max=LONGEST_WAIT_SECONDS),
            stop=tenacity.stop_after_attempt(ATTEMPTS_TO_CREATE),
            before_sleep=lambda _: self._delete_lost(wanted),
            reraise=True,
            sleep=time.sleep,
        )
        job = replace(wanted, job_id=str(creating(self._client.create, "jobs/query", body)["id"]))
        self._note(job)
        return job

    def pages(self, job: BulkJob) -> Iterator[tuple[Path, int]]:
        """The result files of a job with their number of records; a file is gone when the next is asked for.

        The next page is downloaded while the caller works on this one.

        Raises:
            BulkJobFailedError: the job failed, was aborted by somebody, or takes longer than two hours.
            ServiceError: Salesforce cannot be reached.
        """
        self._wait(job)
        with TemporaryDirectory(prefix="salesforce_") as directory, ThreadPoolExecutor(1) as background:
            following: Future[_Page] | None = background.submit(self._download, job, None, Path(directory) / "0.csv")
            number = 0
            while following is not None:
                page, number = following.result(), number + 1
                file = Path(directory) / f"{number}.csv"
                following = (
                    background.submit(self._download, job, page.next_locator, file) if page.next_locator else None
                )
                yield page.file, page.records
                page.file.unlink()

    def delete_except(self, wanted: set[str]) -> None:
        """Delete all jobs at Salesforce but those for these readings, which will be continued."""
        for reads in [reads for reads in self._open if reads not in wanted]:
            self._delete(self._open.pop(reads))
            self._write_notes()

    def _note(self, job: BulkJob) -> None:
        self._open[job.reads] = job
        self._write_notes()

    def _wait(self, job: BulkJob) -> None:
        waiting = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda state: state in _RUNNING),
            wait=tenacity.wait_exponential(multiplier=FIRST_POLL_SECONDS, exp_base=1.5, max=LONGEST_POLL_SECONDS),
            stop=tenacity.stop_after_delay(LONGEST_JOB_SECONDS),
            retry_error_callback=lambda attempt: "not complete after two hours",
            sleep=time.sleep,
        )
        state = waiting(self._state, job)
        if state != _COMPLETE:
            raise BulkJobFailedError(
                f"Salesforce {self._client.org} ended the Bulk query {job.job_id} as {state}.",
                next_step="Run the command again; if it stays, look at Bulk Data Load Jobs in Setup.",
            )

    def _state(self, job: BulkJob) -> str | None:
        content = self._client.read_json_or_none("GET", f"jobs/query/{job.job_id}")
        return None if content is None else str(content.get("state"))

    def _download(self, job: BulkJob, locator: str | None, file: Path) -> _Page:
        params = {"maxRecords": str(RECORDS_PER_PAGE)} | ({"locator": locator} if locator else {})
        headers = self._client.download(f"jobs/query/{job.job_id}/results", params, file)
        following = headers.get("Sforce-Locator", "null")
        return _Page(file, int(headers.get("Sforce-NumberOfRecords", -1)), None if following == "null" else following)

    def _delete_lost(self, job: BulkJob | None) -> None:
        """Delete the jobs that came of a request without an answer: ours, of its object, and not older than it."""
        if job is None or job.job_id is not None:
            return
        known = {one.job_id for one in self._open.values()}
        earliest = datetime.fromisoformat(job.until) - CLOCK_TOLERANCE
        for one in list(self._at_salesforce()):
            is_ours = one["createdById"] == self._client.user_id and one["object"] == job.object_name
            if is_ours and one["id"] not in known and datetime.fromisoformat(one["createdDate"]) >= earliest:
                self._delete(replace(job, job_id=one["id"]))

    def _at_salesforce(self) -> Iterator[dict[str, Any]]:
        page = "query?jobType=V2Query"
        while page:
            answer = self._client.read_json("GET", f"jobs/{page}")
            yield from answer["records"]
            page = (answer.get("nextRecordsUrl") or "").partition("/jobs/")[2]

    def _delete(self, job: BulkJob) -> None:
        if job.job_id is None:
            self._delete_lost(job)
            return
        if self._state(job) in _RUNNING:
            self._client.read_any("PATCH", f"jobs/query/{job.job_id}", json={"state": "Aborted"})
        self._client.read_any("DELETE", f"jobs/query/{job.job_id}")

    def _write_notes(self) -> None:
        with file_errors(self._notes):
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            part = self._notes.with_suffix(".part")
            part.write_text(json.dumps([asdict(job) for job in self._open.values()], indent=1))
            part.replace(self._notes)


@dataclass(frozen=True)
class _Page:
    file: Path
    records: int
    next_locator: str | None


def _is_momentary(error: BaseException) -> bool:
    return isinstance(error, ServiceError) and not isinstance(error, QuotaError)


def _read_notes(file: Path) -> dict[str, BulkJob]:
    try:
        with file_errors(file):
            jobs: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
        return {job["reads"]: BulkJob(**job) for job in jobs}
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{file} cannot be read ({type(error).__name__}).", next_step="Delete it; Salesforce drops old jobs itself."
        ) from None
