"""A build before everything was loaded says what is missing, and how to get it."""

from __future__ import annotations

from typing import Any

import duckdb


def test_a_build_before_any_load_says_what_to_load(dbt: Any) -> None:
    result = dbt("build")
    assert result.returncode != 0
    assert "raw_salesforce_icare" in result.stdout
    assert "outreach load all" in result.stdout
    assert "Traceback" not in result.stdout

    dbt.load()
    with duckdb.connect(str(dbt.warehouse)) as connection:
        connection.execute("drop table raw_smartlead.messages")
    result = dbt("run")
    assert result.returncode != 0
    assert "raw_smartlead (messages)" in result.stdout
    assert "outreach load smartlead" in result.stdout
