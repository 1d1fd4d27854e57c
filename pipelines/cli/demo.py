"""``outreach demo``: the whole loop on a simulated world, from one command, checked by the program itself."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.progress import Progress

from pipelines.build import build_and_publish
from pipelines.campaign_map import read_campaign_map
from pipelines.clay.audience import find_campaign, read_audience
from pipelines.clay.export import export_audience
from pipelines.clay.loader import load_clay
from pipelines.cli import app
from pipelines.cli.build import report
from pipelines.cli.plan import show_objections, show_plan
from pipelines.cli.sandbox import sandbox_directory
from pipelines.cli.writeback import show_result
from pipelines.config import DEMO_MARKER, PROJECT_VARIABLE, SECRETS_VARIABLE, Settings, load_settings
from pipelines.console import new_table, out, progress
from pipelines.errors import DataError, RefusedError
from pipelines.gates import Purpose, confirm_gate, read_gates
from pipelines.inbox.receiver import receiver_app
from pipelines.raw_parquet import loading
from pipelines.salesforce.loader import load_salesforce
from pipelines.smartlead.loader import load_smartlead
from pipelines.store import open_store
from pipelines.writeback.apply import push_plan
from pipelines.writeback.connections import readers
from pipelines.writeback.consent import approve, objections_to
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.ledger_source import load_writeback
from pipelines.writeback.plan_files import save_plan
from pipelines.writeback.planning import make_plan
from sandbox import control
from sandbox.agreement import Check, compare, compare_marts
from sandbox.description import STATE_FILE, Sandbox, World, load
from sandbox.world.catalog import AI_CAMPAIGNS, Role

REQUESTS_PER_MINUTE = 1_200  # Smartlead's real 60 would make this a demonstration of waiting


@dataclass
class Steps:
    """The steps of the demo, as they are told and timed."""

    started_at: float = field(default_factory=time.monotonic)
    taken: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str, command: str) -> Iterator[Progress]:
        """One step: what happens, the command that does the same, and how long it took."""
        out.print(f"\n[bold]{len(self.taken) + 1}. {title}[/]  [dim]{command}[/]", highlight=False)
        started_at = time.monotonic()
        with progress() as display:
            yield display
        seconds = time.monotonic() - started_at
        self.taken.append((title, seconds))
        out.print(f"   [dim]{seconds:.1f} s[/]", highlight=False)


@app.command()
def demo(
    leads: Annotated[int, typer.Option(min=200, help="Leads in both orgs together.")] = World.leads,
    seed: Annotated[int, typer.Option(help="The same seed and size give the same world.")] = World.seed,
    days: Annotated[int, typer.Option(min=1, help="Days that pass between export and write-back.")] = 6,
    daily: Annotated[bool, typer.Option("--daily", help="Load, build and write back on each of these days.")] = False,
) -> None:
    """Run the whole loop on a simulated world, and check that Salesforce agrees in the end.

    It starts the sandbox on free ports, loads, builds, exports audiences to Clay, lets days pass, writes back, loads
    again and compares with what the simulation knows. The warehouse stays for you to look at; the services do not.
    """
    settings, receiver_socket = _prepare()
    steps = Steps()
    signal.signal(signal.SIGTERM, _as_interrupt)
    with _sandbox(settings, steps, World(leads, seed), receiver_socket) as sandbox:
        os.environ[SECRETS_VARIABLE] = str(sandbox.secrets_file)
        settings = load_settings()
        with _receiver(settings, receiver_socket):
            _run(settings, sandbox, steps, days, daily=daily)
            disagreements = _check(settings, sandbox, steps)
    out.print()
    report()
    _show_timings(steps)
    _conclude(disagreements)


def _run(settings: Settings, sandbox: Sandbox, steps: Steps, days: int, *, daily: bool) -> None:
    _load(settings, steps, "Load Salesforce, Smartlead and Clay")
    _build(settings, steps, "Build, test and publish the marts")
    _export(settings, steps)
    if daily:
        for _ in range(1, days):
            _pass_days(sandbox, steps, 1)
            _load(settings, steps, "Load what has come back")
            _build(settings, steps, "Build again, with the new events")
            _push(settings, steps)
    _pass_days(sandbox, steps, 1 if daily else days)
    _load(settings, steps, "Load what has come back")
    _build(settings, steps, "Build again, with the new events")
    _push(settings, steps)
    _push_again(settings, steps)
    _load(settings, steps, "Load Salesforce and the ledger again", only_salesforce=True)
    _build(settings, steps, "Build for the last time, to compare")


def _pass_days(sandbox: Sandbox, steps: Steps, days: int) -> None:
    with steps.step(
        f"Let {days} days pass: enrichment, mails, replies, bounces", f"outreach sandbox advance --days {days}"
    ) as display:
        task = display.add_task("Days", total=days)
        for _ in range(days):
            control.advance(sandbox)
            display.advance(task)


def _load(settings: Settings, steps: Steps, title: str, *, only_salesforce: bool = False) -> None:
    command = "outreach load salesforce && outreach load writeback" if only_salesforce else "outreach load all"
    with steps.step(title, command) as display, loading(settings, "demo"):
        loads = load_salesforce(settings, None, display, sweep=True)
        rows: dict[str, Mapping[str, int]] = {f"salesforce {org}": load.rows for org, load in loads.items()}
        if not only_salesforce:
            rows["smartlead"] = load_smartlead(settings, display).rows
            rows["clay"] = load_clay(settings, display)
        rows["writeback"] = load_writeback(settings, display)
    for source, counts in rows.items():
        shown = ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in counts.items() if count)
        out.print(f"   {source}: {shown.removesuffix(', ')}", highlight=False)


def _build(settings: Settings, steps: Steps, title: str) -> None:
    with steps.step(title, "outreach build") as display:
        summary = build_and_publish(settings, display)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(summary.nodes.items()))
    out.print(f"   {counts}; published {summary.version.file.name}", highlight=False)


def _export(settings: Settings, steps: Steps) -> None:
    planned = [one for one in AI_CAMPAIGNS if one.role is not Role.HISTORY]
    with steps.step("Export the audiences that pass their gates to Clay", "outreach export CAMPAIGN") as display:
        for campaign in planned:
            _confirm(settings, campaign.id)
            try:
                summary, problem = export_audience(settings, read_audience(settings, campaign.id, None), display)
            except RefusedError as refusal:
                out.print(f"   {campaign.name}: refused. {refusal.message}", highlight=False)
                continue
            if problem:
                raise problem
            out.print(f"   {campaign.name}: {summary.accepted:,} of {summary.members:,} members sent", highlight=False)


def _confirm(settings: Settings, campaign_id: str) -> None:
    """Confirm what a person has to, where the figures allow it."""
    campaign = find_campaign(read_campaign_map(settings.project_dir), campaign_id, None)
    for gate in read_gates(settings, campaign, Purpose.EXPORT):
        if gate.sign_off_by and gate.is_required_before_export:
            with suppress(RefusedError):
                confirm_gate(settings, campaign, gate.gate, reason="Demo: nobody has looked", signed_by="outreach demo")


def _push(settings: Settings, steps: Steps) -> None:
    engine = open_store(settings)
    plan_it = steps.step(
        "Plan what goes to Salesforce; a second person approves", "outreach plan && outreach approve PLAN"
    )
    with plan_it, readers(settings, None) as org_readers:
        plan = make_plan(settings, read_proposal(settings), org_readers)
        save_plan(settings, plan)
    show_plan(plan, show_all=False)
    show_objections(plan, objections_to(settings, engine, plan))
    second_person = settings.model_copy(update={"user": "the demo's second person"})
    approve(second_person, engine, plan, reason="the first push of a simulated world")
    push_it = steps.step("Push to Salesforce", f"outreach push {plan.short_id}")
    with push_it as display, readers(settings, None) as org_readers:
        plan, result = push_plan(settings, engine, org_readers, kept=plan, display=display)
    show_result(plan, result)
    engine.dispose()


def _push_again(settings: Settings, steps: Steps) -> None:
    engine = open_store(settings)
    push_again = steps.step("Push once more: nothing may change", "outreach push")
    with push_again as display, readers(settings, None) as org_readers:
        plan, result = push_plan(settings, engine, org_readers, display=display)
    show_result(plan, result)
    engine.dispose()
    if plan.changes or result.update_calls:
        raise DataError("The second push found something to write.", next_step="See the plan above.")


def _check(settings: Settings, sandbox: Sandbox, steps: Steps) -> list[Check]:
    truth = sandbox.directory / "truth"
    with steps.step("Compare Salesforce and the marts with the truth", "outreach sandbox truth --out …"):
        control.export_truth(sandbox, truth)
        checks = compare(settings, truth, control.applied_writes(sandbox)) + compare_marts(settings, truth)
    table = new_table(None, "check", "compared", "disagree", numbers={"compared", "disagree"})
    for check in checks:
        disagreeing = f"{check.disagreeing:,}" if check.compared else "nothing to compare"
        table.add_row(check.name, f"{check.compared:,}", disagreeing)
    out.print(table)
    return [check for check in checks if not check.holds]


def _conclude(disagreements: list[Check]) -> None:
    if disagreements:
        names = "; ".join(f"{check.name} ({check.example})" for check in disagreements)
        raise DataError(f"Salesforce does not agree: {names}.", next_step="Compare the marts with the truth files.")
    out.print("\n[bold green]Salesforce agrees with the warehouse and with the truth.[/] The warehouse stays: try")
    out.print("  source .venv/bin/activate && outreach status && outreach dashboard", highlight=False)


def _prepare() -> tuple[Settings, socket.socket]:
    """Use no credentials but the sandbox's, and refuse to touch data that a demo did not make."""
    kept = {"OUTREACH_DATA_DIR", PROJECT_VARIABLE}
    for name in [name for name in os.environ if name.startswith("OUTREACH_") and name not in kept]:
        del os.environ[name]
    os.environ[SECRETS_VARIABLE] = os.devnull
    settings = load_settings()
    if _content(settings.data_dir) and not (settings.data_dir / DEMO_MARKER).exists():
        raise RefusedError(
            f"{settings.data_dir} holds data that the demo has not made.",
            next_step="Set OUTREACH_DATA_DIR to another directory for the demo.",
        )
    # The protocol must be named: asyncio else leaves Nagle's algorithm on, and every answer waits for 40 ms.
    receiver_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    receiver_socket.bind(("127.0.0.1", 0))
    return settings, receiver_socket


@contextmanager
def _sandbox(settings: Settings, steps: Steps, world: World, receiver: socket.socket) -> Iterator[Sandbox]:
    directory = sandbox_directory(settings)
    if (directory / STATE_FILE).exists():
        control.stop(load(directory))
    with steps.step(f"Generate a world of {world.leads:,} leads and start its services", "outreach sandbox up"):
        _remove(settings.data_dir)
        (settings.data_dir / DEMO_MARKER).touch()
        url = f"http://127.0.0.1:{receiver.getsockname()[1]}"
        sandbox = control.create(directory, world, receiver_url=url, requests_per_minute=REQUESTS_PER_MINUTE)
        try:
            control.start(sandbox, exit_with_process=os.getpid())
        except BaseException:
            control.stop(sandbox)
            raise
    try:
        yield sandbox
    finally:
        control.stop(sandbox)


def _content(directory: Path) -> list[Path]:
    """What is in the data directory, but for the file that keeps it in git."""
    return [path for path in directory.iterdir() if path.name != ".gitkeep"] if directory.exists() else []


def _remove(directory: Path) -> None:
    """Remove what an earlier demo has left."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in _content(directory):
        control.remove_tree(path) if path.is_dir() else path.unlink()


@contextmanager
def _receiver(settings: Settings, receiver_socket: socket.socket) -> Iterator[None]:
    """The receiver in a thread of this process, so that it can never outlive the demo."""
    engine = open_store(settings)
    config = uvicorn.Config(receiver_app(engine, settings.require_receiver()), log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [receiver_socket]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
        engine.dispose()


def _show_timings(steps: Steps) -> None:
    table = new_table("Time by step", "", "")
    table.columns[1].justify = "right"
    for title, seconds in steps.taken:
        table.add_row(title, f"{seconds:.1f} s")
    table.add_row("[bold]together[/]", f"[bold]{time.monotonic() - steps.started_at:.1f} s[/]")
    out.print(table)


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
