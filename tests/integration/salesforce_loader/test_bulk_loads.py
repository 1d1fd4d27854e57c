"""Large readings go through Bulk: the same rows as by REST, whole, and no job left behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.errors import PartialFailureError
from pipelines.salesforce import bulk
from pipelines.salesforce.loader import load_salesforce

Rows = Callable[[str], list[tuple[Any, ...]]]
FIRST_AND_LARGEST = ["User", "Lead"]  # of what a load reads


@pytest.fixture
def by_bulk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Every reading through Bulk, in several pages."""
    for org in settings.salesforce.values():
        org.bulk_from_records = 1
    monkeypatch.setattr(bulk, "RECORDS_PER_PAGE", 150)
    return settings


def jobs(world: Any) -> list[dict[str, Any]]:
    return world.icare.request("GET", "jobs/query").raise_for_status().json()["records"]


def table(file: Path, name: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as warehouse:
        query = f"select * exclude (_dlt_load_id, _dlt_id) from raw_salesforce_icare.{name} order by Id"
        return warehouse.execute(query.replace(" exclude (_dlt_load_id, _dlt_id)", "")).fetchall()


def test_bulk_lands_the_same_rows_as_rest(world: Any, by_bulk: Settings, tmp_path: Path) -> None:
    load_salesforce(by_bulk, ["icare"])
    assert any("jobs/query" in one["path"] for one in world.icare.control("GET", "requests")["requests"])
    rest = Settings(data_dir=tmp_path / "rest", salesforce=by_bulk.salesforce)
    rest.salesforce["icare"].bulk_from_records = 1_000_000
    load_salesforce(rest, ["icare"])
    for name in ("leads", "contacts", "accounts", "campaigns", "campaign_members", "tasks", "users"):
        assert table(by_bulk.warehouse_path, name) == table(rest.warehouse_path, name)
        assert len(table(rest.warehouse_path, name)) > 0


def test_no_job_is_left_at_salesforce_and_a_second_load_reads_only_changes(
    world: Any, by_bulk: Settings, rows: Rows
) -> None:
    load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    assert jobs(world) == []
    before = rows("select count(*) from raw_salesforce_icare.leads")
    world.icare.control("POST", "advance", days=1)
    loaded = load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)["icare"].rows
    assert 0 < loaded["leads"] < before[0][0]
    assert rows("select count(*) - count(distinct Id) from raw_salesforce_icare.leads") == [(0,)]


def test_a_connection_that_breaks_in_the_middle_of_a_page_is_tried_again(
    world: Any, by_bulk: Settings, rows: Rows
) -> None:
    world.icare.control("POST", "faults", kind="drop_connection", path="jobs/query/.*/results", times=2, org="icare")
    load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    expected = len(world.icare.records("SELECT Id FROM Lead", deleted=True))
    assert rows("select count(*) from raw_salesforce_icare.leads") == [(expected,)]


def test_a_page_that_lacks_records_is_an_error_and_the_next_load_has_them(
    world: Any, by_bulk: Settings, rows: Rows
) -> None:
    world.icare.control("POST", "faults", kind="malformed_page", path="jobs/query/.*/results", times=1, org="icare")
    with pytest.raises(PartialFailureError, match="icare: User could not be loaded"):
        load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    assert rows("select count(*) from raw_salesforce_icare.leads")[0][0] > 0
    load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    expected = len(world.icare.records("SELECT Id FROM User"))
    assert rows("select count(*) from raw_salesforce_icare.users") == [(expected,)]
    assert jobs(world) == []


def test_a_failed_job_is_read_by_rest(world: Any, by_bulk: Settings, rows: Rows) -> None:
    world.icare.control("POST", "faults", kind="fail_job", path="POST .*/jobs/query", times=3, org="icare")
    load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    expected = len(world.icare.records("SELECT Id FROM Lead", deleted=True))
    assert rows("select count(*) from raw_salesforce_icare.leads") == [(expected,)]


def test_jobs_of_a_killed_load_are_continued(
    world: Any, by_bulk: Settings, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bulk.BulkJobs, "pages", killed)
        load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    left = {job["id"] for job in jobs(world)}
    noted = json.loads((by_bulk.data_dir / "dlt" / "raw_salesforce_icare_bulk_jobs.json").read_text())
    assert left == {job["job_id"] for job in noted}
    world.icare.control("POST", "advance", days=1)
    load_salesforce(by_bulk, ["icare"], objects=FIRST_AND_LARGEST)
    created = [
        one
        for one in world.icare.control("GET", "requests")["requests"]
        if one["method"] == "POST" and one["path"].endswith("/jobs/query")
    ]
    assert len(created) == len(left)
    assert jobs(world) == []
    read_until = rows("select min(read_at) < max(read_at) from raw_salesforce_icare.source_reads")
    assert read_until == [(False,)]


def test_jobs_that_nobody_needs_any_more_are_deleted(
    world: Any, by_bulk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bulk.BulkJobs, "pages", killed)
        load_salesforce(by_bulk, ["icare"], objects=["User", "Task"])
    by_bulk.salesforce["icare"].bulk_from_records = 1_000_000
    hidden = {"org": "icare", "object": "Task", "field": "Subject", "access": "none"}
    world.icare.control("POST", "permissions", **hidden)
    with pytest.raises(PartialFailureError, match=r"Task\.Subject"):
        load_salesforce(by_bulk, ["icare"], objects=["User", "Task"])
    assert jobs(world) == []
