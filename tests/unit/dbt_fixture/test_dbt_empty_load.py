"""What the loaders leave behind when the services are empty is no reason to fail, nor to warn."""

from __future__ import annotations

from typing import Any


def test_an_empty_load_builds_without_a_warning(dbt: Any) -> None:
    dbt.load()
    result = dbt("build", "--exclude-resource-type", "unit_test")
    assert result.returncode == 0, result.stdout[-3000:]
    assert dbt.rows("select count(*) from marts.dim_campaign_members") == [(0,)]
    assert dbt.rows("select as_of_at is null from intermediate.int_operations__as_of") == [(False,)]
