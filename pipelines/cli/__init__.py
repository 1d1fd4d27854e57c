"""The ``outreach`` command: one module per group of commands, all errors shown in one place."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_group

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
    """All commands, in the panels and the order of the help; each is loaded when asked for, as all take seconds."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the help, which shows all commands."""
        self._load(MODULES)
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or nothing."""
        self._load([cmd_name] if cmd_name in MODULES else MODULES)  # of all, one may be suggested
        command: Any = super().get_command(ctx, cmd_name)
        if command is not None:
            command.rich_help_panel = next(panel for panel, names in PANELS.items() if cmd_name in names)
        return command

    def _load(self, names: Iterable[str]) -> None:
        if missing := [name for name in names if name not in self.commands]:
            for name in missing:
                import_module(f"{__name__}.{MODULES[name]}")
            self.commands = get_group(app).commands


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
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            sys.exit(0)  # the reader of a long output has seen enough
        raise
