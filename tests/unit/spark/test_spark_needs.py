"""What a build on Spark needs is missed at once, with the next step, instead of after minutes."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pipelines import spark
from pipelines.config import Settings
from pipelines.errors import ConfigurationError, ServiceError


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PySpark, and a Java that says its version as Java does."""
    monkeypatch.setattr(spark, "find_spec", lambda _: object())
    _install_java(tmp_path, "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))


def _install_java(home: Path, version: str) -> None:
    java = home / "bin" / "java"
    java.parent.mkdir(exist_ok=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)


def _settings(master: str = "local[2]") -> Settings:
    return Settings.model_validate({"target": "spark", "raw_url": "raw", "spark": {"master": master}})


def test_dbt_is_told_where_to_read_and_build(tmp_path: Path) -> None:
    settings = Settings(target="spark", raw_url="s3://bucket/raw", data_dir=tmp_path)
    assert spark.spark_engine(settings).environment == {
        "OUTREACH_TARGET": "spark",
        "OUTREACH_RAW_URL": "s3://bucket/raw",
        "OUTREACH_SPARK__MASTER": "local[2]",
        "OUTREACH_SPARK__WAREHOUSE": str(tmp_path / "spark"),
        "OUTREACH_SPARK__CATALOG_DIR": str(tmp_path / "spark"),
    }


def test_one_master_that_answers_will_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as master:
        port = master.getsockname()[1]
        spark.spark_engine(_settings(f"spark://127.0.0.1:1,127.0.0.1:{port}"))


def test_a_master_that_does_not_answer_is_named() -> None:
    with pytest.raises(ServiceError, match=r"spark://127\.0\.0\.1:1 cannot be reached") as error:
        spark.spark_engine(_settings("spark://127.0.0.1:1"))
    assert "OUTREACH_SPARK__MASTER" in str(error.value.next_step)


def test_an_endpoint_is_all_that_dbt_is_told_of_a_spark_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        port = endpoint.getsockname()[1]
        engine = spark.spark_engine(_elsewhere(port))
    assert engine.environment == {
        "OUTREACH_TARGET": "spark_thrift",
        "OUTREACH_RAW_URL": "s3://bucket/raw",
        "OUTREACH_SPARK__HOST": "127.0.0.1",
        "OUTREACH_SPARK__PORT": str(port),
    }
    with pytest.raises(ServiceError, match=f"127.0.0.1:{port} cannot be reached"):
        spark.spark_engine(_elsewhere(port))


def _elsewhere(port: int) -> Settings:
    where = {"host": "127.0.0.1", "port": port}
    return Settings.model_validate({"target": "spark_thrift", "raw_url": "s3://bucket/raw", "spark": where})


def test_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="there is none in JAVA_HOME") as error:
        spark.spark_engine(_settings())
    assert "Install Java 17" in str(error.value.next_step)


def test_an_old_java(tmp_path: Path) -> None:
    _install_java(tmp_path, "11.0.2")
    with pytest.raises(ConfigurationError, match=r"Java 17 or newer, and .* is 11"):
        spark.spark_engine(_settings())


def test_raw_tables_that_land_nowhere() -> None:
    with pytest.raises(ConfigurationError, match="nothing says where") as error:
        spark.spark_engine(Settings(target="spark"))
    assert "OUTREACH_RAW_URL" in str(error.value.next_step)


def test_no_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="not installed") as error:
        spark.spark_engine(_settings())
    assert "[spark]" in str(error.value.next_step)
