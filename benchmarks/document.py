"""docs/benchmarks.md: one section for each benchmark, replaced as a whole when it is run again with ``--write``."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.table import Table

DOCUMENT = Path("docs/benchmarks.md")
PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dlt", "sqlalchemy", "httpx")
INTRODUCTION = """# Benchmarks

Written by `make bench`, or for one section by the command that stands in it with `--write`. Compare ratios, which were
measured side by side in one run; seconds belong to the machine. Where a benchmark ran several times, each figure is the
median of its runs.
"""


def median_tables(runs: Sequence[Sequence[Table]]) -> list[Table]:
    """The tables of several runs as one: in each place the figure in the middle, as it was written."""
    return [_median_table(same) for same in zip(*runs, strict=True)]


def _median_table(same: Sequence[Table]) -> Table:
    merged = Table(title=same[0].title, title_justify="left")
    for column in same[0].columns:
        merged.add_column(column.header, justify=column.justify)
    for rows in zip(*map(_rows, same), strict=True):
        merged.add_row(*(_median(values) for values in zip(*rows, strict=True)))
    return merged


def _rows(table: Table) -> list[tuple[str, ...]]:
    return list(zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True))


def write_section(name: str, command: str, tables: Sequence[Table], times: int) -> None:
    """Put a benchmark's tables into the document, in place of those of its last run."""
    now = datetime.now(UTC)
    lines = [f"## {name}", "", f"`{command}`, {_times(times)}, {now:%Y-%m-%d}, {_machine()}; {_versions()}.", ""]
    for table in tables:
        lines += [f"**{table.title}**", "", *_markdown(table), ""]
    document = DOCUMENT.read_text() if DOCUMENT.exists() else INTRODUCTION
    introduction, *sections = re.split(r"(?m)^(?=## )", document)
    kept = {section.split("\n", 1)[0]: section.strip() for section in sections}
    kept[f"## {name}"] = "\n".join(lines).strip()
    DOCUMENT.write_text("\n\n".join([introduction.strip(), *(kept[title] for title in sorted(kept))]) + "\n")


def _markdown(table: Table) -> list[str]:
    rule = ["---:" if column.justify == "right" else "---" for column in table.columns]
    headings = [str(column.header) for column in table.columns]
    return [f"| {' | '.join(row)} |" for row in (headings, rule, *_rows(table))]


def _median(values: Sequence[str]) -> str:
    """The text whose number is in the middle; the lower one of two."""
    numbers = {value: _number(value) for value in values}
    known = [number for number in numbers.values() if number is not None]
    if not known:
        return values[0]
    middle = statistics.median_low(known)
    return next(value for value, number in numbers.items() if number == middle)


def _number(text: str) -> float | None:
    found = re.search(r"-?\d[\d,]*(?:\.\d+)?", text)
    return float(found.group().replace(",", "")) if found else None


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _machine() -> str:
    cores = os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    model = (
        re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text()) if platform.system() == "Linux" else None
    )
    return f"{model.group(1) if model else platform.machine()}, {cores} cores, {memory:.0f} GiB, {platform.system()}"


def _versions() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607  whichever git there is
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"commit {commit}, Python {platform.python_version()}, {packages}"
