"""The ledger: append-only, chained, on both databases (R6)."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import StoreError
from pipelines.store import ledger_entries, open_store, writing
from pipelines.writeback.ledger import Entry, append, open_intents, verify
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
    assert verify(engine) == 3


def test_an_empty_ledger_is_whole(engine: sa.Engine) -> None:
    assert verify(engine) == 0


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
    with pytest.raises(StoreError, match="chain breaks at entry"):
        verify(engine)


def test_an_intent_without_outcome_is_open_until_it_has_one(engine: sa.Engine) -> None:
    append(engine, [INTENT])
    assert [row["change_id"] for row in open_intents(engine)] == [INTENT.change_id]
    append(engine, [OUTCOME])
    assert open_intents(engine) == []


def test_an_outcome_of_an_earlier_run_does_not_close_a_later_intent(engine: sa.Engine) -> None:
    append(engine, [INTENT, OUTCOME, replace(INTENT, run_id="next")])
    assert [row["run_id"] for row in open_intents(engine)] == ["next"]
