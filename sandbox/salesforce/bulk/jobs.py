"""What query jobs and ingest jobs have in common: an id, states, work in the background, and seven days to live."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any, TypeVar

from sandbox.salesforce.bulk.csv_dialect import Dialect
from sandbox.salesforce.errors import SalesforceError, not_found
from sandbox.salesforce.faults import Fault, Kind
from sandbox.salesforce.state import State
from sandbox.world.ids import ORG_CODES, to_18

PATIENCE = 0.5  # seconds that a poll waits for the work: a small job is complete when first asked for
LIFETIME = timedelta(days=7)

logger = logging.getLogger(__name__)


class JobState(StrEnum):
    """The states, as Salesforce names them."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


ENDS = {JobState.JOB_COMPLETE: "Completed", JobState.FAILED: "Failed", JobState.ABORTED: "Aborted"}
PLANNED_ENDS = {Kind.FAIL_JOB: JobState.FAILED, Kind.ABORT_JOB: JobState.ABORTED}


@dataclass(frozen=True)
class Request:
    """What every request to create a job says, and what is planned for the job."""

    user_id: str
    version: str
    dialect: Dialect
    fault: Fault | None = None


@dataclass(kw_only=True)
class Job:
    """A job; what a client sees of its state changes when it asks."""

    id: str
    operation: str
    sobject: str
    request: Request
    created_at: datetime
    state: JobState
    milliseconds: int = 0

    def __post_init__(self) -> None:
        fault = self.request.fault
        self.changed_at = self.created_at
        self.end = PLANNED_ENDS.get(fault.kind, JobState.JOB_COMPLETE) if fault else JobState.JOB_COMPLETE
        self._polls = fault.polls if fault else 0  # for so many polls it is in progress whatever happens
        self._work: Future[None] | None = None
        self._lock = threading.Lock()

    def begin(self, work: Future[None]) -> None:
        """Take note of the work that was begun."""
        self._work = work

    def poll(self, now: datetime) -> None:
        """Let the state catch up with the work."""
        with self._lock:
            if self._work is None or self.state in ENDS:
                return
            if self._polls > 0:
                self._polls -= 1
                self._become(JobState.IN_PROGRESS, now)
            elif wait([self._work], PATIENCE).done:
                self._become(JobState.FAILED if self._work.exception() else self.end, now)
            elif self._work.running():
                self._become(JobState.IN_PROGRESS, now)

    def close(self, now: datetime) -> None:
        """Note that all data is there.

        Raises:
            SalesforceError: INVALIDJOBSTATE, it was noted before, or the job has ended.
        """
        with self._lock:
            if self.state is not JobState.OPEN:
                raise _wrong_state("Closing", self.state)
            self._become(JobState.UPLOAD_COMPLETE, now)

    def abort(self, now: datetime) -> None:
        """Stop the job.

        Raises:
            SalesforceError: INVALIDJOBSTATE, it has ended.
        """
        with self._lock:
            if self.state in ENDS:
                raise _wrong_state("Aborting", self.state)
            self._become(JobState.ABORTED, now)
            if self._work is not None and not self._work.cancel():
                self.interrupt()

    def settle(self) -> None:
        """Wait for work that goes on although the job was aborted."""
        if self._work is not None:
            wait([self._work])

    def interrupt(self) -> None:
        """End the work that is under way, where that can be done."""

    def forget(self) -> None:
        """Delete the job's files."""

    def info(self) -> dict[str, Any]:
        """What the answers about every kind of job say."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": self.request.user_id,
            "createdDate": _time(self.created_at),
            "systemModstamp": _time(self.changed_at),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.request.version),
            "lineEnding": self.request.dialect.line_ending_name,
            "columnDelimiter": self.request.dialect.delimiter_name,
        }

    def _become(self, state: JobState, now: datetime) -> None:
        if state is not self.state:
            self.state, self.changed_at = state, now


AnyJob = TypeVar("AnyJob", bound=Job)


@dataclass
class JobList:
    """The jobs of one org, and the thread that works on them, one after the other."""

    state: State
    org: str
    used: Counter[str] = field(default_factory=Counter)  # by name in the limits resource
    _jobs: dict[str, Job] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"bulk {self.org}")

    def next_id(self) -> str:
        """The id of a new job."""
        self._number += 1
        return to_18(f"750{ORG_CODES[self.org]}{self._number:09d}")

    def add(self, job: Job) -> None:
        """Keep a new job."""
        self._jobs[job.id] = job

    def start(self, job: AnyJob, work: Callable[[AnyJob], None]) -> None:
        """Work on a job in the background, when it is its turn."""
        job.begin(self._worker.submit(_timed, job, work))

    def all(self, kind: type[AnyJob]) -> list[AnyJob]:
        """All jobs of a kind, as they were created, their states up to date."""
        jobs = [job for job in list(self._jobs.values()) if isinstance(job, kind)]
        for job in jobs:
            job.poll(self.state.now)
        return jobs

    def get(self, kind: type[AnyJob], job_id: str) -> AnyJob:
        """A job by its id in either length, its state up to date.

        Raises:
            SalesforceError: NOT_FOUND, there is none of this kind, or it is too old.
        """
        job = self._jobs.get(to_18(job_id) if len(job_id) == 15 else job_id)
        if not isinstance(job, kind):
            raise not_found()
        if self.state.now - job.created_at > LIFETIME:
            self._remove(job)
            raise not_found()
        job.poll(self.state.now)
        return job

    def delete(self, job: Job) -> None:
        """Delete a job that has ended.

        Raises:
            SalesforceError: it has not.
        """
        if job.state not in ENDS:
            message = "Error encountered when deleting the job because the job is not terminated"
            raise SalesforceError(400, "API_ERROR", message)
        self._remove(job)

    def close(self) -> None:
        """Begin no more work, and wait for what is under way."""
        self._worker.shutdown(cancel_futures=True)

    def _remove(self, job: Job) -> None:
        job.settle()
        del self._jobs[job.id]
        job.forget()


def _timed(job: AnyJob, work: Callable[[AnyJob], None]) -> None:
    started = monotonic()
    try:
        work(job)
    except Exception:
        logger.exception("The bulk job %s has failed.", job.id)
        raise
    finally:
        job.milliseconds = round((monotonic() - started) * 1000)


def _wrong_state(doing: str, state: JobState) -> SalesforceError:
    return SalesforceError(400, "INVALIDJOBSTATE", f"{doing} already {ENDS.get(state, 'Closed')} Job not allowed")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"
