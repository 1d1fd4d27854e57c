"""Eighty columns, as a pipe has them: names and figures are whole."""

from rich.console import Console

from pipelines.cli.build import FUNNEL_STAGES, funnel_tables
from pipelines.cli.gates import gate_table
from pipelines.gates import Gate, Purpose


def printed(*tables: object) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(*tables)
    return capture.get()


def test_the_funnel_of_five_campaigns_shows_every_figure() -> None:
    counts = {f"members_{stage}": 1_234_567 for stage in FUNNEL_STAGES}
    funnel = [{"org": "icare", "campaign_name": f"AI Outreach Benelux Q{n}"} | counts for n in range(5)]
    shown = printed(*funnel_tables(funnel, "Funnel", width=80))
    assert shown.count("1,234,567") == 5 * len(FUNNEL_STAGES)
    assert "…" not in shown


def test_a_gate_can_be_copied_from_its_line() -> None:
    gate = Gate(
        gate="customer_partner_flags_audited",
        verdict="unknown",
        measured_value=0.98765,
        threshold=0.95,
        owner="MARCOM Operations",
        evidence="1,234 of 2,000 members have flags that nobody has looked at, " * 3,
        is_required_before_export=True,
        is_required_before_launch=True,
        sign_off_by="CRM Admin",
    )
    shown = printed(gate_table([gate], "AI Outreach", Purpose.EXPORT))
    assert gate.gate in shown
    assert "…" not in shown
