"""The models behind a Thrift endpoint, as a managed service has one: here Spark's own server, out of its wheel."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.config import Settings
from tests.integration.spark.conftest import Spark, free_port, is_open, run_on_duckdb, wait_until

pyspark = pytest.importorskip("pyspark", reason="an optional extra; make spark tests it")
pytest.importorskip("pyhive", reason="an optional extra; make spark tests it")

MODELS = ("--select", "+int_deliverability__bounce_notices", "--resource-type", "model", "--resource-type", "seed")


@pytest.fixture
def endpoint(spark: Spark, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spark]:
    port = free_port()
    monkeypatch.setenv("OUTREACH_SPARK__HOST", "127.0.0.1")
    monkeypatch.setenv("OUTREACH_SPARK__PORT", str(port))
    spark.target = "spark_thrift"
    command = [
        Path(pyspark.__file__).with_name("bin") / "spark-submit",
        *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "--master", spark.master),
        *("--conf", f"spark.sql.warehouse.dir={spark.warehouse}", "--conf", "spark.sql.shuffle.partitions=2"),
        *("--conf", f"spark.driver.extraJavaOptions=-Dderby.system.home={spark.directory}"),
        *("--conf", "spark.ui.enabled=false", "spark-internal"),
        *("--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1", "--hiveconf", f"hive.server2.thrift.port={port}"),
    ]
    with (spark.directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: server.poll() is not None or is_open(port))
        yield spark
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


@pytest.mark.timeout(1800)
def test_models_are_built_and_built_again_behind_a_thrift_endpoint(
    endpoint: Spark, tmp_path: Path, table_differences: Callable[[Path, Path], dict[str, int]]
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    endpoint.land_story(warehouse)
    for _ in ("into an empty place", "over the tables of the last build"):
        result = endpoint.dbt("build", *MODELS)
        assert result.returncode == 0, result.stdout[-3000:]
    run_on_duckdb(warehouse, tmp_path, *MODELS)
    differences = table_differences(endpoint.as_duckdb(tmp_path / "spark.duckdb", "staging", "intermediate"), warehouse)
    assert "intermediate.int_deliverability__bounce_notices" in differences
    assert differences == dict.fromkeys(differences, 0)


@pytest.mark.timeout(3600)
def test_a_whole_build_behind_a_thrift_endpoint_publishes_what_duckdb_publishes(
    endpoint: Spark, table_differences: Callable[[Path, Path], dict[str, int]]
) -> None:
    endpoint.land_story(Settings(data_dir=endpoint.directory).warehouse_path)
    differences = table_differences(endpoint.published_by(endpoint.target), endpoint.published_by("duckdb"))
    assert "marts.fct_writeback_deltas" in differences
    assert differences == dict.fromkeys(differences, 0)
