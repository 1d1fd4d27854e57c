"""``python -m benchmarks [NAME ...] [--leads N] …``: measure on this machine, and print a table for each question."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from benchmarks import build, dashboard, inbox, push, receiver, salesforce, spark, steps, world
from benchmarks.document import DOCUMENT, median_tables, write_section

Benchmark = Callable[[int], Iterator[Table]]
# name -> how it is measured, and of what it is told the number
BENCHMARKS: dict[str, tuple[Benchmark, str]] = {
    "world": (world.generating, "leads"),
    "empty-build": (world.empty_build, "leads"),
    "build": (build.building, "leads"),
    "steps": (steps.stepping, "leads"),
    "spark": (spark.comparing, "leads"),
    "dashboard": (dashboard.looking, "members"),
    "inbox": (inbox.loading, "events"),
    "receiver": (receiver.receiving, "leads"),
    "salesforce": (salesforce.loading, "leads"),
    "salesforce-peers": (salesforce.peers, "leads"),
    "push": (push.pushing, "changes"),
    "push-peers": (push.peers, "changes"),
}


def main() -> None:
    """Run the benchmarks that are named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--leads", type=int, default=1_000_000, help="how many leads the largest world has")
    parser.add_argument("--events", type=int, default=1_000_000, help="how many webhooks the inbox has")
    parser.add_argument("--changes", type=int, default=50_000, help="how many changes a push brings")
    parser.add_argument("--times", type=int, default=1, help="how often each is run; the median is shown")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {DOCUMENT}")
    parser.add_argument("--members", type=int, default=1_000_000, help="how many members the dashboard has")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    console = Console()
    for name in arguments.names or BENCHMARKS:
        measured, number_of = BENCHMARKS[name]
        number = getattr(arguments, number_of)
        runs = [_shown(console, measured(number)) for _ in range(arguments.times)]
        if arguments.write:
            command = f"python -m benchmarks {name} --{number_of} {number}"
            write_section(name, command, median_tables(runs), arguments.times)


def _shown(console: Console, tables: Iterator[Table]) -> list[Table]:
    """The tables, each printed as soon as it is there."""
    shown = []
    for figures in tables:
        console.print(figures)
        shown.append(figures)
    return shown


if __name__ == "__main__":
    main()
