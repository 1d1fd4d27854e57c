"""Each period of seeds/retention.csv removes what is older, nothing that is younger, and never the ledger."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import DataError, LockedError, StoreError
from pipelines.privacy.expired_texts import APOSTROPHES, expired, phrases_of
from pipelines.privacy.retention import WAYS, Due, enforce, read_periods
from pipelines.publish import published_version
from pipelines.runs import recorded_run
from pipelines.store import open_store, reading, writing
from pipelines.store_tables import clay_lookups, inbox_events, run_steps, runs
from pipelines.writeback import ledger

from .conftest import NOON, PROJECT

LATER = NOON + timedelta(days=5_000)
MONTHS = timedelta(days=60)


def apply(settings: Settings, what: str, before: datetime) -> int:
    counted = WAYS[what](Due(settings, before, apply=False))
    assert WAYS[what](Due(settings, before, apply=True)) == counted
    assert WAYS[what](Due(settings, before, apply=True)) == 0
    return counted


def test_inbox_events_keep_their_key_only(settings: Settings) -> None:
    engine = open_store(settings)
    with writing(engine) as connection:
        connection.execute(inbox_events.update().values(received_at=NOON))
        young = inbox_events.c.event_id == 1
        connection.execute(inbox_events.update().where(young).values(received_at=NOON + MONTHS))
        connection.execute(inbox_events.update().where(inbox_events.c.event_id == 2).values(channel="poll"))
    assert apply(settings, "inbox_events", NOON + timedelta(days=1)) == 2
    with reading(engine) as connection:
        rows = connection.execute(sa.select(inbox_events).order_by(inbox_events.c.event_id)).all()
    assert [row.body == "{}" for row in rows] == [False, False, True, True]
    assert all(row.dedupe_key for row in rows)


def test_of_replies_only_what_a_rule_recognises_is_left(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("update raw_smartlead.messages set message_time = ? where type = 'REPLY'", [NOON])
        bob = "update raw_smartlead.messages set body_preview = ? where message_id = '<bob@lead.example>'"
        warehouse.execute(bob, ["Dear Sir, I am out of the office until Monday."])
    assert apply(settings, "reply_texts", NOON) == 1  # the webhook is older than its message
    assert apply(settings, "reply_texts", NOON + MONTHS) == 2
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        texts = "select body_preview from raw_smartlead.messages where type = 'REPLY' order by message_id"
        assert warehouse.execute(texts).fetchall() == [
            ("[expired] out of the office I am out of the office",),
            ("[expired]",),
        ]
        event = "select payload from raw_smartlead.webhook_events where event_id = 1"
        ((payload,),) = warehouse.execute(event).fetchall()
    assert json.loads(payload)["reply_message"] == {"message_id": "<r1@lead.example>", "text": "[expired]"}


@pytest.mark.parametrize("name", ["automatic_reply_rules", "bounce_rules"])
def test_what_is_left_is_recognised_by_the_same_rule(name: str) -> None:
    phrases = phrases_of(PROJECT)
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    own = phrases_of(PROJECT)[-len(rows) :] if name == "bounce_rules" else phrases[: len(rows)]
    for row, rule in zip(rows, own, strict=True):
        before = {one.pattern for one in phrases if one.search(row["example"].translate(APOSTROPHES))}
        assert rule.pattern in before
        assert before <= {one.pattern for one in phrases if one.search(expired(f"Ann: {row['example']}", phrases))}


def test_records_set_aside_go(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        columns = "(record_hash text, payload text, read_at timestamptz)"
        warehouse.execute(f"create or replace table raw_smartlead.set_aside_records {columns}")
        rows = [["old", NOON], ["young", NOON + MONTHS]]
        warehouse.executemany("insert into raw_smartlead.set_aside_records values (?, '{}', ?)", rows)
    assert apply(settings, "set_aside_records", NOON + timedelta(days=1)) == 1


def test_old_lookups_go_from_the_store_and_the_warehouse(settings: Settings) -> None:
    engine = open_store(settings)
    with writing(engine) as connection:
        company = clay_lookups.c.subject == "company"
        connection.execute(clay_lookups.update().where(company).values(asked_at=NOON + MONTHS))
    assert apply(settings, "clay_lookups", NOON + timedelta(days=1)) == 1
    with reading(engine) as connection:
        assert connection.scalars(sa.select(clay_lookups.c.lookup_key)).all() == ["acme.example"]
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        assert warehouse.execute("select count(*) from raw_clay.lookups").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("what", "folder", "kept"),
    [
        ("published_versions", "published", {"current.json", "marts_second.duckdb"}),
        ("plans", "plans", set()),
        ("clay_export_files", "clay_exports/archive", set()),
    ],
)
def test_old_files_go_but_never_what_is_in_force(settings: Settings, what: str, folder: str, kept: set[str]) -> None:
    directory = settings.data_dir / folder
    for file in directory.iterdir():
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    young = directory / ("marts_young.duckdb" if what == "published_versions" else "young.json")
    young.touch()
    assert apply(settings, what, NOON + timedelta(days=1)) > 0
    assert {file.name for file in directory.iterdir()} == kept | {young.name}
    assert published_version(settings).build_id == "second"


def test_a_warehouse_that_somebody_has_open_is_named(settings: Settings) -> None:
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(settings.warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as analyst:
        assert analyst.stdout is not None
        analyst.stdout.readline()
        with pytest.raises(LockedError, match=r"warehouse\.duckdb is open in another process"):
            enforce(settings, apply=False, now=LATER)
        analyst.kill()


def test_a_file_that_cannot_be_removed_is_named(settings: Settings) -> None:
    (settings.plans_dir / "cccc.json").mkdir()  # nobody can unlink a directory, not even root
    with pytest.raises(StoreError, match=r"cccc\.json cannot be used: "):
        WAYS["plans"](Due(settings, LATER, apply=True))


def test_old_runs_go(settings: Settings) -> None:
    engine = open_store(settings)
    for command in ("old", "young"):
        with recorded_run(engine, command) as run, writing(engine) as connection:
            connection.execute(run_steps.insert().values(run_id=run.run_id, step="load", started_at=NOON))
    with writing(engine) as connection:
        connection.execute(runs.update().where(runs.c.command == "old").values(ended_at=NOON))
    assert apply(settings, "run_history", NOON + timedelta(days=1)) == 2
    with reading(engine) as connection:
        assert connection.scalars(sa.select(runs.c.command)).all() == ["young"]
        assert connection.scalar(sa.select(sa.func.count()).select_from(run_steps)) == 1


def test_all_periods_are_applied_at_once_and_the_ledger_is_kept(settings: Settings) -> None:
    head = ledger.head(open_store(settings))
    counted = enforce(settings, apply=False, now=LATER)
    assert counted.keys() == {one.what for one in read_periods(PROJECT)} == WAYS.keys()
    assert enforce(settings, apply=True, now=LATER) == counted
    assert not any(enforce(settings, apply=True, now=LATER).values())
    assert ledger.verify(open_store(settings)) == head
    assert "ledger" not in " ".join(WAYS)


def test_a_row_that_nobody_can_apply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "retention.csv").write_text("what,days,reason,owner\nledger,1,x,DPO\n")
    with pytest.raises(DataError, match="ledger"):
        read_periods(tmp_path)
