"""One world, built by DuckDB and by Spark: the same rows in every mart, also in what grows from day to day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.config.running import Spark as SparkSettings
from pipelines.publish import new_build_id, publish
from pipelines.spark import built_marts
from tests.fixtures.planned import planned
from tests.fixtures.raw_warehouse import create_raw_warehouse, insert_story
from tests.integration.spark.conftest import PROJECT, Spark, run_on_duckdb

pytest.importorskip("pyspark", reason="an optional extra; make spark tests it")

Differences = Callable[[Path, Path], dict[str, int]]
EVENTS = ("stg_smartlead__webhook_events", "stg_clay__callback_events")
REPLY = {"stats_id": "s1", "sl_lead_email": "ann.lee@lead.example", "time_replied": "2026-07-25T10:00:00+02:00"}


@pytest.mark.timeout(3600)
def test_every_published_mart_is_the_same_row_for_row(
    spark: Spark, tmp_path: Path, table_differences: Differences, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The world of the demo, whose end was checked against the truth; unit tests and data tests run on Spark, too."""
    data = tmp_path / "data"
    subprocess.run(
        [Path(sys.executable).with_name("outreach"), "demo", "--leads", "200"],
        cwd=PROJECT,
        env=os.environ | {"OUTREACH_DATA_DIR": str(data)},
        check=True,
        capture_output=True,
    )
    spark.land(data / "warehouse.duckdb")  # the demo takes nothing from its environment
    result = spark.dbt("build")
    assert result.returncode == 0, result.stdout[-3000:]
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    by_duckdb = Settings(data_dir=tmp_path / "by_duckdb", warehouse=data / "warehouse.duckdb")
    by_spark = Settings(data_dir=tmp_path / "by_spark", spark=SparkSettings(warehouse=str(spark.warehouse)))
    build_id = new_build_id()
    ours, theirs = publish(by_duckdb, build_id), publish(by_spark, build_id, built_marts(by_spark))
    differences = table_differences(theirs.file, ours.file)
    assert "marts.fct_writeback_deltas" in differences
    assert differences == dict.fromkeys(differences, 0)
    assert planned(by_spark).plan_id == planned(by_duckdb).plan_id


@pytest.mark.timeout(1800)
def test_days_appended_on_spark_equal_one_build_on_duckdb(tmp_path: Path, table_differences: Differences) -> None:
    spark = Spark(tmp_path, catalog="hive")
    warehouse = tmp_path / "warehouse.duckdb"
    create_raw_warehouse(warehouse, PROJECT)
    insert_story(warehouse)
    for day in (1, 2):
        _arrive(warehouse, day)
        spark.land(warehouse)
        result = spark.dbt("run", "--select", *EVENTS)
        assert result.returncode == 0, result.stdout[-3000:]
    run_on_duckdb(warehouse, tmp_path, "--select", *EVENTS)
    differences = table_differences(spark.as_duckdb(tmp_path / "spark.duckdb", "staging"), warehouse)
    assert differences == {f"staging.{table}": 0 for table in EVENTS}


@pytest.mark.timeout(900)
def test_a_null_that_a_contract_forbids_or_a_lost_column_ends_the_build(spark: Spark, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    create_raw_warehouse(warehouse, PROJECT)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("insert into raw_smartlead.source_reads (table_name, read_at) values (null, now())")
        connection.execute("alter table raw_smartlead.campaigns drop column status")
    spark.land(warehouse)
    result = spark.dbt("run", "--select", "+fct_source_freshness", "stg_smartlead__campaigns")
    assert result.returncode == 1
    assert "marts.fct_source_freshness: table_name is null" in result.stdout
    assert "with name `status` cannot be resolved" in result.stdout


def _arrive(warehouse: Path, day: int) -> None:
    """A webhook that is read, one that is no JSON, and a callback; webhooks have a new column, too."""
    received_at = f"2026-08-{day:02d} 08:00:00+00"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"alter table raw_smartlead.webhook_events add column new_on_day_{day} boolean")
        for event, payload in ((10 * day, json.dumps(REPLY | {"day": day})), (10 * day + 1, '{"broken')):
            connection.execute(
                "insert into raw_smartlead.webhook_events (event_id, dedupe_key, channel, received_at, event_type,"
                " campaign_id, payload) values (?, ?, 'webhook', ?, 'EMAIL_REPLY', 2710101, ?)",
                [event, f"w{event}", received_at, payload],
            )
        connection.execute(
            "insert into raw_clay.callback_events (event_id, dedupe_key, received_at, kind, payload)"
            " values (?, ?, ?, 'reply_classification', ?)",
            [
                10 * day,
                f"c{day}",
                received_at,
                json.dumps({"row_id": "r9", "classification": "Positive, isn't it? \\o/"}),
            ],
        )
