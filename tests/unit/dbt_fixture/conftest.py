"""dbt on a warehouse of its own; nobody else's file is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

PROJECT = Path(__file__).parents[3]
RAW_WAREHOUSE = PROJECT / "tests" / "fixtures" / "raw_warehouse.py"
RUN_DBT = PROJECT / "tests" / "fixtures" / "run_dbt.py"


class Dbt:
    """The project, parsed before, on a warehouse of its own."""

    def __init__(self, directory: Path, parsed_project: Path) -> None:
        self.warehouse = directory / "warehouse.duckdb"
        self.directory = directory
        self._parsed_project = parsed_project

    def load(self, *options: str) -> None:
        subprocess.run([sys.executable, RAW_WAREHOUSE, self.warehouse, *options], check=True, cwd=PROJECT)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = ["--no-use-colors", "--warn-error"]
        if arguments[0] != "source":  # whose result is a file; the others would write what nobody reads
            options.append("--no-write-json")
        command = [sys.executable, RUN_DBT, self._parsed_project, *options, *arguments]
        return _run(command, self.directory, OUTREACH_WAREHOUSE=str(self.warehouse))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The project as dbt parses it, once for all workers. A warning, as of something deprecated, is a failure."""
    directory = tmp_path_factory.getbasetemp()
    directory = directory if worker_id == "master" else directory.parent  # which the workers share
    parsed = directory / "target" / "partial_parse.msgpack"
    with FileLock(directory / "parse.lock"):
        if not parsed.exists():
            dbt = [Path(sys.executable).with_name("dbt"), "--no-use-colors", "--warn-error", "parse"]
            result = _run(dbt, directory, OUTREACH_WAREHOUSE=str(directory / "warehouse.duckdb"))
            assert result.returncode == 0, result.stdout[-3000:]
    return parsed


@pytest.fixture
def dbt(tmp_path: Path, parsed_project: Path) -> Dbt:
    return Dbt(tmp_path, parsed_project)


def _run(command: list[str | Path], directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*command, "--target-path", directory / "target", "--log-path", directory / "logs"]
    return subprocess.run(command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True)
