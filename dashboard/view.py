"""From rows to what a template shows: cells, links, and the state of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any
from urllib.parse import urlencode

from dashboard.filters import ALL, Selection
from dashboard.marts import Reader, Row
from dashboard.personal import masked
from dashboard.tables import Column, Table
from pipelines.config import Settings
from pipelines.errors import OutreachError
from pipelines.operations.history import last_ended_build
from pipelines.publish import PublishedVersion
from pipelines.store import open_existing_store

PAGE_ROWS = 50
GOOD = {"pass", "kept", "fresh", "complete", "matching"}
BAD = {"fail", "breached", "stale", "incomplete", "silent_failure", "overwritten", "record_is_gone", "hard"}
SIGNS = {"good": "✓", "bad": "✕", "open": "○"}


@dataclass(frozen=True)
class Viewer:
    """Who looks, and whether personal data may be shown to them."""

    sees_personal_data: bool
    name: str | None = None


@dataclass(frozen=True)
class Cell:
    """One cell as the template writes it; nothing in it is markup."""

    text: str
    detail: str = ""
    href: str | None = None
    css: str = ""
    state: str | None = None
    sign: str = ""
    bar: float | None = None


@dataclass(frozen=True)
class TableView:
    """A table with its rows, as many as are shown."""

    table: Table
    rows: list[list[Cell]]
    total: int
    chart: str | None = None
    csv_href: str = ""
    all_href: str = ""
    pages: int = 1


@dataclass(frozen=True)
class DataState:
    """Which data are shown, how old they are, and what became of later builds."""

    version: PublishedVersion
    age: str
    problem: str | None = None


def parameters_of(selection: Selection) -> dict[str, str]:
    """The values of all filters for a query: the selected ones, ``all`` for the others."""
    return {name: value or ALL for name, value in selection.values.items()}


def href(path: str, *parameters: Mapping[str, str]) -> str:
    """A path with the parameters that are set."""
    together = {name: value for given in parameters for name, value in given.items() if value not in {"", ALL}}
    return f"{path}?{urlencode(together)}" if together else path


def table_view(reader: Reader, page: str, table: Table, selection: Selection, viewer: Viewer) -> TableView:
    """A table as part of its page: its chart, its first rows, and where the rest is."""
    if table.chart is None:
        return _view(reader, page, table, selection, viewer, size=table.preview_rows)
    rows = _shown(reader.rows(table.sql, parameters_of(selection)), viewer)
    view = _view_of(page, table, selection, rows[: table.preview_rows], total=len(rows))
    return replace(view, chart=table.chart(rows))


def table_page(reader: Reader, page: str, table: Table, selection: Selection, viewer: Viewer) -> TableView:
    """One page of a table that stands alone."""
    return _view(reader, page, table, selection, viewer, size=PAGE_ROWS)


def _view(reader: Reader, page: str, table: Table, selection: Selection, viewer: Viewer, *, size: int) -> TableView:
    parameters, offset = parameters_of(selection), (selection.page - 1) * size
    if table.key:
        rows, total = _found_by_key(reader, table, parameters, size, offset)
    else:
        rows = reader.rows(f"{table.sql} limit {size + 1} offset {offset}", parameters)
        total = offset + len(rows)
    if len(rows) > size or not rows:  # there are more, or this page is beyond the end
        total = reader.rows(f"select count(*) as total from ({table.sql})", parameters)[0]["total"]
    return _view_of(page, table, selection, _shown(rows[:size], viewer), total)


def _found_by_key(
    reader: Reader, table: Table, parameters: dict[str, str], size: int, offset: int
) -> tuple[list[Row], int]:
    found = reader.rows(
        f"with found as materialized (select {table.key} as key from ({table.sql}))"
        f" select key, (select count(*) from found) as total from found limit {size} offset {offset}",
        parameters,
    )
    if not found:
        return [], 0
    these = parameters | {"keys": [row["key"] for row in found]}
    return reader.rows(f"select * from ({table.sql}) where list_contains($keys, {table.key})", these), found[0]["total"]


def _view_of(page: str, table: Table, selection: Selection, rows: list[Row], total: int) -> TableView:
    return TableView(
        table,
        [[_cell(column, row, selection) for column in table.columns] for row in rows],
        total=total,
        csv_href=href(f"/{page}/{table.name}.csv", selection.filters),
        all_href=href(f"/{page}/{table.name}", selection.filters),
        pages=max(1, ceil(total / PAGE_ROWS)),
    )


def data_state(settings: Settings, version: PublishedVersion) -> DataState:
    """The state of the data of this version, by the run history where there is one."""
    try:
        problem = _build_problem(settings, version)
    except OutreachError as error:
        problem = f"The run history cannot be read, so nobody knows how the last build ended. {error.message}"
    return DataState(version, age_of(version.built_at), problem)


def age_of(moment: datetime) -> str:
    """How long ago a moment was, in one unit."""
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def _build_problem(settings: Settings, version: PublishedVersion) -> str | None:
    engine = open_existing_store(settings)
    if engine is None:
        return None
    try:
        build = last_ended_build(engine)
    finally:
        engine.dispose()
    if build is None or not build.exit_code or (build.ended_at or build.started_at) < version.built_at:
        return None
    return (
        f"The last build, of {build.started_at:%Y-%m-%d %H:%M} UTC, failed (exit code {build.exit_code}) and published"
        f" nothing. You see the last good data, built {age_of(version.built_at)} ago."
    )


def _shown(rows: list[Row], viewer: Viewer) -> list[Row]:
    return rows if viewer.sees_personal_data else list(masked(rows))


def _cell(column: Column, row: Row, selection: Selection) -> Cell:
    value: Any = row[column.key]
    link = column.link(row) if column.link else None
    state = _state(str(value)) if column.is_status else None
    return Cell(
        text=column.format(value).replace("_", " ") if column.is_status else column.format(value),
        detail=column.detail(row) if column.detail else "",
        href=href(link[0], selection.filters, link[1]) if link else None,
        css="number" if column.is_number else "prose" if column.is_prose else "",
        state=state,
        sign=SIGNS[state] if state else "",
        bar=100 * value / row[column.bar_of] if column.bar_of and value is not None and row[column.bar_of] else None,
    )


def _state(value: str) -> str:
    return "good" if value in GOOD else "bad" if value in BAD else "open"
