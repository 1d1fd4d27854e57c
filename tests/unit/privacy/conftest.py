"""Ann in every store, beside people who are easily taken for her."""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.inbox.bodies import read_body
from pipelines.inbox.events import InboxEvent, append
from pipelines.inbox.smartlead import webhook_event
from pipelines.operations import outbox
from pipelines.publish import publish
from pipelines.store import open_store, writing
from pipelines.store_tables import accepted_matches, clay_lookups, clay_submissions
from pipelines.writeback import ledger
from pipelines.writeback.chain import Entry

PROJECT = Path(__file__).parents[3]
ANN = "ann.lee@lead.example"
MEMBER, LEAD = "00vIc0aaaaaaaaAIAQ", "00QIc0aaaaaaaaAMAQ"
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
OTHERS = """
insert into raw_salesforce_core.leads (Id, LastName, Email, IsDeleted) values
    ('00QCo0aaaaaaaacAAA', 'Lee', ' ANN.LEE@LEAD.EXAMPLE ', false),
    ('00QCo0aaaaaaaadAAA', 'News', 'ann.lee+news@lead.example', false),
    ('00QCo0aaaaaaaaeAAA', 'Joann', 'joann.lee@lead.example', false);
insert into raw_smartlead.messages (message_id, campaign_id, lead_id, type, lead_email, subject, body_preview) values
    ('<bob@lead.example>', 2710101, 77, 'REPLY', 'bob@lead.example', 'Re: Hi', 'Ask Ann.Lee@lead.example, not me.');
create schema marts;
create schema intermediate;
create table intermediate.int_operations__as_of as select timestamp '2026-09-01 06:00:00' as as_of_at;
create view intermediate.people as select * from raw_salesforce_icare.leads;
"""
MARTS = """
create or replace table marts.fct_people as
select 'icare' as org, Id as lead_id, Email as email from raw_salesforce_icare.leads
union all select 'core', Id, Email from raw_salesforce_core.leads;
"""


def webhook(message: str, **more: object) -> InboxEvent:
    payload = {
        "event_type": "EMAIL_REPLY",
        "campaign_id": 2710101,
        "sl_lead_email": ANN,
        "time_replied": "2026-07-20T10:00:00Z",
        "reply_message": {"message_id": message, "text": "Yes, says Ann."},
    }
    return webhook_event(read_body(json.dumps(payload | more).encode()), "secret")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a warehouse, a store, published marts and files."""
    directory = tmp_path_factory.mktemp("ann")
    settings = Settings(data_dir=directory, project_dir=PROJECT, user="dora")
    _warehouse(settings)
    for build in ("first", "second"):
        publish(settings, build)
    fill_store(settings)
    _files(directory)
    return directory


@pytest.fixture
def settings(template: Path, tmp_path: Path) -> Settings:
    shutil.copytree(template, tmp_path / "data")
    return Settings(data_dir=tmp_path / "data", project_dir=PROJECT, user="dora")


@pytest.fixture
def rebuild(settings: Settings) -> Callable[[], object]:
    """What outreach build does, without dbt: the marts anew from the raw tables, and published."""
    numbers = itertools.count()

    def build() -> object:
        with duckdb.connect(str(settings.warehouse_path)) as warehouse:
            warehouse.execute(MARTS)
        return publish(settings, f"third{next(numbers)}")

    return build


def _warehouse(settings: Settings) -> None:
    spec = importlib.util.spec_from_file_location("raw_warehouse", PROJECT / "tests" / "fixtures" / "raw_warehouse.py")
    assert spec
    assert spec.loader
    fixture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixture)
    fixture.create_raw_warehouse(settings.warehouse_path, PROJECT)
    fixture.insert_story(settings.warehouse_path)
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute(OTHERS + MARTS)
        tables = warehouse.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for table in (f"{schema}.{name}" for schema, name in tables):
            if warehouse.execute(f"select count(*) from {table}").fetchall() == [(0,)]:
                warehouse.execute(f"drop table {table}")


def fill_store(settings: Settings) -> None:
    """Put Ann into every table of the store."""
    engine = open_store(settings)
    of_bob = {"sl_lead_email": "bob@lead.example", "reply_message": {"message_id": "<b@lead.example>", "text": "No."}}
    bob = webhook("", **of_bob, cc_emails=[ANN.upper()])
    broken = InboxEvent("smartlead", "webhook", "broken", None, f'{{"email": "{ANN}"', "not valid JSON")
    callback = json.dumps({"table_id": "t_icare_1", "row_id": "r1", "CampaignMemberId": MEMBER[:15]})
    append(engine, [webhook("<r1@lead.example>"), bob, broken, InboxEvent("clay", "callback", "c", "x", callback)])
    submission = {"org": "icare", "campaign_id": "701Ic0aaaaaaaaAIAQ", "campaign_member_id": MEMBER, "lead_id": LEAD}
    submission |= {"table_id": "t_icare_1", "payload_hash": "h", "status": "accepted", "intent_at": NOON}
    match = {"event_source": "smartlead_reply", "event_key": "k", "action": "accept", "email": ANN, "decided_at": NOON}
    with writing(engine) as connection:
        connection.execute(clay_submissions.insert().values(submission))
        looked_up = {"status": "found", "credits": 1, "is_price_named": False, "asked_at": NOON}
        of_acme = {"subject": "company", "lookup_key": "acme.example", "answer": json.dumps({"contact": ANN})}
        of_ann = {"subject": "person", "lookup_key": ANN, "answer": json.dumps({"person": {"name": "Ann Lee sells"}})}
        connection.execute(clay_lookups.insert(), [looked_up | of_ann, looked_up | of_acme])
        connection.execute(accepted_matches.insert().values(match | {"decided_by": "k", "why": "y"}))
        link = f"https://icare.example/{LEAD}"
        outbox.intend(connection, f"positive reply icare {MEMBER}", [("email", "rep@icare.example")], "A reply", link)
    entry = SimpleNamespace(run_id="r", plan_id="p", object="Lead", build_id="b")
    same = vars(entry) | {"policy": "only_if_blank", "reason": "enriched", "approval_id": "a", "recorded_at": NOON}
    texts = {"before_value": None, "after_value": "Ann Lee sells pumps", "current_value": None, "evidence": "clay row"}
    writes = [("intent", None, None), ("outcome", "applied", f"done for {ANN}")]
    ledger.append(
        engine,
        [
            Entry(
                **same | texts,
                entry_type=kind,
                change_id=f"{org}|{key}|description",
                field="company_description__c",
                outcome=outcome,
                detail=detail,
                org=org,
                record_id=key,
            )
            for org, key in (("icare", LEAD), ("hubspot", ANN))
            for kind, outcome, detail in writes
        ],
    )
    engine.dispose()


def _files(directory: Path) -> None:
    exports = directory / "clay_exports"
    (exports / "archive").mkdir(parents=True)
    (exports / "quarantine").mkdir()
    rows = f"CampaignMemberId,LeadId,note\r\n{MEMBER},{LEAD},Ann\r\n00vIc0aaaaaaaaaIAA,00QIc0aaaaaaaaaMAA,not {ANN}\r\n"
    (exports / "archive" / "t.0123.csv").write_bytes(rows.encode())
    (exports / "quarantine" / "q.0123.csv").write_text(f"one cell\n{ANN},two\n")
    (directory / "plans").mkdir()
    (directory / "plans" / "aaaa.json").write_text(json.dumps({"changes": [{"org": "icare", "record_id": LEAD}]}))
    (directory / "plans" / "bbbb.json").write_text(json.dumps({"changes": [{"org": "core", "record_id": LEAD}]}))
