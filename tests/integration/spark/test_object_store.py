"""A whole build over a bucket: raw tables land in it, Spark reads them there and writes there, and it is published."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.config import Settings
from tests.integration.spark.conftest import PROJECT, Spark

pytest.importorskip("pyspark", reason="an optional extra; make spark tests it")

CONNECTOR = PROJECT / ".clients" / "s3a"
JARS = [jar for name in ("hadoop-aws-*.jar", "aws-java-sdk-bundle-*.jar") for jar in CONNECTOR.rglob(name)]
# The connector that make spark finds is older than Spark's Hadoop, whose defaults ("60s", new classes) it cannot read.
OLD_CONNECTOR = {
    "threads.keepalivetime": "60",
    "connection.establish.timeout": "30000",
    "connection.timeout": "200000",
    "multipart.purge.age": "86400",
    "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    "access.key": "id",
    "secret.key": "secret",
}


@pytest.fixture
def conf_dir(bucket: str, tmp_path: Path) -> Path:
    """Spark's own configuration, with the connector and where the store is."""
    directory = tmp_path / "conf"
    directory.mkdir()
    store = {"endpoint": os.environ["AWS_ENDPOINT_URL"], "path.style.access": "true", "connection.ssl.enabled": "false"}
    lines = [f"spark.hadoop.fs.s3a.{name} {value}" for name, value in (OLD_CONNECTOR | store).items()]
    jars = ",".join(str(jar) for jar in JARS)
    (directory / "spark-defaults.conf").write_text("\n".join([f"spark.jars {jars}", *lines]) + "\n")
    return directory


@pytest.mark.skipif(not JARS, reason="make spark brings Hadoop's connector")
@pytest.mark.timeout(3600)
def test_a_build_in_a_bucket_publishes_what_duckdb_publishes(
    bucket: str, conf_dir: Path, spark: Spark, table_differences: Callable[[Path, Path], dict[str, int]]
) -> None:
    url = bucket.replace("s3:", "s3a:")
    places = {"OUTREACH_RAW_URL": f"{url}/raw", "OUTREACH_SPARK__WAREHOUSE": f"{url}/spark"}
    spark.elsewhere = places | {"SPARK_CONF_DIR": str(conf_dir)}
    spark.land_story(Settings(data_dir=spark.directory).warehouse_path)
    differences = table_differences(spark.published_by("spark"), spark.published_by("duckdb"))
    assert not spark.warehouse.exists()
    assert "marts.fct_writeback_deltas" in differences
    assert differences == dict.fromkeys(differences, 0)
