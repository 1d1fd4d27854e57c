"""How the cost of a world and of its build grows: seconds, peak memory, and the ratio to the size before."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

SIZES = (10_000, 100_000, 1_000_000)
GENERATE = """
import sys
from pathlib import Path
from sandbox.world.clock import WORLD_START
from sandbox.world.population import generate
generate(Path(sys.argv[1]), leads=int(sys.argv[2]), seed=7, today=WORLD_START)
"""


def main() -> None:
    """Print one table for the generator and one for dbt on an empty load, which is dbt's own overhead."""
    console = Console()
    console.print(_generation())
    console.print(_empty_build())


def _generation() -> Table:
    table = Table(title="Generating both Salesforce orgs", title_justify="left")
    for heading in ("leads", "seconds", "leads per second", "times the size before", "peak memory"):
        table.add_column(heading, justify="right")
    before: float | None = None
    for size in SIZES:
        with tempfile.TemporaryDirectory() as directory:
            seconds, megabytes = _run([sys.executable, "-c", GENERATE, directory, str(size)])
        ratio = "" if before is None else f"{seconds / before:.1f}"
        table.add_row(f"{size:,}", f"{seconds:.1f}", f"{size / seconds:,.0f}", ratio, f"{megabytes:,.0f} MB")
        before = seconds
    return table


def _empty_build() -> Table:
    table = Table(title="dbt on an empty load: all models and tests", title_justify="left")
    for heading in ("command", "seconds", "peak memory"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as directory:
        warehouse = Path(directory) / "warehouse.duckdb"
        _run([sys.executable, "tests/fixtures/raw_warehouse.py", str(warehouse)])
        dbt = [str(Path(sys.executable).with_name("dbt")), "--quiet", "build", "--target-path", f"{directory}/target"]
        for title, more in (("dbt build", []), ("outreach build", ["--exclude-resource-type", "unit_test"])):
            seconds, megabytes = _run([*dbt, *more], OUTREACH_WAREHOUSE=str(warehouse))
            table.add_row(title, f"{seconds:.1f}", f"{megabytes:,.0f} MB")
    return table


def _run(command: list[str], **environment: str) -> tuple[float, float]:
    """Seconds and peak memory (of the largest process so far) of a command that must succeed."""
    started_at = time.monotonic()
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": "."} | environment)  # noqa: S603  our own commands
    seconds = time.monotonic() - started_at
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    main()
