"""The days before the world starts: made by the same steps, and still under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.clay.state import open_database as open_clay
from sandbox.database import Database
from sandbox.history import build_history
from sandbox.smartlead.rest import Api
from sandbox.smartlead.state import open_database as open_smartlead
from sandbox.world.catalog import AI_CAMPAIGNS, Role
from sandbox.world.clock import WORLD_START
from sandbox.world.population import generate, history_members

SEED = 7
LEADS = 900


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("history")
    generate(directory, leads=LEADS, seed=SEED, today=WORLD_START)
    build_history(directory, seed=SEED, today=WORLD_START)
    return directory


@pytest.fixture(scope="module")
def smartlead(directory: Path) -> Any:
    database = open_smartlead(directory)
    yield database
    database.close()


@pytest.fixture(scope="module")
def clay(directory: Path) -> Any:
    database = open_clay(directory)
    yield database
    database.close()


def test_every_member_is_a_row_in_clay_and_has_reached_smartlead(
    directory: Path, clay: Database, smartlead: Database
) -> None:
    members = history_members(directory).to_pylist()
    keys = {row["row_key"] for row in clay.rows("select row_key from rows where table_id <> 't_replies'")}
    assert keys == {member["campaign_member_id"] for member in members}
    assert clay.value("select count(*) from rows where status = 'pending'") == 0
    for campaign in AI_CAMPAIGNS:
        of_campaign = [
            member
            for member in members
            if (member["org"], member["campaign_number"]) == (campaign.org, campaign.number)
        ]
        leads = Api(smartlead).leads(campaign.smartlead_campaign_id, {})["total_leads"]
        assert leads == str(len({member["email"].lower() for member in of_campaign}))
        assert bool(of_campaign) == (campaign.role is Role.HISTORY)


def test_both_clocks_stand_at_the_start_and_nothing_happened_after_it(clay: Database, smartlead: Database) -> None:
    assert clay.clock.now == smartlead.clock.now == WORLD_START
    assert smartlead.value("select max(time) from messages") < WORLD_START.isoformat()
    assert clay.value("select max(given_at) from classifications") <= WORLD_START.isoformat()
    assert smartlead.value("select count(*) from outbox") == clay.value("select count(*) from callbacks") == 0


def test_campaigns_that_run_are_under_way_and_the_one_that_ended_is_completed(smartlead: Database) -> None:
    states = {row["name"]: row for row in Api(smartlead).campaigns()}
    assert states["AI Outreach Nordics Q3"]["status"] == "COMPLETED"
    for name in ("AI Outreach DACH Q3", "AI Outreach UK Q3"):
        counts = Api(smartlead).analytics(states[name]["id"])["campaign_lead_stats"]
        assert counts["inprogress"] > 0
        assert counts["completed"] > counts["inprogress"]
    days = smartlead.value("select count(distinct date(sent_at)) from mails")
    assert days > 25


def test_people_are_answered_for_by_clay(clay: Database, smartlead: Database) -> None:
    human = {row["message_id"] for row in smartlead.rows("select message_id from messages where true_kind = 'human'")}
    classified = clay.rows("select * from rows where table_id = 't_replies' and status = 'done'")
    assert {row["row_key"] for row in classified} == human
    assert len(human) > 20
    found = [row for row in classified if '"CampaignMemberId": {"status": "success"' in row["cells"]]
    assert len(found) == len(classified)
