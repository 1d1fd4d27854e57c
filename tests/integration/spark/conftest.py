"""dbt on Spark in processes of their own, each with a warehouse, over raw tables that have landed as Parquet files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.publish import published_version
from pipelines.raw_parquet import land_parquet
from tests.fixtures.raw_warehouse import create_raw_warehouse, insert_story

PROJECT = Path(__file__).parents[3]
DBT, OUTREACH = (Path(sys.executable).with_name(name) for name in ("dbt", "outreach"))


@dataclass
class Spark:
    """A warehouse of Spark: ``<warehouse>/<schema>/<table>/*.parquet``."""

    directory: Path
    master: str = "local[2]"
    catalog: str = "in-memory"  # is quicker, and forgets its tables when dbt ends
    target: str = "spark"
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # variables that name other places than this directory

    @property
    def warehouse(self) -> Path:
        return self.directory / "spark"

    @property
    def raw(self) -> Path:
        return self.directory / "raw"

    def command(self, *arguments: str) -> list[str]:
        return [str(DBT), "--no-use-colors", *arguments, "--target", self.target]

    @property
    def environment(self) -> dict[str, str]:
        here = {
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "DBT_TARGET_PATH": str(self.directory / "target"),
            "OUTREACH_DATA_DIR": str(self.directory),
            "OUTREACH_RAW_URL": str(self.raw),
            "OUTREACH_SPARK__CATALOG": self.catalog,
            "OUTREACH_SPARK__CATALOG_DIR": str(self.directory),
            "OUTREACH_SPARK__MASTER": self.master,
            "OUTREACH_SPARK__WAREHOUSE": str(self.warehouse),
        }
        return os.environ | here | self.elsewhere

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=PROJECT, env=self.environment, capture_output=True, text=True
        )

    def land(self, warehouse: Path) -> None:
        """Land the raw tables of a DuckDB warehouse, as a load does at its end."""
        raw_url = self.environment["OUTREACH_RAW_URL"]
        land_parquet(Settings(data_dir=self.directory, warehouse=warehouse, raw_url=raw_url))

    def land_story(self, warehouse: Path) -> None:
        """Land the raw tables of a small world, out of a new DuckDB warehouse."""
        create_raw_warehouse(warehouse, PROJECT)
        insert_story(warehouse)
        self.land(warehouse)

    def published_by(self, target: str) -> Path:
        """The file that ``outreach build`` publishes by an engine: this Spark, or DuckDB in the file that landed."""
        by_engine = self.environment | {"OUTREACH_TARGET": target}
        build = subprocess.run([OUTREACH, "build"], cwd=PROJECT, env=by_engine, capture_output=True, text=True)
        assert build.returncode == 0, build.stderr
        return published_version(Settings(data_dir=self.directory)).file

    def as_duckdb(self, file: Path, *schemas: str) -> Path:
        """Its tables as a DuckDB file, to compare them with those that DuckDB has built."""
        with duckdb.connect(str(file)) as connection:
            for folder in sorted(one for schema in schemas for one in (self.warehouse / schema).iterdir()):
                connection.execute(f"create schema if not exists {folder.parent.name}")
                connection.execute(
                    f"create table {folder.parent.name}.{folder.name} as from read_parquet('{folder}/*.parquet')"
                )
        return file


def run_on_duckdb(warehouse: Path, directory: Path, *selection: str) -> None:
    """Build models in the warehouse itself."""
    places = ["--target-path", str(directory / "duckdb_target"), "--log-path", str(directory / "logs")]
    subprocess.run(
        [DBT, "build", *selection, *places],
        cwd=PROJECT,
        env=os.environ | {"OUTREACH_WAREHOUSE": str(warehouse)},
        check=True,
        capture_output=True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():  # for ever, if need be: the test has a timeout
        time.sleep(0.1)


@pytest.fixture
def spark(tmp_path: Path) -> Spark:
    return Spark(tmp_path)
