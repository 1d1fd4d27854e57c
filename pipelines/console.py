"""What people see: results on standard output, progress and messages on standard error, colour only on a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table


class PatientConsole(Console):
    """A console that falls silent when its reader has gone: what the command does is done to the end."""

    def on_broken_pipe(self) -> None:
        """Say nothing any more, also not when Python closes the pipe."""
        with suppress(SystemExit):
            super().on_broken_pipe()


out = PatientConsole()
err = Console(stderr=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress display on standard error; silent when that is not a terminal, so that logs stay readable."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as display:
        yield display


def new_table(title: str | None, *headings: str, numbers: Collection[str] = ()) -> Table:
    """An empty table that breaks what does not fit into its line, so that a name can be read and copied whole.

    Args:
        title: shown above it.
        headings: one for each column; without a word in any of them, none are shown.
        numbers: which of the headings stand above numbers.
    """
    table = Table(title=title, title_justify="left", show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading in numbers else "left")
    return table
