"""Loading Clay over real HTTP, from the inbox, from our submissions and from dropped files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from rich.progress import Progress
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.clay.arrivals import Arrivals
from pipelines.clay.loader import load_clay
from pipelines.config import Settings
from pipelines.errors import ConfigurationError, DataError, ServiceError, StoreError
from pipelines.inbox.bodies import read_body
from pipelines.inbox.clay import callback_event
from pipelines.inbox.events import append
from pipelines.store import open_store, writing
from pipelines.store_tables import clay_submissions
from pipelines.writeback.chain import Entry
from pipelines.writeback.ledger import append as append_to_ledger
from pipelines.writeback.ledger_source import load_writeback

KEY = "clay-key"
WORLD = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
MAP = """org,campaign_id,campaign_name,clay_table_id,smartlead_campaign_id
icare,701Ic0AAAAAAAAB,AI Outreach,t_icare_1,2710101
core,701Co0AAAAAAAAB,Not made yet,t_core_1,2710201
"""


class FakeClay:
    """Tables by id; one row comes twice during a scan, as it may."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {"t_icare_1": [], "t_replies": []}
        self.now = WORLD
        self.busy_answers = 0
        self.is_out_of_credits = False
        self.is_cursor_stuck = False
        self.while_read: Callable[[], object] = lambda: None
        self.app = Starlette(routes=[Route("/public/v0/tables/query", self.query, methods=["POST"])])

    async def query(self, request: Request) -> Response:
        headers = {"Date": format_datetime(self.now, usegmt=True)}
        if request.headers.get("clay-api-key") != KEY:
            return JSONResponse({"message": "Unauthorized"}, 401, headers)
        if self.busy_answers:
            self.busy_answers -= 1
            return JSONResponse({"message": "slow down"}, 429, headers | {"Retry-After": "0"})
        self.while_read()
        body = await request.json()
        table = body["query"]["tables"][0]["id"]
        if table not in self.tables:
            return JSONResponse({"message": "Table not found"}, 404, headers)
        if self.is_out_of_credits:
            return JSONResponse({"message": "Payment required"}, 402, headers)
        start = int(body.get("cursor", 0))
        rows = self.tables[table]
        page = rows[start : start + 2] + (rows[:1] if start else [])
        more = {"cursor": str(start + 2)} if start + 2 < len(rows) else {}
        more |= {"cursor": "2"} if self.is_cursor_stuck else {}
        return JSONResponse({"data": page, "fields": {}} | more, headers=headers)

    def add(self, table: str, row_id: str, **columns: str) -> None:
        cells = {"id": row_id, "updated_at": "2026-08-30T10:00:00Z"} | columns
        self.tables[table].append({name: {"status": "success", "value": value} for name, value in cells.items()})


@pytest.fixture
def fake() -> FakeClay:
    return FakeClay()


@pytest.fixture
def settings(fake: FakeClay, serve: Callable[[ASGIApp], str], tmp_path: Path) -> Settings:
    (tmp_path / "project" / "seeds").mkdir(parents=True)
    (tmp_path / "project" / "seeds" / "campaign_map.csv").write_text(MAP)
    (tmp_path / "data").mkdir()
    clay = {"base_url": serve(fake.app), "api_key": KEY}
    return Settings(project_dir=tmp_path / "project", data_dir=tmp_path / "data", clay=clay)


def load(settings: Settings) -> dict[str, int]:
    with Progress(disable=True) as progress:
        return load_clay(settings, progress, sleep=lambda _: None)


def query(settings: Settings, sql: str, dataset: str = "raw_clay") -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(f"set schema = '{dataset}'; set TimeZone = 'UTC'; " + sql).fetchall()


def callback(settings: Settings, **payload: str) -> None:
    append(open_store(settings), [callback_event(read_body(json.dumps(payload).encode()))])


def test_loads_all_pages_of_all_mapped_tables_once_each(
    fake: FakeClay, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        fake.add("t_icare_1", f"r{number}", CampaignMemberId=f"00v{number}")
    fake.add("t_replies", "r1", classification="Positive")
    fake.busy_answers = 1
    load(settings)
    assert query(
        settings, "select table_id, count(*), count(distinct row_id) from table_rows group by 1 order by 1"
    ) == [
        ("t_icare_1", 5, 5),
        ("t_replies", 1, 1),
    ]
    assert query(settings, "select read_at from source_reads where table_name = 'table_rows'") == [(WORLD,)]
    assert "Clay has no table t_core_1" in capsys.readouterr().out


def test_a_row_that_clay_shows_no_more_stays_and_was_seen_last_before(fake: FakeClay, settings: Settings) -> None:
    fake.add("t_icare_1", "r1")
    fake.add("t_icare_1", "r2")
    load(settings)
    del fake.tables["t_icare_1"][0]
    fake.now = WORLD + timedelta(days=1)
    load(settings)
    assert query(settings, "select row_id, seen_at from table_rows order by 1") == [("r1", WORLD), ("r2", fake.now)]
    assert query(settings, "select read_at from source_reads where table_name = 'table_rows'") == [(fake.now,)]


def test_without_a_key_callbacks_still_land_and_table_rows_count_as_unread(settings: Settings) -> None:
    callback(settings, kind="enrichment", table_id="t_icare_1", row_id="r1", enriched_at="2026-09-01T05:00:00Z")
    load(settings.model_copy(update={"clay": None}))
    assert query(settings, "select kind, payload ->> 'row_id' from callback_events") == [("enrichment", "r1")]
    assert query(settings, "select * from table_rows") == []
    assert ("table_rows",) not in query(settings, "select table_name from source_reads")


def test_callbacks_are_loaded_once_and_unreadable_ones_without_payload(settings: Settings) -> None:
    append(open_store(settings), [callback_event(read_body(b'{"icp_score": }'))])
    assert load(settings)["callback_events"] == 1
    callback(settings, kind="enrichment", table_id="t", row_id="r1", enriched_at="2026-09-01T05:00:00Z")
    assert load(settings)["callback_events"] == 1
    assert query(settings, "select event_id, payload is null, parse_error is null from callback_events order by 1") == [
        (1, True, False),
        (2, False, True),
    ]


def test_a_submission_follows_its_status(settings: Settings) -> None:
    engine = open_store(settings)
    values = {
        "org": "icare",
        "campaign_id": "701",
        "campaign_member_id": "00v1",
        "lead_id": "00Q1",
        "table_id": "t_icare_1",
        "payload_hash": "x",
        "intent_at": WORLD,
    }
    with writing(engine) as connection:
        connection.execute(clay_submissions.insert().values(values | {"status": "intent"}))
    load(settings)
    with writing(engine) as connection:
        connection.execute(clay_submissions.update().values(status="accepted", settled_at=WORLD))
    load(settings)
    assert query(settings, "select submission_id, status, settled_at from submissions") == [(1, "accepted", WORLD)]


def test_an_odd_row_is_set_aside_and_everything_else_goes_on(
    fake: FakeClay, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.add("t_icare_1", "r1", CampaignMemberId="00v1")
    fake.add("t_icare_1", "r2", **{"CampaignMemberId": "00v2", "updated_at": "Oct 3, 2026 5:00 PM"})
    fake.tables["t_icare_1"].append({"CampaignMemberId": "00v3"})
    fake.tables["t_icare_1"].insert(0, {"CampaignMemberId": "00v4"})  # comes twice during a scan
    fake.add("t_replies", "r1", classification="Positive")
    callback(settings, kind="enrichment", table_id="t_icare_1", row_id="r1", enriched_at="2026-09-01T05:00:00Z")
    counts = load(settings)
    assert (counts["table_rows"], counts["set_aside_records"], counts["callback_events"]) == (3, 2, 1)
    assert query(settings, "select row_id, updated_at is null from table_rows order by table_id, row_id") == [
        ("r1", False),
        ("r2", True),
        ("r1", False),
    ]
    set_aside = (
        "select table_id, problem, payload ->> 'CampaignMemberId' as member from set_aside_records order by member"
    )
    assert query(settings, set_aside) == [
        ("t_icare_1", "Clay's table t_icare_1, page 2, row 2: 'id' is missing, not text.", "00v3"),
        ("t_icare_1", "Clay's table t_icare_1, page 2, row 3: 'id' is missing, not text.", "00v4"),
    ]
    assert query(settings, "select rows_read from source_reads where table_name = 'set_aside_records'") == [(2,)]
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 rows of table t_icare_1 could not be read and are in set_aside_records" in shown
    fake.tables["t_icare_1"] = fake.tables["t_icare_1"][1:-1]  # both were corrected in Clay
    assert load(settings)["set_aside_records"] == 0
    assert query(settings, "select * from set_aside_records") == []


def test_an_odd_row_counts_among_those_that_have_arrived(fake: FakeClay, settings: Settings) -> None:
    fake.add("t_icare_1", "r1", CampaignMemberId="00vIc0000000AAAIA2")
    fake.tables["t_icare_1"] += [{"CampaignMemberId": "00vIc0000000AABIA2"}, {"CampaignMemberId": "00vIc0000000AACIA2"}]
    assert settings.clay is not None
    content = Arrivals(settings.clay, open_store(settings), "t_icare_1").read_table()
    assert sorted(map(str, content.rows)) == ["00vIc0000000AAAIA2", "00vIc0000000AABIA2", "00vIc0000000AACIA2"]
    assert content.row_count == 3


def test_callbacks_wait_for_no_table_and_fail_with_none(fake: FakeClay, settings: Settings) -> None:
    fake.add("t_icare_1", "r1", CampaignMemberId="00v1")
    load(settings)
    read_before = query(settings, "select * from source_reads where table_name <> 'callback_events' order by 1")
    callback(settings, kind="enrichment", table_id="t_icare_1", row_id="r1", enriched_at="2026-09-01T05:00:00Z")
    fake.is_out_of_credits = True
    with pytest.raises(ServiceError, match="out of credits"):
        load(settings)
    assert query(settings, "select payload ->> 'row_id' from callback_events") == [("r1",)]
    assert query(settings, "select rows_read from source_reads where table_name = 'callback_events'") == [(1,)]
    assert query(settings, "select * from source_reads where table_name <> 'callback_events' order by 1") == read_before


def test_callbacks_are_loaded_before_the_tables_and_once_more_after_them(fake: FakeClay, settings: Settings) -> None:
    load(settings)
    before_the_tables = []

    def arrive() -> None:
        before_the_tables.append(query(settings, "select count(*) from callback_events"))
        callback(settings, kind="enrichment", table_id="t", row_id="during", enriched_at="2026-09-01T05:00:00Z")

    fake.while_read = arrive
    callback(settings, kind="enrichment", table_id="t", row_id="before", enriched_at="2026-09-01T05:00:00Z")
    assert load(settings)["callback_events"] == 2
    assert before_the_tables[0] == [(1,)]


def test_a_wrong_key_is_refused_with_a_clear_error(settings: Settings) -> None:
    assert settings.clay is not None
    clay = settings.clay.model_copy(update={"api_key": type(settings.clay.api_key)("no")})
    with pytest.raises(ConfigurationError, match="Clay refuses the credentials"):
        load(settings.model_copy(update={"clay": clay}))


def test_a_cursor_that_comes_again_or_missing_credits_end_the_load(fake: FakeClay, settings: Settings) -> None:
    fake.add("t_icare_1", "r1", CampaignMemberId="00v1")
    fake.is_cursor_stuck = True
    with pytest.raises(DataError, match="unknown shape for table t_icare_1"):
        load(settings)
    fake.is_out_of_credits = True
    with pytest.raises(ServiceError, match="out of credits or actions: table t_icare_1"):
        load(settings)
    fake.is_cursor_stuck = fake.is_out_of_credits = False
    assert load(settings)["table_rows"] == 1


def test_the_ledger_is_loaded_entry_by_entry(settings: Settings) -> None:
    engine = open_store(settings)
    with Progress(disable=True) as progress:
        assert load_writeback(settings, progress)["ledger_entries"] == 0
        for entry_type in ("intent", "outcome"):
            append_to_ledger(engine, [_entry(entry_type)])
            assert load_writeback(settings, progress)["ledger_entries"] == 1
    with engine.connect() as connection:
        hashes = list(connection.scalars(sa.text("select entry_hash from ledger_entries order by entry_id")))
    rows = query(settings, "select entry_type, entry_hash, recorded_at from ledger_entries order by 1", "raw_writeback")
    assert rows == [("intent", hashes[0], WORLD), ("outcome", hashes[1], WORLD)]


def test_a_ledger_restored_from_a_backup_is_told_and_nothing_is_loaded(settings: Settings) -> None:
    engine = open_store(settings)
    append_to_ledger(engine, [_entry("intent"), _entry("outcome")])
    with Progress(disable=True) as progress:
        load_writeback(settings, progress)
        with writing(engine) as connection:
            connection.execute(sa.text("delete from ledger_entries where entry_id = 2"))
            connection.execute(sa.text("update sqlite_sequence set seq = 1 where name = 'ledger_entries'"))
        with pytest.raises(StoreError, match="has no entry 2 of the ledger"):
            load_writeback(settings, progress)
        append_to_ledger(engine, [_entry("redone"), _entry("more")])
        with pytest.raises(StoreError, match="has no entry 2 of the ledger"):
            load_writeback(settings, progress)
        assert query(settings, "select count(*) from ledger_entries", "raw_writeback") == [(2,)]
        settings.warehouse_path.unlink()
        assert load_writeback(settings, progress)["ledger_entries"] == 3


def _entry(entry_type: str) -> Entry:
    texts = dict.fromkeys(Entry.__dataclass_fields__, "x")
    return Entry(**texts | {"entry_type": entry_type, "outcome": None, "recorded_at": WORLD})


def test_sources_without_a_clock_take_the_latest_one_that_a_service_showed(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        for dataset, time in (("raw_smartlead", "2026-09-03 06:00:00Z"), ("raw_clay_staging", "2030-01-01 00:00:00Z")):
            warehouse.execute(f"create schema {dataset}")
            warehouse.execute(f"create table {dataset}.source_reads as select timestamptz '{time}' as read_at")
    with Progress(disable=True) as progress:
        load_writeback(settings, progress)
    assert query(settings, "select distinct read_at from source_reads", "raw_writeback") == [(WORLD.replace(day=3),)]
