"""The first campaigns before the world starts: enriched, mailed, answered; the same days as later, without HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sandbox.clay.simulation import CAMPAIGN_OF
from sandbox.clay.simulation import Simulation as ClaySimulation
from sandbox.clay.state import open_database as open_clay
from sandbox.database import Database, Row
from sandbox.smartlead.rest import Api
from sandbox.smartlead.simulation import Simulation as SmartleadSimulation
from sandbox.smartlead.state import open_database as open_smartlead
from sandbox.world.catalog import campaign
from sandbox.world.clock import HISTORY_DAYS
from sandbox.world.population import history_members

BATCH = 100


def build_history(directory: Path, *, seed: int, today: datetime) -> None:
    """Fill Clay and Smartlead with what happened in the days before the world starts."""
    clay, smartlead = open_clay(directory), open_smartlead(directory)
    clay_simulation, smartlead_simulation = ClaySimulation(clay, seed), SmartleadSimulation(smartlead, seed)
    start = today - timedelta(days=HISTORY_DAYS)
    with clay.transaction():
        for member in history_members(directory).to_pylist():
            _submit(clay_simulation, member, start)
    for passed in range(HISTORY_DAYS):
        now = start + timedelta(days=passed)
        clay.clock.now = smartlead.clock.now = now
        ready = clay_simulation.enrich_due_rows(now.date(), now, call_back=False)
        _push(smartlead, clay_simulation, ready)
        smartlead_simulation.pass_day(now.date())
        _forward_replies(smartlead, clay, clay_simulation, now)
        clay_simulation.classify_replies(now + timedelta(days=1), call_back=False)
    for database in (clay, smartlead):
        with database.transaction():
            database.clock.now = today
        database.close()


def _submit(simulation: ClaySimulation, member: Row, now: datetime) -> None:
    table_id = campaign(member["org"], member["campaign_number"]).clay_table_id
    names = ("org", "email", "first_name", "last_name", "company", "title", "country")
    inputs = {name: member[name] for name in names}
    inputs |= {"CampaignMemberId": member["campaign_member_id"], "LeadId": member["lead_id"]}
    simulation.take_row(table_id, member["campaign_member_id"], inputs, now)


def _push(smartlead: Database, simulation: ClaySimulation, rows: list[Row]) -> None:
    api = Api(smartlead)
    for table_id in sorted({row["table_id"] for row in rows}):
        of_table = [row for row in rows if row["table_id"] == table_id]
        for start in range(0, len(of_table), BATCH):
            batch = of_table[start : start + BATCH]
            api.add_leads(CAMPAIGN_OF[table_id], {"lead_list": [simulation.smartlead_lead(row) for row in batch]})
            simulation.mark_pushed(batch, smartlead.clock.now)


def _forward_replies(smartlead: Database, clay: Database, simulation: ClaySimulation, now: datetime) -> None:
    """What the webhook to Clay would have brought."""
    replies = smartlead.rows(
        "select messages.*, leads.email from messages join leads on leads.id = lead_id"
        " where type = 'REPLY' and true_kind <> 'bounce_notice' and time >= ? and time < ? order by time, message_id",
        [now.date().isoformat(), (now.date() + timedelta(days=1)).isoformat()],
    )
    with clay.transaction():
        for reply in replies:
            message = {"message_id": reply["message_id"], "text": reply["body"], "time": reply["time"]}
            body = {"campaign_id": reply["campaign_id"], "sl_lead_email": reply["email"], "reply_message": message}
            simulation.take_reply(body, now)
