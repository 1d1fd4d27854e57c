"""The population of both Salesforce orgs at the start of the world, generated in SQL from seed and size."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from sandbox.world.catalog import ORGS
from sandbox.world.companies import create_accounts, create_companies, create_opportunities
from sandbox.world.fields import OBJECTS
from sandbox.world.leads import create_contacts, create_leads
from sandbox.world.members import create_campaigns, create_members, create_tasks
from sandbox.world.people import create_people
from sandbox.world.plan import Plan, create_object_table, table
from sandbox.world.pools import create_pools
from sandbox.world.users import create_setup, create_users

DATABASE = "salesforce.duckdb"
HISTORY_COLUMNS = (
    "org, campaign_number, campaign_id, campaign_member_id, lead_id, email, first_name, last_name, company, title,"
    " domain, country, is_lead_deleted"
)


def generate(directory: Path, *, leads: int, seed: int, today: datetime) -> Path:
    """Write ``salesforce.duckdb``: one schema per org, and ``world`` with what the simulator knows.

    Args:
        directory: where the file is written; it must not hold one.
        leads: in both orgs together.
        seed: the same seed and size give the same data.
        today: the start of the world; history lies before it.

    Returns:
        The database file.
    """
    plan = Plan.of(leads, seed, today)
    database = directory / DATABASE
    with duckdb.connect(str(database)) as connection:
        connection.execute("begin")
        _create_tables(connection, plan)
        create_pools(connection, seed)
        create_companies(connection, plan)
        for org in ORGS:
            create_users(connection, plan, org)
            create_setup(connection, plan, org)
            create_accounts(connection, plan, org)
            create_opportunities(connection, plan, org)
        create_people(connection, plan)
        for org in ORGS:
            create_contacts(connection, plan, org)
            create_leads(connection, plan, org)
            create_campaigns(connection, plan, org)
            create_tasks(connection, plan, org)
        create_members(connection, plan)
        _create_counters(connection, plan)
        connection.execute("commit")
    return database


def history_members(directory: Path) -> pa.Table:
    """The members of the AI campaigns that have already run, as they were exported at the time.

    One row per member: org, campaign_number, campaign_id, campaign_member_id, lead_id, email, first_name, last_name,
    company, title, domain, country, is_lead_deleted. ``lead_id`` is the lead of the export: when it has been merged
    since, Salesforce's member points to the survivor.
    """
    members = " union all ".join(
        f"""
        select
            history.org,
            campaign as campaign_number,
            member."CampaignId" as campaign_id,
            member_id as campaign_member_id,
            lead_id,
            lead."Email" as email,
            lead."FirstName" as first_name,
            lead."LastName" as last_name,
            lead."Company" as company,
            lead."Title" as title,
            split_part(lower(lead."Email"), '@', 2) as domain,
            lead."Country" as country,
            lead."IsDeleted" as is_lead_deleted
        from world.history_members as history
        join {table(org, "CampaignMember")} as member on member."Id" = history.member_id
        join {table(org, "Lead")} as lead on lead."Id" = history.lead_id
        where history.org = '{org}'"""
        for org in ORGS
    )
    with duckdb.connect(str(directory / DATABASE), read_only=True) as connection:
        return connection.execute(
            f"select {HISTORY_COLUMNS} from ({members}) order by org desc, campaign_number, campaign_member_id"
        ).to_arrow_table()


def _create_tables(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    for org in ORGS:
        connection.execute(f"create schema {org}")
        for sobject in OBJECTS:
            create_object_table(connection, org, sobject)
    connection.execute("create schema world")
    connection.execute(f"""
        create table world.settings as
        select {plan.seed} as seed, {sum(plan.leads.values())} as leads, {plan.now} as started_at, {plan.now} as now""")
    connection.execute("create table world.accounts (org text, id text, company bigint, flags text)")
    connection.execute("create table world.leads (org text, number bigint, id text, person bigint, email_state text)")
    connection.execute("create table world.history_members (org text, campaign bigint, member_id text, lead_id text)")


def _create_counters(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """The last number that each kind of record has used, for those to come; ids are made of numbers."""
    connection.execute("create table world.counters (org text, kind text, last bigint)")
    for org in ORGS:
        contacts = f"(select max(number) from world.contact_seeds where org = '{org}') + {plan.leads[org]}"
        connection.execute(f"""
            insert into world.counters
            select '{org}', 'Lead', {plan.leads[org]}
            union all select '{org}', 'Contact', coalesce({contacts}, {plan.leads[org]})""")
        for sobject in ("Account", "Opportunity", "Task", "Campaign", "CampaignMember", "LeadHistory"):
            connection.execute(
                f"insert into world.counters select '{org}', '{sobject}', count(*) from {table(org, sobject)}"
            )
    connection.execute("insert into world.counters select '', 'person', max(person) from world.people")
