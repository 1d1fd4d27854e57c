"""What query jobs and ingest jobs have in common: an id, states, work in the background, and seven days to live."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any, Generic, TypeVar

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


@dataclass(kw_only=True)
class Job:
    """A job; what a client sees of its state changes when it asks."""

    id: str
    operation: str
    sobject: str
    user_id: str
    version: str
    dialect: Dialect
    created_at: datetime
    changed_at: datetime
    state: JobState
    fault: Fault | None = None
    polls: int = 0  # for so many polls it is in progress whatever happens
    work: Future[None] | None = None
    milliseconds: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def planned_end(self) -> JobState:
        """How the job ends, by the plan of faults."""
        return PLANNED_ENDS.get(self.fault.kind, JobState.JOB_COMPLETE) if self.fault else JobState.JOB_COMPLETE

    def poll(self, now: datetime) -> None:
        """Let the state catch up with the work."""
        with self._lock:
            if self.work is None or self.state in ENDS:
                return
            if self.polls > 0:
                self.polls -= 1
                self._become(JobState.IN_PROGRESS, now)
            elif not wait([self.work], PATIENCE).done:
                self._become(JobState.IN_PROGRESS if self.work.running() else self.state, now)
            else:
                self._become(JobState.FAILED if self.work.exception() else self.planned_end, now)

    def abort(self, now: datetime) -> None:
        """Stop the job.

        Raises:
            SalesforceError: INVALIDJOBSTATE, it has ended.
        """
        with self._lock:
            if self.state in ENDS:
                message = f"Aborting already {ENDS[self.state]} Job not allowed"
                raise SalesforceError(400, "INVALIDJOBSTATE", message)
            self._become(JobState.ABORTED, now)
            if self.work is not None and not self.work.cancel():
                self.interrupt()

    def interrupt(self) -> None:
        """End the work that is under way, where that can be done."""

    def _become(self, state: JobState, now: datetime) -> None:
        if state is not self.state:
            self.state, self.changed_at = state, now

    def info(self) -> dict[str, Any]:
        """What the answers about every kind of job say."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": self.user_id,
            "createdDate": _time(self.created_at),
            "systemModstamp": _time(self.changed_at),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": self.dialect.line_ending_name,
            "columnDelimiter": self.dialect.delimiter_name,
        }


AnyJob = TypeVar("AnyJob", bound=Job)


class JobList(Generic[AnyJob]):
    """The jobs of one kind in one org, and the thread that works on them, one after the other.

    Args:
        state: the orgs.
        org: the org's key.
        first: the number before that of the first job; kinds must not share numbers, as ids are made of them.
        forget: what to do with a job that is deleted or too old.
    """

    def __init__(self, state: State, org: str, first: int, forget: Callable[[AnyJob], None]) -> None:
        self._state = state
        self._org = org
        self._jobs: dict[str, AnyJob] = {}
        self._number = first
        self._forget = forget
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"bulk {org}")
        self.created = 0

    def next_id(self) -> str:
        """The id of a new job."""
        self._number += 1
        return to_18(f"750{ORG_CODES[self._org]}{self._number:09d}")

    def add(self, job: AnyJob) -> None:
        """Keep a new job."""
        self.created += 1
        self._jobs[job.id] = job

    def start(self, job: AnyJob, work: Callable[[AnyJob], None]) -> None:
        """Work on a job in the background, when it is its turn."""
        job.polls = job.fault.polls if job.fault else 0
        job.work = self._worker.submit(_timed, job, work)

    def get(self, job_id: str) -> AnyJob:
        """A job by its id in either length, its state up to date.

        Raises:
            SalesforceError: NOT_FOUND, there is none, or it is too old.
        """
        job = self._jobs.get(to_18(job_id) if len(job_id) == 15 else job_id)
        if job is None:
            raise not_found()
        if self._state.now - job.created_at > LIFETIME:
            self._remove(job)
            raise not_found()
        job.poll(self._state.now)
        return job

    def all(self) -> list[AnyJob]:
        """All jobs, as they were created, their states up to date."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.poll(self._state.now)
        return jobs

    def delete(self, job: AnyJob) -> None:
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

    def _remove(self, job: AnyJob) -> None:
        del self._jobs[job.id]
        self._forget(job)


def _timed(job: AnyJob, work: Callable[[AnyJob], None]) -> None:
    started = monotonic()
    try:
        work(job)
    except Exception:
        logger.exception("The bulk job %s has failed.", job.id)
        raise
    finally:
        job.milliseconds = round((monotonic() - started) * 1000)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"
