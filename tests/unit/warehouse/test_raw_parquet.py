"""Raw tables as parquet: what lands is what the warehouse has, and a reader sees all of a load or nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow.dataset as parquet
import pytest

from pipelines import raw_parquet
from pipelines.config import Settings
from pipelines.errors import ConfigurationError, DataError, RefusedError, ServiceError, StoreError
from pipelines.raw_parquet import KEPT_SECONDS, land_parquet, loading
from pipelines.raw_pointer import landed_tables
from pipelines.stores_by_url import files_at
from tests.fixtures.landed_parquet import differences

TWO_TABLES = """
    create schema raw_a; create schema staging;
    create table raw_a.one as select range as id, timestamptz '2026-09-01 08:00:00+00' as at from range(3);
    create table raw_a.two ("GBU__c" varchar);
    create table raw_a._dlt_loads (load_id varchar);
    create table staging.three as select 1 as id;
"""
KILLED = """
import os, signal, sys, threading
from pathlib import Path
from dlt.destinations.impl.filesystem.filesystem import FilesystemLoadJob
from pipelines.config import Settings
from pipelines.raw_parquet import land_parquet
run, turn = FilesystemLoadJob.run, threading.Lock()
def killed(self):
    with turn:
        run(self)
        os.kill(os.getpid(), signal.SIGKILL)
FilesystemLoadJob.run = killed
land_parquet(Settings(data_dir=Path(sys.argv[1]), raw_url=sys.argv[2]))
"""


LASTING = ["folder", *(["S3"] if find_spec("moto") else [])]  # make spark brings it


@pytest.fixture(params=["memory", *LASTING])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    root = {
        "memory": lambda: f"memory://{uuid.uuid4()}",
        "folder": lambda: tmp_path,
        "S3": lambda: f"{request.getfixturevalue('bucket')}/{uuid.uuid4()}",
    }[request.param]()
    settings = Settings(data_dir=tmp_path, raw_url=f"{root}/raw")
    change(settings, TWO_TABLES)
    return settings


def change(settings: Settings, sql: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute(sql)


def landed(settings: Settings, *, keep_old: bool = True) -> set[str]:
    return {one.table for one in land_parquet(settings, keep_old=keep_old)}


def rows(settings: Settings, table: str) -> list[tuple[object, ...]]:
    (folder,) = (f"{settings.raw_url}/{one.folder}" for one in landed_tables(settings) if one.table == table)
    files, path = files_at(folder)
    return [tuple(row.values()) for row in parquet.dataset(path, filesystem=files).to_table().to_pylist()]


def test_only_what_has_changed_lands_again(settings: Settings) -> None:
    assert landed(settings) == {"one", "two"}
    assert landed(settings) == set()
    change(settings, "update raw_a.one set id = 7 where id = 2")
    assert landed(settings) == {"one"}
    assert sorted(row[0] for row in rows(settings, "one")) == [0, 1, 7]
    change(settings, "delete from raw_a.one where id = 7; drop table raw_a.two")
    assert landed(settings) == {"one"}
    assert [one.table for one in landed_tables(settings)] == ["one"]
    assert set(differences(settings).values()) == {0}


def test_a_table_whose_folder_is_gone_lands_again(settings: Settings) -> None:
    land_parquet(settings)
    files, root = files_at(settings.raw_url)
    files.rm(f"{root}/raw_a/one", recursive=True)
    assert landed(settings) == {"one"}
    assert differences(settings) == {"raw_a.one": 0, "raw_a.two": 0}


def test_a_changed_schema_lands_as_it_is_now(settings: Settings) -> None:
    land_parquet(settings)
    change(settings, "alter table raw_a.one alter id type varchar; alter table raw_a.two add column added double")
    assert landed(settings) == {"one", "two"}
    assert differences(settings) == {"raw_a.one": 0, "raw_a.two": 0}


def test_folders_that_are_not_in_force_stay_for_their_readers_unless_somebody_was_erased(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_parquet(settings)
    change(settings, "delete from raw_a.one where id = 0")
    land_parquet(settings)
    assert len(folders(settings, "one")) == 2
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + KEPT_SECONDS)
    land_parquet(settings)
    assert len(folders(settings, "one")) == 1
    change(settings, "delete from raw_a.one where id = 1")
    assert landed(settings, keep_old=False) == {"one"}
    assert folders(settings, "one") == [
        files_at(f"{settings.raw_url}/{one.folder}")[1] for one in landed_tables(settings) if one.table == "one"
    ]
    assert not (settings.data_dir / "dlt_parquet").exists()


def folders(settings: Settings, table: str) -> list[str]:
    files, root = files_at(settings.raw_url)
    return files.ls(f"{root}/raw_a/{table}", detail=False)


@pytest.mark.parametrize("settings", LASTING, indirect=True)
def test_a_landing_that_is_killed_leaves_what_is_in_force_and_the_next_one_lands_all(settings: Settings) -> None:
    land_parquet(settings)
    before = landed_tables(settings)
    change(settings, "insert into raw_a.one values (9, now()); insert into raw_a.two values ('DACH')")
    killed = subprocess.run([sys.executable, "-c", KILLED, settings.data_dir, settings.raw_url])
    assert killed.returncode == -signal.SIGKILL
    assert len(folders(settings, "one")) + len(folders(settings, "two")) == 3  # one of both was written
    assert landed_tables(settings) == before
    assert [row[0] for row in rows(settings, "one")] == [0, 1, 2]
    assert landed(settings, keep_old=False) == {"one", "two"}
    assert set(differences(settings).values()) == {0}
    assert len(folders(settings, "one")) + len(folders(settings, "two")) == 2


def test_a_load_that_fails_in_part_lands_what_it_has_loaded(settings: Settings) -> None:
    with pytest.raises(ServiceError, match="no answer"), loading(settings, "load"):
        change(settings, "insert into raw_a.two values ('DACH')")
        raise ServiceError("no answer")
    assert rows(settings, "two") == [("DACH",)]


def test_two_warehouses_do_not_land_under_one_url(settings: Settings, tmp_path: Path) -> None:
    land_parquet(settings)
    in_force = landed_tables(settings)
    with pytest.raises(RefusedError, match=f"{settings.warehouse_path}") as refused:
        land_parquet(another_warehouse(settings), keep_old=False)
    assert "OUTREACH_RAW_URL of its own" in str(refused.value.next_step)
    assert landed_tables(settings) == in_force
    assert differences(settings) == {"raw_a.one": 0, "raw_a.two": 0}
    settings.warehouse_path.rename(tmp_path / "away")
    change(settings, TWO_TABLES)  # loaded anew, it is still the same warehouse
    assert landed(settings) == set()


def test_a_warehouse_that_has_landed_in_the_same_moment_stays_in_force(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, set_up = another_warehouse(settings), raw_parquet.set_dlt_up

    def other_comes_first() -> None:
        monkeypatch.setattr(raw_parquet, "set_dlt_up", set_up)
        land_parquet(other)

    monkeypatch.setattr(raw_parquet, "set_dlt_up", other_comes_first)
    with pytest.raises(RefusedError, match="Another warehouse"):
        land_parquet(settings)
    assert differences(other) == {"raw_a.one": 0, "raw_a.two": 0}


def another_warehouse(settings: Settings) -> Settings:
    other = Settings(data_dir=settings.data_dir / "other", raw_url=settings.raw_url)
    other.data_dir.mkdir()
    change(other, TWO_TABLES)
    return other


def test_nothing_lands_where_no_url_is_configured(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    change(settings, TWO_TABLES)
    assert land_parquet(settings) == []
    with pytest.raises(ConfigurationError, match="Nothing says where"):
        landed_tables(settings)


def test_a_url_that_cannot_be_written_and_a_damaged_pointer_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(data_dir=tmp_path, raw_url=str(tmp_path / "file" / "raw"))
    change(settings, TWO_TABLES)
    with pytest.raises(StoreError, match=r"cannot be landed in .*file/raw"):
        land_parquet(settings)
    with pytest.raises(ConfigurationError, match=r"gs://bucket/raw cannot be opened: .*gcsfs") as refused:
        land_parquet(Settings(data_dir=tmp_path, raw_url="gs://bucket/raw"))
    assert "dlt's extra" in str(refused.value.next_step)
    settings = Settings(data_dir=tmp_path, raw_url=str(tmp_path / "raw"))
    land_parquet(settings)
    (tmp_path / "raw" / "current.json").write_text(json.dumps({"tables": [{"schema": "raw_a"}]}))
    with pytest.raises(DataError, match=r"current\.json is not a valid pointer"):
        land_parquet(settings)
