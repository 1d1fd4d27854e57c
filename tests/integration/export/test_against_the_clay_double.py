"""Export, enrichment, callbacks and load against the sandbox's Clay: what a poll brings, a callback brings too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import httpx
import pytest
from rich.progress import Progress
from starlette.types import ASGIApp

from pipelines.clay.audience import read_audience
from pipelines.clay.export import export_audience
from pipelines.clay.loader import load_clay
from pipelines.config import Settings
from pipelines.config.running import Receiver
from pipelines.inbox.receiver import receiver_app
from pipelines.store import open_store
from sandbox.clay.app import ClayService
from sandbox.clay.state import open_database

NAME = "AI Outreach DACH Q4"


class Clay:
    def __init__(self, world: Any, serve: Callable[[ASGIApp], str]) -> None:
        plain = world.settings()
        receiver = Receiver(smartlead_secret="x", clay_secret="callback-secret")
        config = {
            "api_key": "clay-key",
            "webhook_token": "table-token",
            "seed": 7,
            "token": "control",
            "receiver_url": serve(receiver_app(open_store(plain), receiver)),
            "receiver_secret": "callback-secret",
        }
        self.url = serve(ClayService(open_database(world.directory), config).application())
        table = plain.clay.tables["t_icare_3"]
        table = table.model_copy(update={"webhook_url": f"{self.url}/v3/sources/webhook/t_icare_3"})
        clay = plain.clay.model_copy(update={"base_url": self.url, "tables": {"t_icare_3": table}})
        self.settings: Settings = plain.model_copy(update={"clay": clay})

    def control(self, action: str, **body: Any) -> None:
        headers = {"X-Sandbox-Token": "control"}
        httpx.post(f"{self.url}/_sandbox/{action}", json=body, headers=headers, timeout=60).raise_for_status()

    def export(self) -> Any:
        audience = read_audience(self.settings, NAME, None)
        with Progress(disable=True) as progress:
            return export_audience(self.settings, audience, progress, sleep=lambda _: None)

    def load(self) -> None:
        with Progress(disable=True) as progress:
            load_clay(self.settings, progress)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse_path), read_only=True) as connection:
            return connection.execute(f"set schema = 'raw_clay'; {sql}").fetchall()


@pytest.fixture
def clay(world: Any, serve: Callable[[ASGIApp], str]) -> Clay:
    return Clay(world, serve)


def test_what_was_exported_comes_back_enriched_by_callback_and_by_poll(clay: Clay) -> None:
    clay.control("faults", kind="status", path="/v3/sources/webhook", times=1, status=503)
    first, _ = clay.export()
    second, _ = clay.export()
    assert (first.accepted, first.open, second.accepted, second.open) == (4, 1, 1, 0)
    clay.control("advance", days=5)
    clay.load()
    assert clay.query("select count(*), count(distinct row_id) from table_rows") == [(5, 5)]
    both_ways = clay.query(
        """
        select distinct table_rows.row_id
        from table_rows join callback_events on table_rows.row_id = (payload ->> '$.row_id')
        where (cells ->> '$.CampaignMemberId.value') = (payload ->> '$.CampaignMemberId')
            and (cells ->> '$.LeadId.value') = (payload ->> '$.LeadId')
            and (cells ->> '$.enriched_at.value') = (payload ->> '$.enriched_at')
            and (cells ->> '$.icp_score.value') = (payload ->> '$.icp_score')
        """
    )
    assert len(both_ways) == 5
    assert clay.query("select status, count(*) from submissions group by 1") == [("accepted", 5)]
    assert clay.query("select count(*) from callback_events where parse_error is not null") == [(0,)]


def test_a_callback_that_was_missed_is_made_up_for_by_the_poll(clay: Clay) -> None:
    clay.export()
    inbox = open_store(clay.settings)
    with inbox.begin() as connection:  # the receiver is down in effect: it cannot store
        connection.exec_driver_sql("alter table inbox_events rename to away")
    clay.control("advance", days=5)
    with inbox.begin() as connection:
        connection.exec_driver_sql("alter table away rename to inbox_events")
    clay.load()
    enriched = clay.query("select count(*) from table_rows where (cells ->> '$.enriched_at.status') = 'success'")
    assert (enriched, clay.query("from callback_events")) == ([(5,)], [])
    clay.control("deliver")  # Clay tries again what was not taken
    clay.load()
    assert clay.query("select count(distinct payload ->> '$.row_id') from callback_events") == [(5,)]


def test_in_bad_weather_every_difference_is_found_and_nothing_is_sent_on_suspicion(clay: Clay) -> None:
    for kind in ("answer_lost", "forget", "twice"):
        clay.control("faults", kind=kind, path="/webhook/")
    first, _ = clay.export()
    assert (first.accepted, first.open, first.rows_in_clay) == (4, 1, 5)
    assert (len(first.missing_in_clay), len(first.repeated_in_clay)) == (1, 1)
    second, problem = clay.export()
    assert (second.found_in_clay, second.to_send, second.open, problem) == (1, 0, 0, None)
    assert (second.missing_in_clay, second.repeated_in_clay) == (first.missing_in_clay, first.repeated_in_clay)
