"""Building the marts at size: against the compiled SQL alone, against the size before, and after a few new events."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import duckdb
from rich.table import Table

from benchmarks.measure import Run, growth, run, table
from benchmarks.raw_data import add_replies

SIZES = (10_000, 100_000, 1_000_000)
NEW_EVENTS = 1_000
ROUNDS = 3
SLOWEST = 8
OUTREACH = Path(sys.executable).with_name("outreach")


def building(most_leads: int) -> Iterator[Table]:
    """Full builds up to a size, and on the largest the path of new replies to published marts."""
    figures = table(
        "outreach build: N leads, N members, 10 N events",
        "leads", "seconds", "compiled SQL alone", "ratio", "peak memory", "warehouse", "published", "growth exponent",
    )  # fmt: skip
    sizes = sorted({size for size in SIZES if size < most_leads} | {most_leads})
    before: tuple[int, float] | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            full = _full_build(directory, size)
            slowest = _slowest(directory)
            alone = float(
                run([sys.executable, "-m", "benchmarks.compiled", _target(directory), _file(directory)]).output
            )
            exponent = growth(before, size, full.seconds)
            memory = f"{full.megabytes:,.0f} MB"
            ratio = f"{full.seconds / alone:.2f}"
            bytes_written = (_megabytes(_file(directory)), _megabytes(*(directory / "published").glob("*.duckdb")))
            figures.add_row(f"{size:,}", f"{full.seconds:.1f}", f"{alone:.1f}", ratio, memory, *bytes_written, exponent)
            before = (size, full.seconds)
            if size == sizes[-1]:
                yield figures
                yield slowest
                yield _after_new_events(directory, size, full)


def _after_new_events(directory: Path, size: int, full: Run) -> Table:
    figures = table(
        f"{NEW_EVENTS:,} new replies on {size:,} leads, until the marts are published: {ROUNDS} times, the median",
        "command", "seconds", "CPU seconds", "share of the full build",
    )  # fmt: skip
    runs = [_with_new_replies(directory, number) for number in range(ROUNDS)]
    seconds, cpu_seconds = median(one.seconds for one in runs), median(one.cpu_seconds for one in runs)
    share = f"{seconds / full.seconds:.0%}"
    figures.add_row("outreach build --selector replies", f"{seconds:.1f}", f"{cpu_seconds:.1f}", share)
    return figures


def _with_new_replies(directory: Path, number: int) -> Run:
    with duckdb.connect(str(_file(directory))) as connection:
        add_replies(connection, NEW_EVENTS, after=number * NEW_EVENTS)
    return _outreach_build(directory, "--selector", "replies")


def _full_build(directory: Path, leads: int) -> Run:
    raw_warehouse(_file(directory), leads)
    return _outreach_build(directory)


def raw_warehouse(file: Path, leads: int) -> None:
    """A warehouse file with the raw tables of so many leads, and nothing built."""
    run([sys.executable, "tests/fixtures/raw_warehouse.py", file])
    run([sys.executable, "-m", "benchmarks.raw_data", file, str(leads)])


def _outreach_build(directory: Path, *options: str) -> Run:
    environment = {"OUTREACH_DATA_DIR": str(directory), "DBT_TARGET_PATH": str(_target(directory))}
    return run([OUTREACH, "build", *options], **environment)


def _slowest(directory: Path) -> Table:
    figures = table("The slowest nodes of the largest build", "node", "seconds")
    results = json.loads((_target(directory) / "run_results.json").read_text())["results"]
    for one in sorted(results, key=lambda one: -one["execution_time"])[:SLOWEST]:
        figures.add_row(one["unique_id"].split(".")[2], f"{one['execution_time']:.1f}")
    return figures


def _megabytes(*files: Path) -> str:
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.0f} MB"


def _file(directory: Path) -> Path:
    return directory / "warehouse.duckdb"


def _target(directory: Path) -> Path:
    return directory / "target"
