"""The ledger: append-only, chained, on both databases (R6)."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config import Settings
from pipelines.errors import StoreError
from pipelines.store import open_store, writing
from pipelines.store_tables import ledger_entries
from pipelines.writeback import chain, heads
from pipelines.writeback.chain import GENESIS, Entry, row_hash
from pipelines.writeback.ledger import Head, append, contains, entries, head, open_intents, verify
from pipelines.writeback.policy import Outcome

INTENT = Entry(
    run_id="run",
    plan_id="plan",
    entry_type="intent",
    change_id="icare|Lead|00QIc0aaaaaaaaAMAQ|external_hard_bounced__c",
    org="icare",
    object="Lead",
    record_id="00QIc0aaaaaaaaAMAQ",
    field="external_hard_bounced__c",
    policy="true_only",
    before_value="false",
    after_value="true",
    current_value="false",
    outcome=None,
    detail=None,
    reason="hard bounce",
    evidence="Größe ☃ 'quoted'",
    approval_id=None,
    build_id="build",
    recorded_at=datetime(2026, 9, 1, 6, 0, 0, 123456, tzinfo=UTC),
)
OUTCOME = replace(INTENT, entry_type="outcome", outcome=Outcome.APPLIED)


@pytest.fixture
def engine(store_url: str, tmp_path: Path) -> sa.Engine:
    return open_store(Settings(data_dir=tmp_path, store_url=store_url))


def test_an_untouched_chain_is_whole(engine: sa.Engine) -> None:
    append(engine, [INTENT, OUTCOME])
    append(engine, [replace(INTENT, run_id="next")])
    assert verify(engine).entries == 3
    assert verify(engine) == head(engine)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_hash_is_over_the_json_that_auditors_can_make_themselves(text: str) -> None:
    row = vars(replace(INTENT, evidence=text)) | {"previous_hash": GENESIS}
    content = [value for name, value in row.items() if name not in {"recorded_at", "previous_hash", "actor"}]
    content += [INTENT.recorded_at.isoformat(), GENESIS]
    assert row_hash(row) == hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def test_entries_of_several_statements_are_one_chain(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "ROWS_AT_ONCE", 2)
    append(engine, [replace(INTENT, evidence=str(number)) for number in range(5)])
    assert [row["evidence"] for row in entries(engine)] == ["0", "1", "2", "3", "4"]
    assert verify(engine).entries == 5


def test_an_empty_ledger_is_whole(engine: sa.Engine) -> None:
    assert verify(engine) == head(engine) == Head(0, GENESIS)


@pytest.mark.parametrize(
    "tampering",
    [
        sa.update(ledger_entries).where(ledger_entries.c.entry_id == 2).values(after_value="false"),
        sa.update(ledger_entries)
        .where(ledger_entries.c.entry_id == 2)
        .values(recorded_at=datetime(2026, 9, 2, tzinfo=UTC)),
        sa.delete(ledger_entries).where(ledger_entries.c.entry_id == 2),
        sa.update(ledger_entries).where(ledger_entries.c.entry_id == 2).values(entry_id=99),
    ],
    ids=["altered", "redated", "removed", "reordered"],
)
def test_tampering_shows(engine: sa.Engine, tampering: sa.Executable) -> None:
    append(engine, [INTENT, OUTCOME, replace(INTENT, run_id="next")])
    with writing(engine) as connection:
        connection.execute(tampering)
    with pytest.raises(StoreError, match="chain is broken"):
        verify(engine)


def swap(engine: sa.Engine, one: int, other: int) -> None:
    with writing(engine) as connection:
        for before, after in ((one, -1), (other, one), (-1, other)):
            change = sa.update(ledger_entries).where(ledger_entries.c.entry_id == before)
            connection.execute(change.values(entry_id=after))


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3), (1, 3)])
def test_two_entries_that_changed_places_show(engine: sa.Engine, one: int, other: int) -> None:
    append(engine, [INTENT, OUTCOME, replace(INTENT, run_id="next")])
    swap(engine, one, other)
    with pytest.raises(StoreError, match="removed or reordered"):
        verify(engine)


@pytest.mark.parametrize("column", [column.name for column in ledger_entries.columns if column.name != "entry_id"])
def test_any_column_that_is_altered_shows(engine: sa.Engine, column: str) -> None:
    append(engine, [INTENT, replace(OUTCOME, actor="ada", detail="x", approval_id="y"), INTENT])
    value = datetime(2026, 9, 2, tzinfo=UTC) if column == "recorded_at" else "another"
    with writing(engine) as connection:
        connection.execute(sa.update(ledger_entries).where(ledger_entries.c.entry_id == 2).values({column: value}))
    with pytest.raises(StoreError, match=r"Entry 2 was altered|Entries before [23] were removed"):
        verify(engine)


@pytest.mark.parametrize("kept", [1, 0])
def test_an_end_that_was_cut_off_shows_by_a_kept_head(engine: sa.Engine, kept: int) -> None:
    append(engine, [INTENT])
    noted = [head(engine).hash]
    append(engine, [OUTCOME])
    noted.append(head(engine).hash)
    assert verify(engine, kept_heads=noted).entries == 2
    with writing(engine) as connection:
        connection.execute(sa.delete(ledger_entries).where(ledger_entries.c.entry_id > kept))
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"update sqlite_sequence set seq = {kept}")
    assert verify(engine).entries == kept
    with pytest.raises(StoreError, match=f"Entries after {kept} were removed.*kept head"):
        verify(engine, kept_heads=noted)
    assert contains(engine, noted[1]) is False


def test_sqlite_itself_knows_that_an_end_was_cut_off(tmp_path: Path) -> None:
    engine = open_store(Settings(data_dir=tmp_path))
    append(engine, [INTENT, OUTCOME])
    with writing(engine) as connection:
        connection.execute(sa.delete(ledger_entries).where(ledger_entries.c.entry_id == 2))
    with pytest.raises(StoreError, match="ids up to 2 were given"):
        verify(engine)


def test_a_chain_written_anew_is_another_one(engine: sa.Engine) -> None:
    append(engine, [INTENT, OUTCOME])
    kept = head(engine).hash
    with writing(engine) as connection:
        connection.execute(sa.delete(ledger_entries))
    append(engine, [INTENT, replace(OUTCOME, outcome=Outcome.REJECTED)])
    assert verify(engine).entries == 2
    with pytest.raises(StoreError, match="kept head"):
        verify(engine, kept_heads=[kept])


def test_an_intent_without_outcome_is_open_until_it_has_one(engine: sa.Engine) -> None:
    append(engine, [INTENT])
    assert [row["change_id"] for row in open_intents(engine)] == [INTENT.change_id]
    append(engine, [OUTCOME])
    assert open_intents(engine) == []


def test_an_outcome_of_an_earlier_run_does_not_close_a_later_intent(engine: sa.Engine) -> None:
    append(engine, [INTENT, OUTCOME, replace(INTENT, run_id="next")])
    assert [row["run_id"] for row in open_intents(engine)] == ["next"]


def test_open_intents_are_found_by_an_index(tmp_path: Path) -> None:
    """Each push begins with this question; a ledger of years must not make it wait."""
    engine, asked = open_store(Settings(data_dir=tmp_path)), []
    sa.event.listen(engine, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement))
    open_intents(engine)
    with engine.connect() as connection:
        steps = connection.exec_driver_sql(f"explain query plan {asked[-1]}", ("intent",)).scalars("detail").all()
    assert any("using covering index ledger_entries_of_a_change" in step.lower() for step in steps)
    assert not any(step.lower() == "scan ledger_entries" for step in steps)


@pytest.mark.parametrize("cut_at", [10, 50, 91])
def test_a_head_that_was_cut_by_a_full_disk_is_none_and_hides_none(tmp_path: Path, cut_at: int) -> None:
    settings = Settings(data_dir=tmp_path)
    engine, file = open_store(settings), heads.heads_file(settings)
    append(engine, [INTENT])
    heads.note(settings, engine)
    kept = heads.noted(settings)
    file.write_text(file.read_text() + file.read_text()[:cut_at])
    heads.refuse_rewound(settings, engine)
    append(engine, [OUTCOME])
    heads.note(settings, engine)
    assert heads.noted(settings) == [*kept, head(engine).hash]
