"""The SQL that dbt compiled, run directly in DuckDB: what the same build costs without dbt.

python -m benchmarks.compiled TARGET_DIRECTORY WAREHOUSE
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

THREADS = 2  # as many as dbt's own connections may use at a time on two cores
MEMORY = "4GB"  # as in profiles.yml


def run_compiled(target: Path, warehouse: Path) -> float:
    """Run every model and test of the last build in the order in which they ended; the seconds it took."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    with duckdb.connect(str(warehouse), config={"threads": THREADS, "memory_limit": MEMORY}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        started_at = time.monotonic()
        for result in results:
            node = nodes.get(result["unique_id"], {})
            if node.get("resource_type") == "model":
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                connection.execute(f"create or replace {kind} {result['relation_name']} as {result['compiled_code']}")
            elif node.get("resource_type") == "test":
                connection.execute(f"select count(*) from ({result['compiled_code']})").fetchone()
        return time.monotonic() - started_at


if __name__ == "__main__":
    sys.stdout.write(f"{run_compiled(Path(sys.argv[1]), Path(sys.argv[2])):.3f}")
