"""How far the loaded data reach; a warehouse that cannot be opened says so."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.errors import LockedError, StoreError
from pipelines.service_clock import latest_service_time

OPEN = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_the_latest_reading_of_any_source_counts(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        for source, day in (("clay", 1), ("smartlead", 3), ("smartlead_staging", 9)):
            warehouse.execute(f"create schema raw_{source}")
            read_at = f"select timestamptz '2026-09-0{day} 06:00:00+00' as read_at"
            warehouse.execute(f"create table raw_{source}.source_reads as {read_at}")
    assert latest_service_time(settings) == datetime(2026, 9, 3, 6, tzinfo=UTC)


def test_a_file_that_another_process_has_open_is_locked(settings: Settings) -> None:
    command = [sys.executable, "-c", OPEN, str(settings.warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as analyst:
        assert analyst.stdout is not None
        analyst.stdout.readline()
        with pytest.raises(LockedError, match=r"warehouse\.duckdb"):
            latest_service_time(settings)
        analyst.kill()


def test_a_file_that_is_no_database_is_a_store_error(settings: Settings) -> None:
    settings.warehouse_path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened"):
        latest_service_time(settings)
