"""Raw tables as loads would leave them: N leads, each a member of an AI campaign, and ten events for each of them.

    python -m benchmarks.raw_data WAREHOUSE LEADS

The events: three mails polled and announced, opens, replies and bounces by webhook, one enrichment by callback. Made by
SQL in a moment; what the services would say in full is :mod:`sandbox`'s business.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import duckdb

from sandbox.world.ids import salesforce_id_sql

CAMPAIGN_MAP = Path("seeds/campaign_map.csv")
STARTED, READ_AT = "timestamptz '2026-07-20 08:00:00+00'", "timestamptz '2026-09-01 06:00:00+00'"
STEPS, COMPANY_SIZE = 3, 5
EVENT = "event_id, dedupe_key, channel, received_at, event_type, campaign_id, payload"
MAIL = """json_object('stats_id', stats_id, 'to_email', email, 'from_email', mailbox, 'sequence_number', step,
    'event_timestamp', strftime(sent_at + to_minutes({minutes}), '%Y-%m-%dT%H:%M:%SZ'){more})"""
REPLY = """, 'time_replied', strftime(sent_at + to_minutes({minutes}), '%Y-%m-%dT%H:%M:%SZ'), 'reply_message',
    json_object('message_id', '<' || stats_id || '{mark}@lead.example>', 'text', 'Please call me.')"""
BOUNCE = """, 'bounce_message', json_object('message_id', '<b' || stats_id || '>', 'text', '550 5.1.1 no such user')"""


def fill(connection: duckdb.DuckDBPyConnection, leads: int) -> None:
    """Fill the empty raw tables of an attached warehouse."""
    with CAMPAIGN_MAP.open() as file:
        campaigns = list(csv.DictReader(file))
    _people(connection, campaigns, leads)
    for org in sorted({one["org"] for one in campaigns}):
        _salesforce(connection, org, [one for one in campaigns if one["org"] == org])
    _smartlead(connection, campaigns)
    _clay(connection)


def add_replies(connection: duckdb.DuckDBPyConnection, count: int, *, after: int = 0) -> None:
    """New events on that base: replies that nobody has seen, to the first mails of some members after so many."""
    payload = MAIL.format(minutes=60, more=REPLY.format(minutes=60, mark="n"))
    connection.execute(f"""
        insert into raw_smartlead.webhook_events ({EVENT})
        with mails as (
            select stats_id, campaign_id, lead_email as email, 'box0@reach.example' as mailbox, sequence_number as step,
                sent_time as sent_at
            from raw_smartlead.email_statistics
            where sequence_number = 1 and reply_time is null and not is_bounced
            order by stats_id limit {count} offset {after}
        )
        select (select max(event_id) from raw_smartlead.webhook_events) + row_number() over (), 'new ' || stats_id,
            'webhook', {READ_AT}, 'EMAIL_REPLY', campaign_id, {payload} from mails""")


def _people(connection: duckdb.DuckDBPyConnection, campaigns: list[dict[str, str]], leads: int) -> None:
    values = ", ".join(
        f"({place}, '{one['org']}', '{one['campaign_id']}', '{one['clay_table_id']}', {one['smartlead_campaign_id']})"
        for place, one in enumerate(campaigns)
    )
    ids = {
        name: "case org "
        + " ".join(f"when '{org}' then {salesforce_id_sql(sobject, org, number)}" for org in ("icare", "core"))
        + " end"
        for name, sobject, number in (
            ("lead_id", "Lead", "n"),
            ("member_id", "CampaignMember", "n"),
            ("account_id", "Account", f"n // {COMPANY_SIZE}"),
        )
    }
    connection.execute(f"""
        create temp table people as
        with campaigns(place, org, sf_campaign_id, table_id, campaign_id) as (values {values}),
        numbered as (select n, n % {len(campaigns)} as place from range(1, {leads} + 1) as numbers(n))
        select
            numbered.n, campaigns.* exclude (place),
            {", ".join(f"{expression} as {name}" for name, expression in ids.items())},
            'p' || n || '@c' || n // {COMPANY_SIZE} || '.example' as email
        from numbered join campaigns using (place)""")
    connection.execute(f"""
        create temp table mails as
        select
            people.*,
            step,
            md5(n || ' ' || step) as stats_id,
            'box' || n % 500 || '@reach.example' as mailbox,
            {STARTED} + to_days(((n % 30) + 3 * step)::int) as sent_at,
            n % 40 = 7 and step = 1 as is_bounced,
            n % 25 = 3 and step = 2 as is_replied
        from people cross join range(1, {STEPS} + 1) as steps(step)""")


def _salesforce(connection: duckdb.DuckDBPyConnection, org: str, campaigns: list[dict[str, str]]) -> None:
    schema = f"raw_salesforce_{org}"
    gbu, bounced = ("GBU__c", "external_hard_bounced__c") if org == "icare" else (
        "Business_Unit__c", "Ext_Hard_Bounced__c")  # fmt: skip
    customer, partner = ("Is_Customer__c", "Is_Partner__c") if org == "icare" else ("Customer__c", "Partner__c")
    stamps = f"{STARTED} as CreatedDate, {STARTED} as SystemModstamp, false as IsDeleted"
    rows = {
        "campaigns": " union all ".join(
            f"select '{one['campaign_id']}' as Id, '{one['campaign_name']}' as Name, true as AI_Outreach__c,"
            f" 'In Progress' as Status, date '2026-07-18' as StartDate, {stamps}"
            for one in campaigns
        ),
        "accounts": f"""select distinct on (account_id) account_id as Id, 'Company ' || n // {COMPANY_SIZE} as Name,
            'https://www.c' || n // {COMPANY_SIZE} || '.example' as Website,
            if(n % 50 < 5, 'Customer', 'Prospect') as Type,
            if(n % 50 < 5, 'Yes', 'No') as {customer}, 'No' as {partner}, {stamps}
            from people where org = '{org}'""",
        "leads": f"""select lead_id as Id, 'Pat' as FirstName, 'Person ' || n as LastName, email as Email,
            'Company ' || n // {COMPANY_SIZE} as Company, 'Director' as Title, 'Austria' as Country, 'Energy' as {gbu},
            account_id as Matched_Account__c, false as HasOptedOutOfEmail, false as IsConverted,
            false as pi__pardot_hard_bounced__c, false as {bounced}, {stamps} from people where org = '{org}'""",
        "leads_sweep": f"""select lead_id as Id, false as overall_hard_bounced__c, true as Cold_Lead_Eligible__c,
            {READ_AT} as swept_at from people where org = '{org}'""",
        "campaign_members": f"""select member_id as Id, sf_campaign_id as CampaignId, lead_id as LeadId,
            'Sent' as Status, false as HasResponded, false as Has_Replied__c, {stamps}
            from people where org = '{org}'""",
        "campaign_members_sweep": f"select member_id as Id, {READ_AT} as swept_at from people where org = '{org}'",
    }
    for table, query in rows.items():
        connection.execute(f"insert into {schema}.{table} by name {query}")


def _smartlead(connection: duckdb.DuckDBPyConnection, campaigns: list[dict[str, str]]) -> None:
    ids = [one["smartlead_campaign_id"] for one in campaigns]
    rows = {
        "campaigns": f"""select unnest({ids})::bigint as id, 'ACTIVE' as status, '[]' as track_settings,
            {READ_AT} as seen_at""",
        "sequences": f"""select campaign_id::bigint * 10 + step as id, campaign_id::bigint as campaign_id,
            step as seq_number, 'subject' || step as subject_hash, 'body' as body_hash, 3 as delay_days,
            {READ_AT} as seen_at
            from (select unnest({ids}) as campaign_id) cross join range(1, {STEPS} + 1) as steps(step)""",
        "campaign_leads": f"""select n::text as campaign_lead_map_id, campaign_id, n as lead_id, email,
            'INPROGRESS' as status, false as is_unsubscribed,
            json_object('org', org, 'CampaignMemberId', member_id, 'LeadId', lead_id) as custom_fields,
            {READ_AT} as seen_at from people""",
        "email_statistics": """select stats_id, campaign_id, email as lead_email, step as sequence_number,
            sent_at as sent_time, if(n % 3 = 0, sent_at + interval 1 hour, null) as open_time,
            if(is_replied, sent_at + interval 2 hour, null) as reply_time, is_bounced, false as is_unsubscribed,
            false as ignore_reply from mails""",
    }
    for table, query in rows.items():
        connection.execute(f"insert into raw_smartlead.{table} by name {query}")
    events = {
        "EMAIL_SENT": (0, "", "true"),
        "EMAIL_OPEN": (60, "", "n % 10 < 9 or step < 3"),
        "EMAIL_REPLY": (120, REPLY.format(minutes=120, mark=""), "is_replied"),
        "EMAIL_BOUNCE": (5, BOUNCE, "is_bounced"),
    }
    for name, (minutes, more, condition) in events.items():
        connection.execute(f"""
            insert into raw_smartlead.webhook_events ({EVENT})
            select (select coalesce(max(event_id), 0) from raw_smartlead.webhook_events) + row_number() over (),
                '{name}' || stats_id, 'webhook', sent_at + to_minutes({minutes}), '{name}', campaign_id,
                {MAIL.format(minutes=minutes, more=more)}
            from mails where {condition}""")


def _clay(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"""
        insert into raw_clay.submissions by name
        select n as submission_id, org, sf_campaign_id as campaign_id, member_id as campaign_member_id, lead_id,
            table_id, 'accepted' as status, {STARTED} as intent_at, {STARTED} as settled_at from people""")
    connection.execute(f"""
        insert into raw_clay.callback_events by name
        select n as event_id, 'e' || n as dedupe_key, {STARTED} as received_at, 'enrichment' as kind,
            json_object('table_id', table_id, 'row_id', 'r' || n, 'org', org, 'CampaignMemberId', member_id,
                'LeadId', lead_id, 'email', email, 'company_name', 'Company', 'employee_count', '250',
                'industry', 'Software', 'job_title', 'Director', 'company_description', 'Makes things for people.',
                'icp_score', '75', 'lead_tier', 'B', 'enriched_at', '2026-07-21T08:00:00Z',
                'attempts', json_array(json_object('step', 'company', 'provider', 'clearbit', 'position', 1,
                    'is_match', true, 'credits', 2))) as payload
        from people""")


if __name__ == "__main__":
    with duckdb.connect(sys.argv[1]) as warehouse:
        fill(warehouse, int(sys.argv[2]))
