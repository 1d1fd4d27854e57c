"""Leads and contacts: what the CRM says of people, with copies, odd spellings, opt-outs, conversions and merges."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from sandbox.world.catalog import FIRST_REP, GBUS, ORGS, PARDOT, REP_NAMES, REPS_PER_GBU
from sandbox.world.clock import HISTORY_DAYS
from sandbox.world.fields import CLOSED, CONVERTED, OPEN, WORKING
from sandbox.world.ids import salesforce_id, salesforce_id_sql
from sandbox.world.nature import LEAD_SOURCES, SALUTATIONS, mailbox_sql
from sandbox.world.people import gbu_index_sql, owner_sql
from sandbox.world.plan import DAY_SECONDS, Plan, insert_records, seconds_sql

COPIES = 0.03  # leads that repeat a person of the same org
COPIES_ACROSS = 0.04  # leads of the second org that repeat a person of the first
COPY_REACH = 50
MERGED_COPIES = 0.5
DELETED = 0.012
CONVERTED_SHARE = 0.10  # of the leads with a matched account
# fmt: off
DRAWS = (
    "email state", "opted out", "deleted", "matched", "converted", "pardot", "industry", "description", "gbu", "rep",
    "age", "change", "mass update", "status", "segment", "card",
)
# fmt: on


def create_leads(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the org's Lead table, the contacts that conversions made, and ``world.leads``, which knows who they are."""
    number = ("number", f"'{org}'")
    copy = plan.draw("copy", *number)
    across = COPIES_ACROSS if org != ORGS[0] else 0.0
    sources = f"""
        select
            number,
            if({copy} < {COPIES} and number > {COPY_REACH},
                number - 1 - floor({plan.draw("copy of", *number)} * {COPY_REACH})::bigint, null) as original,
            case
                when original is not null then {plan.first_person(org)} + original
                when {copy} < {COPIES + across}
                    then 1 + floor({plan.draw("copy of", *number)} * {plan.leads[ORGS[0]]})::bigint
                else {plan.first_person(org)} + number
            end as person,
            original is not null
                and not ({plan.draw("copy", "original", f"'{org}'")} < {COPIES + across} and original > {COPY_REACH})
                and {plan.draw("deleted", "original", f"'{org}'")} >= {DELETED}
                and {plan.draw("converted", "original", f"'{org}'")} >= {CONVERTED_SHARE}
                and {plan.draw("merged", *number)} < {MERGED_COPIES} as is_merged
        from range(1, {plan.leads[org] + 1}) as leads(number)"""
    contacts = _count(connection, f"select max(number) from world.contact_seeds where org = '{org}'")
    _add_leads(connection, org, _lead_rows(plan, org, sources, contacts, {}))
    insert_records(connection, org, "Contact", _contacts_of_converted(plan))
    connection.execute("drop table new_leads")


def add_new_leads(
    connection: duckdb.DuckDBPyConnection, plan: Plan, org: str, first_number: int, first_person: int, count: int
) -> None:
    """Add the leads of people who have just come in, at ``plan.today``: fresh, not yet converted or deleted."""
    source = f"""
        select {first_number} + place as number, {first_person} + place as person, null::bigint as original,
            false as is_merged
        from range({count}) as places(place)"""
    fresh = {"age": 0.0, "change": 0.0, "mass update": 1.0, "deleted": 1.0, "converted": 1.0, "opted out": 1.0}
    _add_leads(connection, org, _lead_rows(plan, org, source, 0, fresh))
    connection.execute("drop table new_leads")


def _add_leads(connection: duckdb.DuckDBPyConnection, org: str, rows: str) -> None:
    connection.execute(f"create temp table new_leads as {rows}")
    insert_records(connection, org, "Lead", "select * from new_leads")
    connection.execute(f"""
        insert into world.leads
        select '{org}', number, "Id", person, email_state from new_leads order by number""")


def create_contacts(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the org's Contact table with people at its accounts; a few of them are leads as well."""
    number = ("number", f"'{org}'")
    insert_records(
        connection,
        org,
        "Contact",
        f"""
        with seeds as (
            select
                contact_seeds.* replace (
                    if({plan.draw("contact is lead", *number)} < 0.08, coalesce(first_lead, person), person) as person
                )
            from world.contact_seeds
            left join (
                select company, min(person) as first_lead
                from world.people
                where person <= {sum(plan.leads.values())}
                group by company
            ) as employees using (company)
            where contact_seeds.org = '{org}'
        )
        select
            number,
            {salesforce_id_sql("Contact", org, "number")} as "Id",
            account_id as "AccountId",
            first_name as "FirstName",
            last_name as "LastName",
            email as "Email",
            {plan.draw("contact opt-out", *number)} < 0.05 as "HasOptedOutOfEmail",
            {owner_sql(org, gbu_index_sql(plan.draw("contact gbu", *number)), "0")} as "OwnerId",
            {plan.draw("contact deleted", *number)} < 0.01 as "IsDeleted",
            {plan.now} - interval 800 day
                + {seconds_sql(plan.draw("contact age", *number), 700 * DAY_SECONDS)} as "CreatedDate",
            "CreatedDate"
                + {seconds_sql(plan.draw("contact change", *number), f'epoch({plan.now} - "CreatedDate")')}
                as "SystemModstamp"
        from seeds
        join world.people using (person)""",
    )


def _lead_rows(plan: Plan, org: str, sources: str, first_contact: int, fixed_draws: Mapping[str, float]) -> str:
    draws = ",\n".join(
        f"""{fixed_draws.get(purpose, plan.draw(purpose, "number", f"'{org}'"))} as {purpose.replace(" ", "_")}_draw"""
        for purpose in DRAWS
    )
    segment = {
        "icare": """case floor(segment_draw * 4) when 0 then 'Hospital' when 1 then 'Clinic' when 2 then 'Practice' end
            as "Care_Segment__c",""",
        "core": """'T-' || lpad(floor(segment_draw * 40)::bigint::text, 2, '0') as "Core_Territory__c",""",
    }[org]
    mass_update = f"{plan.now} - interval 76 hour"  # one moment for many rows: a sync of Pardot's
    inactive_rep = salesforce_id("User", org, FIRST_REP + len(REP_NAMES[org]))
    return f"""
        with known as (
            select
                sources.*,
                people.* exclude (person),
                companies.name as company_name,
                companies.country,
                companies.industry,
                accounts.id as account_id,
                {draws}
            from ({sources}) as sources
            join world.people using (person)
            join world.companies using (company)
            left join world.accounts on accounts.org = '{org}' and accounts.company = people.company
        ),
        decided as (
            select
                *,
                case
                    when email_state_draw < 0.01 then 'blank'
                    when email_state_draw < 0.025 then 'invalid'
                    when original is not null or email_state_draw > 0.98 then 'odd case'
                    else 'plain'
                end as email_state,
                if(matched_draw < 0.75, account_id, null) as matched_account,
                is_merged or deleted_draw < {DELETED} as is_deleted,
                matched_account is not null and converted_draw < {CONVERTED_SHARE} and not is_deleted as is_converted,
                if(age_draw < 0.08,
                    {plan.now} - {seconds_sql("age_draw / 0.08", (HISTORY_DAYS - 5) * DAY_SECONDS)},
                    {plan.now} - interval {HISTORY_DAYS + 10} day - {seconds_sql("age_draw", 900 * DAY_SECONDS)}
                ) as created_at,
                mass_update_draw < 0.3 and not is_deleted and created_at < {mass_update} as is_mass_updated,
                if(is_mass_updated, {mass_update}, {plan.now}) as changed_before,
                floor(gbu_draw * {len(GBUS)})::bigint as gbu_index,
                {mailbox_sql(plan.seed, "email")} as mailbox
            from known
        )
        select
            number,
            person,
            email_state,
            {salesforce_id_sql("Lead", org, "number")} as "Id",
            first_name as "FirstName",
            last_name as "LastName",
            case email_state
                when 'plain' then email
                when 'odd case' then if(email_state_draw < 0.99, upper(email), upper(email[1]) || email[2:])
                when 'invalid'
                    then if(email_state_draw < 0.017, replace(email, '@', ' at '), split_part(email, '@', 1) || '@')
            end as "Email",
            company_name as "Company",
            title as "Title",
            country as "Country",
            {_card_sql()}
            if(industry_draw < 0.35, industry, null) as "Industry",
            case
                when is_converted then '{CONVERTED}'
                when status_draw < 0.6 then '{OPEN}'
                when status_draw < 0.9 then '{WORKING}'
                else '{CLOSED}'
            end as "Status",
            {list(GBUS)}[gbu_index + 1] as "GBU__c",
            if(rep_draw > 0.97, '{inactive_rep}',
                {owner_sql(org, "gbu_index", f"floor(rep_draw / 0.97 * {REPS_PER_GBU})")}) as "OwnerId",
            matched_account as "Matched_Account__c",
            opted_out_draw < 0.04 as "HasOptedOutOfEmail",
            is_converted as "IsConverted",
            if(is_converted,
                created_at + {seconds_sql(f"converted_draw / {CONVERTED_SHARE}", f"epoch({plan.now} - created_at)")},
                null)::date as "ConvertedDate",
            if(is_converted, {salesforce_id_sql("Contact", org, f"{first_contact} + number")}, null)
                as "ConvertedContactId",
            if(is_converted, matched_account, null) as "ConvertedAccountId",
            if(is_merged, {salesforce_id_sql("Lead", org, "coalesce(original, 0)")}, null) as "MasterRecordId",
            mailbox = 'dead' and email_state != 'blank' and pardot_draw < 0.4 as "pi__pardot_hard_bounced__c",
            false as "external_hard_bounced__c",
            if(description_draw < 0.06, company_name || ' is known for ' || lower(industry) || E'.\\nSee also: NA',
                null) as "company_description__c",
            'score ' || floor(pardot_draw * 100)::bigint as "pi__comments__c",
            {segment}
            is_deleted as "IsDeleted",
            created_at as "CreatedDate",
            case
                when is_mass_updated then changed_before
                when is_deleted then greatest(created_at, {plan.now} - {seconds_sql("change_draw", 40 * DAY_SECONDS)})
                else created_at + {seconds_sql("change_draw", f"epoch({plan.now} - created_at)")}
            end as "SystemModstamp",
            if(is_mass_updated, created_at + {seconds_sql("change_draw", "epoch(changed_before - created_at)")},
                "SystemModstamp") as "LastModifiedDate",
            if(is_mass_updated, '{salesforce_id("User", org, PARDOT)}', "OwnerId") as "LastModifiedById",
        from decided"""


def _card_sql() -> str:
    """SQL for what a business card says, and sales wrote down: numbers of every kind, much of it missing."""
    return f"""
            {list(SALUTATIONS)}[1 + floor(card_draw * {len(SALUTATIONS) * 3})::bigint] as "Salutation",
            if(card_draw < 0.7, '+' || 30 + company % 20 || ' ' || 100000 + floor(card_draw * 899999)::bigint, null)
                as "Phone",
            if(card_draw > 0.3, 'https://www.' || split_part(email, '@', 2), null) as "Website",
            if(card_draw > 0.2, split_part(company_name, ' ', 1) || ' City', null) as "City",
            if(card_draw > 0.2, lpad((company * 7919 % 99999)::text, 5, '0'), null) as "PostalCode",
            {list(LEAD_SOURCES)}[1 + floor(card_draw * {len(LEAD_SOURCES)})::bigint] as "LeadSource",
            if(card_draw < 0.6, 5 + company * 31 % 5000, null)::integer as "NumberOfEmployees",
            if(card_draw < 0.5, 1000 * (company * 613 % 90000) + 0.25, null)::decimal(18, 2) as "AnnualRevenue",
            if(card_draw < 0.9, card_draw * 100, null)::decimal(5, 1) as "Data_Quality__c","""


def _contacts_of_converted(plan: Plan) -> str:
    return f"""
        with converted as (
            select *, least("ConvertedDate" + interval 9 hour, {plan.now}) as converted_at
            from new_leads
            where "IsConverted"
        )
        select
            number,
            "ConvertedContactId" as "Id",
            "ConvertedAccountId" as "AccountId",
            "FirstName",
            "LastName",
            "Email",
            "HasOptedOutOfEmail",
            "OwnerId",
            false as "IsDeleted",
            converted_at as "CreatedDate",
            converted_at as "SystemModstamp"
        from converted
        """


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0
