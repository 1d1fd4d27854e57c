"""Smartlead's state: what it shows over REST, and beside it, in ``true_…`` columns, what only the simulation knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path

from sandbox.database import Database, Row
from sandbox.world.catalog import AI_CAMPAIGNS, ORGS, Campaign, Role
from sandbox.world.clock import WORLD_START

DATABASE = "smartlead.sqlite"
STEPS = (0, 3, 4)  # days after the step before
MAILBOXES_PER_ORG = 6
MAILS_PER_MAILBOX = 45
CAMPAIGN_MAILS, DAYS_OF_A_SEQUENCE = 30, 30  # of a mailbox a day, and for all of a plan's mails: the gate of the volume
NEW_LEADS_PER_DAY = 200  # of one campaign
WARM_SINCE_DAYS, NEW_SINCE_DAYS = 120, 20  # the last of the first mailboxes of an org is still being warmed up
SILENT_WARM_UP_DAYS, FIRST_MAILS, MORE_EACH_DAY = 14, 10, 2
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
    id integer primary key, org text, name text, status text, created_at text, updated_at text, track_settings text,
    max_leads_per_day integer, completes_on text);
create table if not exists mailboxes (
    id integer primary key autoincrement, org text, email text unique, name text, created_at text,
    daily_limit integer);
create table if not exists leads (
    id integer primary key autoincrement, email text unique, first_name text, last_name text, company_name text,
    custom_fields text, created_at text, is_unsubscribed integer default 0);
create table if not exists campaign_leads (
    map_id integer primary key autoincrement, campaign_id integer, lead_id integer, status text default 'STARTED',
    category_id integer, created_at text, next_step integer default 1, next_on text, mailbox_id integer,
    unique (campaign_id, lead_id));
create index if not exists campaign_leads_due on campaign_leads (campaign_id, status, next_on);
create index if not exists campaign_leads_by_lead on campaign_leads (lead_id);
create table if not exists mails (
    stats_id text primary key, campaign_id integer, lead_id integer, step integer, mailbox_id integer, sent_at text,
    open_time text, click_time text, reply_time text, open_count integer default 0, click_count integer default 0,
    is_bounced integer default 0, true_outcome text, true_bounce text, is_evidence_clear integer);
create index if not exists mails_by_campaign on mails (campaign_id, sent_at, stats_id);
create index if not exists mails_by_lead on mails (lead_id, campaign_id);
create index if not exists mails_by_mailbox on mails (mailbox_id, sent_at);
create table if not exists messages (
    message_id text primary key, campaign_id integer, lead_id integer, stats_id text, also_shown_on text, type text,
    time text, subject text, body text, step integer, written_by text, true_kind text, true_classification text);
create index if not exists messages_by_lead on messages (campaign_id, lead_id, time);
create index if not exists messages_by_time on messages (type, time);
create table if not exists pending (
    id integer primary key autoincrement, due_at text, kind text, campaign_id integer, lead_id integer, stats_id text,
    detail text);
create index if not exists pending_due on pending (due_at, id);
create table if not exists category_changes (
    id integer primary key autoincrement, at text, campaign_id integer, lead_id integer, old_id integer, new_id integer,
    who text);
create table if not exists unsubscribes (
    id integer primary key autoincrement, at text, campaign_id integer, lead_id integer, stats_id text);
create table if not exists webhooks (
    id integer primary key autoincrement, campaign_id integer, name text, url text, event_types text, categories text,
    headers text, secret text, failures integer default 0, is_disabled integer default 0, created_at text,
    updated_at text);
create table if not exists outbox (
    id integer primary key autoincrement, webhook_id integer, event_type text, body text, created_at text,
    status text default 'open');
create index if not exists outbox_open on outbox (webhook_id, status, id);
"""


def open_database(directory: Path, *, today: datetime = WORLD_START) -> Database:
    """Open the state; a new one gets the account's campaigns and mailboxes, as of the day that the world starts."""
    database = Database(directory / DATABASE, SCHEMA)
    if database.value("select count(*) from campaigns") == 0:
        with database.transaction():
            _set_up_account(database, today)
    return database


def scale_account(database: Database, members: Mapping[int, int], today: datetime) -> None:
    """Give the account enough mailboxes, and its campaigns a pace, for the members of the campaigns that have begun.

    Planned campaigns get enough to pass the gate of the sending volume: nothing stands against a clean one at any size.

    Args:
        database: the state.
        members: how many each campaign has, by Smartlead's campaign id.
        today: the start of the world. A campaign that has not ended by then still has mails to send.
    """
    pace_of_org = dict.fromkeys(ORGS, 0)
    for campaign in AI_CAMPAIGNS:
        if count := members.get(campaign.smartlead_campaign_id):
            pace = _pace(campaign, count)
            pace_of_org[campaign.org] += pace
            _set_pace(database, campaign, pace)
    for org, pace in pace_of_org.items():
        mailboxes = -(-pace * len(STEPS) * 4 // (3 * MAILS_PER_MAILBOX))  # a quarter of them to spare
        _add_mailboxes(database, org, max(mailboxes, _mailboxes_of_plans(org, members)) - MAILBOXES_PER_ORG, today)
        for campaign in AI_CAMPAIGNS:
            if campaign.org == org and campaign.starts_in_days > 0:
                _set_pace(database, campaign, max(NEW_LEADS_PER_DAY, 5 * pace))


def campaign_mails(mailbox: Row, day: date) -> int:
    """How many campaign mails a mailbox may send on a day: none in its first weeks, then more each day."""
    age = (day - datetime.fromisoformat(mailbox["created_at"]).date()).days
    if age < SILENT_WARM_UP_DAYS:
        return 0
    return min(int(mailbox["daily_limit"]), FIRST_MAILS + MORE_EACH_DAY * (age - SILENT_WARM_UP_DAYS))


def _mailboxes_of_plans(org: str, members: Mapping[int, int]) -> int:
    """For the largest plan of an org, when a mailbox divides its mails among the campaigns that are not over."""
    campaigns = [campaign for campaign in AI_CAMPAIGNS if campaign.org == org]
    leads = max(members.get(campaign.smartlead_campaign_id, 0) / campaign.share for campaign in campaigns)
    mails = leads * max(campaign.share for campaign in campaigns if campaign.starts_in_days > 0) * len(STEPS)
    sharing = sum(campaign.ends_in_days >= 0 for campaign in campaigns)
    return ceil(mails * sharing * 4 / (3 * CAMPAIGN_MAILS * DAYS_OF_A_SEQUENCE))  # a quarter of them to spare


def _pace(campaign: Campaign, members: int) -> int:
    """New leads a weekday. One that has ended needed its last two weeks for later steps; another is not done yet."""
    weekdays = (-campaign.starts_in_days + min(campaign.ends_in_days, 0)) * 5 // 7
    if campaign.ends_in_days < 0:
        return -(-members // max(1, weekdays - 9))
    return max(1, members // max(1, weekdays - 2))


def _set_up_account(database: Database, today: datetime) -> None:
    for table, first_id in (("leads", 4_155_843_310), ("campaign_leads", 3_375_350_255), ("mailboxes", 1000)):
        database.execute("insert into sqlite_sequence values (?, ?)", [table, first_id])  # leads' are beyond 32 bits
    for campaign in AI_CAMPAIGNS:
        database.insert("campaigns", _campaign(campaign, today))
    for org in ORGS:
        _add_mailboxes(database, org, MAILBOXES_PER_ORG - 1, today)
        _add_mailboxes(database, org, 1, today, age_days=NEW_SINCE_DAYS)


def _add_mailboxes(
    database: Database, org: str, count: int, today: datetime, *, age_days: int = WARM_SINCE_DAYS
) -> None:
    present = int(database.value("select count(*) from mailboxes where org = ?", [org]))
    for place in range(present, present + count):
        turn, which = divmod(place, len(SENDER_NAMES))
        name = SENDER_NAMES[which]
        row = {
            "org": org,
            "email": f"{name.lower().replace(' ', '.')}{turn + 1 if turn else ''}@reach-{org}.example",
            "name": name,
            "created_at": (today - timedelta(days=age_days)).isoformat(),
            "daily_limit": MAILS_PER_MAILBOX,
        }
        database.insert("mailboxes", row)


def _campaign(campaign: Campaign, today: datetime) -> Row:
    created_at = (today + timedelta(days=min(campaign.starts_in_days, 0) - 5)).isoformat()
    is_untracked = campaign.name.endswith("Nordics Q3")
    completes_on = (today + timedelta(days=campaign.ends_in_days)).date().isoformat()
    return {
        "id": campaign.smartlead_campaign_id,
        "org": campaign.org,
        "name": campaign.name,
        "status": "ACTIVE" if campaign.role is not Role.DIRTY else "DRAFTED",
        "created_at": created_at,
        "updated_at": created_at,
        "track_settings": ["DONT_EMAIL_OPEN", "DONT_LINK_CLICK"] if is_untracked else [],
        "max_leads_per_day": NEW_LEADS_PER_DAY,
        "completes_on": completes_on if campaign.ends_in_days < 0 else None,
    }


def _set_pace(database: Database, campaign: Campaign, pace: int) -> None:
    database.execute("update campaigns set max_leads_per_day = ? where id = ?", [pace, campaign.smartlead_campaign_id])
