"""Landing rows in the warehouse with dlt: one place that decides names, file format and what happens after a crash."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.pipeline import LoadInfo
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.extract import DltResource
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.helpers import pipeline_drop

from pipelines.config import Settings
from pipelines.errors import OutreachError, StoreError
from pipelines.privacy.suppression import Gate, read_gate

MEMORY_LIMIT = "512MB"  # of DuckDB while it merges; beyond it, it works on disk
SOURCE_READS = "source_reads"
ERASED_DROPPED = "erased_people_dropped"
SOURCE_READ_COLUMNS = pa.schema(
    [
        ("table_name", pa.string()),
        ("read_at", pa.timestamp("us", tz="UTC")),
        ("rows_read", pa.int64()),
    ]
)


@dataclass(frozen=True)
class SourceRead:
    """When a source table was last read, by the clock of the service itself, and how many rows came."""

    table_name: str
    read_at: datetime
    rows_read: int


class _Warehouse(dlt.destinations.duckdb):  # type: ignore[misc]  # dlt is not checked
    """dlt's DuckDB. Its capabilities hang on no setting; dlt would look for all of them each time that it asks."""

    destination_type = "dlt.destinations.duckdb"

    def capabilities(self, config: Any = None, naming: Any = None) -> Any:
        return super().capabilities(config or self.spec(), naming)


def land(settings: Settings, dataset: str, resources: Sequence[DltResource]) -> dict[str, int]:
    """Load resources into one raw dataset and return the rows landed per table.

    The caller holds the warehouse lock. A package that an interrupted run left behind is loaded first: dlt would
    otherwise ignore the new rows. Resources are read one after the other, in the order given. Column names are kept
    exactly as the source spells them. Rows of people who were erased do not land; they are counted as
    ``erased_people_dropped``.

    Raises:
        ConfigurationError: the key that recognises erased people is missing.
        OutreachError: whatever the resource raised while it was read, unchanged.
        StoreError: the warehouse cannot be written.
    """
    pipeline = _pipeline(settings, dataset)
    dropped = _keep_erased_out(settings, dataset, resources)
    with _own_errors(settings):
        _finish_interrupted_load(pipeline)
        info = pipeline.run(list(resources), loader_file_format="parquet")
        info.raise_on_failed_jobs()
    return _rows_by_table(pipeline, info) | ({ERASED_DROPPED: dropped.total()} if dropped else {})


def resource_states(settings: Settings, dataset: str) -> dict[str, dict[str, Any]]:
    """What the resources of a dataset remembered when they were last landed, by resource.

    A package that an interrupted run left behind is loaded first, so that the state is that of the warehouse.

    Raises:
        StoreError: the warehouse cannot be written.
    """
    pipeline = _pipeline(settings, dataset)
    with _own_errors(settings):
        _finish_interrupted_load(pipeline)
        if pipeline.first_run and settings.warehouse_path.exists():
            pipeline.sync_destination()
    states: dict[str, dict[str, Any]] = {}
    for source in pipeline.state.get("sources", {}).values():
        states |= source.get("resources", {})
    return states


def forget(settings: Settings, dataset: str, resources: Sequence[str]) -> None:
    """Drop the tables and the state of some resources: the next load reads them whole, with their types of then."""
    pipeline = _pipeline(settings, dataset)
    with _own_errors(settings):
        _finish_interrupted_load(pipeline)
        if pipeline.default_schema_name:
            pipeline_drop(pipeline, resources=resources)()


def source_reads(reads: Sequence[SourceRead]) -> DltResource:
    """The resource that records when each table was read; the models take their notion of "now" from it."""
    rows = [{"table_name": r.table_name, "read_at": r.read_at, "rows_read": r.rows_read} for r in reads]
    return dlt.resource(
        [pa.Table.from_pylist(rows, schema=SOURCE_READ_COLUMNS)],
        name=SOURCE_READS,
        primary_key="table_name",
        write_disposition="merge",
    )


def finish_and_clear(settings: Settings, dataset: str) -> int:
    """Load what an interrupted run left behind, and delete dlt's files of what is loaded; returns how many there were.

    Cursors are no such files, and stay.

    Raises:
        StoreError: the warehouse cannot be written.
    """
    pipeline = _pipeline(settings, dataset)
    with _own_errors(settings):
        _finish_interrupted_load(pipeline)
    folders = [Path(pipeline.working_dir) / name for name in ("extract", "normalize", "load")]
    files = [file for folder in folders for file in folder.rglob("*.parquet*")]
    for file in files:
        file.unlink()
    return len(files)


def set_dlt_up() -> None:
    """Configure dlt for this process: names, what it keeps, and that it tells nobody of its use."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
    os.environ["SCHEMA__NAMING"] = "direct"
    os.environ["LOAD__DELETE_COMPLETED_JOBS"] = "true"  # else every row that ever landed stays as a file
    os.environ["EXTRACT__NEXT_ITEM_MODE"] = "fifo"  # in the order given: what counts the others comes last


def _keep_erased_out(settings: Settings, dataset: str, resources: Sequence[DltResource]) -> Counter[str]:
    """Let no resource yield rows of people who were erased; the counter grows while they are read."""
    dropped: Counter[str] = Counter()
    gate = read_gate(settings)
    if gate is not None:
        for resource in resources:
            resource.add_map(_only_kept(gate, dataset, resource.name, dropped))
    return dropped


def _only_kept(gate: Gate, dataset: str, name: str, dropped: Counter[str]) -> Callable[[pa.Table], pa.Table]:
    def kept(table: pa.Table) -> pa.Table:
        clean = gate.kept(table, dataset, name)
        if clean.num_rows < table.num_rows:
            dropped[name] += table.num_rows - clean.num_rows
        return clean

    return kept


def _pipeline(settings: Settings, dataset: str) -> dlt.Pipeline:
    set_dlt_up()
    pipeline = dlt.pipeline(
        pipeline_name=dataset,
        pipelines_dir=str(settings.data_dir / "dlt"),
        destination=_Warehouse(_credentials(settings)),
        dataset_name=dataset,
    )
    return _forget_state_of_another_warehouse(pipeline, settings)


def _credentials(settings: Settings) -> DuckDbCredentials:
    credentials = DuckDbCredentials(str(settings.warehouse_path))
    credentials.global_config = {"memory_limit": MEMORY_LIMIT}
    return credentials


def _forget_state_of_another_warehouse(pipeline: dlt.Pipeline, settings: Settings) -> dlt.Pipeline:
    """Without the warehouse file, local state would claim that rows are loaded which are gone."""
    return pipeline if settings.warehouse_path.exists() else pipeline.drop()


def _finish_interrupted_load(pipeline: dlt.Pipeline) -> None:
    if pipeline.has_pending_data:
        pipeline.run(loader_file_format="parquet")


@contextmanager
def _own_errors(settings: Settings) -> Iterator[None]:
    try:
        yield
    except PipelineStepFailed as failure:
        raise _cause(failure, settings) from failure


def _cause(failure: PipelineStepFailed, settings: Settings) -> BaseException:
    """The error of ours, the interruption, or our own mistake, inside dlt's wrappers; else one about the store."""
    innermost: BaseException = failure
    while not isinstance(innermost, OutreachError | KeyboardInterrupt):
        if (cause := innermost.__cause__ or innermost.__context__) is None:
            break
        innermost = cause
    was_reading = failure.step == "extract" and not isinstance(innermost, OSError | PipelineStepFailed)
    if was_reading or isinstance(innermost, OutreachError | KeyboardInterrupt):
        return innermost
    return StoreError(
        f"Loading into {settings.warehouse_path} failed: {failure.exception}.",
        next_step="Check free disk space and that nothing else has the file open, then run the command again.",
    )


def _rows_by_table(pipeline: dlt.Pipeline, info: LoadInfo) -> dict[str, int]:
    normalized = pipeline.last_trace.last_normalize_info if info.loads_ids else None
    counts: dict[str, int] = dict(normalized.row_counts) if normalized else {}
    return {table: rows for table, rows in sorted(counts.items()) if not table.startswith("_dlt")}
