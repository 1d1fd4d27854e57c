"""Companies, and the accounts that an org keeps of some of them - not always with the right flags."""

from __future__ import annotations

import duckdb

from sandbox.world.catalog import COUNTRIES, GBUS, ORG_SHARES, ORGS, REGIONS, REPS_PER_GBU
from sandbox.world.fields import LOST, OPEN_STAGE, WON
from sandbox.world.ids import salesforce_id_sql
from sandbox.world.nature import industry_sql
from sandbox.world.people import owner_sql
from sandbox.world.plan import DAY_SECONDS, Plan, insert_records, seconds_sql, table
from sandbox.world.pools import LAST_NAMES, ODD_LAST_NAMES, WORDS

LEADS_PER_COMPANY = 5
FEWEST_COMPANIES = 4  # in a country
OPEN_DEALS, LOST_DEALS = 0.06, 0.1  # of the accounts
# By number instead of by chance, so that even a small market has some of each.
IS_CUSTOMER, IS_PARTNER = "company % 14 = 2 or company % 36 = 3", "company % 25 = 8"
NEGLECTED_COUNTRIES = REGIONS["Benelux"]  # whose accounts nobody has maintained: one campaign must fail its audit

SLUG = """create or replace macro world.slug(name) as regexp_replace(
    strip_accents(replace(replace(replace(lower(name), 'ß', 'ss'), 'ø', 'o'), 'ł', 'l')), '[^a-z0-9]+', '', 'g')"""


def create_companies(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Create ``world.companies``, numbered by org and country, and ``world.markets`` with the range of each country."""
    connection.execute(SLUG)
    connection.execute("create table world.markets (org text, country text, first_company bigint, companies bigint)")
    connection.executemany("insert into world.markets values (?, ?, ?, ?)", _markets(sum(plan.leads.values())))
    connection.execute(f"""
        create table world.companies as
        with numbered as (
            select org, country, unnest(range(first_company, first_company + companies)) as company from world.markets
        ),
        drawn as (
            select
                *,
                {len(ODD_LAST_NAMES)}
                    + floor({plan.draw("company name", "company")} * {LAST_NAMES - len(ODD_LAST_NAMES)}) as name_place,
                floor({plan.draw("company word", "company")} * {len(WORDS)}) as word_place
            from numbered
        ),
        named as (
            select
                drawn.*,
                last_names.name || ' ' || words.name as short_name,
                legal_forms.name as legal_form,
                world.slug(short_name) as slug
            from drawn
            join world.last_names on last_names.country = drawn.country and last_names.place = name_place
            join world.words on words.place = word_place
            join world.legal_forms on legal_forms.country = drawn.country
        ),
        placed as (
            select
                *,
                row_number() over (partition by slug order by company) as namesake
            from named
        ),
        with_domain as (
            select
                company,
                org as home_org,
                country,
                short_name || ' ' || legal_form as name,
                slug || if(namesake > 1, namesake::text, '') || '.example' as domain,
                case
                    when {IS_CUSTOMER} then 'customer'
                    when {IS_PARTNER} then 'partner'
                    else 'prospect'
                end as relation
            from placed
        )
        select *, {industry_sql(plan.seed, "domain")} as industry from with_domain order by company""")


def create_accounts(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the org's Account table and ``world.accounts``, which knows the company and whether the flags are right."""
    key = ("company", f"'{org}'")
    connection.execute(f"""
        create temp table new_accounts as
        with kept as (
            select *, row_number() over (order by company) as number
            from world.companies
            where {plan.draw("account", *key)}
                < case when home_org != '{org}' then 0.06 when relation = 'prospect' then 0.6 else 1 end
        ),
        drawn as (
            select
                *,
                company % if(country in {NEGLECTED_COUNTRIES}, 6, 20) as neglect,
                {plan.draw("website", *key)} as website_draw,
                {plan.draw("account gbu", *key)} as gbu_draw,
                {plan.draw("account rep", *key)} as rep_draw,
                {plan.draw("account age", *key)} as age_draw,
                {plan.draw("account change", *key)} as change_draw,
                case neglect when 0 then 'missing' when 3 then 'contradictory' else 'right' end as flags
            from kept
        )
        select
            number,
            company,
            flags,
            {salesforce_id_sql("Account", org, "number")} as "Id",
            name as "Name",
            case
                when website_draw < 0.3 then 'https://www.' || domain
                when website_draw < 0.6 then 'http://' || domain || '/'
                when website_draw < 0.8 then 'WWW.' || upper(domain)
                else domain
            end as "Website",
            case
                when flags = 'missing' and website_draw < 0.5 then null
                when relation = 'partner' then 'Partner'
                when relation = 'customer' or flags = 'contradictory' then 'Customer'
                else 'Prospect'
            end as "Type",
            if(website_draw < 0.9, industry, null) as "Industry",
            case
                when flags = 'missing' then null
                when flags = 'contradictory' then 'No'
                else if(relation = 'customer', 'Yes', 'No')
            end as "Is_Customer__c",
            case
                when flags = 'missing' then null
                when flags = 'contradictory' then 'No'
                else if(relation = 'partner', 'Yes', 'No')
            end as "Is_Partner__c",
            {owner_sql(org, f"floor(gbu_draw * {len(GBUS)})", f"floor(rep_draw * {REPS_PER_GBU})")} as "OwnerId",
            false as "IsDeleted",
            {plan.now} - interval 1100 day + {seconds_sql("age_draw", 900 * DAY_SECONDS)} as "CreatedDate",
            "CreatedDate" + {seconds_sql("change_draw", f'epoch({plan.now} - "CreatedDate")')} as "SystemModstamp",
            "SystemModstamp" as "LastModifiedDate",
            "OwnerId" as "LastModifiedById"
        from drawn""")
    insert_records(connection, org, "Account", "select * from new_accounts")
    connection.execute(f"""
        insert into world.accounts
        select '{org}', "Id", company, flags from new_accounts order by number""")
    connection.execute("drop table new_accounts")


def create_opportunities(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str) -> None:
    """Fill the org's Opportunity table: the deals that were won or lost, and here and there one that is still open."""
    key = ("company", f"'{org}'")
    insert_records(
        connection,
        org,
        "Opportunity",
        f"""
        with deals as (
            select
                company,
                account."Id" as account_id,
                account."Name" as account_name,
                account."OwnerId" as owner,
                case
                    when {plan.draw("deal", *key)} < {OPEN_DEALS} then '{OPEN_STAGE}'
                    when relation = 'customer' then '{WON}'
                    when {plan.draw("deal", *key)} < {OPEN_DEALS + LOST_DEALS} then '{LOST}'
                end as stage,
                {plan.draw("deal age", *key)} as age_draw,
                {plan.draw("deal change", *key)} as change_draw
            from world.accounts
            join world.companies using (company)
            join {table(org, "Account")} as account on account."Id" = accounts.id
        ),
        numbered as (select *, row_number() over (order by company) as number from deals where stage is not null)
        select
            number,
            {salesforce_id_sql("Opportunity", org, "number")} as "Id",
            account_id as "AccountId",
            account_name || ' - first order' as "Name",
            stage as "StageName",
            stage != '{OPEN_STAGE}' as "IsClosed",
            stage = '{WON}' as "IsWon",
            1000 + floor(age_draw * 90000) as "Amount",
            owner as "OwnerId",
            {plan.now} - interval 180 day + {seconds_sql("age_draw", 150 * DAY_SECONDS)} as "CreatedDate",
            "CreatedDate" + {seconds_sql("change_draw", f'epoch({plan.now} - "CreatedDate")')} as "SystemModstamp",
            ("SystemModstamp" + if("IsClosed", interval 0 day, interval 60 day))::date as "CloseDate",
            false as "IsDeleted",
            "SystemModstamp" as "LastModifiedDate",
            owner as "LastModifiedById"
        from numbered""",
    )


def _markets(leads: int) -> list[tuple[str, str, int, int]]:
    markets = []
    first = 1
    for org in ORGS:
        for country, weight in COUNTRIES[org].items():
            companies = max(FEWEST_COMPANIES, round(leads * ORG_SHARES[org] * weight / LEADS_PER_COMPANY))
            markets.append((org, country, first, companies))
            first += companies
    return markets
