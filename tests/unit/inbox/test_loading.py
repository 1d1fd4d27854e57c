"""Events on their way into the warehouse: each once, readable or marked, and nothing of a load that failed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import StoreError
from pipelines.inbox.events import InboxEvent, append
from pipelines.inbox.loading import load_events
from pipelines.privacy.store_rows import TOMBSTONE
from pipelines.smartlead.loader import DATASET, WEBHOOK_COLUMNS, WEBHOOK_EVENTS
from pipelines.store import open_store, writing
from pipelines.store_tables import inbox_events


class Loading:
    """A store and a warehouse, and one between them."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(data_dir=directory)
        self.engine = open_store(self.settings)

    def store(self, *bodies: str, problem: str | None = None) -> None:
        events = [InboxEvent("smartlead", "webhook", body, "EMAIL_REPLY", body, problem) for body in bodies]
        append(self.engine, events)

    def load(self) -> int:
        return load_events(self.settings, self.engine, "smartlead", DATASET, WEBHOOK_EVENTS, WEBHOOK_COLUMNS)

    def query(self, columns: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse_path), read_only=True) as warehouse:
            return warehouse.execute(f"select {columns} from raw_smartlead.webhook_events order by event_id").fetchall()


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    return Loading(tmp_path)


def test_each_load_brings_only_what_is_new(loading: Loading) -> None:
    loading.store('{"campaign_id": 1}', '{"campaign_id": "2710101"}')
    append(loading.engine, [InboxEvent("clay", "callback", "other", "enrichment", "{}")])
    assert loading.load() == 2
    loading.store('{"campaign_id": 3}')
    assert (loading.load(), loading.load()) == (1, 0)
    assert loading.query("event_id, campaign_id") == [(1, 1), (2, 2710101), (4, 3)]


def test_a_body_that_is_no_object_is_loaded_without_payload_and_marked(loading: Loading) -> None:
    bodies = ['{"campaign_id": }', "[1]", "", '{"campaign_id": "\\ud800"}', '{"campaign_id": true}']
    loading.store(*bodies)
    loading.store("{", problem="not valid JSON: it ends early")
    loading.load()
    nothing = (None, None, "not a JSON object")
    assert loading.query("payload, campaign_id, parse_error") == [
        nothing,
        nothing,
        nothing,
        nothing,
        ('{"campaign_id": true}', None, None),
        (None, None, "not valid JSON: it ends early"),
    ]


def test_a_store_that_fails_half_way_leaves_nothing_behind(loading: Loading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.inbox.events.BATCH_ROWS", 1)
    loading.store("{}", '{"a": 1}')
    reads = 0

    @sa.event.listens_for(loading.engine, "before_cursor_execute")
    def fail(*_: object) -> None:
        nonlocal reads
        reads += 1
        if reads == 2:
            raise StoreError("The disk is gone.", next_step="Find it.")

    with pytest.raises(StoreError, match="The disk is gone"):
        loading.load()
    assert loading.query("event_id") == []
    assert loading.load() == 2


@pytest.mark.parametrize("since_then", [[], ['{"a": 3}'], ['{"a": 3}', '{"a": 4}']])
def test_a_store_that_is_older_than_the_warehouse_is_refused(
    loading: Loading, tmp_path: Path, since_then: list[str]
) -> None:
    loading.store('{"a": 1}', '{"a": 2}')
    loading.load()
    loading.engine = open_store(Settings(data_dir=tmp_path / "restored"))
    loading.store('{"a": 1}', *since_then)
    with pytest.raises(StoreError, match="has no event 2 of smartlead") as caught:
        loading.load()
    assert "outreach load all and outreach build --full-refresh" in str(caught.value.next_step)
    assert loading.query("dedupe_key") == [('{"a": 1}',), ('{"a": 2}',)]
    loading.settings.warehouse_path.unlink()
    assert loading.load() == 1 + len(since_then)


def test_events_that_expired_or_were_erased_make_a_store_no_older(loading: Loading) -> None:
    loading.store("{}", '{"a": 1}')
    loading.load()
    with writing(loading.engine) as connection:
        connection.execute(sa.update(inbox_events).values(TOMBSTONE | {"erased_at": datetime.now(UTC)}))
    loading.store('{"a": 2}')
    assert loading.load() == 1


def test_each_batch_is_found_by_its_number_not_by_sorting_the_inbox(loading: Loading) -> None:
    seen: list[tuple[str, Any]] = []

    @sa.event.listens_for(loading.engine, "before_cursor_execute")
    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if "inbox_events" in statement:
            seen.append((statement, parameters))

    loading.load()
    with loading.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"explain query plan {seen[0][0]}", seen[0][1]).all()
    assert [row[3] for row in plan] == ["SEARCH inbox_events USING INTEGER PRIMARY KEY (rowid>?)"]
