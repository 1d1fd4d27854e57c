"""dbt on a warehouse of its own; nobody else's file is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

PROJECT = Path(__file__).parents[3]
RAW_WAREHOUSE = PROJECT / "tests" / "fixtures" / "raw_warehouse.py"
RUN_DBT = PROJECT / "tests" / "fixtures" / "run_dbt.py"


class Dbt:
    """The project, parsed before, on a warehouse of its own."""

    def __init__(self, directory: Path, runner: subprocess.Popen[str]) -> None:
        self.warehouse = directory / "warehouse.duckdb"
        self.directory = directory
        self._runner = runner

    def load(self, *options: str) -> None:
        subprocess.run([sys.executable, RAW_WAREHOUSE, self.warehouse, *options], check=True, cwd=PROJECT)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What dbt says, on both streams, is its stdout."""
        options = ["--no-use-colors", "--warn-error"]
        if arguments[0] != "source":  # whose result is a file; the others would write what nobody reads
            options.append("--no-write-json")
        output = self.directory / "output.txt"
        run = {
            "arguments": [*options, *arguments, *_paths(self.directory)],
            "environment": {"OUTREACH_WAREHOUSE": str(self.warehouse)},
            "output": str(output),
        }
        print(json.dumps(run), file=self._runner.stdin, flush=True)
        exit_code = int(self._runner.stdout.readline())
        return subprocess.CompletedProcess(arguments, exit_code, output.read_text())

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
            environment = os.environ | {"OUTREACH_WAREHOUSE": str(directory / "warehouse.duckdb")}
            result = subprocess.run(
                [*dbt, *_paths(directory)], cwd=PROJECT, env=environment, capture_output=True, text=True
            )
            assert result.returncode == 0, result.stdout[-3000:]
    return parsed


@pytest.fixture(scope="session")
def runner(parsed_project: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that runs dbt for all tests of this worker."""
    command = [sys.executable, RUN_DBT, parsed_project]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) as process:
        yield process


@pytest.fixture
def dbt(tmp_path: Path, runner: subprocess.Popen[str]) -> Dbt:
    return Dbt(tmp_path, runner)


def _paths(directory: Path) -> list[str]:
    return ["--target-path", str(directory / "target"), "--log-path", str(directory / "logs")]
