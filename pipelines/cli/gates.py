"""``outreach gate`` and ``outreach confirm``: may a campaign go on, and who says so?"""

from __future__ import annotations

import dataclasses
import getpass
import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.campaign_map import MappedCampaign, read_campaign_map
from pipelines.clay.audience import find_campaign
from pipelines.cli import app
from pipelines.cli.options import AsJson, Campaign, CampaignOrg
from pipelines.config import Settings, load_settings
from pipelines.console import new_table, out
from pipelines.gates import Gate, Purpose, confirm_gate, number, read_gates, require_gates
from pipelines.runs import recorded_run
from pipelines.store import open_store

STYLES = {"pass": "green", "fail": "bold red", "unknown": "yellow"}


@app.command()
def gate(
    campaign: Campaign,
    org: CampaignOrg = None,
    before: Annotated[Purpose, typer.Option(help="What the campaign wants to do next.")] = Purpose.EXPORT,
    as_json: AsJson = False,
) -> None:
    """Show every gate of a campaign; exit code 0 only if all that are required pass, otherwise 9.

    The figures are those of the last published build; confirmations count at once.
    """
    settings = load_settings()
    found = _find(settings, campaign, org)
    gates = read_gates(settings, found, before)
    if as_json:
        out.print_json(json.dumps([dataclasses.asdict(one) for one in gates]))
    else:
        out.print(gate_table(gates, f"{found.name} ({found.org}) before {before}", before))
    require_gates(found, gates, before)


@app.command()
def confirm(
    campaign: Campaign,
    gate_name: Annotated[str, typer.Argument(metavar="GATE", help="The gate, as outreach gate names it.")],
    reason: Annotated[str, typer.Option(help="What was checked, and how.")],
    org: CampaignOrg = None,
    by: Annotated[str | None, typer.Option(help="Who confirms; by default the user of this computer.")] = None,
) -> None:
    """Confirm a gate that needs a person, on the figures it shows now.

    It holds for one export, and is void as soon as the figures change. It never turns a fail into a pass.
    """
    settings = load_settings()
    found = _find(settings, campaign, org)
    with recorded_run(open_store(settings), f"confirm {found.name} {gate_name}"):
        confirmed = confirm_gate(settings, found, gate_name, reason=reason, signed_by=by or getpass.getuser())
    out.print(f"{confirmed.gate}: {confirmed.evidence}", highlight=False, markup=False)


def _find(settings: Settings, campaign: str, org: str | None) -> MappedCampaign:
    return find_campaign(read_campaign_map(settings.project_dir), campaign, org)


def gate_table(gates: Sequence[Gate], title: str, purpose: Purpose) -> Table:
    """The gates with their figures; the verdict of one that is not required stands in brackets."""
    table = new_table(title, "verdict", "gate, evidence", "measured", "threshold", numbers={"measured", "threshold"})
    for one in gates:
        verdict = f"[{STYLES[one.verdict]}]{one.verdict}[/]" if one.is_required(purpose) else f"({one.verdict})"
        says = f"[bold]{one.gate}[/]\n{escape(one.evidence)} ({escape(one.owner)})"
        table.add_row(verdict, says, number(one.measured_value), number(one.threshold))
    return table
