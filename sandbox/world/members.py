"""Campaigns, their members, and the sales tasks of everyday."""

from __future__ import annotations

import duckdb

from sandbox.world.catalog import CAMPAIGNS, MARCOM, REGIONS, Campaign, Role
from sandbox.world.ids import salesforce_id, salesforce_id_sql
from sandbox.world.plan import DAY_SECONDS, Plan, insert_records, seconds_sql, table, timestamp_sql

# In this order: a lead in a clean campaign must not have been in any other before.
ORDER = (Role.CLEAN, Role.UNAPPROVED, Role.HISTORY, Role.DIRTY, Role.ORDINARY)
JOINED_DAYS_BEFORE_START = 3


def create_campaigns(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the org's Campaign table from the catalogue."""
    rows = [
        f"""select
            {one.number} as number,
            '{one.id}' as "Id",
            '{one.name}' as "Name",
            {one.is_ai_outreach} as "AI_Outreach__c",
            '{one.gbu}' as "GBU__c",
            '{one.status}' as "Status",
            {one.status == "In Progress"} as "IsActive",
            ({plan.now} + interval ({one.starts_in_days}) day)::date as "StartDate",
            ({plan.now} + interval ({one.ends_in_days}) day)::date as "EndDate",
            '{salesforce_id("User", org, MARCOM)}' as "OwnerId",
            false as "IsDeleted",
            {plan.now} - interval 70 day as "CreatedDate",
            {plan.now} - interval 4 day as "SystemModstamp"
        """
        for one in CAMPAIGNS
        if one.org == org
    ]
    insert_records(connection, org, "Campaign", " union all ".join(rows))


def create_members(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Choose the members of all campaigns, fill CampaignMember and ``world.history_members``."""
    connection.execute(
        "create temp table joined (org text, campaign bigint, lead bigint, contact_id text, draw double)"
    )
    _create_candidates(connection, plan)
    for campaign in sorted(CAMPAIGNS, key=lambda one: ORDER.index(one.role)):
        connection.execute(f"insert into joined {_chosen_leads(plan, campaign)}")
        connection.execute(f"insert into joined {_chosen_contacts(plan, campaign)}")
    for org in plan.leads:
        connection.execute(f"create temp table new_members as {_member_rows(plan, org)}")
        insert_records(connection, org, "CampaignMember", "select * from new_members")
        history = [one.number for one in CAMPAIGNS if one.org == org and one.role is Role.HISTORY]
        connection.execute(f"""
            insert into world.history_members
            select '{org}', campaign, "Id", exported_lead_id from new_members
            where campaign in {(*history, 0)} order by number""")
        connection.execute("drop table new_members")
    connection.execute("drop table joined")
    connection.execute("drop table candidates")


def create_tasks(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Calls and mails of sales reps with some of their leads, from before the first campaign."""
    insert_records(
        connection,
        org,
        "Task",
        f"""
        with touched as (
            select
                leads.number as lead_number,
                coalesce("ConvertedContactId", lead."Id") as who,
                "OwnerId" as owner,
                least("CreatedDate" + interval 3 day, {plan.now}) as touched_at
            from {table(org, "Lead")} as lead
            join world.leads on leads.org = '{org}' and leads.id = lead."Id"
            where not "IsDeleted" and {plan.draw("task", "leads.number", f"'{org}'")} < 0.05
        ),
        numbered as (select *, row_number() over (order by lead_number) as number from touched)
        select
            number,
            {salesforce_id_sql("Task", org, "number")} as "Id",
            who as "WhoId",
            owner as "OwnerId",
            'Introduction' as "Subject",
            'Completed' as "Status",
            if({plan.draw("task kind", "number", f"'{org}'")} < 0.5, 'Call', 'Email') as "TaskSubtype",
            touched_at::date as "ActivityDate",
            touched_at as "CreatedDate",
            false as "IsDeleted",
            touched_at as "SystemModstamp"
        from numbered""",
    )


def _create_candidates(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Every lead with what decides whether it may join: nothing here is a rule of the pipeline written again.

    A clean member is an outsider in every respect the generator knows of; the pipeline has to find out by itself.
    """
    leads = " union all ".join(
        f"""select
            '{org}' as org,
            lead."Id" as id,
            "Email" as email,
            "Country" as country,
            "IsConverted" as is_converted,
            "IsDeleted" as is_deleted,
            "HasOptedOutOfEmail" as has_opted_out,
            "pi__pardot_hard_bounced__c" as is_bounced,
            "CreatedDate" as created_at
        from {table(org, "Lead")} as lead"""
        for org in plan.leads
    )
    contacts = " union all ".join(
        f'select lower("Email") as address from {table(org, "Contact")}' for org in plan.leads
    )
    talks = " union ".join(
        f"""select company from world.accounts join {table(org, "Opportunity")} as opportunity
            on opportunity."AccountId" = accounts.id where not "IsClosed" """
        for org in plan.leads
    )
    connection.execute(f"""
        create temp table candidates as
        with records as ({leads}),
        addresses as (
            select lower(email) as address from records union all {contacts}
        ),
        unique_addresses as (
            select address from addresses where address is not null group by address having count(*) = 1
        ),
        companies_in_talks as ({talks}),
        doubtful_companies as (select distinct company from world.accounts where flags != 'right')
        select
            records.*,
            leads.number,
            leads.email_state in ('blank', 'invalid') as is_unreachable,
            companies.relation != 'prospect' as is_related,
            doubtful_companies.company is not null as is_doubtful,
            leads.email_state = 'plain'
                and unique_addresses.address is not null
                and companies_in_talks.company is null
                and not (is_converted or is_deleted or has_opted_out or is_bounced or is_related or is_doubtful)
                and created_at < {plan.now} - interval 7 day as is_clean
        from records
        join world.leads using (org, id)
        join world.people using (person)
        join world.companies using (company)
        left join companies_in_talks using (company)
        left join doubtful_companies using (company)
        left join unique_addresses on unique_addresses.address = lower(records.email)""")


def _chosen_leads(plan: Plan, campaign: Campaign) -> str:
    start = timestamp_sql(plan.today) + f" + interval ({campaign.starts_in_days - JOINED_DAYS_BEFORE_START}) day"
    region = f"country in {(*REGIONS.get(campaign.region or '', ()), '')}"
    taken = f"number not in (select lead from joined where org = '{campaign.org}' and lead is not null)"
    # Rows that make trouble later - merged, deleted or ineligible ones - are taken first, as far as the role has any.
    condition, first = {
        Role.CLEAN: (f"is_clean and {region} and {taken}", "false"),
        Role.UNAPPROVED: (f"is_clean and {region} and {taken}", "false"),
        Role.HISTORY: (
            f"not (is_converted or is_unreachable or is_related or has_opted_out) and created_at < {start}"
            f" and {region} and {taken}",
            "is_deleted",
        ),
        Role.DIRTY: (
            f"not is_deleted and created_at < {plan.now} - interval 7 day and {region} and {taken}",
            "is_converted or is_unreachable or is_related or is_doubtful or has_opted_out or is_bounced",
        ),
        Role.ORDINARY: (
            "not is_deleted and number not in (select lead from joined join clean using (org, campaign)"
            f" where org = '{campaign.org}' and lead is not null)",
            "false",
        ),
    }[campaign.role]
    clean = ", ".join(f"('{one.org}', {one.number})" for one in CAMPAIGNS if one.role in (Role.CLEAN, Role.UNAPPROVED))
    draw = plan.draw(f"member {campaign.org} {campaign.number}", "number")
    return f"""
        with clean as (select * from (values {clean}) as clean(org, campaign)),
        people as (  -- each person once; of two leads that were merged later, the one that is gone
            select *, {draw} * if({first}, 0.4, 1) as draw
            from candidates
            where org = '{campaign.org}' and {condition}
            qualify row_number() over (partition by coalesce(lower(email), id) order by is_deleted desc, number) = 1
        )
        select org, {campaign.number}, number, null, draw
        from people
        order by draw, number
        limit {round(campaign.share * plan.leads[campaign.org])}"""


def _chosen_contacts(plan: Plan, campaign: Campaign) -> str:
    share = {Role.DIRTY: 0.01, Role.ORDINARY: 0.03}.get(campaign.role, 0)
    draw = plan.draw(f"contact member {campaign.org} {campaign.number}", '"Id"')
    return f"""
        select '{campaign.org}', {campaign.number}, null, "Id", {draw}
        from {table(campaign.org, "Contact")}
        where not "IsDeleted"
        order by {draw}, "Id"
        limit {round(share * plan.leads[campaign.org])}"""


def _member_rows(plan: Plan, org: str) -> str:
    start_days = "case known.campaign " + " ".join(
        f"when {one.number} then {min(one.starts_in_days, 0)}" for one in CAMPAIGNS if one.org == org
    ) + " end"  # fmt: skip
    ordinary = (*(one.number for one in CAMPAIGNS if one.org == org and one.role is Role.ORDINARY), 0)
    campaign_id = salesforce_id_sql("Campaign", org, "campaign")
    return f"""
        with known as (
            select
                joined.*,
                row_number() over (order by campaign, lead, contact_id) as number,
                lead."Id" as exported_lead_id,
                lead."MasterRecordId" as master_id,
                coalesce(lead."IsDeleted", false) as is_lead_deleted,
                lead."SystemModstamp" as lead_changed_at
            from joined
            left join {table(org, "Lead")} as lead on lead."Id" = {salesforce_id_sql("Lead", org, "lead")}
            where org = '{org}'
        ),
        reparented as (
            select
                known.*,
                -- a merge moves the member to the survivor, unless the survivor is a member already
                known.master_id is not null and survivor.lead is null as is_moved,
                known.is_lead_deleted and not is_moved as is_deleted,
                known.campaign in {ordinary} and known.draw * 7919 % 1 < 0.2 as has_responded,
                {plan.now} + interval ({start_days}) day - interval {JOINED_DAYS_BEFORE_START} day
                    + {seconds_sql("known.draw * 31 % 1", DAY_SECONDS)} as created_at
            from known
            left join known as survivor
                on survivor.campaign = known.campaign and survivor.exported_lead_id = known.master_id
        )
        select
            number,
            campaign,
            exported_lead_id,
            {salesforce_id_sql("CampaignMember", org, "number")} as "Id",
            {campaign_id} as "CampaignId",
            if(is_moved, master_id, exported_lead_id) as "LeadId",
            contact_id as "ContactId",
            if(has_responded, 'Responded', 'Sent') as "Status",
            has_responded as "HasResponded",
            if(has_responded, created_at + interval 5 day, null)::date as "FirstRespondedDate",
            false as "Has_Replied__c",
            created_at as "CreatedDate",
            is_deleted as "IsDeleted",
            if(is_lead_deleted, greatest(lead_changed_at, created_at), created_at) as "SystemModstamp",
            "SystemModstamp" as "LastModifiedDate",
            '{salesforce_id("User", org, MARCOM)}' as "LastModifiedById"
        from reparented"""
