"""Each dispatched macro says the same in both engines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.spark.conftest import DBT, PROJECT, Spark

pytest.importorskip("pyspark", reason="an optional extra; make spark tests it")

CASES = yaml.safe_load(Path(__file__).with_name("macro_cases.yml").read_text())


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_a_macro_says_the_same_in_both_engines(engine: str, tmp_path: Path) -> None:
    given = ", ".join(f"{value} as {name}" for name, value in CASES["given"].items())
    asked = ", ".join(f"cast({sql} as {{{{ dbt.type_string() }}}}) as c{n}" for n, (sql, _) in enumerate(CASES["says"]))
    query = f"with given as (select {given}) select {asked} from given"
    command = [DBT, "--quiet", "show", "--inline", query, "--output", "json", "--target", engine]
    result = subprocess.run(
        command,
        cwd=PROJECT,
        env=Spark(tmp_path).environment | {"OUTREACH_WAREHOUSE": ":memory:"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    (row,) = json.loads(result.stdout)["show"]
    assert list(zip([sql for sql, _ in CASES["says"]], row.values(), strict=True)) == [*map(tuple, CASES["says"])]
