"""Building the models on Spark: what it takes, and what dbt is told. ``docs/spark.md`` says how to set it up."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess  # asks Java for its version
import sys
from importlib.util import find_spec
from pathlib import Path

from pipelines.built_marts import Source, contracts_of, marts_of_parquet
from pipelines.config import Settings
from pipelines.engine import DBT, Engine, manifest_file
from pipelines.errors import ConfigurationError, ServiceError

OLDEST_JAVA = 17  # what Spark 4 runs on
PATIENCE_SECONDS = 5.0
ADDRESS = re.compile(r"([^/,:]+):([0-9]+)")


def spark_engine(settings: Settings) -> Engine:
    """Spark, after a look in a moment at what it finds out itself only after minutes.

    Raises:
        ConfigurationError: dbt-spark or Java is missing, or Java is too old, or the raw tables land nowhere.
        ServiceError: no master of the cluster, or the Thrift endpoint, takes connections.
    """
    if settings.raw_url is None:
        raise ConfigurationError(
            "The target is spark, but nothing says where the raw tables land as parquet.",
            next_step="Set OUTREACH_RAW_URL to a folder or an object store's URL, then run outreach load all.",
        )
    environment = {"OUTREACH_TARGET": settings.target, "OUTREACH_RAW_URL": settings.raw_url}
    is_session = settings.target == "spark"
    return Engine(
        environment | (_session if is_session else _endpoint)(settings),
        lambda _: built_marts(settings),
        settings.data_dir / "spark.log",
        (sys.executable, "-m", "pipelines.spark_dbt") if is_session else DBT,
        reads_manifest=True,
    )


def _session(settings: Settings) -> dict[str, str]:
    """What dbt is told of the Spark that it starts, or whose master it asks for a part."""
    _require_package("pyspark", "spark")
    _require_java()
    master = settings.spark.master
    if master.startswith("spark://") and not any(_answers(*address) for address in ADDRESS.findall(master)):
        raise ServiceError(
            f"The Spark master {master} cannot be reached.",
            next_step="Start it, or correct OUTREACH_SPARK__MASTER; local[2] builds on this machine.",
        )
    return {
        "OUTREACH_SPARK__MASTER": master,
        "OUTREACH_SPARK__WAREHOUSE": settings.spark_warehouse,
        "OUTREACH_SPARK__CATALOG_DIR": str((settings.data_dir / "spark").absolute()),
    }


def _endpoint(settings: Settings) -> dict[str, str]:
    """What dbt is told of a Spark that runs elsewhere, behind a Thrift endpoint."""
    _require_package("pyhive", "spark-thrift")
    host, port = settings.spark.host, str(settings.spark.port)
    if not _answers(host, port):
        raise ServiceError(
            f"The Thrift endpoint {host}:{port} cannot be reached.",
            next_step="Start it, or correct OUTREACH_SPARK__HOST and OUTREACH_SPARK__PORT.",
        )
    return {"OUTREACH_SPARK__HOST": host, "OUTREACH_SPARK__PORT": port}


def built_marts(settings: Settings) -> Source:
    """The marts that a build on Spark has left, for publishing.

    Raises:
        DataError: dbt has left no manifest, which knows the contracts.
    """
    return marts_of_parquet(settings.spark_warehouse, contracts_of(manifest_file(settings)))


def _require_package(package: str, extra: str) -> None:
    if not find_spec(package) or not find_spec("dbt.adapters.spark"):
        raise ConfigurationError(
            f"The target is Spark, but dbt-spark and {package} are not installed here.",
            next_step=f"pip install -e '.[{extra}]', or set OUTREACH_TARGET=duckdb.",
        )


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    try:
        answer = subprocess.run([java or "java", "-version"], capture_output=True, text=True, check=True).stderr  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        where = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise ConfigurationError(
            f"Spark needs Java, and there is none {where}.",
            next_step=f"Install Java {OLDEST_JAVA} or newer (apt-get install openjdk-17-jre-headless).",
        ) from None
    version = re.search(r'version "([0-9]+)', answer)
    if version and int(version[1]) < OLDEST_JAVA:
        raise ConfigurationError(
            f"Spark needs Java {OLDEST_JAVA} or newer, and {java} is {version[1]}.",
            next_step="Install a newer one, and let JAVA_HOME name its directory.",
        )


def _answers(host: str, port: str) -> bool:
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True
