"""`dbt source freshness` goes by the reading of each table, not by the age of its rows."""

from __future__ import annotations

import json
from typing import Any

import duckdb


def test_each_table_is_as_fresh_as_its_last_reading(dbt: Any) -> None:
    dbt.load()
    read_before = {
        "raw_salesforce_icare": "1 minute",
        "raw_salesforce_core": "1 minute",
        "raw_smartlead": "2 days",
        "raw_clay": "4 days",
        "raw_writeback": "1 minute",
    }
    with duckdb.connect(str(dbt.warehouse)) as connection:
        for schema, age in read_before.items():
            connection.execute(f"update {schema}.source_reads set read_at = now() - interval '{age}'")
        connection.execute("delete from raw_clay.source_reads where table_name = 'table_rows'")  # there is no API key
        connection.execute("delete from raw_writeback.source_reads where table_name = 'ledger_entries'")

    fresh = dbt("source", "freshness", "--select", "source:salesforce_icare", "source:salesforce_core")
    assert fresh.returncode == 0, fresh.stdout[-3000:]
    dbt("source", "freshness")
    results = json.loads((dbt.directory / "target" / "sources.json").read_text())["results"]
    status = {tuple(one["unique_id"].split(".")[2:]): one["status"] for one in results}
    assert {one for (source, _), one in status.items() if source.startswith("salesforce")} == {"pass"}
    assert {one for (source, _), one in status.items() if source == "smartlead"} == {"warn"}
    assert status["clay", "csv_rows"] == "error"
    assert status["clay", "table_rows"] == "warn"
    assert status["writeback", "ledger_entries"] == "error"
