"""How long ago each source was read, by the published marts and the time that has passed since they were built."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.publish import PublishedVersion, open_published, published_version

STALE_AFTER = timedelta(hours=24)  # as fct_source_freshness has it


@dataclass(frozen=True)
class SourceFreshness:
    """A source: when its least and most recently read tables were read (UTC), and how long ago the former was."""

    dataset: str
    oldest_read_at: datetime
    latest_read_at: datetime
    hours_behind: float

    @property
    def is_stale(self) -> bool:
        """Whether a table of it was not read for a day."""
        return self.hours_behind > STALE_AFTER.total_seconds() / 3600


def service_time_now(version: PublishedVersion) -> datetime:
    """What time it is by the services' clocks: how far the published data reach, and how long ago they were built."""
    return version.as_of_at + (datetime.now(UTC) - version.built_at)


def source_freshness(settings: Settings) -> list[SourceFreshness]:
    """The freshness of each source.

    Raises:
        DataError: nothing is published, or by an older version.
    """
    version = published_version(settings)
    now = service_time_now(version)
    try:
        with open_published(settings) as marts:
            rows = marts.execute(
                "select dataset, min(read_at), max(read_at) from fct_source_freshness group by dataset order by dataset"
            ).fetchall()
    except duckdb.CatalogException:
        raise DataError(f"{version.file.name} has no fct_source_freshness.", next_step="Run outreach build.") from None
    return [
        SourceFreshness(
            dataset,
            oldest.replace(tzinfo=UTC),
            latest.replace(tzinfo=UTC),
            (now - oldest.replace(tzinfo=UTC)).total_seconds() / 3600,
        )
        for dataset, oldest, latest in rows
    ]
