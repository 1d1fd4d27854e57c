"""Loading both orgs into ``raw_salesforce_<org>``: incremental by SystemModstamp, formulas read whole every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from rich.progress import Progress

from pipelines.config import Settings
from pipelines.errors import OutreachError, PartialFailureError
from pipelines.landing import SourceRead, land, source_reads
from pipelines.salesforce.client import SalesforceClient, connect
from pipelines.salesforce.objects import LEAD_FORMULAS, OBJECTS, SalesforceObject
from pipelines.salesforce.orgs import FieldNames, read_field_names
from pipelines.salesforce.schema import arrow_schema, arrow_table

OVERLAP = timedelta(minutes=10)  # a transaction that began before the last read may have committed after it
WATERMARK = "read_until"


def load_salesforce(
    settings: Settings, orgs: Sequence[str] | None = None, progress: Progress | None = None
) -> dict[str, dict[str, int]]:
    """Load the given orgs, all configured ones by default, and return the rows landed by org and table.

    Each org stands on its own: when one fails, the others are loaded whole. The caller holds the warehouse lock.

    Raises:
        OutreachError: the only org asked for failed.
        PartialFailureError: some of several orgs failed; names each with its reason.
    """
    names = read_field_names(settings.project_dir)
    loaded: dict[str, dict[str, int]] = {}
    failed: dict[str, OutreachError] = {}
    for org in orgs or list(names):
        try:
            loaded[org] = _load_org(settings, names.get(org, FieldNames(org, {})), progress)
        except OutreachError as error:
            failed[org] = error
    if failed:
        raise _failure(loaded, failed)
    return loaded


def _load_org(settings: Settings, names: FieldNames, progress: Progress | None) -> dict[str, int]:
    with connect(names.org, settings.salesforce_org(names.org)) as client:
        read_at = client.server_time()
        reader = _Reader(client, names, read_at, progress)
        resources = [reader.incremental(salesforce_object) for salesforce_object in OBJECTS]
        resources.append(reader.formulas())
        tables = [salesforce_object.table for salesforce_object in (*OBJECTS, LEAD_FORMULAS)]
        return land(settings, f"raw_salesforce_{names.org}", [*resources, reader.reads(tables)])


class _Reader:
    """Reads one org for one load: every object up to the same moment of Salesforce's clock."""

    def __init__(
        self, client: SalesforceClient, names: FieldNames, read_at: datetime, progress: Progress | None
    ) -> None:
        self._client = client
        self._names = names
        self._read_at = read_at
        self._progress = progress
        self._rows_read: dict[str, int] = {}

    def incremental(self, salesforce_object: SalesforceObject) -> DltResource:
        """The records that changed since the last load, deleted and merged ones included.

        The new watermark is kept in dlt's state, which commits together with the rows (R6).
        """

        @dlt.resource(name=salesforce_object.table, primary_key="Id", write_disposition="merge")
        def changed() -> Iterator[pa.Table]:
            state = dlt.current.resource_state()
            yield from self._pages(salesforce_object, self._window(state.get(WATERMARK)), include_deleted=True)
            state[WATERMARK] = self._read_at.isoformat()

        return changed()

    def formulas(self) -> DltResource:
        """All leads' formula values: they change without moving SystemModstamp, so no cursor can follow them."""

        @dlt.resource(name=LEAD_FORMULAS.table, primary_key="Id", write_disposition="replace")
        def formulas() -> Iterator[pa.Table]:
            yield from self._pages(LEAD_FORMULAS, "", include_deleted=False)

        return formulas()

    def reads(self, tables: Sequence[str]) -> DltResource:
        """When each table was read; evaluated after the others, so that the row counts are known."""

        @dlt.resource(name="source_reads", primary_key="table_name", write_disposition="merge")
        def reads() -> Iterator[Any]:
            yield from source_reads(
                [SourceRead(table, self._read_at, self._rows_read.get(table, 0)) for table in tables]
            )

        return reads()

    def _window(self, watermark: str | None) -> str:
        """Closed on the right by Salesforce's own clock: what changes while we read belongs to the next load."""
        until = f"SystemModstamp < {_soql_time(self._read_at)}"
        if watermark is None:
            return f" WHERE {until} ORDER BY SystemModstamp, Id"
        since = _soql_time(datetime.fromisoformat(watermark) - OVERLAP)
        return f" WHERE SystemModstamp >= {since} AND {until} ORDER BY SystemModstamp, Id"

    def _pages(
        self, salesforce_object: SalesforceObject, conditions: str, *, include_deleted: bool
    ) -> Iterator[pa.Table]:
        where = f"Salesforce {self._names.org} {salesforce_object.name}"
        schema = arrow_schema(salesforce_object, self._names, self._client.describe(salesforce_object.name))
        yield schema.empty_table()
        soql = f"SELECT {', '.join(schema.names)} FROM {salesforce_object.name}{conditions}"  # noqa: S608  own names
        task = self._progress.add_task(where, total=None) if self._progress else None
        for page in self._client.query(soql, include_deleted=include_deleted):
            self._rows_read[salesforce_object.table] = self._rows_read.get(salesforce_object.table, 0) + len(page)
            if self._progress and task is not None:
                self._progress.update(task, advance=len(page))
            yield arrow_table(page, schema, where)


def _soql_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _failure(loaded: dict[str, dict[str, int]], failed: dict[str, OutreachError]) -> OutreachError:
    if len(failed) == 1 and not loaded:
        return next(iter(failed.values()))
    reasons = " ".join(f"{org}: {error.message}" for org, error in failed.items())
    next_steps = " ".join(dict.fromkeys(error.next_step for error in failed.values() if error.next_step))
    whole = f" Loaded whole: {', '.join(loaded)}." if loaded else ""
    failure = PartialFailureError(f"Not every org could be loaded. {reasons}{whole}", next_step=next_steps or None)
    if not loaded:
        failure.exit_code = next(iter(failed.values())).exit_code
    return failure
