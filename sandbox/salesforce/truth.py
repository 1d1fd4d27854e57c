"""The truth of the Salesforce side as parquet: what the simulator knows because it made it, not what rules conclude."""

from __future__ import annotations

from pathlib import Path

from sandbox.salesforce.state import State
from sandbox.world.catalog import ORGS
from sandbox.world.nature import mailbox_sql
from sandbox.world.plan import table


def export_truth(state: State, directory: Path) -> list[Path]:
    """Write one file per subject into a directory, and return them.

    - ``salesforce_leads``: who each lead really is, how the e-mail is spelled, where it was merged to, the true state
      of the mailbox, the true relation of the company, and how many leads the person has in all orgs.
    - ``salesforce_accounts``: the true relation, and whether the account's flags are right, missing or
      contradictory; whether a deal with the account is open.
    - ``salesforce_history_members``: the members of the campaigns that ran, with the lead of the export and of today.
    - ``salesforce_events``: what people, Pardot and sales did, when, to which record.
    - ``salesforce_writes``: what was written through the API, field by field, under the org's own names.
    """
    directory.mkdir(parents=True, exist_ok=True)
    talks = " union all ".join(
        f'select "AccountId" from {table(org, "Opportunity")} where not "IsClosed" and not "IsDeleted"' for org in ORGS
    )
    queries = {
        "leads": _leads(state.plan.seed),
        "accounts": f"""
            select
                org,
                id as account_id,
                companies.name as company,
                domain,
                relation,
                flags,
                id in ({talks}) as is_in_talks
            from world.accounts
            join world.companies using (company)""",
        "history_members": _history_members(),
        "events": """
            select org, timezone('UTC', happened_at) as happened_at, kind, record_id, other_id
            from world.events""",
        "writes": """
            select org, object, record_id, field, new_value, timezone('UTC', written_at) as written_at
            from world.field_writes""",
    }
    files = []
    for name, query in queries.items():
        file = directory / f"salesforce_{name}.parquet"
        path = str(file).replace("'", "''")
        state.execute(f"copy ({query} order by all) to '{path}' (format parquet)")
        files.append(file)
    return files


def _leads(seed: int) -> str:
    records = " union all ".join(
        f'select "Id" as id, "IsDeleted" as is_deleted, "MasterRecordId" as merged_into_id from {table(org, "Lead")}'
        for org in ORGS
    )
    return f"""
        select
            org,
            leads.id as lead_id,
            person as person_id,
            people.email as true_email,
            email_state as email_spelling,
            {mailbox_sql(seed, "people.email")} as mailbox,
            first_name,
            last_name,
            companies.name as company,
            domain,
            country,
            industry,
            relation,
            is_deleted,
            merged_into_id,
            count(*) over (partition by person) as leads_of_person
        from world.leads
        join ({records}) as records using (id)
        join world.people using (person)
        join world.companies using (company)"""


def _history_members() -> str:
    members = " union all ".join(
        f'select "Id" as member_id, "LeadId" as current_lead_id, "IsDeleted" as is_deleted'
        f" from {table(org, 'CampaignMember')}"
        for org in ORGS
    )
    return f"""
        select org, campaign as campaign_number, member_id, lead_id as exported_lead_id, current_lead_id, is_deleted
        from world.history_members
        join ({members}) as members using (member_id)"""
