"""The bulk jobs of one org, of both kinds."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.bulk.ingest import IngestJobs
from sandbox.salesforce.bulk.jobs import JobList
from sandbox.salesforce.bulk.query import QueryJobs
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.state import State

DAILY = {"DailyBulkV2QueryJobs": 10_000, "DailyBulkV2QueryFileStorageMB": 976_562, "DailyBulkApiBatches": 15_000}


@dataclass(frozen=True)
class Bulk:
    """The jobs, and what can be done with those of each kind."""

    jobs: JobList
    queries: QueryJobs
    ingests: IngestJobs

    @classmethod
    def of(cls, state: State, schema: Schema) -> Bulk:
        """An org without jobs. Jobs do not outlive the process, so files that an earlier one has left are deleted."""
        directory = state.directory / "bulk" / schema.org
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        jobs = JobList(state, schema.org)
        return cls(jobs, QueryJobs(jobs, schema, directory), IngestJobs(jobs, schema, directory))

    def limits(self) -> dict[str, Any]:
        """What the limits resource says about bulk jobs."""
        return {name: {"Max": most, "Remaining": most - self.jobs.used[name]} for name, most in DAILY.items()}
