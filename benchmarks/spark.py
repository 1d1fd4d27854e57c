"""The same build on DuckDB and on Spark, both on this machine: where the second engine would start to pay."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from benchmarks.build import OUTREACH, raw_warehouse
from benchmarks.measure import Run, growth, run, table
from benchmarks.steps import LAND

SIZES = (10_000, 100_000, 1_000_000)
# As make spark does: the lock holds neither dbt-spark nor PySpark.
WITH_SPARK = ["run", "--isolated", "--no-project", "--python", sys.executable, "--with-editable", ".[spark]"]


def comparing(most_leads: int) -> Iterator[Table]:
    """Full builds of both engines up to a size, each from the same raw tables."""
    figures = table(
        "outreach build by both engines on this machine",
        "leads", "DuckDB, seconds", "Spark, seconds", "times DuckDB", "Spark's growth exponent",
    )  # fmt: skip
    with_spark = [Path(sys.executable).with_name("uv"), *WITH_SPARK]
    run([*with_spark, "python", "-c", "import pyspark"])  # installs it, before the clock starts
    before: tuple[int, float] | None = None
    for size in [one for one in SIZES if one <= most_leads]:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            raw_warehouse(directory / "warehouse.duckdb", size)
            duckdb = _build(directory, [OUTREACH], "duckdb")
            run([sys.executable, "-c", LAND], **_environment(directory, "duckdb"))
            spark = _build(directory, [*with_spark, "outreach"], "spark")
        exponent = growth(before, size, spark.seconds)
        ratio = f"{spark.seconds / duckdb.seconds:.1f}"
        figures.add_row(f"{size:,}", f"{duckdb.seconds:.1f}", f"{spark.seconds:.1f}", ratio, exponent)
        before = (size, spark.seconds)
    yield figures


def _build(directory: Path, outreach: list[str | Path], target: str) -> Run:
    return run([*outreach, "build"], **_environment(directory, target))


def _environment(directory: Path, target: str) -> dict[str, str]:
    return {
        "OUTREACH_DATA_DIR": str(directory),
        "OUTREACH_TARGET": target,
        "OUTREACH_RAW_URL": str(directory / "raw"),
        "OUTREACH_SPARK__WAREHOUSE": str(directory / "spark"),
        "OUTREACH_SPARK__DRIVER_MEMORY": "4g",  # as much as DuckDB takes
        "DBT_TARGET_PATH": str(directory / f"target_{target}"),
    }
