"""A running Salesforce double, and published marts made by hand, so that they can say anything."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from pipelines.cli import main
from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.config.services import SalesforceOrg
from pipelines.store import open_store, reading
from pipelines.store_tables import ledger_entries
from pipelines.writeback import ledger
from pipelines.writeback.apply import push_plan
from pipelines.writeback.connections import readers
from pipelines.writeback.consent import approve
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Plan
from pipelines.writeback.plan_files import save_plan
from pipelines.writeback.planning import make_plan

DELTA = {
    "object": "Lead",
    "field": "external_hard_bounced__c",
    "before_value": "false",
    "after_value": "true",
    "value_type": "boolean",
    "policy": "true_only",
    "reason": "a mail bounced hard",
    "evidence": "smartlead mail 1",
    "campaign_id": None,
    "approval_id": None,
}


@pytest.fixture
def settings(world, tmp_path: Path) -> Settings:
    orgs = {
        org: SalesforceOrg(login_url=client.url, client_id=f"app-{org}", client_secret=f"secret-{org}")
        for org, client in (("icare", world.icare), ("core", world.core))
    }
    return Settings(data_dir=tmp_path / "data", salesforce=orgs)


@dataclass
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def outreach(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Ended]:
    """Run an ``outreach`` command as somebody; it sees the same settings as the test."""
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(tmp_path / "none.toml"))
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(settings.data_dir))
    for org, connection in settings.salesforce.items():
        for name, value in connection.model_dump(include={"login_url", "client_id"}).items():
            monkeypatch.setenv(f"OUTREACH_SALESFORCE__{org.upper()}__{name.upper()}", value)
        monkeypatch.setenv(f"OUTREACH_SALESFORCE__{org.upper()}__CLIENT_SECRET", f"secret-{org}")

    def run(*arguments: str, user: str = "ada", **environment: str) -> Ended:
        for name, value in {"OUTREACH_USER": user, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["outreach", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        return Ended(int(caught.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def publish(settings: Settings) -> Callable[..., None]:
    """A function that publishes a delta mart with the given rows."""

    def publish_deltas(*deltas: dict[str, Any]) -> None:
        settings.published_dir.mkdir(parents=True, exist_ok=True)
        file = settings.published_dir / f"marts_{len(list(settings.published_dir.glob('*.duckdb')))}.duckdb"
        complete = [DELTA | delta for delta in deltas]
        columns = ["delta_id", "org", "record_id", *DELTA]
        with duckdb.connect(str(file)) as marts:
            marts.execute("create schema marts")
            marts.execute(f"create table marts.fct_writeback_deltas ({', '.join(f'{name} text' for name in columns)})")
            marts.execute("create table marts.fct_writeback_blocked (object text, field text, blocked_reason text)")
            for delta in complete:
                key = f"{delta['org']}|{delta['object']}|{delta['record_id']}|{delta['field']}"
                values = [{"delta_id": key, **delta}[name] for name in columns]
                marts.execute(f"insert into marts.fct_writeback_deltas values ({', '.join('?' * len(values))})", values)
        pointer = {"build_id": "test", "file": file.name, "built_at": "2026-09-01T06:00:00+00:00"}
        pointer["as_of_at"] = pointer["built_at"]
        (settings.published_dir / "current.json").write_text(json.dumps(pointer))

    return publish_deltas


@pytest.fixture
def leads(world) -> list[str]:
    """Ids of iCare leads that can be written."""
    found = world.icare.records(
        "SELECT Id FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false ORDER BY Id LIMIT 5"
    )
    return [one["Id"] for one in found]


@pytest.fixture
def member(world) -> str:
    """An iCare campaign member without a reply."""
    soql = "SELECT Id FROM CampaignMember WHERE Has_Replied__c = false AND ReplyClassification__c = null LIMIT 1"
    return world.icare.records(soql)[0]["Id"]


@pytest.fixture
def pushed(settings: Settings) -> Callable[..., PushResult]:
    """A function that pushes what is published, with a second person's approval and impatient limits, or a plan.

    Whatever happens, every planned change has one outcome, and the ledger is whole and has nothing open, or only what
    a Bulk job still does.
    """

    def push(plan: Plan | None = None, *, still_open: int = 0, **limits: Any) -> PushResult:
        engine = open_store(settings)
        impatient = Push(**{"first_wait_seconds": 0.01, "longest_wait_seconds": 0.02, **limits})
        with readers(settings, None) as org_readers:
            plan = plan or make_plan(settings, read_proposal(settings), org_readers)
            save_plan(settings, plan)
            approve(settings.model_copy(update={"user": "second"}), engine, plan, reason="a test")
            made, result = push_plan(settings, engine, org_readers, kept=plan, limits=impatient)
        assert sum(result.counts().values()) == len(made.changes)
        assert len(ledger.open_intents(engine)) == still_open
        ledger.verify(engine)
        return result

    return push


@pytest.fixture
def written(world) -> Callable[[], list[tuple[str, str, str]]]:
    """A function that gives the double's audit log: (record, field, new value), in order."""
    return lambda: [
        (write["id"], write["field"], write["new"]) for write in world.icare.control("GET", "writes")["writes"]
    ]


@pytest.fixture
def recorded(settings: Settings) -> Callable[[], list[Any]]:
    """A function that gives the ledger's entries, in order."""

    def entries() -> list[Any]:
        with reading(open_store(settings)) as connection:
            return list(connection.execute(sa.select(ledger_entries).order_by(ledger_entries.c.entry_id)).mappings())

    return entries


@pytest.fixture
def many(world, publish) -> Callable[[int], list[str]]:
    """A function that publishes a hard bounce for so many leads and gives their ids."""

    def publish_many(count: int) -> list[str]:
        soql = "SELECT Id FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false ORDER BY Id LIMIT "
        ids = [one["Id"] for one in world.icare.records(f"{soql}{count}")]
        assert len(ids) == count
        publish(*({"org": "icare", "record_id": lead} for lead in ids))
        return ids

    return publish_many
