"""What the loaders leave behind when the services are empty is no reason to fail, nor to warn; a row without key is."""

from __future__ import annotations

from typing import Any

import duckdb


def test_an_empty_load_builds_without_a_warning(dbt: Any) -> None:
    dbt.load()
    result = dbt("build", "--exclude-resource-type", "unit_test")
    assert result.returncode == 0, result.stdout[-3000:]
    assert dbt.rows("select count(*) from marts.dim_campaign_members") == [(0,)]
    assert dbt.rows("select as_of_at is null from intermediate.int_operations__as_of") == [(False,)]

    # a row that comes twice, and one without key
    model = "int_funnel__business_days"
    with duckdb.connect(str(dbt.warehouse)) as connection:
        for gbu in ("DACH", "DACH", None):
            connection.execute(f"insert into intermediate.{model} (gbu, day_on) values (?, '2026-08-03')", [gbu])
    result = dbt("test", "--select", model)
    assert result.returncode == 1
    assert "Got 2 results" in result.stdout, result.stdout[-3000:]
