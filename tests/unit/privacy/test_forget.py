"""Erasing somebody: gone from every byte, whole otherwise, whatever happens in between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import duckdb
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines.campaign_map import MappedCampaign, read_campaign_map
from pipelines.clay.submissions import Submissions
from pipelines.cli import app
from pipelines.config import Settings
from pipelines.errors import DataError, LockedError, RefusedError
from pipelines.inbox.events import append
from pipelines.privacy import duckdb_rows, erasure, store_rows
from pipelines.privacy.access import held_about
from pipelines.privacy.erasure import Report, erase, preview
from pipelines.privacy.mentions import Mentions
from pipelines.privacy.person import find_person
from pipelines.privacy.suppression import key_file
from pipelines.publish import open_published
from pipelines.raw_parquet import land_parquet
from pipelines.raw_pointer import landed_tables
from pipelines.store import open_store, reading, writing
from pipelines.store_locks import lock_inbox
from pipelines.store_tables import clay_lookups, clay_submissions, erasures, inbox_events, ledger_entries
from pipelines.writeback import ledger
from pipelines.writeback.apply import push_lock

from .conftest import ANN, LEAD, MEMBER, fill_store, webhook

Rebuild = Callable[[], object]


def forget(settings: Settings, rebuild: Rebuild, email: str | None = "Ann.LEE@lead.example") -> Report:
    person = find_person(settings, email=email)
    return erase(settings, person, by="dora", rebuild=rebuild, wait_seconds=0)


def places_with(settings: Settings, *texts: str) -> set[str]:
    """The files of the data directory in whose bytes one of the texts stands, in whatever case."""
    files = [file for file in settings.data_dir.rglob("*") if file.is_file()]
    return {
        file.name
        for file in files
        for text in texts
        if text.lower().encode() in file.read_bytes().lower().replace(b"joann.lee@", b"").replace(b"ann.lee+news@", b"")
    }


def leads(settings: Settings, org: str) -> list[str]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        return [name for (name,) in warehouse.execute(f"select LastName from raw_salesforce_{org}.leads").fetchall()]


def test_no_byte_of_them_is_left_and_nobody_else_is_missing(settings: Settings, rebuild: Rebuild) -> None:
    settings.raw_url = str(settings.data_dir / "raw")
    land_parquet(settings)
    before = places_with(settings, ANN)
    assert any(name.endswith(".parquet") for name in before)
    assert {"warehouse.duckdb", "marts_first.duckdb", "marts_second.duckdb", "t.0123.csv", "q.0123.csv"} <= before
    assert any(name.startswith("operational_store.sqlite") for name in before)
    report = forget(settings, rebuild)
    assert places_with(settings, ANN, "Ann Lee sells", "says Ann") == set()
    assert leads(settings, "icare") == []
    assert leads(settings, "core") == ["Another", "News", "Joann"]  # her id in the other org is another person's
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        bob = "select lead_email, body_preview from raw_smartlead.messages"
        assert warehouse.execute(bob).fetchall() == [("bob@lead.example", "Ask [erased], not me.")]
        assert warehouse.execute("select count(*) from intermediate.people").fetchall() == [(0,)]
    assert [one.rows for one in landed_tables(settings) if one.key == ("raw_salesforce_core", "leads")] == [3]
    with open_published(settings) as marts:
        assert marts.execute("select count(*) from fct_people").fetchall() == [(3,)]
    assert len(list(settings.published_dir.glob("marts_*"))) == 1
    exports = settings.data_dir / "clay_exports"
    assert (exports / "archive" / "t.0123.csv").read_bytes() == (
        b"CampaignMemberId,LeadId,note\r\n00vIc0aaaaaaaaaIAA,00QIc0aaaaaaaaaMAA,not [erased]\r\n"
    )
    assert not list((exports / "quarantine").iterdir())
    assert [file.name for file in (settings.data_dir / "plans").iterdir()] == ["bbbb.json"]
    assert report.addresses == 1
    assert {(task["service"], task["id"]) for task in report.by_hand} >= {
        ("Salesforce icare", LEAD),
        ("Salesforce core", "00QCo0aaaaaaaacAAA"),
        ("Salesforce icare", MEMBER),
        ("Clay", "r1"),
        ("Smartlead", "4155843310"),
        ("HubSpot", ""),
    }


def test_the_store_keeps_what_it_must(settings: Settings, rebuild: Rebuild) -> None:
    engine = open_store(settings)
    whole = ledger.verify(engine)
    forget(settings, rebuild)
    after = ledger.verify(engine, kept_heads=[whole.hash])
    assert (after.entries, after.redacted) == (whole.entries + 4, 4)
    with reading(engine) as connection:
        events = connection.execute(sa.select(inbox_events).order_by(inbox_events.c.event_id)).mappings().all()
        entry = connection.execute(sa.select(ledger_entries).limit(1)).mappings().one()
        submission = connection.execute(sa.select(clay_submissions)).mappings().one()
        lookup = sa.select(clay_lookups.c.lookup_key, clay_lookups.c.credits, clay_lookups.c.answer)
        lookups = connection.execute(lookup.order_by(clay_lookups.c.lookup_id)).all()
        record = connection.execute(sa.select(erasures)).mappings().one()
    assert lookups == [("erased 1", 1, None), ("acme.example", 1, '{"contact": "[erased]"}')]
    assert [(row["body"] == "{}", row["erased_at"] is None) for row in events] == [
        (True, False),
        (False, True),  # Bob's, in which she was copied in
        (True, False),
        (True, False),
    ]
    assert json.loads(events[1]["body"])["cc_emails"] == ["[erased]"]
    assert (entry["record_id"], entry["after_value"], entry["evidence"]) == (LEAD, "[redacted]", "[redacted]")
    assert (submission["campaign_member_id"], submission["times_sent"]) == ("erased 1", 1)
    assert (record["requested_by"], record["by_hand"], record["completed_at"] is None) == ("dora", None, False)
    with writing(engine) as connection:
        connection.execute(sa.update(ledger_entries).where(ledger_entries.c.entry_id == 1).values(detail="x"))
    with pytest.raises(ledger.StoreError, match="Entry 1 was altered"):
        ledger.verify(engine)


def test_they_neither_arrive_again_nor_twice(settings: Settings, rebuild: Rebuild) -> None:
    forget(settings, rebuild)
    engine = open_store(settings)
    bob = webhook("<new@lead.example>", sl_lead_email="bob@lead.example")
    assert append(engine, [webhook("<r1@lead.example>"), webhook("<late@lead.example>"), bob]) == [0, 0, 5]
    assert key_file(settings).stat().st_mode & 0o777 == 0o600
    report = forget(settings, rebuild)
    assert (report.counts, report.erasure_id) == ({}, None)


STEPS: list[tuple[ModuleType, str]] = [
    (erasure, "_begin"),
    (erasure.files, "erase_files"),
    (duckdb_rows, "erase_raw"),
    (duckdb_rows, "rewrite"),
    (store_rows, "forget_free_space"),
    (erasure, "_complete"),
]


@pytest.mark.parametrize(("module", "step"), STEPS, ids=[name for _, name in STEPS])
def test_killed_after_any_step_the_same_command_completes_it(
    settings: Settings, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> None:
    do = getattr(module, step)

    def killed(*arguments: object, **options: object) -> None:
        do(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, step, killed)
        forget(settings, rebuild)
    report = forget(settings, rebuild)
    assert places_with(settings, ANN, "Ann Lee sells") == set()
    with reading(open_store(settings)) as connection:
        rows = connection.execute(sa.select(erasures)).mappings().all()
    assert [row["completed_at"] is not None for row in rows] == [True]
    if step != "_complete":
        assert any(task["id"] == LEAD for task in report.by_hand)


def test_an_open_write_is_settled_first(settings: Settings, rebuild: Rebuild) -> None:
    with writing(engine := open_store(settings)) as connection:
        connection.execute(sa.delete(ledger_entries).where(ledger_entries.c.entry_id == 2))
    assert ledger.open_intents(engine)
    with pytest.raises(RefusedError, match="open"):
        forget(settings, rebuild)
    assert "warehouse.duckdb" in places_with(settings, ANN)


def test_nobody_pushes_until_the_marts_show_them_no_longer(settings: Settings, rebuild: Rebuild) -> None:
    engine = open_store(settings)

    def pushing_meanwhile() -> None:
        with pytest.raises(LockedError, match="held by 'forget'"), push_lock(settings, engine):
            pass
        (settings.plans_dir / "cccc.json").write_text(json.dumps({"record_id": LEAD, "org": "icare"}))
        rebuild()

    with (
        push_lock(settings, engine, "push replies icare"),
        pytest.raises(LockedError, match="held by 'push replies icare'"),
    ):
        forget(settings, rebuild)
    assert not key_file(settings).exists(), "nothing was begun"
    forget(settings, pushing_meanwhile)
    assert [file.name for file in settings.plans_dir.iterdir()] == ["bbbb.json"], "nor is a plan of then left"
    with push_lock(settings, engine):
        pass


def test_what_was_just_sent_to_clay_is_listed_and_nobody_looks_for_it_any_more(
    settings: Settings, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_store(settings)
    look = erasure.preview

    def sent_meanwhile(*arguments: Any) -> Report:
        found = look(*arguments)
        _submit(engine, "t_icare_8")
        return found

    _submit(engine, "t_icare_9")
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "preview", sent_meanwhile)
        report = forget(settings, rebuild)
    assert {(task["id"], task["where"]) for task in report.by_hand if task["service"] == "Clay"} >= {
        (MEMBER, "table t_icare_8"),
        (MEMBER, "table t_icare_9"),
    }
    with reading(engine) as connection:
        rows = connection.execute(sa.select(clay_submissions.c.lead_id, clay_submissions.c.status)).all()
    assert rows == [("", "accepted")] * 3
    campaign = SimpleNamespace(clay_table_id="t_icare_9", org="icare", campaign_id="701Ic0aaaaaaaaAIAQ")
    submissions = Submissions(engine, cast("MappedCampaign", campaign))
    assert (submissions.open_since(), submissions.accepted_at(), submissions.taken()) == ({}, {}, 1)


def _submit(engine: sa.Engine, table_id: str) -> None:
    row = {"org": "icare", "campaign_id": "701Ic0aaaaaaaaAIAQ", "campaign_member_id": MEMBER, "lead_id": LEAD}
    row |= {"table_id": table_id, "payload_hash": "h", "status": "intent", "intent_at": datetime.now(UTC)}
    with writing(engine) as connection:
        connection.execute(clay_submissions.insert().values(row))


def test_a_record_leads_to_the_same_person_and_an_address_is_checked(settings: Settings) -> None:
    by_member = find_person(settings, org="icare", record=MEMBER[:15])
    assert by_member == find_person(settings, email=ANN)
    assert preview(settings, by_member).counts == preview(settings, find_person(settings, email=ANN)).counts
    assert find_person(settings, org="core", record=LEAD).addresses == {"another@core.example"}
    with pytest.raises(DataError):
        find_person(settings, email="ann.lee")
    with pytest.raises(DataError, match="no org 'mars'"):
        find_person(settings, org="mars", record=LEAD)


def test_an_access_request_gets_every_table(settings: Settings) -> None:
    found = held_about(settings, find_person(settings, email=ANN))
    assert found["person"]["addresses"] == [ANN]
    assert {"raw_salesforce_icare.leads", "raw_clay.csv_rows", "marts.fct_people"} <= found["warehouse"].keys()
    assert found["operational_store"].keys() == {
        "accepted_matches",
        "clay_lookups",
        "clay_submissions",
        "inbox_events",
        "ledger_entries",
        "outbox",
    }
    assert found["files"].keys() == {
        "clay_exports/archive/t.0123.csv",
        "clay_exports/quarantine/q.0123.csv",
        "plans/aaaa.json",
    }


def test_without_yes_the_command_only_shows(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(settings.data_dir))
    result = CliRunner().invoke(app, ["forget", "--email", "-", "--json"], input=f"{ANN.upper()}\n")
    assert result.exit_code == 0
    assert ANN not in result.output.lower()
    assert json.loads(result.output)["counts"]["warehouse raw_salesforce_icare.leads"] == 2
    assert not key_file(settings).exists()
    assert "warehouse.duckdb" in places_with(settings, ANN)
    assert isinstance(CliRunner().invoke(app, ["forget"]).exception, DataError)


def test_a_store_on_postgresql_is_treated_alike(settings: Settings, postgres_url: str) -> None:
    on_postgresql = settings.model_copy(update={"store_url": postgres_url})
    fill_store(on_postgresql)
    engine = open_store(on_postgresql)
    person = find_person(settings, email=ANN)
    mentions = Mentions(person, read_campaign_map(settings.project_dir))
    counts = store_rows.erase_rows(engine, person, mentions, by="dora", erasure_id="e")
    others = {"clay_lookups": 2, "clay_submissions": 1, "inbox_events": 4, "outbox": 1, "ledger_entries": 4}
    assert counts == {"accepted_matches": 1} | others
    store_rows.forget_free_space(engine)
    assert not [one for one in store_rows.rows_in(engine, person, mentions) if one.has_texts]
    assert ledger.verify(engine).redacted == 4


def test_an_event_that_is_being_stored_when_an_erasure_begins_is_erased_too(
    settings: Settings, rebuild: Rebuild, postgres_url: str
) -> None:
    settings.store_url = postgres_url
    engine = open_store(settings)
    row = vars(webhook("<late@lead.example>")) | {"received_at": datetime.now(UTC)}
    with ThreadPoolExecutor(1) as pool:
        with writing(engine) as connection:  # as a receiver does it
            lock_inbox(connection)
            connection.execute(inbox_events.insert().values(row))
            erasing = pool.submit(forget, settings, rebuild)
            while not erasing.done() and not _waits_for_lock(engine):
                time.sleep(0.05)
        erasing.result()
    with reading(engine) as connection:
        assert connection.scalars(sa.select(inbox_events.c.body)).all() == ["{}"]


def _waits_for_lock(engine: sa.Engine) -> bool:
    with reading(engine) as connection:
        query = "select count(*) from pg_locks where not granted"
        return bool(connection.exec_driver_sql(query).scalar())
