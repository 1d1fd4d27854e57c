"""``outreach doctor``: is everything as the product needs it?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import typer
from rich.markup import escape

from pipelines.cli import app
from pipelines.cli.options import AsJson, Orgs
from pipelines.config import load_settings
from pipelines.console import new_table, out
from pipelines.doctor.check import Check, Verdict
from pipelines.doctor.machine import check_machine
from pipelines.doctor.salesforce import check_salesforce
from pipelines.doctor.services import check_services
from pipelines.doctor.stores import check_stores
from pipelines.errors import ConfigurationError

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.CANNOT_TELL: "yellow"}

doctor_app = typer.Typer(help="Check what the product depends on; each line passes, fails or cannot tell.")
app.add_typer(doctor_app, name="doctor")


@doctor_app.callback(invoke_without_command=True)
def everything(context: typer.Context, as_json: AsJson = False) -> None:
    """Check everything: this machine, the stores, the services and each org's integration user.

    Exit code 3 if a line fails. What cannot be told does not fail.
    """
    if context.invoked_subcommand is None:
        settings = load_settings()
        parts = (check_machine, check_stores, check_services, check_salesforce)
        _report([check for part in parts for check in part(settings)], as_json=as_json)


@doctor_app.command()
def salesforce(org: Orgs = None, as_json: AsJson = False) -> None:
    """Check each org's integration user: least privilege, the fields of the allowlist, role, GBUs, quota, clock."""
    _report(check_salesforce(load_settings(), org), as_json=as_json)


def _report(checks: Sequence[Check], *, as_json: bool) -> None:
    """Show the checks and end with exit code 3 when one failed.

    Raises:
        ConfigurationError: a check failed.
    """
    if as_json:
        out.print_json(json.dumps([dataclasses.asdict(check) for check in checks]))
    else:
        _show(checks)
    if count := sum(check.verdict is Verdict.FAIL for check in checks):
        raise ConfigurationError(
            f"{count} of {len(checks)} checks failed.", next_step="Change what the failed lines say, then check again."
        )


def _show(checks: Sequence[Check]) -> None:
    for subject in dict.fromkeys(check.subject for check in checks):
        table = new_table(subject, "", "should be so", "found, and what to change")
        table.columns[0].no_wrap = True
        for check in checks:
            if check.subject == subject:
                found = check.found + (f"\n→ {check.next_step}" if check.next_step else "")
                table.add_row(f"[{STYLES[check.verdict]}]{check.verdict}[/]", check.requirement, escape(found))
        out.print(table)
