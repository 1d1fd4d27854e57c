"""Smartlead's state: what it shows over REST, and beside it what the simulation knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sandbox.database import Database
from sandbox.world.catalog import AI_CAMPAIGNS, ORGS, Campaign, Role
from sandbox.world.clock import WORLD_START

DATABASE = "smartlead.sqlite"
STEPS = (0, 3, 4)  # days after the step before
MAILBOXES_PER_ORG = 6
MAILS_PER_MAILBOX = 45
SENDER_NAMES = ("Alex Rivers", "Sam Winter", "Kim Larsen", "Robin Moor", "Jo Hartmann", "Charlie Voss")

CATEGORIES = {
    1: ("Interested", "positive"),
    2: ("Meeting Request", "positive"),
    3: ("Not Interested", "negative"),
    4: ("Do Not Contact", "negative"),
    5: ("Information Request", "positive"),
    6: ("Out Of Office", None),
    7: ("Wrong Person", "neutral"),
    8: ("Uncategorizable by AI", None),
    9: ("Sender Originated Bounce", None),
    101822: ("Meeting Booked", None),
}

SCHEMA = """
create table if not exists campaigns (
    id integer primary key, org text, name text, status text, created_at text, updated_at text, track_settings text);
create table if not exists mailboxes (id integer primary key, org text, email text, name text, created_at text);
create table if not exists leads (
    id integer primary key autoincrement, email text unique, first_name text, last_name text, company_name text,
    custom_fields text, is_unsubscribed integer default 0);
create table if not exists campaign_leads (
    map_id integer primary key autoincrement, campaign_id integer, lead_id integer, status text default 'STARTED',
    category_id integer, created_at text, next_step integer default 1, next_on text, mailbox_id integer,
    unique (campaign_id, lead_id));
create index if not exists campaign_leads_due on campaign_leads (status, next_on);
create table if not exists mails (
    stats_id text primary key, campaign_id integer, lead_id integer, step integer, mailbox_id integer, sent_at text,
    open_time text, click_time text, reply_time text, open_count integer default 0, click_count integer default 0,
    is_bounced integer default 0, true_bounce text, is_evidence_clear integer);
create index if not exists mails_by_campaign on mails (campaign_id, sent_at, stats_id);
create index if not exists mails_by_lead on mails (campaign_id, lead_id);
create table if not exists messages (
    message_id text primary key, campaign_id integer, lead_id integer, stats_id text, type text, time text,
    subject text, body text, step integer, true_kind text, true_classification text);
create index if not exists messages_by_lead on messages (campaign_id, lead_id, time);
create table if not exists pending (
    id integer primary key autoincrement, due_at text, kind text, campaign_id integer, lead_id integer, stats_id text,
    detail text);
create index if not exists pending_due on pending (due_at, id);
create table if not exists category_changes (
    id integer primary key autoincrement, at text, campaign_id integer, lead_id integer, old_id integer, new_id integer,
    who text);
create table if not exists webhooks (
    id integer primary key autoincrement, campaign_id integer, name text, url text, event_types text, headers text,
    secret text, failures integer default 0, is_disabled integer default 0, created_at text);
create table if not exists outbox (
    id integer primary key autoincrement, webhook_id integer, event_type text, body text,
    is_delivered integer default 0);
create index if not exists outbox_open on outbox (is_delivered, id);
"""


def open_database(directory: Path) -> Database:
    """Open the state; a new one gets the account's campaigns and mailboxes."""
    database = Database(directory / DATABASE, SCHEMA)
    if database.value("select count(*) from campaigns") == 0:
        with database.transaction():
            _set_up_account(database)
    return database


def _set_up_account(database: Database) -> None:
    for table, first_id in (("leads", 4_155_843_310), ("campaign_leads", 3_375_350_255)):  # ids beyond 32 bits
        database.execute("insert into sqlite_sequence values (?, ?)", [table, first_id])
    for campaign in AI_CAMPAIGNS:
        database.insert("campaigns", _campaign(campaign))
    for org in ORGS:
        for place, name in enumerate(SENDER_NAMES[:MAILBOXES_PER_ORG]):
            mailbox_id = (1000 if org == "icare" else 2000) + place
            email = f"{name.lower().replace(' ', '.')}@reach-{org}.example"
            created_at = (WORLD_START - timedelta(days=90)).isoformat()
            row = {"id": mailbox_id, "org": org, "email": email, "name": name, "created_at": created_at}
            database.insert("mailboxes", row)


def _campaign(campaign: Campaign) -> dict[str, object]:
    created_at = (WORLD_START + timedelta(days=min(campaign.starts_in_days, 0) - 5)).isoformat()
    is_untracked = campaign.name.endswith("Nordics Q3")
    return {
        "id": campaign.smartlead_campaign_id,
        "org": campaign.org,
        "name": campaign.name,
        "status": "ACTIVE" if campaign.role is not Role.DIRTY else "DRAFTED",
        "created_at": created_at,
        "updated_at": created_at,
        "track_settings": ["DONT_EMAIL_OPEN", "DONT_LINK_CLICK"] if is_untracked else [],
    }
