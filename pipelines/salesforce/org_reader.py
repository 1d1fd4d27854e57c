"""Reading one org for one load: plan every object, let Salesforce prepare the large ones, then land one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from rich.progress import Progress

from pipelines.config.services import SalesforceOrg
from pipelines.errors import ConfigurationError, OutreachError
from pipelines.landing import SOURCE_READS, SourceRead, source_reads
from pipelines.salesforce.bulk import BulkJobs
from pipelines.salesforce.changes import covered_until, deleted_records
from pipelines.salesforce.client import SalesforceClient
from pipelines.salesforce.objects import SalesforceObject
from pipelines.salesforce.orgs import FieldNames
from pipelines.salesforce.reading import Reading, Window
from pipelines.salesforce.schema import (
    FIELD_COLUMNS,
    Described,
    check_types,
    field_rows,
    new_fields,
    object_schema,
)

# Salesforce names the safe end of a window; the overlap is for its clock's whole seconds. Where it does not, a
# transaction that began before the last reading may have committed after it.
OVERLAP, OVERLAP_WITHOUT_LOG = timedelta(minutes=1), timedelta(minutes=10)
DELETED_RECORDS = "deleted_records"
OBJECT_FIELDS = "object_fields"
SWEPT_AT = "swept_at"
DELETED_COLUMNS = pa.schema(
    [("object_name", pa.string()), ("Id", pa.string()), ("deleted_at", pa.timestamp("us", tz="UTC"))]
)


class OrgReader:
    """Everything that one load reads from one org.

    An object that cannot be read is noted in ``failed`` and keeps its place in the warehouse; the others go on.

    Args:
        client: the signed-in org.
        names: how the org spells its fields.
        connection: the org's settings.
        jobs: its Bulk jobs.
        states: what each table's resource remembered at the last load.
        progress: where to show progress.
    """

    def __init__(
        self,
        client: SalesforceClient,
        names: FieldNames,
        connection: SalesforceOrg,
        jobs: BulkJobs,
        states: Mapping[str, Mapping[str, Any]],
        progress: Progress | None,
    ) -> None:
        self.failed: dict[str, OutreachError] = {}
        self.notes: list[str] = []
        self._client = client
        self._names = names
        self._connection = connection
        self._jobs = jobs
        self._states = states
        self._progress = progress
        self._now = client.server_time()
        self._readings: list[Reading] = []
        self._done: list[SourceRead] = []
        self._described: dict[str, Described] = {}

    def plan(self, objects: Sequence[SalesforceObject], *, sweep: bool | None) -> None:
        """Begin every reading of these objects.

        Args:
            objects: what to read.
            sweep: whether all ids and formulas are read too; None does it when the last time is long ago.

        Raises:
            ConfigurationError: the credentials belong to another org than the one in the warehouse.
        """
        self._check_organization()
        for one in objects:
            self._guarded(one.name, self._begin_changes, one)
        for one in objects:
            if one.name not in self.failed and self._is_sweep_due(one.sweep, sweep):
                self._guarded(one.name, self._begin_sweep, one.sweep)
        self._jobs.delete_except({reading.reads for reading in self._readings})

    def resources(self) -> list[DltResource]:
        """What to land, in this order."""
        tables = [self._resource(reading) for reading in self._readings]
        return [*tables, self._object_fields(), self._deletions(), self._reads()]

    @property
    def unfinished(self) -> set[str]:
        """The readings that did not come to their end; the next load can continue from their jobs."""
        done = {read.table_name for read in self._done}
        return {reading.reads for reading in self._readings if reading.what.table not in done}

    def _check_organization(self) -> None:
        known = {state["organization_id"] for state in self._states.values() if "organization_id" in state}
        if known - {self._client.organization_id}:
            raise ConfigurationError(
                f"The warehouse has org {', '.join(known)} as '{self._names.org}', but the credentials sign in to"
                f" {self._client.organization_id}.",
                next_step=f"Correct the credentials of org '{self._names.org}', or use another warehouse.",
            )

    def _guarded(self, name: str, begin: Callable[[SalesforceObject], None], what: SalesforceObject) -> None:
        try:
            begin(what)
        except OutreachError as error:
            self.failed[name] = error

    def _begin_changes(self, what: SalesforceObject) -> None:
        described = self._client.describe(what.name)
        schema = object_schema(what, self._names, described)
        state = self._states.get(what.table, {})
        check_types(schema, state.get("types", {}), self._names.org, what.name)
        self._note_fields(what, described, schema.types, schema.notes, state)
        self._described[what.name] = described
        covered = covered_until(self._client, what.name, self._now)
        has_new_columns = set(schema.types) > set(state.get("types", {}))
        since = None if has_new_columns or "read_until" not in state else datetime.fromisoformat(state["read_until"])
        window = Window(since, covered or self._now, OVERLAP if covered else OVERLAP_WITHOUT_LOG)
        self._begin(Reading(self._client, self._jobs, what, described, schema, window, window.until))

    def _begin_sweep(self, what: SalesforceObject) -> None:
        described = self._described[what.name]
        schema = object_schema(what, self._names, described)
        self._begin(Reading(self._client, self._jobs, what, described, schema, None, self._now))

    def _begin(self, reading: Reading) -> None:
        reading.begin(self._connection.bulk_from_records)
        self._readings.append(reading)

    def _is_sweep_due(self, what: SalesforceObject, wanted: bool | None) -> bool:
        last = self._states.get(what.table, {}).get("read_until")
        if wanted is not None or last is None:
            return wanted is not False
        age = self._now - datetime.fromisoformat(last)
        return age >= timedelta(minutes=self._connection.sweep_after_minutes)

    def _note_fields(
        self,
        what: SalesforceObject,
        described: Described,
        types: Mapping[str, str],
        notes: Sequence[str],
        state: Mapping[str, Any],
    ) -> None:
        self.notes += notes
        for name in new_fields(described, state.get("described", [])):
            loaded = "loaded from the beginning" if name in types else "not loaded (salesforce_extra_fields)"
            self.notes.append(f"{what.name}.{name} is new: {loaded}.")

    def _resource(self, reading: Reading) -> DltResource:
        """The records of one reading, merged on Id; its state commits together with them (R6)."""
        is_sweep = reading.what.is_sweep
        # Two versions of a record may be in one load, when a page had to be read again: the later one counts.
        latest: Any = {} if is_sweep else {"SystemModstamp": {"dedup_sort": "desc"}}

        @dlt.resource(name=reading.what.table, primary_key="Id", write_disposition="merge", columns=latest)
        def records() -> Iterator[pa.Table]:
            state = dlt.current.resource_state()
            schema = reading.schema.arrow.append(pa.field(SWEPT_AT, pa.timestamp("us", tz="UTC")))
            yield (schema if is_sweep else reading.schema.arrow).empty_table()
            rows = 0
            try:
                for table in self._shown(reading):
                    rows += table.num_rows
                    yield _at(table, reading.until) if is_sweep else table
            except OutreachError as error:
                self.failed[reading.what.name] = error
                return
            state["read_until"] = reading.until.isoformat()
            state["organization_id"] = self._client.organization_id
            state["types"] = reading.schema.types
            state["described"] = sorted(reading.described)
            self._done.append(SourceRead(reading.what.table, reading.until, rows))

        return records()

    def _shown(self, reading: Reading) -> Iterator[pa.Table]:
        """The tables of a reading, counted in the progress display."""
        label = f"Salesforce {self._names.org} {reading.what.table.replace('_', ' ')}"
        task = self._progress.add_task(label, total=reading.size or None) if self._progress else None
        for table in reading.tables():
            if self._progress and task is not None:
                self._progress.update(task, advance=table.num_rows)
            yield table

    def _object_fields(self) -> DltResource:
        """The org's fields as described: what is loaded, and what could be."""

        @dlt.resource(name=OBJECT_FIELDS, primary_key=["object_name", "field_name"], write_disposition="merge")
        def fields() -> Iterator[pa.Table]:
            yield FIELD_COLUMNS.empty_table()
            for reading in self._readings:
                if not reading.what.is_sweep:
                    rows = field_rows(reading.what.name, reading.described, reading.schema)
                    yield pa.Table.from_pylist(rows, schema=FIELD_COLUMNS)

        return fields()

    def _deletions(self) -> DltResource:
        """Salesforce's own log of deletions: it also knows records that have left the recycle bin."""

        @dlt.resource(name=DELETED_RECORDS, primary_key=["object_name", "Id"], write_disposition="merge")
        def deletions() -> Iterator[pa.Table]:
            yield DELETED_COLUMNS.empty_table()
            for reading in self._readings:
                if reading.what.has_deletes and not reading.what.is_sweep:
                    yield from self._deletions_of(reading.what)

        return deletions()

    def _deletions_of(self, what: SalesforceObject) -> Iterator[pa.Table]:
        read_until = self._states.get(what.table, {}).get("read_until")
        since = datetime.fromisoformat(read_until) if read_until else None
        try:
            rows = list(deleted_records(self._client, what.name, since, self._now))
        except OutreachError as error:
            self.failed[what.name] = error
            return
        yield pa.Table.from_pylist(rows, schema=DELETED_COLUMNS)

    def _reads(self) -> DltResource:
        """When each table was read whole; evaluated last, when it is known which ones were."""

        @dlt.resource(name=SOURCE_READS, primary_key="table_name", write_disposition="merge")
        def reads() -> Iterator[Any]:
            yield from source_reads(self._done)

        return reads()


def _at(table: pa.Table, moment: datetime) -> pa.Table:
    value = pa.scalar(moment, pa.timestamp("us", tz="UTC"))
    return table.append_column(SWEPT_AT, pa.repeat(value, table.num_rows))
