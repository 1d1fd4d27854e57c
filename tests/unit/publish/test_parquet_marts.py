"""Marts that another engine has written as parquet: published like those of the warehouse, and planned from alike."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from fsspec.core import url_to_fs

from pipelines.built_marts import Contracts, contracts_of, marts_of_parquet
from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.publish import publish, published_version
from pipelines.stores_by_url import files_at
from tests.fixtures.planned import planned
from tests.fixtures.published_marts import make_warehouse

BUILD = "20260901T070000000000Z"
DELTAS = """
    insert into marts.fct_writeback_deltas by name
    select
        org || '|Lead|' || range || '|external_hard_bounced__c' as delta_id, org, 'Lead' as object,
        '00Q' || lpad(range::varchar, 15, '0') as record_id, 'external_hard_bounced__c' as field,
        'false' as before_value, 'true' as after_value, 'boolean' as value_type, 'to_true_only' as policy,
        'a mail bounced hard' as reason, 'smartlead mail ' || range as evidence
    from range(40), (values ('icare'), ('core')) as orgs(org)
"""
# What Spark makes of the same values: instants instead of times without a zone, shorter integers.
SPARK_TYPES = {"TIMESTAMP": "timestamptz", "BIGINT": "integer"}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("built") / "warehouse.duckdb"
    make_warehouse(file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(DELTAS)
    return file


@pytest.fixture(scope="module")
def by_spark(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Contracts]:
    """The same marts as folders of parquet, in another order and in Spark's types; and their contracts."""
    folder = tmp_path_factory.mktemp("spark")
    contracts: dict[str, dict[str, str]] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        columns = connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns"
            " where table_schema in ('marts', 'intermediate') order by ordinal_position"
        ).fetchall()
        for schema, table in sorted({(schema, table) for schema, table, *_ in columns}):
            types = {name: kind for of, one, name, kind in columns if (of, one) == (schema, table)}
            if schema == "marts":
                contracts[table] = types
            casts = ", ".join(f"{name}::{SPARK_TYPES.get(kind, kind)} as {name}" for name, kind in types.items())
            target = folder / schema / table
            target.mkdir(parents=True)
            connection.execute(
                f"copy (select {casts} from {schema}.{table} order by hash({table})) to '{target}/part-0.parquet'"
            )
            (target / "_SUCCESS").touch()
    return folder, contracts


@pytest.fixture(params=["folder", *(["S3"] if find_spec("moto") else [])])  # make spark brings it
def spark_url(request: pytest.FixtureRequest, by_spark: tuple[Path, Contracts], tmp_path: Path) -> str:
    """A copy of those folders where Spark may have written them."""
    if request.param == "folder":
        return str(shutil.copytree(by_spark[0], tmp_path / "spark-warehouse"))
    url = f"{request.getfixturevalue('bucket')}/{uuid.uuid4()}"
    files, path = files_at(url)
    files.put(f"{by_spark[0]}/", path, recursive=True)
    return url


def test_a_plan_is_the_same_whichever_engine_has_built(
    warehouse: Path,
    by_spark: tuple[Path, Contracts],
    spark_url: str,
    tmp_path: Path,
    table_differences: Callable[..., dict[str, int]],
) -> None:
    duck, spark = Settings(data_dir=tmp_path / "duck", warehouse=warehouse), Settings(data_dir=tmp_path / "spark")
    ours = publish(duck, BUILD)
    theirs = publish(spark, BUILD, marts_of_parquet(spark_url, by_spark[1]))
    assert theirs.as_of_at == ours.as_of_at
    differences = table_differences(ours.file, theirs.file)
    assert set(differences) == {f"marts.{table}" for table in by_spark[1]}
    assert set(differences.values()) == {0}
    assert [column(version.file) for version in (ours, theirs)] == [column(ours.file)] * 2
    plan = planned(duck)
    assert len(plan.changes) == 80
    assert planned(spark).plan_id == plan.plan_id
    assert replace(plan, changes=plan.changes[1:]).plan_id != plan.plan_id


def test_what_was_written_anew_is_published_as_it_is_now(
    by_spark: tuple[Path, Contracts], spark_url: str, tmp_path: Path
) -> None:
    settings, marts = Settings(data_dir=tmp_path), marts_of_parquet(spark_url, by_spark[1])
    publish(settings, BUILD, marts)
    files, root = url_to_fs(spark_url, skip_instance_cache=True)  # as Spark does: in another process
    for file in files.glob(f"{root}/marts/*/part-0.parquet"):
        files.mv(file, file.replace("part-0", "part-1"))
    assert publish(settings, "20260901T080000000000Z", marts).file.exists()


def column(file: Path) -> list[tuple[str, ...]]:
    with duckdb.connect(str(file), read_only=True) as marts:
        return marts.execute(
            "select table_name, column_name, data_type from information_schema.columns order by all"
        ).fetchall()


def test_what_does_not_keep_its_contract_is_named_and_not_published(
    by_spark: tuple[Path, Contracts], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(by_spark[0], tmp_path / "marts"))
    settings = Settings(data_dir=tmp_path / "data")
    contracts = {**by_spark[1], "fct_mailbox_days": {**by_spark[1]["fct_mailbox_days"], "mailbox": "bigint"}}
    with pytest.raises(DataError, match=r"fct_mailbox_days in .* does not keep its contract"):
        publish(settings, BUILD, marts_of_parquet(str(folder), contracts))
    contracts["fct_mailbox_days"] = {"no_such_column": "bigint"}
    with pytest.raises(DataError, match="no_such_column"):
        publish(settings, BUILD, marts_of_parquet(str(folder), contracts))
    shutil.rmtree(folder / "marts" / "dim_campaign_members")
    with pytest.raises(DataError, match="dim_campaign_members is missing"):
        publish(settings, BUILD, marts_of_parquet(str(folder), by_spark[1]))
    with pytest.raises(DataError, match="No marts"):
        published_version(settings)


def test_of_two_engines_the_build_that_began_first_does_not_replace_the_other(
    warehouse: Path, by_spark: tuple[Path, Contracts], tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, warehouse=warehouse)
    later, earlier = "20260901T080000000000Z", BUILD
    publish(settings, later)
    with pytest.raises(RefusedError, match=f"{later}, which began later") as refused:
        publish(settings, earlier, marts_of_parquet(str(by_spark[0]), by_spark[1]))
    assert "OUTREACH_DATA_DIR" in str(refused.value.next_step)
    assert published_version(settings).build_id == later
    assert [file.name for file in settings.published_dir.glob("marts_*")] == [f"marts_{later}.duckdb"]


def test_contracts_are_those_of_the_marts_in_the_manifest(tmp_path: Path) -> None:
    def model(schema: str, name: str) -> dict[str, object]:
        columns = {"org": {"name": "org", "data_type": "string"}}
        return {"resource_type": "model", "schema": schema, "name": name, "columns": columns}

    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {"a": model("marts", "fct_a"), "b": model("staging", "stg_b")}}))
    assert contracts_of(manifest) == {"fct_a": {"org": "string"}}
    manifest.write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json is no manifest"):
        contracts_of(manifest)
