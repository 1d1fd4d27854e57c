"""The runbook's queues: counted by owner and problem, ready for a ticket, without an address."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.publish import publish

PROJECT = Path(__file__).parents[3]
MARTS = """
create schema marts;
create schema intermediate;
create table intermediate.int_operations__as_of as select timestamp '2026-09-01 06:00:00' as as_of_at;
create table marts.fct_sync_errors as
select * from (values
    ('write-back', 'icare|Lead|00Q1|Industry', 'not_readable', 5.0, 'CRM Admin', 'Give read access'),
    ('write-back', 'hubspot|contacts|ann@lead.example|x', 'not_readable', 9.0, 'CRM Admin', 'Give read access'),
    ('clay callback', '7', 'not understood', 1.0, 'MARCOM Ops', 'Correct the body')
) as one (error_source, error_key, error_type, age_hours, routed_to, next_step);
create table marts.fct_unmatched_events as
select 'smartlead_reply' as event_source, '<r1>' as event_key, 'not_in_roster' as unmatched_reason,
    timestamp '2026-08-31 06:00:00' as occurred_at, null::timestamp as received_at, 'MARCOM Ops' as owner;
create table marts.fct_lead_bounces as
select 'icare' as org, '00Q1' as lead_id, 'only_in_salesforce' as discrepancy, 'pardot_source' as next_check;
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path))
    return Settings(data_dir=tmp_path)


def test_each_owner_gets_their_problems_with_the_oldest_first(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute(MARTS)
    publish(settings, "one")
    rows = json.loads(CliRunner().invoke(app, ["errors", "--format", "json"]).output)
    assert [(row["owner"], row["queue"], row["items"], row["oldest_hours"]) for row in rows] == [
        ("CRM Admin", "write-back", 2, 9.0),
        ("CRM Admin", "hard bounce", 1, None),
        ("MARCOM Ops", "unmatched smartlead_reply", 1, 24.0),
        ("MARCOM Ops", "clay callback", 1, 1.0),
    ]
    ticket = CliRunner().invoke(app, ["errors", "--owner", "crm admin", "--format", "markdown"]).output
    assert ticket == (
        "## CRM Admin\n\n"
        "- [ ] **write-back: not_readable** (2, oldest 9 hours). Give read access.\n"
        "  - `hubspot|contacts|(address)|x`\n"
        "  - `icare|Lead|00Q1|Industry`\n"
        "- [ ] **hard bounce: only_in_salesforce** (1). Check first: pardot_source.\n"
        "  - `icare 00Q1`\n"
    )
    nothing = CliRunner().invoke(app, ["errors", "--owner", "CRM"]).output
    assert " ".join(nothing.split()) == "Nothing waits for CRM, but for CRM Admin, MARCOM Ops."


def test_marts_without_queues_are_told(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute(MARTS + "drop table marts.fct_unmatched_events")
    publish(settings, "one")
    assert isinstance(CliRunner().invoke(app, ["errors"]).exception, DataError)


def test_the_runbook_has_every_routed_error() -> None:
    runbook = (PROJECT / "docs" / "runbook.md").read_text()
    with (PROJECT / "seeds" / "error_routing.csv").open(encoding="utf-8") as lines:
        rules = {row["rule_id"]: row["routed_to"] for row in csv.DictReader(lines)}
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in runbook.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): row[-1] for row in rows if row[0].strip("`") in rules}
    assert told == rules
