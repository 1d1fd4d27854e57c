"""The ``outreach`` command: one module per group of commands, all errors shown in one place."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from pipelines.console import err, out
from pipelines.errors import OutreachError

# The commands as the help shows them.
PANELS = {
    "Load": ("load", "receive"),
    "Build and look": ("build", "report", "dashboard", "dictionary"),
    "Export and match": ("gate", "confirm", "export", "match"),
    "Write back": ("plan", "approve", "push", "revert", "explain", "ledger"),
    "Run it": ("run", "status", "errors", "alerts", "doctor", "capacity"),
    "Privacy": ("person", "forget", "retention"),
    "Sandbox": ("demo", "sandbox"),
}
# The module of each command, which registers it on ``app``.
MODULES = {name: name for names in PANELS.values() for name in names} | {
    "report": "build",
    "dictionary": "build",
    "gate": "gates",
    "confirm": "gates",
    "push": "writeback",
    "alerts": "status",
    "person": "privacy",
    "forget": "privacy",
    "retention": "privacy",
}


class Commands(TyperGroup):
    """The commands that were loaded, in the panels and the order of the help."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        panels = {name: panel for panel, names in PANELS.items() for name in names if name in self.commands}
        self.commands = {name: self.commands[name] for name in panels}
        for name, panel in panels.items():
            self.commands[name].rich_help_panel = panel  # type: ignore[attr-defined]


app = typer.Typer(
    name="outreach",
    cls=Commands,
    help="Cold outreach, from Salesforce to Clay and Smartlead and back, with proof of every write.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"outreach {version('outreach-warehouse')}", highlight=False)
        raise typer.Exit


@app.callback()
def everywhere(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere in the line.")
    ] = False,
) -> None:
    """What every command takes."""


def load_commands(arguments: Sequence[str] = ()) -> None:
    """Import the module of the command that the line names; of every command where it names none that we know."""
    named = next((argument for argument in arguments if not argument.startswith("-")), "")
    for module in {MODULES[named]} if named in MODULES else set(MODULES.values()):
        import_module(f"{__name__}.{module}")


def main() -> None:
    """Run the command line; end with the exit code of the error, and a traceback only with ``--debug``."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    load_commands(sys.argv[1:])  # all of them take seconds
    try:
        app()
    except OutreachError as error:
        if debug:
            raise
        err.print(f"[bold red]Error:[/] {escape(error.message)}", highlight=False)
        if error.next_step:
            err.print(f"[bold]Next:[/] {escape(error.next_step)}", highlight=False)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            sys.exit(0)  # the reader of a long output has seen enough
        raise
