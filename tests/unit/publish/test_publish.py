"""Publishing: a reader sees a whole version or nothing, and the pointer moves last."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.built_marts import marts_of_warehouse, tables_not_of
from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.publish import KEPT_VERSIONS, open_published, publish, published_version, require_published


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create schema marts; create schema intermediate")
        warehouse.execute("create table marts.fct_example as select 1 as answer")
        warehouse.execute(
            "create table intermediate.int_operations__as_of as select timestamp '2026-09-01 06:00:00' as as_of_at"
        )
    return settings


def set_answer(settings: Settings, answer: int) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("update marts.fct_example set answer = ?", [answer])


def read_answer(settings: Settings) -> int:
    with open_published(settings) as marts:
        return marts.execute("select answer from fct_example").fetchall()[0][0]


def test_published_marts_can_be_read_while_the_warehouse_is_being_written(settings: Settings) -> None:
    publish(settings, "one")
    with duckdb.connect(str(settings.warehouse_path)) as writer:
        writer.execute("update marts.fct_example set answer = 2")
        assert read_answer(settings) == 1


def test_an_open_reader_keeps_its_version_and_a_new_one_gets_the_next(settings: Settings) -> None:
    publish(settings, "one")
    with open_published(settings) as reader:
        set_answer(settings, 2)
        publish(settings, "two")
        assert reader.execute("select answer from fct_example").fetchall() == [(1,)]
        assert read_answer(settings) == 2


def test_without_a_publication_the_next_step_is_named(settings: Settings) -> None:
    with pytest.raises(DataError) as error:
        open_published(settings)
    assert "Run outreach build." in str(error.value.next_step)


def test_a_publication_that_was_cut_off_leaves_the_last_one_in_force(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, "one")
    set_answer(settings, 2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.publish._move_pointer", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(settings, "two")
    assert published_version(settings).build_id == "one"
    assert read_answer(settings) == 1


def test_a_damaged_pointer_is_named(settings: Settings) -> None:
    publish(settings, "one")
    (settings.published_dir / "current.json").write_text("{}")
    with pytest.raises(DataError, match=r"current\.json"):
        published_version(settings)


def test_old_versions_are_removed_but_never_the_current_one(settings: Settings) -> None:
    for number in range(KEPT_VERSIONS + 3):
        publish(settings, f"build{number}")
    files = {file.name for file in settings.published_dir.glob("marts_*.duckdb")}
    assert len(files) == KEPT_VERSIONS
    assert json.loads((settings.published_dir / "current.json").read_text())["file"] in files


def test_a_warehouse_without_marts_is_not_published(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("drop table marts.fct_example")
    with pytest.raises(DataError, match="holds no marts"):
        publish(settings, "one")
    assert not (settings.published_dir / "current.json").exists()


def test_only_the_marts_that_were_built_are_published_anew(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create table marts.fct_other as select 1 as answer")
        warehouse.execute("insert into marts.fct_example values (null), (7)")
    publish(settings, "one")
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("delete from marts.fct_example where answer = 7")
        warehouse.execute("insert into marts.fct_example values (8)")
        warehouse.execute("update marts.fct_other set answer = 2")
    publish(settings, "two", marts_of_warehouse(settings.warehouse_path, {"fct_example"}), onto_last=True)
    with open_published(settings) as marts:
        assert marts.execute("from fct_example order by answer nulls first").fetchall() == [(None,), (1,), (8,)]
        assert marts.execute("from fct_other").fetchall() == [(1,)], "it stays as the last version has it"


def test_a_mart_whose_columns_have_changed_is_published_whole(settings: Settings) -> None:
    publish(settings, "one")
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("alter table marts.fct_example add column reason text default 'new'")
    with pytest.raises(RefusedError, match="fct_example has other columns") as caught:
        publish(settings, "two", marts_of_warehouse(settings.warehouse_path, set()), onto_last=True)
    assert "Run outreach build" in (caught.value.next_step or "")
    assert published_version(settings).build_id == "one"
    publish(settings, "three", marts_of_warehouse(settings.warehouse_path, {"fct_example"}), onto_last=True)
    with open_published(settings) as marts:
        assert marts.execute("from fct_example").fetchall() == [(1, "new")]


def test_a_mart_that_is_not_published_yet_comes_with_the_build_that_built_it(settings: Settings) -> None:
    publish(settings, "one")
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create table marts.fct_new as select 1 as answer")
    with pytest.raises(RefusedError, match="fct_new"):
        publish(settings, "two", marts_of_warehouse(settings.warehouse_path, {"fct_example"}), onto_last=True)


@pytest.mark.parametrize(
    "statement",
    [
        "create or replace table intermediate.int_operations__as_of as from intermediate.int_operations__as_of",
        "create table intermediate.as_of__dbt_tmp as from intermediate.int_operations__as_of;"
        "alter table intermediate.int_operations__as_of rename to as_of__dbt_backup;"
        "alter table intermediate.as_of__dbt_tmp rename to int_operations__as_of;"
        "drop table intermediate.as_of__dbt_backup",
        "create schema policy; create table policy.gate_thresholds as select 1 as threshold",
    ],
    ids=["replaced", "as dbt does", "new"],
)
def test_a_selection_is_built_only_on_what_is_published(settings: Settings, statement: str) -> None:
    with pytest.raises(DataError, match="No marts have been published"):
        require_published(settings)
    publish(settings, "one")
    require_published(settings)
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create schema raw_clay; create table raw_clay.table_rows as select 1 as row_id")
        warehouse.execute("insert into marts.fct_example values (2)")
    require_published(settings)
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute(statement)
    with pytest.raises(RefusedError, match="did not come with the published build one") as caught:
        require_published(settings)
    assert "Run outreach build" in (caught.value.next_step or "")
    publish(settings, "two", marts_of_warehouse(settings.warehouse_path, {"fct_example"}), onto_last=True)
    require_published(settings)


def test_no_selection_is_built_on_a_warehouse_that_another_one_has_published_over(settings: Settings) -> None:
    publish(settings, "one")
    pointer = settings.published_dir / "current.json"
    pointer.write_text(pointer.read_text().replace('"one"', '"other"'))
    with pytest.raises(RefusedError, match="published build other"):
        require_published(settings)
    settings.target = "spark"
    with pytest.raises(RefusedError, match="DuckDB file only"):
        require_published(settings)


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.read()
"""


def test_whoever_reads_the_warehouse_does_not_hold_up_its_marts(settings: Settings) -> None:
    command = [sys.executable, "-c", READER, str(settings.warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        publish(settings, "one")
        reader.communicate()
    assert published_version(settings).build_id == "one"
    assert len(tables_not_of(settings.warehouse_path, "one")) == 2


def test_rows_with_the_same_values_in_other_columns_have_changed(settings: Settings) -> None:
    before = [("a", "b", None), (None, "a", "a"), ("b", "b", "a")]
    after = [("b", "a", None), ("a", None, "a"), ("a", "a", None), (None, None, None)]
    for build, rows in (("one", before), ("two", after)):
        with duckdb.connect(str(settings.warehouse_path)) as warehouse:
            warehouse.execute("create or replace table marts.fct_example (x text, y text, z text)")
            warehouse.executemany("insert into marts.fct_example values (?, ?, ?)", rows)
        publish(settings, build, marts_of_warehouse(settings.warehouse_path, {"fct_example"}), onto_last=True)
    with open_published(settings) as marts:
        assert set(marts.execute("from fct_example").fetchall()) == set(after)
