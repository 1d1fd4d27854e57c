"""Running a command as a whole process, with its time and peak memory; every benchmark goes through here."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True)
class Run:
    """What one command took: seconds, those of the processors, megabytes of its largest process, what it printed."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    output: str


def run(command: Sequence[str | Path], **environment: str) -> Run:
    """Run a command that must succeed.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    started_at = time.monotonic()
    more = {"PYTHONPATH": str(Path.cwd())} | environment
    process = subprocess.Popen(  # noqa: S603  our own commands
        [str(word) for word in command],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{output[-2000:]}")
    seconds = time.monotonic() - started_at
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def growth(before: tuple[int, float] | None, size: int, seconds: float) -> str:
    """The exponent by which seconds grow with the size since the size before; empty for the first."""
    return "" if before is None else f"{log(seconds / before[1]) / log(size / before[0]):.2f}"


def milliseconds(seconds: Sequence[float], percent: int) -> float:
    """A percentile of many times."""
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000


def table(title: str, *headings: str) -> Table:
    """An empty table; the first column is text, the others are figures."""
    figures = Table(title=title, title_justify="left")
    for place, heading in enumerate(headings):
        figures.add_column(heading, justify="left" if place == 0 else "right")
    return figures
