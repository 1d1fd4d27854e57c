"""The warehouse lock: one writer, a message that says who it is, and no lock left behind by the dead."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import DataError, LockedError, StoreError
from pipelines.warehouse import connect_read_only, warehouse_lock

HOLD = """
import sys, time
from pathlib import Path
from pipelines.warehouse import warehouse_lock
with warehouse_lock(Path(sys.argv[1]), "load smartlead"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "warehouse.duckdb")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_held_lock_names_its_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(LockedError, match=rf"'load smartlead' \(process {holder.pid}"),
        warehouse_lock(tmp_path / "warehouse.duckdb", "build"),
    ):
        pass


def test_a_killed_holder_does_not_block_the_next(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with warehouse_lock(tmp_path / "warehouse.duckdb", "build"):
        pass


def test_waiting_for_the_lock_ends_when_it_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    started = time.monotonic()
    holder.terminate()
    with warehouse_lock(tmp_path / "warehouse.duckdb", "build", wait_seconds=10):
        assert time.monotonic() - started < 10


def test_an_error_inside_the_lock_is_not_blamed_on_the_lock(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), warehouse_lock(tmp_path / "warehouse.duckdb", "build"):
        raise PermissionError


def test_reading_while_somebody_writes_says_so(tmp_path: Path) -> None:
    script = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    file = tmp_path / "warehouse.duckdb"
    with subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(LockedError, match="being written"):
            connect_read_only(file)
        writer.kill()


def test_a_missing_file_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        connect_read_only(tmp_path / "warehouse.duckdb")
    assert "outreach load" in (error.value.next_step or "")


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened"):
        connect_read_only(file)


def test_a_directory_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="Cannot write"),
        warehouse_lock(tmp_path / "file" / "warehouse.duckdb", "build"),
    ):
        pass


def test_read_only_really_is(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    with connect_read_only(file) as connection, pytest.raises(duckdb.InvalidInputException):
        connection.execute("create table t (i int)")
