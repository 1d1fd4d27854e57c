"""``outreach sandbox``: a simulated Salesforce (two orgs), Smartlead and Clay on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.config import Settings, load_settings
from pipelines.console import err, new_table, out, progress
from pipelines.errors import ConfigurationError
from sandbox import control
from sandbox.connections import connections
from sandbox.description import STATE_FILE, Sandbox, World, load, parse_today

sandbox_app = typer.Typer(no_args_is_help=True, help="Run a simulated Salesforce, Smartlead and Clay on this machine.")
app.add_typer(sandbox_app, name="sandbox")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts: one object per line.")]
DEFAULT_RECEIVER_URL = "http://127.0.0.1:8787"


@sandbox_app.command()
def up(
    leads: Annotated[int | None, typer.Option(min=200, help="Leads in both orgs together (default 2000).")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed and size give the same world (default 7).")] = None,
    today: Annotated[str | None, typer.Option(help="The day the world starts on (default 2026-09-01).")] = None,
    receiver_url: Annotated[str, typer.Option(help="Where webhooks and callbacks are sent.")] = DEFAULT_RECEIVER_URL,
    requests_per_minute: Annotated[int, typer.Option(min=12, help="Smartlead's rate limit.")] = 60,
    tls: Annotated[
        bool, typer.Option("--tls", help="Let Salesforce answer under its own host names too, through a proxy.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start the services, and generate their world first if there is none yet.

    A world keeps its state between [bold]down[/] and [bold]up[/]. To start another one, end it with
    [bold]down --purge[/].
    """
    settings = load_settings()
    directory = sandbox_directory(settings)
    if (directory / STATE_FILE).exists():
        sandbox = load(directory)
        _refuse_another_world(sandbox, leads, seed, today)
    else:
        world = World(leads or World.leads, World.seed if seed is None else seed, parse_today(today or "2026-09-01"))
        with progress() as display:
            display.add_task(f"Generating a world of {world.leads:,} leads", total=None)
            sandbox = control.create(
                directory, world, receiver_url=receiver_url, requests_per_minute=requests_per_minute
            )
    if tls:
        control.offer_tls(sandbox)
    with progress() as display:
        display.add_task("Starting the services", total=None)
        control.start(sandbox)
    _show_connections(sandbox, as_json=as_json)


@sandbox_app.command()
def advance(days: Annotated[int, typer.Option(min=1, help="How many days pass.")] = 1, as_json: AsJson = False) -> None:
    """Let days pass: enrichment, sends, replies, bounces, and people at work in Salesforce."""
    sandbox = load(sandbox_directory(load_settings()))
    with progress() as display:
        task = display.add_task("Days", total=days)
        for _ in range(days):
            control.advance(sandbox)
            display.advance(task)
    _show_status(sandbox, as_json=as_json)


@sandbox_app.command()
def truth(
    out_directory: Annotated[Path, typer.Option("--out", help="Directory for the parquet files.")],
    as_json: AsJson = False,
) -> None:
    """Export what the simulator knows, to compare the warehouse with."""
    for file in control.export_truth(load(sandbox_directory(load_settings())), out_directory):
        out.print(json.dumps({"file": str(file)}) if as_json else str(file), soft_wrap=True, highlight=False)


@sandbox_app.command()
def status(as_json: AsJson = False) -> None:
    """Show what each service is doing and what day it is in the world."""
    _show_status(load(sandbox_directory(load_settings())), as_json=as_json)


@sandbox_app.command()
def down(
    purge: Annotated[bool, typer.Option("--purge", help="Delete the world as well.")] = False,
) -> None:
    """Stop the services. Their world stays for the next [bold]up[/], unless [bold]--purge[/] is given."""
    sandbox = load(sandbox_directory(load_settings()))
    control.stop(sandbox)
    if purge:
        control.purge(sandbox)
    err.print("The sandbox is stopped" + (" and its world deleted." if purge else "; its world is kept."))


def sandbox_directory(settings: Settings) -> Path:
    """Where the sandbox's state lives."""
    return settings.data_dir / "sandbox"


def _refuse_another_world(sandbox: Sandbox, leads: int | None, seed: int | None, today: str | None) -> None:
    wanted = {"leads": leads, "seed": seed, "today": parse_today(today) if today else None}
    for name, value in wanted.items():
        present = getattr(sandbox.world, name)
        if value is not None and value != present:
            raise ConfigurationError(
                f"The sandbox in {sandbox.directory} has another world: {name} is {present}, not {value}.",
                next_step="Run outreach sandbox down --purge first, or leave the option out.",
            )


def _show_connections(sandbox: Sandbox, *, as_json: bool) -> None:
    entries = connections(sandbox)
    if as_json:
        for entry in entries:
            out.print(json.dumps(entry), soft_wrap=True, highlight=False, markup=False)
        return
    table = new_table("Sandbox", "service", "org", "url", "credentials")
    for entry in entries:
        rest = {k: v for k, v in entry.items() if k not in {"service", "org", "url"}}
        table.add_row(
            entry["service"], entry.get("org", ""), entry["url"], "\n".join(f"{k} {v}" for k, v in rest.items())
        )
    out.print(table)
    out.print("To use them in this shell:", highlight=False)
    out.print(f"  export OUTREACH_SECRETS_FILE={sandbox.secrets_file.resolve()}", soft_wrap=True, highlight=False)


def _show_status(sandbox: Sandbox, *, as_json: bool) -> None:
    services = control.status(sandbox)
    if as_json:
        for service, state in services.items():
            out.print(json.dumps({"service": service, **state}), soft_wrap=True, highlight=False, markup=False)
        return
    table = new_table("Sandbox", "service", "running", "state")
    for service, state in services.items():
        rest = {k: v for k, v in state.items() if k != "is_running"}
        table.add_row(service, "yes" if state["is_running"] else "no", json.dumps(rest) if rest else "")
    out.print(table)
