"""Bulk API 2.0 updates: nothing is applied before the job is closed, and its results are matched by id."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import tenacity

from pipelines.errors import ServiceError
from pipelines.salesforce.client import SalesforceClient
from pipelines.updates import RowResult

JOBS = "jobs/ingest"
MOST_RECORDS_PER_JOB = 100_000  # far below the 100 MB that a job takes
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.5, 15.0
_RUNNING = {"UploadComplete", "InProgress"}


class BulkUpdates:
    """The update jobs of one org.

    Args:
        client: the signed-in org.
        longest_job_seconds: after which a job is aborted; what it did until then counts.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self, client: SalesforceClient, *, longest_job_seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._longest_job_seconds = longest_job_seconds
        self._sleep = sleep

    def create(self, object_name: str) -> str:
        """Open a job and return its id. Jobs of ours that were left open are aborted: they have no effect and no owner.

        Raises:
            DataError: Bulk does not offer the object.
            ServiceError: Salesforce cannot be reached, or no usable answer came.
        """
        for job_id in list(self._left_open()):
            self._abort(job_id)
        # No assignmentRuleId: lead assignment does not run (R10).
        body = {"object": object_name, "operation": "update", "contentType": "CSV", "lineEnding": "LF"}
        return str(self._client.create(JOBS, body)["id"])

    def upload(self, job_id: str, records: Sequence[Mapping[str, bool | str]]) -> None:
        """Give a job its records. Nothing is applied before it is closed.

        Raises:
            ServiceError: Salesforce cannot be reached.
        """
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        # Sent again after a lost answer, it is refused because the data is there; whether it is, closing tells.
        self._client.read_any("PUT", f"{JOBS}/{job_id}/batches", content=_as_csv(records), headers=headers)

    def run(self, job_id: str, *, should_stop: Callable[[], bool]) -> dict[str, RowResult]:
        """Close a job, let it do its work and return its results by record id.

        A record without a result was not processed, whatever happened to the job.

        Raises:
            ServiceError: Salesforce cannot be reached; the job may still be running.
        """
        self._client.read_any("PATCH", f"{JOBS}/{job_id}", json={"state": "UploadComplete"})
        return self.finish(job_id, should_stop=should_stop)

    def finish(self, job_id: str, *, should_stop: Callable[[], bool] = lambda: False) -> dict[str, RowResult]:
        """Wait until a job has ended and return its results; one that was never closed, or is stuck, is aborted."""
        state = self._wait(job_id, should_stop)
        if state is None:
            return {}
        if state in {"Open", *_RUNNING}:
            self._abort(job_id)
        return dict(self._results(job_id))

    def _wait(self, job_id: str, should_stop: Callable[[], bool]) -> str | None:
        waiting = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda state: state in _RUNNING and not should_stop()),
            wait=tenacity.wait_exponential(multiplier=FIRST_POLL_SECONDS, exp_base=1.1, max=LONGEST_POLL_SECONDS),
            stop=tenacity.stop_after_delay(self._longest_job_seconds),
            retry_error_callback=lambda attempt: attempt.outcome.result() if attempt.outcome else None,
            sleep=self._sleep,
        )
        return waiting(self._state, job_id)

    def _state(self, job_id: str) -> str | None:
        """The state of a job; None when Salesforce does not have it any more."""
        content = self._client.read_json_or_none("GET", f"{JOBS}/{job_id}")
        return None if content is None else str(content.get("state"))

    def _abort(self, job_id: str) -> None:
        self._client.read_any("PATCH", f"{JOBS}/{job_id}", json={"state": "Aborted"})

    def _left_open(self) -> Iterator[str]:
        page = "ingest?jobType=V2Ingest"
        while page:
            answer = self._client.read_json("GET", f"jobs/{page}")
            for one in answer["records"]:
                if one["state"] == "Open" and one["createdById"] == self._client.user_id:
                    yield one["id"]
            page = (answer.get("nextRecordsUrl") or "").partition("/jobs/")[2]

    def _results(self, job_id: str) -> Iterator[tuple[str, RowResult]]:
        with TemporaryDirectory(prefix="salesforce_") as directory:
            for name in ("successfulResults", "failedResults"):
                file = Path(directory) / name
                try:
                    self._client.download(f"{JOBS}/{job_id}/{name}", {}, file)
                except ServiceError:
                    continue  # a job that was aborted before its turn may have no results
                with file.open(encoding="utf-8", newline="") as lines:
                    for row in csv.DictReader(lines):
                        record_id, error = row["sf__Id"] or row["Id"], row.get("sf__Error")
                        yield record_id, _row_result(error)


def _as_csv(records: Sequence[Mapping[str, bool | str]]) -> str:
    """Records as CSV; a cell that is empty changes nothing."""
    rows = [{"Id" if name == "id" else name: _cell(value) for name, value in record.items()} for record in records]
    text = io.StringIO()
    writer = csv.DictWriter(
        text, list(dict.fromkeys(name for row in rows for name in row)), restval="", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cell(value: bool | str) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _row_result(error: str | None) -> RowResult:
    """``UNABLE_TO_LOCK_ROW:unable to obtain …:--`` is a code, a message, and the fields."""
    if not error:
        return RowResult(success=True)
    code, _, message = error.partition(":")
    return RowResult(success=False, error_code=code, message=message.rpartition(":")[0][:300] or message[:300])
