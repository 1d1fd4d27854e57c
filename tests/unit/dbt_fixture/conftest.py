"""dbt on a warehouse of its own; nobody else's file is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).parents[3]
RAW_WAREHOUSE = PROJECT / "tests" / "fixtures" / "raw_warehouse.py"


class Dbt:
    """The project on a warehouse of its own."""

    def __init__(self, directory: Path) -> None:
        self.warehouse = directory / "warehouse.duckdb"
        self.directory = directory

    def load(self, *options: str) -> None:
        subprocess.run([sys.executable, RAW_WAREHOUSE, self.warehouse, *options], check=True, cwd=PROJECT)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--warn-error", *arguments]
        command += ["--target-path", self.directory / "target", "--log-path", self.directory / "logs"]
        environment = os.environ | {"OUTREACH_WAREHOUSE": str(self.warehouse)}
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def dbt(tmp_path: Path) -> Dbt:
    return Dbt(tmp_path)
