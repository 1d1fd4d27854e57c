"""What a person may accept, and what the record of it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import RefusedError
from pipelines.matching.accepted import UnmatchedEvent, accept, in_force, withdraw
from pipelines.store import open_store, reading
from pipelines.store_tables import accepted_matches

EVENT = UnmatchedEvent(
    "smartlead_reply", "<r1>", "icare", "not_in_roster", 2710101, "ann@lead.example", "00vM1", "00QL1"
)


@pytest.fixture
def engine(store_url: str) -> sa.Engine:
    return open_store(Settings(store_url=store_url))


def test_an_acceptance_says_who_and_why_and_is_recorded_once(engine: sa.Engine) -> None:
    assert accept(engine, EVENT, by="kim", why="Same person, asked sales.")
    assert not accept(engine, EVENT, by="kim", why="again")
    (row,) = in_force(engine)
    assert (row["campaign_member_id"], row["lead_id"], row["org"]) == ("00vM1", "00QL1", "icare")
    assert (row["decided_by"], row["why"]) == ("kim", "Same person, asked sales.")
    assert (row["smartlead_campaign_id"], row["email"]) == (2710101, "ann@lead.example")


def test_another_suggestion_later_is_another_decision(engine: sa.Engine) -> None:
    accept(engine, EVENT, by="kim", why="first")
    assert accept(engine, replace(EVENT, suggested_campaign_member_id="00vM2"), by="kim", why="second")
    assert [row["campaign_member_id"] for row in in_force(engine)] == ["00vM2"]


def test_a_withdrawal_leaves_the_record_of_both(engine: sa.Engine) -> None:
    assert not withdraw(engine, "smartlead_reply", "<r1>", by="kim", why="never accepted")
    accept(engine, EVENT, by="kim", why="right")
    assert withdraw(engine, "smartlead_reply", "<r1>", by="jo", why="It was his brother.")
    assert not withdraw(engine, "smartlead_reply", "<r1>", by="jo", why="again")
    assert in_force(engine) == []
    with reading(engine) as connection:
        actions = connection.execute(sa.select(accepted_matches.c.action, accepted_matches.c.decided_by)).all()
    assert [tuple(row) for row in actions] == [("accept", "kim"), ("withdraw", "jo")]


@pytest.mark.parametrize(
    ("event", "by", "why"),
    [
        (replace(EVENT, suggested_campaign_member_id=None), "kim", "sure"),
        (replace(EVENT, suggested_lead_id=None), "kim", "sure"),
        (EVENT, "kim", "  "),
        (EVENT, "", "sure"),
    ],
)
def test_nothing_is_recorded_without_suggestion_person_or_reason(
    engine: sa.Engine, event: UnmatchedEvent, by: str, why: str
) -> None:
    with pytest.raises(RefusedError):
        accept(engine, event, by=by, why=why)
    assert in_force(engine) == []
