"""One reading of one object: what to ask Salesforce for, by REST or Bulk, and its records as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from pipelines.errors import DataError, ServiceError
from pipelines.salesforce.bulk import BulkJob, BulkJobFailedError, BulkJobs
from pipelines.salesforce.client import Query, SalesforceClient
from pipelines.salesforce.codec import from_csv, from_json
from pipelines.salesforce.objects import SalesforceObject
from pipelines.salesforce.schema import Described, ObjectSchema

LONGEST_SOQL_IN_ADDRESS = 10_000  # address and headers may have 16,384 bytes together, and escaping makes it longer
_EXPIRED_LOCATOR = "INVALID_QUERY_LOCATOR"


@dataclass(frozen=True)
class Window:
    """The changes to read: from ``since`` (None: from the beginning) up to, not including, ``until``."""

    since: datetime | None
    until: datetime
    overlap: timedelta = timedelta(0)

    @property
    def begin(self) -> str:
        """The condition on the left; empty for a reading from the beginning."""
        return f"SystemModstamp >= {_soql_time(self.since - self.overlap)} AND " if self.since else ""

    @property
    def end(self) -> str:
        """The condition on the right: what changes while we read belongs to the next load."""
        return f"SystemModstamp < {_soql_time(self.until)}"


class Reading:
    """A reading that is under way at Salesforce.

    Args:
        client: the signed-in org.
        jobs: the org's Bulk jobs.
        what: the object, its fields and the raw table.
        described: the object's fields as Salesforce describes them.
        schema: the fields to read, with types.
        window: the changes to read; None reads every record that is not deleted.
        until: the moment that the reading shows, by Salesforce's clock.
    """

    def __init__(
        self,
        client: SalesforceClient,
        jobs: BulkJobs,
        what: SalesforceObject,
        described: Described,
        schema: ObjectSchema,
        window: Window | None,
        until: datetime,
    ) -> None:
        self.what = what
        self.described = described
        self.schema = schema
        self.until = until
        self.size = 0
        self._client = client
        self._jobs = jobs
        self._window = window
        self._query: Query | None = None
        self._job: BulkJob | None = None

    def begin(self, bulk_from_records: int) -> None:
        """Ask Salesforce; a large answer is prepared there by a Bulk job while we go on.

        Raises:
            OutreachError: what the client raises.
        """
        left_over = self._jobs.left_over(self.reads)
        if left_over:
            self._job, self.until = left_over, datetime.fromisoformat(left_over.until)
            return
        if len(self._soql) <= LONGEST_SOQL_IN_ADDRESS:
            self._query = self._client.open_query(f"{self._soql}{self._order}", include_deleted=self._includes_deleted)
            self.size = self._query.size
            if self.size < bulk_from_records:
                return
        try:
            wanted = BulkJob(None, self.reads, self.what.name, self.until.isoformat())
            self._job = self._jobs.start(self._soql, wanted, include_deleted=self._includes_deleted)
        except DataError:  # an object that Bulk does not offer
            if self._query is None:
                raise

    def tables(self) -> Iterator[pa.Table]:
        """The records, in tables of bounded size.

        Raises:
            OutreachError: what the client raises; what was given until then is true, but not all.
        """
        if self._job is None:
            yield from self._from_rest()
            return
        try:
            yield from self._from_bulk(self._job)
        except BulkJobFailedError:
            # Bulk says only that it failed. The same query by REST either works or says why not.
            yield from self._from_rest()

    @property
    def reads(self) -> str:
        """What is read, without the end of the window: the same in a load that was killed and in the next one."""
        begin = self._window.begin if self._window else ""
        return f"{self.what.table}: SELECT {self._fields} FROM {self.what.name} {begin}".rstrip()

    @property
    def _fields(self) -> str:
        return ", ".join(self.schema.arrow.names)

    @property
    def _soql(self) -> str:
        where = f" WHERE {self._window.begin}{self._window.end}" if self._window else ""
        return f"SELECT {self._fields} FROM {self.what.name}{where}"

    @property
    def _order(self) -> str:
        return " ORDER BY SystemModstamp, Id" if self._window else ""

    @property
    def _includes_deleted(self) -> bool:
        return self._window is not None

    @property
    def _where(self) -> str:
        return f"Salesforce {self._client.org} {self.what.name}"

    def _from_rest(self) -> Iterator[pa.Table]:
        query = self._query or self._open_again()
        self._query = None
        try:
            for page in query.pages:
                yield from_json(page, self.schema.arrow, self._where)
        except DataError as error:
            if _EXPIRED_LOCATOR not in error.message:
                raise
            for page in self._open_again().pages:
                yield from_json(page, self.schema.arrow, self._where)

    def _open_again(self) -> Query:
        return self._client.open_query(f"{self._soql}{self._order}", include_deleted=self._includes_deleted)

    def _from_bulk(self, job: BulkJob) -> Iterator[pa.Table]:
        for file, expected in self._jobs.pages(job):
            records = 0
            for table in from_csv(file, self.schema.arrow, self._where):
                records += table.num_rows
                yield table
            if records != expected:
                raise ServiceError(
                    f"{self._where}: a page of {expected:,} records has {records:,} (Bulk query {job.job_id}).",
                    next_step="Run the command again; it reads the object from where it was.",
                )


def _soql_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
