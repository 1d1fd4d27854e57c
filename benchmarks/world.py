"""How the cost of a world, and of dbt's own work, grows: seconds, peak memory, and the ratio to the size before."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from benchmarks.measure import run, table

SIZES = (10_000, 100_000, 1_000_000)
GENERATE = """
import sys
from pathlib import Path
from sandbox.world.clock import WORLD_START
from sandbox.world.population import generate
generate(Path(sys.argv[1]), leads=int(sys.argv[2]), seed=7, today=WORLD_START)
"""


def generating(most_leads: int) -> Iterator[Table]:
    """Generating both Salesforce orgs, up to a size."""
    figures = table(
        "Generating both Salesforce orgs",
        "leads",
        "seconds",
        "leads per second",
        "times the size before",
        "peak memory",
    )
    before: float | None = None
    for size in [size for size in SIZES if size <= most_leads]:
        with tempfile.TemporaryDirectory() as directory:
            took = run([sys.executable, "-c", GENERATE, directory, str(size)])
        ratio = "" if before is None else f"{took.seconds / before:.1f}"
        speed = f"{size / took.seconds:,.0f}"
        figures.add_row(f"{size:,}", f"{took.seconds:.1f}", speed, ratio, f"{took.megabytes:,.0f} MB")
        before = took.seconds
    yield figures


def empty_build(_: int) -> Iterator[Table]:
    """Building all models on an empty load: what dbt itself costs."""
    figures = table("dbt on an empty load: all models and tests", "command", "seconds", "peak memory")
    with tempfile.TemporaryDirectory() as directory:
        warehouse = Path(directory) / "warehouse.duckdb"
        run([sys.executable, "tests/fixtures/raw_warehouse.py", str(warehouse)])
        dbt = [str(Path(sys.executable).with_name("dbt")), "--quiet", "build", "--target-path", f"{directory}/target"]
        for title, more in (("dbt build", []), ("outreach build", ["--exclude-resource-type", "unit_test"])):
            took = run([*dbt, *more], OUTREACH_WAREHOUSE=str(warehouse))
            figures.add_row(title, f"{took.seconds:.1f}", f"{took.megabytes:,.0f} MB")
    yield figures
