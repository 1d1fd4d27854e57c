"""A published mart of what is due, and the Clay double that knows some of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import sqlalchemy as sa
from rich.progress import Progress
from starlette.types import ASGIApp

from pipelines.clay.lookups.run import LookupSummary, look_up
from pipelines.config import Settings
from pipelines.errors import OutreachError
from pipelines.http.service import authorities
from pipelines.store import open_store, reading
from pipelines.store_tables import clay_lookups
from sandbox.clay.app import ClayService
from sandbox.clay.state import open_database
from sandbox.database import Database

KEY, TOKEN = "enterprise-key", "control"
NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
# With this seed Clay knows p0, p1 and other.example. A person costs a credit, a company two.
DUE = [
    ("person", "p0@firm.example", "https://linkedin.example/in/p0"),
    ("company", "firm.example", None),
    ("person", "p5@firm.example", None),
    ("person", "p1@firm.example", None),
    ("company", "other.example", None),
]


class World:
    """A project that has published what is due, and a running Clay."""

    def __init__(self, directory: Path, database: Database, url: str) -> None:
        self.directory = directory
        self.url = url
        self._database = database
        (directory / "project" / "seeds").mkdir(parents=True)
        header = "org,campaign_id,campaign_name,clay_table_id,smartlead_campaign_id\n"
        (directory / "project" / "seeds" / "campaign_map.csv").write_text(header)
        published = directory / "data" / "published"
        published.mkdir(parents=True)
        with duckdb.connect(str(published / "marts_1.duckdb")) as marts:
            marts.execute("create schema marts; set schema = 'marts'")
            columns = "subject text, lookup_key text, linkedin_url text, priority int"
            marts.execute(f"create table fct_lookups_due ({columns})")
            rows = [(*one, place) for place, one in enumerate(DUE)]
            marts.executemany("insert into fct_lookups_due values (?, ?, ?, ?)", rows)
        pointer = {"build_id": "b", "file": "marts_1.duckdb", "built_at": NOW.isoformat(), "as_of_at": NOW.isoformat()}
        (published / "current.json").write_text(json.dumps(pointer))

    def settings(self, **lookups: Any) -> Settings:
        section = {"api_key": KEY, "credit_budget": 100, "requests_per_second": 1000} | lookups
        clay = {"base_url": self.url, "lookups": section}
        return Settings(project_dir=self.directory / "project", data_dir=self.directory / "data", clay=clay)

    def look_up(
        self, *, most: int | None = None, again: bool = False, **lookups: Any
    ) -> tuple[LookupSummary, OutreachError | None]:
        with Progress(disable=True) as progress:
            return look_up(self.settings(**lookups), progress, most=most, again=again, sleep=lambda _: None)

    def fault(self, **fault: Any) -> None:
        headers = {"X-Sandbox-Token": TOKEN}
        httpx.post(f"{self.url}/_sandbox/faults", json=fault, headers=headers, verify=authorities()).raise_for_status()

    def answered(self) -> list[str]:
        """The keys that Clay was asked for and answered, whether the answer arrived or not."""
        return [row["lookup_key"] for row in self._database.rows("select lookup_key from lookups order by id")]

    def kept(self) -> list[tuple[str, str, int]]:
        """Key, status and credits of each request in the store."""
        query = sa.select(clay_lookups.c.lookup_key, clay_lookups.c.status, clay_lookups.c.credits)
        with reading(open_store(self.settings())) as connection:
            return [tuple(row) for row in connection.execute(query.order_by(clay_lookups.c.lookup_id))]


@pytest.fixture
def world(tmp_path: Path, serve: Callable[[ASGIApp], str]) -> World:
    config = {"api_key": KEY, "webhook_token": "w", "token": TOKEN, "seed": 7}
    database = open_database(tmp_path)
    return World(tmp_path, database, serve(ClayService(database, config).application()))
