"""Ingest jobs: CSV in, which is uploaded once and written once; a CSV of results out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.salesforce.bulk.csv_rows import ResultFiles
from sandbox.salesforce.bulk.jobs import Job, JobList, JobState, Request
from sandbox.salesforce.bulk.processing import Processor
from sandbox.salesforce.dml import Caller
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.faults import FaultPlan
from sandbox.salesforce.schema import Schema, SObject
from sandbox.salesforce.upsert import key_field
from sandbox.world.ids import is_well_formed

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MOST_BYTES = 150_000_000 * 3 // 4  # Salesforce stores base64, and takes 150 MB of that
ASSIGNMENT_RULE, ASSIGNED_BY_RULE = "01Q", {"Lead"}


@dataclass(kw_only=True)
class IngestJob(Job):
    """A job that takes a file; what it does to the records is on record under its caller's name."""

    caller: Caller
    faults: FaultPlan
    address: str  # of the request that created it, for planned faults
    options: Mapping[str, str]  # externalIdFieldName and assignmentRuleId, where they are given
    upload: Path
    files: ResultFiles
    processed: int = 0
    failed: int = 0
    error_message: str = "InternalServerError : The job was given up"  # unless the file is at fault

    def forget(self) -> None:
        """Delete the upload and the results."""
        self.upload.unlink(missing_ok=True)
        self.files.delete()

    def info(self) -> dict[str, Any]:
        """The answer to a change of the job."""
        url = f"services/data/v{self.request.version}/jobs/ingest/{self.id}/batches"
        return super().info() | {"contentUrl": url} | dict(self.options)

    def details(self) -> dict[str, Any]:
        """The answer about this one job."""
        message = {"errorMessage": self.error_message} if self.state is JobState.FAILED else {}
        return (
            self.info()
            | {
                "jobType": "V2Ingest",
                "numberRecordsProcessed": self.processed,
                "numberRecordsFailed": self.failed,
                "retries": 0,
                "totalProcessingTime": self.milliseconds,
                "apiActiveProcessingTime": self.milliseconds,
                "apexProcessingTime": 0,
            }
            | message
        )


class IngestJobs:
    """The ingest jobs among an org's jobs."""

    def __init__(self, jobs: JobList, schema: Schema, directory: Path) -> None:
        self._jobs = jobs
        self._schema = schema
        self._directory = directory
        self._processor = Processor(jobs, schema)

    def create(self, body: Any, request: Request, caller: Caller, faults: FaultPlan, address: str) -> IngestJob:
        """Open a job.

        Args:
            body: ``{"object", "operation", "externalIdFieldName"?, "assignmentRuleId"?, …}``.
            request: who asks.
            caller: who writes.
            faults: whose plans for locked rows the job heeds.
            address: of the request, as planned faults know it.

        Raises:
            SalesforceError: the request is malformed, or asks for what is not supported.
        """
        described = self._described(body)
        options = {key: str(body[key]) for key in ("externalIdFieldName", "assignmentRuleId") if body.get(key)}
        _check_options(body["operation"], described, options)
        job_id = self._jobs.next_id()
        job = IngestJob(
            id=job_id,
            operation=body["operation"],
            sobject=described.name,
            request=request,
            created_at=self._jobs.state.now,
            state=JobState.OPEN,
            caller=caller,
            faults=faults,
            address=address,
            options=options,
            upload=self._directory / f"{job_id}.upload.csv",
            files=ResultFiles(self._directory, job_id),
        )
        self._jobs.add(job)
        return job

    def check_upload(self, job: IngestJob) -> None:
        """Check that a job waits for its data.

        Raises:
            SalesforceError: it has some already, or is closed.
        """
        if job.state is not JobState.OPEN:
            message = f"InvalidJobState : data cannot be uploaded to a job that is {job.state}"
            raise SalesforceError(400, "INVALIDJOBSTATE", message)
        if job.upload.exists():
            raise _uploaded_twice(job)

    def keep_upload(self, job: IngestJob, file: Path) -> None:
        """Give a job its data, a complete file of the same file system.

        Raises:
            SalesforceError: it has some already; of two uploads at the same time, one is kept.
        """
        try:
            job.upload.hardlink_to(file)
        except FileExistsError:
            raise _uploaded_twice(job) from None

    def start(self, job: IngestJob) -> None:
        """Process what was uploaded.

        Raises:
            SalesforceError: the job is closed already, or there is no data.
        """
        if job.state is JobState.OPEN and not job.upload.exists():
            raise SalesforceError(400, "INVALIDJOBSTATE", "InvalidJobState : the job has no data yet")
        job.close(self._jobs.state.now)
        self._jobs.start(job, self._processor.process)

    def _described(self, body: Any) -> SObject:
        if body.get("operation") not in OPERATIONS:
            raise _invalid_job(f"operation must be one of {', '.join(OPERATIONS)}")
        if body.get("contentType", "CSV") != "CSV":
            raise _invalid_job("contentType must be CSV")
        try:
            return self._schema.sobject(str(body.get("object")))
        except SalesforceError:
            raise _invalid_job(f"Unable to find object: {body.get('object')}") from None


def _check_options(operation: str, described: SObject, options: Mapping[str, str]) -> None:
    if operation == "hardDelete":
        message = "FeatureNotEnabled : hardDelete operation requires special user profile permission"
        raise SalesforceError(400, "FEATURENOTENABLED", message)
    if operation == "upsert":
        _check_key(described, options.get("externalIdFieldName", ""))
    rule = options.get("assignmentRuleId")
    if rule and not (is_well_formed(rule) and rule.startswith(ASSIGNMENT_RULE) and described.name in ASSIGNED_BY_RULE):
        raise _invalid_job(f"Invalid assignment rule for {described.name}: {rule}")


def _check_key(described: SObject, name: str) -> None:
    if not name:
        raise _invalid_job(f"External ID was blank for {described.name}. An External ID must be specified for upsert.")
    try:
        key_field(described, name)
    except SalesforceError:
        message = f"Field name provided, {name} does not match an External ID for {described.name}"
        raise _invalid_job(message) from None


def _invalid_job(message: str) -> SalesforceError:
    return SalesforceError(400, "INVALIDJOB", f"InvalidJob : {message}")


def _uploaded_twice(job: IngestJob) -> SalesforceError:
    message = f"ClientInputError : Found multiple contents for job: <{job.id}>; data can be uploaded only once"
    return SalesforceError(400, "CLIENTINPUTERROR", message)
