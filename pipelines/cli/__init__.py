"""The ``outreach`` command: one module per group of commands, all errors shown in one place."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from pipelines.console import err
from pipelines.errors import OutreachError

app = typer.Typer(
    name="outreach",
    help="Cold outreach, from Salesforce to Clay and Smartlead and back, with proof of every write.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def main() -> None:
    """Run the command line; end with the exit code of the error, and a traceback only with ``--debug``."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except OutreachError as error:
        if debug:
            raise
        err.print(f"[bold red]Error:[/] {escape(error.message)}", highlight=False)
        if error.next_step:
            err.print(f"[bold]Next:[/] {escape(error.next_step)}", highlight=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("Interrupted.")
        sys.exit(130)


# Each module registers its commands on ``app``.
from pipelines.cli import (  # noqa: E402, F401
    approve,
    build,
    dashboard,
    demo,
    doctor,
    errors,
    explain,
    export,
    gates,
    ledger,
    load,
    match,
    plan,
    privacy,
    receive,
    revert,
    run,
    sandbox,
    status,
    writeback,
)
