"""People: who they really are and where they work, whatever a CRM says of them."""

from __future__ import annotations

import duckdb

from sandbox.world.catalog import COUNTRIES, FIRST_REP, GBUS, ORGS, REPS_PER_GBU
from sandbox.world.ids import salesforce_id_sql
from sandbox.world.nature import pick_sql
from sandbox.world.plan import Plan
from sandbox.world.pools import FIRST_NAMES, LAST_NAMES, TITLES

CONTACTS_PER_ACCOUNT = 0.8


def create_people(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Create ``world.people``: one for each lead to come, then one for each contact."""
    leads = " union all ".join(
        f"({_places_of_work(plan, org, plan.first_person(org) + 1, plan.first_person(org) + plan.leads[org])})"
        for org in ORGS
    )
    connection.execute(f"""
        create table world.contact_seeds as
        select
            org,
            id as account_id,
            company,
            {sum(plan.leads.values())} + row_number() over (order by org, company) as person,
            row_number() over (partition by org order by company) as number
        from world.accounts
        where {plan.draw("contact", "id")} < {CONTACTS_PER_ACCOUNT}
        order by person""")
    seeds = f"select person, company from ({leads}) union all select person, company from world.contact_seeds"
    connection.execute(f"""
        create table world.people as
        with named as ({_named(plan, seeds)}),
        placed as (
            select *, row_number() over (partition by local_part, company order by person) as namesake from named
        )
        select
            person,
            company,
            first_name,
            last_name,
            title,
            local_part || if(namesake > 1, namesake::text, '') || '@' || domain as email
        from placed
        order by person""")


def add_people(connection: duckdb.DuckDBPyConnection, plan: Plan, org: str, first: int, count: int) -> None:
    """Add some who work in the org's countries."""
    places = _places_of_work(plan, org, first, first + count - 1)
    connection.execute(f"""
        insert into world.people
        select person, company, first_name, last_name, title, local_part || person || '@' || domain
        from ({_named(plan, f"select person, company from ({places})")})
        order by person""")


def owner_sql(org: str, gbu_index: str, rep_index: str) -> str:
    """SQL for the user id of a sales rep of a GBU."""
    return salesforce_id_sql("User", org, f"({FIRST_REP} + ({gbu_index}) * {REPS_PER_GBU} + ({rep_index}))::bigint")


def gbu_index_sql(draw: str) -> str:
    """SQL for the place of a GBU in the catalogue."""
    return f"floor({draw} * {len(GBUS)})"


def _places_of_work(plan: Plan, org: str, first: int, last: int) -> str:
    return f"""
        with numbered as (
            select
                person,
                {pick_sql(COUNTRIES[org], plan.draw("country", "person"))} as country
            from range({first}, {last + 1}) as people(person)
        )
        select
            person,
            -- the power gives a few companies many people
            first_company + floor({plan.draw("employer", "person")} ** 1.5 * companies)::bigint as company
        from numbered
        join world.markets on markets.org = '{org}' and markets.country = numbered.country"""


def _named(plan: Plan, seeds: str) -> str:
    return f"""
        with drawn as materialized (  -- else names would be joined by place alone, before the country is known
            select
                person,
                company,
                country,
                domain,
                floor({plan.draw("first name", "person")} * {FIRST_NAMES}) as first_place,
                floor({plan.draw("last name", "person")} * {LAST_NAMES}) as last_place,
                floor({plan.draw("title", "person")} * {len(TITLES)}) as title_place
            from ({seeds})
            join world.companies using (company)
        )
        select
            person,
            company,
            domain,
            first_names.name as first_name,
            last_names.name as last_name,
            titles.name as title,
            coalesce(nullif(trim(world.slug(first_name) || '.' || world.slug(last_name), '.'), ''), 'contact')
                as local_part
        from drawn
        join world.first_names on first_names.country = drawn.country and first_names.place = first_place
        join world.last_names on last_names.country = drawn.country and last_names.place = last_place
        join world.titles on titles.place = title_place"""
