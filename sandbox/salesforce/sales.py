"""Sales: calls and conversions that follow positive replies - those that Salesforce shows, and only those."""

from __future__ import annotations

from datetime import datetime

from sandbox.salesforce.field_history import tracked
from sandbox.salesforce.state import State
from sandbox.world.catalog import AI_CAMPAIGNS
from sandbox.world.fields import CONVERTED, OPEN_STAGE
from sandbox.world.ids import salesforce_id
from sandbox.world.plan import insert_records, table

IGNORED = 0.12  # of positive replies: nobody ever calls
SLOWEST_CALL_DAYS = 5
CONVERTED_SHARE = 0.4
SLOWEST_CONVERSION_DAYS = 4


def follow_up(state: State, org: str, *, members_keep_lead: bool) -> None:
    """See new positive replies, make the calls that are due, convert the leads that are won.

    Args:
        state: the orgs.
        org: the org's key.
        members_keep_lead: whether members of a converted lead have its id besides the contact's.
    """
    _notice(state, org)
    for member_id in _due(state, org, "call_on", "called_at"):
        _call(state, org, member_id)
    for member_id in _due(state, org, "convert_on", "converted_at"):
        _convert(state, org, member_id, members_keep_lead=members_keep_lead)


def _notice(state: State, org: str) -> None:
    """Decide, once for each member, when its owner will call and whether the lead will be won."""
    plan, campaigns = state.plan, tuple(one.id for one in AI_CAMPAIGNS if one.org == org)
    with state.writing() as moment:
        today = f"date '{moment:%Y-%m-%d}'"
        state.execute(f"""
            insert into world.follow_ups
            with positive as (
                select
                    "Id" as member_id,
                    if({plan.draw("ignored", '"Id"')} < {IGNORED}, null,
                        {today} + floor({plan.draw("call day", '"Id"')} * {SLOWEST_CALL_DAYS})::int) as call_on
                from {table(org, "CampaignMember")}
                where "ReplyClassification__c" = 'Positive' and "LeadId" is not null and "CampaignId" in {campaigns}
                    and "Id" not in (select member_id from world.follow_ups)
            )
            select
                '{org}',
                member_id,
                {today},
                call_on,
                if({plan.draw("won", "member_id")} < {CONVERTED_SHARE},
                    call_on + 1 + floor({plan.draw("conversion day", "member_id")} * {SLOWEST_CONVERSION_DAYS})::int,
                    null),
                null,
                null
            from positive
            order by member_id""")


def _due(state: State, org: str, due: str, done: str) -> list[str]:
    rows = state.rows(
        f"""select member_id
        from world.follow_ups
        join {table(org, "CampaignMember")} as member on member."Id" = member_id
        join {table(org, "Lead")} as lead on lead."Id" = member."LeadId"
        where org = ? and {due} <= ? and {done} is null and not member."IsDeleted" and not lead."IsDeleted"
            and not lead."IsConverted" and member."ReplyClassification__c" = 'Positive'
        order by member_id""",
        [org, state.now.date()],
    )
    return [member_id for (member_id,) in rows]


def _call(state: State, org: str, member_id: str) -> None:
    """The lead's owner calls or writes."""
    with state.writing() as moment, state.reading() as connection:
        (lead_id,) = state.row(f'select lead."Id" from {_lead_of(org, member_id)}')
        number = state.next_number(org, "Task")
        insert_records(
            connection,
            org,
            "Task",
            f"""select
                1 as number,
                '{salesforce_id("Task", org, number)}' as "Id",
                lead."Id" as "WhoId",
                "OwnerId",
                'Follow up on a positive reply' as "Subject",
                'Completed' as "Status",
                '{"Call" if number % 2 else "Email"}' as "TaskSubtype",
                date '{moment:%Y-%m-%d}' as "ActivityDate",
                false as "IsDeleted",
                timestamp '{moment}' as "CreatedDate",
                timestamp '{moment}' as "SystemModstamp"
            from {_lead_of(org, member_id)}""",
        )
        _note(state, org, "called", member_id, lead_id, moment)


def _convert(state: State, org: str, member_id: str, *, members_keep_lead: bool) -> None:
    """Turn the lead into a contact of an account, with a deal; its members and tasks then belong to the contact too."""
    with state.writing() as moment, state.reading() as connection:
        lead = f'select lead."Id", "OwnerId", "Matched_Account__c" from {_lead_of(org, member_id)}'
        lead_id, owner_id, account_id = state.row(lead)
        stamps = f"""timestamp '{moment}' as "CreatedDate", timestamp '{moment}' as "SystemModstamp" """
        common = f"""1 as number, "OwnerId", false as "IsDeleted", {stamps}"""
        source = f"""from {table(org, "Lead")} as lead where lead."Id" = '{lead_id}'"""
        if account_id is None:
            account_id = salesforce_id("Account", org, state.next_number(org, "Account"))
            account = f"""select {common}, '{account_id}' as "Id", "Company" as "Name", 'Prospect' as "Type",
                'No' as "Is_Customer__c", 'No' as "Is_Partner__c",
                timestamp '{moment}' as "LastModifiedDate", "OwnerId" as "LastModifiedById" {source}"""
            insert_records(connection, org, "Account", account)
        contact_id = salesforce_id("Contact", org, state.next_number(org, "Contact"))
        contact = f"""select {common}, '{contact_id}' as "Id", '{account_id}' as "AccountId", "FirstName", "LastName",
            "Email", "HasOptedOutOfEmail" {source}"""
        insert_records(connection, org, "Contact", contact)
        opportunity_id = salesforce_id("Opportunity", org, state.next_number(org, "Opportunity"))
        opportunity = f"""select {common}, '{opportunity_id}' as "Id", '{account_id}' as "AccountId",
            "Company" || ' - first order' as "Name", '{OPEN_STAGE}' as "StageName", false as "IsClosed",
            false as "IsWon", timestamp '{moment}' as "LastModifiedDate", "OwnerId" as "LastModifiedById" {source}"""
        insert_records(connection, org, "Opportunity", opportunity)
        changed = {"moment": moment, "owner": owner_id, "lead": lead_id, "contact": contact_id}
        stamped = '"SystemModstamp" = $moment, "LastModifiedDate" = $moment, "LastModifiedById" = $owner'
        with tracked(state, org, "Lead", [lead_id], moment):
            state.execute(
                f"""update {table(org, "Lead")} set "IsConverted" = true, "ConvertedDate" = $moment::date,
                "ConvertedContactId" = $contact, "ConvertedAccountId" = '{account_id}', "Status" = '{CONVERTED}',
                {stamped} where "Id" = $lead""",
                changed,
            )
        person = '"ContactId" = $contact' + ("" if members_keep_lead else ', "LeadId" = null')
        state.execute(
            f'update {table(org, "CampaignMember")} set {person}, {stamped} where "LeadId" = $lead',
            changed,
        )
        state.execute(
            f"""update {table(org, "Task")} set "WhoId" = $contact, "SystemModstamp" = $moment
            where "WhoId" = $lead and $owner is not null""",
            changed,
        )
        _note(state, org, "converted", member_id, lead_id, moment)


def _lead_of(org: str, member_id: str) -> str:
    return f"""{table(org, "Lead")} as lead
        join {table(org, "CampaignMember")} as member on member."LeadId" = lead."Id"
        where member."Id" = '{member_id}'"""


def _note(state: State, org: str, kind: str, member_id: str, lead_id: str, moment: datetime) -> None:
    state.execute(f"update world.follow_ups set {kind}_at = ? where member_id = ?", [moment, member_id])
    state.execute("insert into world.events values (?, ?, ?, ?, ?)", [org, moment, kind, lead_id, member_id])
