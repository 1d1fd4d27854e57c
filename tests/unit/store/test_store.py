"""The operational store on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import ConfigurationError, ServiceError, StoreError
from pipelines.runs import recorded_run
from pipelines.store import open_store, reading, writing
from pipelines.store_tables import SCHEMA_VERSION, inbox_events, ledger_entries, metadata, runs, store_meta

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def settings(url: str) -> Settings:
    return Settings(store_url=url)


def event(key: str) -> dict[str, object]:
    return {"source": "clay", "channel": "callback", "dedupe_key": key, "received_at": NOON, "body": "{}"}


def test_creates_every_table_once_and_opens_again(store_url: str) -> None:
    first = open_store(settings(store_url))
    with writing(first) as connection:
        connection.execute(inbox_events.insert().values(event("a")))
    with reading(open_store(settings(store_url))) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(inbox_events)) == 1
        assert connection.scalars(sa.select(store_meta.c.schema_version)).all() == [SCHEMA_VERSION]
        assert set(sa.inspect(connection).get_table_names()) == set(metadata.tables)


def test_many_processes_may_create_it_at_the_same_time(store_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        engines = list(pool.map(lambda _: open_store(settings(store_url)), range(6)))
    with reading(engines[0]) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(store_meta)) == 1


def test_times_keep_their_zone(store_url: str) -> None:
    engine = open_store(settings(store_url))
    berlin = datetime(2026, 9, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    with writing(engine) as connection:
        connection.execute(inbox_events.insert().values(event("a") | {"received_at": berlin}))
    with reading(engine) as connection:
        received = connection.scalar(sa.select(inbox_events.c.received_at))
    assert received == NOON
    assert received.tzinfo is UTC


def test_an_id_is_never_given_twice(store_url: str) -> None:
    engine = open_store(settings(store_url))
    with writing(engine) as connection:
        connection.execute(inbox_events.insert().values(event("a")))
        connection.execute(inbox_events.delete())
        connection.execute(inbox_events.insert().values(event("b")))
        assert connection.scalar(sa.select(inbox_events.c.event_id)) == 2


def test_readers_see_one_state_and_do_not_hold_up_a_writer(store_url: str) -> None:
    engine = open_store(settings(store_url))
    with reading(engine) as reader:
        assert reader.scalar(sa.select(sa.func.count()).select_from(inbox_events)) == 0
        writer = threading.Thread(target=_append, args=(engine,))
        writer.start()
        writer.join(5)
        assert not writer.is_alive()
        assert reader.scalar(sa.select(sa.func.count()).select_from(inbox_events)) == 0


def test_a_newer_store_is_refused(store_url: str) -> None:
    engine = open_store(settings(store_url))
    with writing(engine) as connection:
        connection.execute(store_meta.update().values(schema_version=SCHEMA_VERSION + 1))
    with pytest.raises(StoreError, match="newer") as caught:
        open_store(settings(store_url))
    assert caught.value.next_step


def test_an_older_store_is_migrated(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(settings(store_url))
    steps = {SCHEMA_VERSION: lambda connection: connection.execute(sa.text("create table added (x integer)"))}
    monkeypatch.setattr("pipelines.store.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr("pipelines.store.MIGRATIONS", steps)
    with reading(open_store(settings(store_url))) as connection:
        assert connection.scalar(sa.select(store_meta.c.schema_version)) == SCHEMA_VERSION + 1
        assert sa.inspect(connection).has_table("added")


CHANGE_INDEX = "ledger_entries_of_a_change"
FIRST_LEDGER = """
create table ledger_entries (
    entry_id {key}, run_id text not null, plan_id text not null,
    entry_type text not null check (entry_type in ('intent', 'outcome')),
    change_id text not null, org text not null, object text not null, record_id text not null, field text not null,
    policy text not null, before_value text, after_value text, current_value text, outcome text, detail text,
    reason text not null, evidence text not null, approval_id text, build_id text not null,
    recorded_at {time} not null, previous_hash text not null, entry_hash text not null)
"""
FIRST_TYPES = {
    "sqlite": {"key": "integer not null primary key autoincrement", "time": "datetime"},
    "postgresql": {"key": "bigserial primary key", "time": "timestamptz"},
}


def test_a_ledger_of_the_first_version_is_taken_over_whole(store_url: str) -> None:
    engine = open_store(settings(store_url))
    entry = dict.fromkeys(set(ledger_entries.columns.keys()) - {"entry_id", "actor"}, "x")
    entry |= {"entry_type": "intent", "recorded_at": NOON}
    with writing(engine) as connection:
        connection.exec_driver_sql("alter table clay_submissions drop column times_sent")
        connection.exec_driver_sql("alter table inbox_events drop column erased_at")
        ledger_entries.drop(connection)
        connection.exec_driver_sql(FIRST_LEDGER.format(**FIRST_TYPES[connection.dialect.name]))
        connection.execute(ledger_entries.insert(), [entry, entry, entry])
        connection.execute(ledger_entries.delete().where(ledger_entries.c.entry_id == 3))
        connection.execute(store_meta.update().values(schema_version=1))
    migrated = open_store(settings(store_url))
    with writing(migrated) as connection:
        tables = set(sa.inspect(connection).get_table_names())
        assert tables >= {"accepted_matches", "sign_offs"}
        assert [one["name"] for one in sa.inspect(connection).get_indexes("ledger_entries")] == [CHANGE_INDEX]
        connection.execute(ledger_entries.insert(), [entry | {"entry_type": "plan", "actor": "ada"}])
        rows = connection.execute(sa.select(ledger_entries).order_by(ledger_entries.c.entry_id)).mappings().all()
    assert [(row["entry_id"], row["entry_type"], row["actor"]) for row in rows] == [
        (1, "intent", None),
        (2, "intent", None),
        (4, "plan", "ada"),  # an id is never given twice
    ]
    assert dict(rows[0]) == entry | {"entry_id": 1, "actor": None}


@pytest.mark.parametrize("content", [b"this is not a database at all" * 50, None])
def test_a_corrupt_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "store.sqlite"
    if content is None:
        open_store(settings(f"sqlite:///{path}")).dispose()
        content = b"SQLite format 3\x00" + b"\xff" * 200 + path.read_bytes()[216:]
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_store(settings(f"sqlite:///{path}"))
    assert "backup" in str(caught.value.next_step)
    assert path.read_bytes() == content


def test_a_read_only_store_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(settings(f"sqlite:///{path}")).dispose()
    with pytest.raises(StoreError, match=r"readonly|read-only") as caught:
        _append(open_store(settings(f"sqlite:///file:{path}?mode=ro&uri=true")))
    assert "permission" in str(caught.value.next_step)


def test_a_full_disk_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    engine = open_store(settings(f"sqlite:///{tmp_path / 'store.sqlite'}"))

    @sa.event.listens_for(engine, "checkout")
    def small_disk(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("pragma max_page_count = 40")

    with writing(engine) as connection:
        connection.execute(inbox_events.insert().values(event("kept")))
    with pytest.raises(StoreError, match="full") as caught, writing(engine) as connection:
        connection.execute(inbox_events.insert().values(event("lost") | {"body": "x" * 1_000_000}))
    assert "Free disk space" in str(caught.value.next_step)
    with reading(engine) as connection:
        assert connection.scalars(sa.select(inbox_events.c.dedupe_key)).all() == ["kept"]


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="Cannot create a directory"):
        open_store(settings(f"sqlite:///{tmp_path / 'file' / 'store.sqlite'}"))


def test_an_unreachable_server_is_a_clear_error_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_store(settings(f"postgresql://someone:hunter2@/outreach?host={tmp_path}"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "oracle+nonsense://x"])
def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises((ConfigurationError, StoreError)) as caught:
        open_store(settings(url))
    assert caught.value.exit_code == 3


def test_a_run_keeps_its_end_and_its_summary(store_url: str) -> None:
    engine = open_store(settings(store_url))
    with recorded_run(engine, "load clay") as run:
        run.summary["rows"] = 3
    with pytest.raises(ServiceError), recorded_run(engine, "load smartlead"):
        raise ServiceError("Smartlead cannot be reached.")
    with pytest.raises(KeyboardInterrupt), recorded_run(engine, "load all"):
        raise KeyboardInterrupt
    with reading(engine) as connection:
        rows = connection.execute(sa.select(runs.c.command, runs.c.exit_code, runs.c.summary)).all()
        assert sorted(map(tuple, rows)) == [
            ("load all", 130, None),
            ("load clay", 0, '{"rows": 3}'),
            ("load smartlead", 4, None),
        ]


def _append(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(inbox_events.insert().values(event("from a thread")))
