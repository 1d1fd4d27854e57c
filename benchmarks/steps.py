"""What each step of a cycle costs at size, from the load to the report."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from benchmarks.build import OUTREACH, raw_warehouse
from benchmarks.measure import Run, growth, run, table
from benchmarks.salesforce import load_leads
from benchmarks.salesforce_double import serving

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
MORE_MEMORY_FROM = 10_000_000
MORE_MEMORY = {"OUTREACH_BUILD_MEMORY": "12GB"}
LEADS_PER_CHANGE = 10
LAND = """
from pipelines.config import load_settings
from pipelines.raw_parquet import land_parquet
land_parquet(load_settings())
"""
PUBLISH = """
from pipelines.config import load_settings
from pipelines.publish import new_build_id, publish
publish(load_settings(), new_build_id())
"""
PLAN = """
from pipelines.config import load_settings
from pipelines.writeback.plan_files import save_plan
from tests.fixtures.planned import planned
settings = load_settings()
save_plan(settings, planned(settings))
"""
PUSH = """
import sys
from benchmarks.push import push_bounces
push_bounces(int(sys.argv[1]))
"""


def stepping(most_leads: int) -> Iterator[Table]:
    """Each step up to a size, as a process of its own; it grows by its CPU time, which others on the machine spare."""
    figures = table(
        f"Each step: N leads, N members, 10 N events, N/{LEADS_PER_CHANGE} changes pushed",
        "step", "leads", "seconds", "CPU seconds", "peak memory", "growth exponent of CPU seconds",
    )  # fmt: skip
    before: dict[str, tuple[int, float]] = {}
    for size in [one for one in SIZES if one <= most_leads]:
        for step, took in _steps(size):
            exponent = growth(before.get(step), size, took.cpu_seconds)
            spent = (f"{took.seconds:.1f}", f"{took.cpu_seconds:.1f}", f"{took.megabytes:,.0f} MB")
            figures.add_row(step, f"{size:,}", *spent, exponent)
            before[step] = (size, took.cpu_seconds)
    yield figures


def _steps(size: int) -> Iterator[tuple[str, Run]]:
    yield "load the leads from Salesforce", _load(size)
    yield from _from_raw_tables(size)


def _load(size: int) -> Run:
    with tempfile.TemporaryDirectory() as name, serving(Path(name), size) as double:
        return load_leads(double, "data", all_fields=False)


def _from_raw_tables(size: int) -> Iterator[tuple[str, Run]]:
    with tempfile.TemporaryDirectory() as name:
        environment = {
            "OUTREACH_DATA_DIR": name,
            "OUTREACH_RAW_URL": f"{name}/raw",
            "DBT_TARGET_PATH": f"{name}/target",
            **(MORE_MEMORY if size >= MORE_MEMORY_FROM else {}),
        }
        raw_warehouse(Path(name) / "warehouse.duckdb", size)
        yield "land all raw tables as parquet", run([sys.executable, "-c", LAND], **environment)
        yield "build and publish", run([OUTREACH, "build"], **environment)
        yield "publish alone", run([sys.executable, "-c", PUBLISH], **environment)
        yield "plan, with orgs that answer at once", run([sys.executable, "-c", PLAN], **environment)
        push = [sys.executable, "-c", PUSH, str(size // LEADS_PER_CHANGE)]
        yield "push, with the service that answers", run(push, **environment)
        yield "report with charts", run([OUTREACH, "report", "--html", f"{name}/funnel.html"], **environment)
