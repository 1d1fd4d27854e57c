"""dbt on a warehouse of its own; nobody else's file is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

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
        options = ["--no-use-colors", "--warn-error", "--log-level-file", "none"]
        if arguments[0] != "source":  # whose result is a file; the others would write what nobody reads
            options.append("--no-write-json")
        output = self.directory / "output.txt"
        run = {
            "arguments": [*options, *arguments, "--target-path", str(self.directory / "target")],
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
def runner(parsed_project: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that runs dbt for all tests of this worker."""
    command = [sys.executable, RUN_DBT, parsed_project]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) as process:
        yield process


@pytest.fixture
def dbt(tmp_path: Path, runner: subprocess.Popen[str]) -> Dbt:
    return Dbt(tmp_path, runner)
