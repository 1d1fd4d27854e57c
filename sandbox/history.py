"""The first campaigns before the world starts: enriched, mailed, answered; the same days as later, without HTTP."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.clay.simulation import CAMPAIGN_OF, smartlead_lead
from sandbox.clay.simulation import Simulation as ClaySimulation
from sandbox.clay.state import open_database as open_clay
from sandbox.clay.tables import Tables
from sandbox.database import Database, Row
from sandbox.smartlead.imports import MAX_LEADS, add_leads
from sandbox.smartlead.simulation import Simulation as SmartleadSimulation
from sandbox.smartlead.state import open_database as open_smartlead
from sandbox.smartlead.state import scale_account
from sandbox.world.catalog import campaign
from sandbox.world.clock import HISTORY_DAYS
from sandbox.world.population import history_members

BATCH_ROWS = 10_000


def build_history(directory: Path, *, seed: int, today: datetime) -> None:
    """Fill Clay and Smartlead with what happened in the days before the world starts."""
    clay, smartlead = open_clay(directory), open_smartlead(directory, today=today)
    clay_simulation, smartlead_simulation = ClaySimulation(clay, seed), SmartleadSimulation(smartlead, seed)
    tables = Tables(clay, seed)
    start = today - timedelta(days=HISTORY_DAYS)
    _submit_members(directory, clay, smartlead, tables, start, today)
    for passed in range(HISTORY_DAYS):
        now = start + timedelta(days=passed)
        clay.clock.now = smartlead.clock.now = now
        clay_simulation.enrich_due_rows(now.date(), now, call_back=False)
        _push(smartlead, clay_simulation)
        smartlead_simulation.pass_day(now.date())
        _forward_replies(smartlead, clay, tables, now)
        clay_simulation.classify_replies(now + timedelta(days=1), call_back=False)
    for database in (clay, smartlead):
        with database.transaction():
            database.clock.now = today
        database.close()


def _submit_members(
    directory: Path, clay: Database, smartlead: Database, tables: Tables, start: datetime, today: datetime
) -> None:
    counts: Counter[int] = Counter()
    for batch in history_members(directory).to_batches(BATCH_ROWS):
        with clay.transaction():
            for member in batch.to_pylist():
                of_campaign = campaign(member["org"], member["campaign_number"])
                counts[of_campaign.smartlead_campaign_id] += 1
                tables.add(of_campaign.clay_table_id, member["campaign_member_id"], _inputs(member), start)
    with smartlead.transaction():
        scale_account(smartlead, counts, today)


def _inputs(member: Row) -> Row:
    names = ("org", "email", "first_name", "last_name", "company", "title", "country")
    ids = {"CampaignMemberId": member["campaign_member_id"], "LeadId": member["lead_id"]}
    return {name: member[name] for name in names} | ids


def _push(smartlead: Database, simulation: ClaySimulation) -> None:
    for table_id, campaign_id in CAMPAIGN_OF.items():
        for rows in simulation.unpushed(table_id, MAX_LEADS):
            add_leads(smartlead, campaign_id, {"lead_list": [smartlead_lead(row) for row in rows]})
            simulation.mark_pushed(rows, smartlead.clock.now)


def _forward_replies(smartlead: Database, clay: Database, tables: Tables, now: datetime) -> None:
    """What the webhook to Clay would have brought."""
    tomorrow = now + timedelta(days=1)
    replies = smartlead.rows(
        "select messages.*, leads.email from messages join leads on leads.id = lead_id"
        " where type = 'REPLY' and true_kind <> 'bounce_notice' and time >= ? and time < ? order by time, message_id",
        [now.isoformat(), tomorrow.isoformat()],
    )
    with clay.transaction():
        for reply in replies:
            message = {"message_id": reply["message_id"], "text": reply["body"], "time": reply["time"]}
            body = {"campaign_id": reply["campaign_id"], "sl_lead_email": reply["email"], "reply_message": message}
            tables.add_reply(body, tomorrow)
