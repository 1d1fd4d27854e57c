"""``python -m benchmarks [NAME ...] [--leads N] [--events N]``: measure here, and print a table for each question."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from benchmarks import build, inbox, receiver, salesforce, world

BENCHMARKS: dict[str, Callable[[int], Iterator[Table]]] = {
    "world": world.generating,
    "empty-build": world.empty_build,
    "build": build.building,
    "inbox": inbox.loading,
    "receiver": receiver.receiving,
    "salesforce": salesforce.loading,
    "salesforce-peers": salesforce.peers,
}


def main() -> None:
    """Run the benchmarks that are named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--leads", type=int, default=1_000_000, help="how many leads the largest world has")
    parser.add_argument("--events", type=int, default=1_000_000, help="how many webhooks the inbox has")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    console = Console()
    for name in arguments.names or BENCHMARKS:
        for figures in BENCHMARKS[name](arguments.events if name == "inbox" else arguments.leads):
            console.print(figures)


if __name__ == "__main__":
    main()
