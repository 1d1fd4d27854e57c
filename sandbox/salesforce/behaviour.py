"""A day in both orgs: leads are created, edited, merged and deleted, people opt out, Pardot reports dead mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sandbox.salesforce import recycle_bin, sales
from sandbox.salesforce.state import State
from sandbox.salesforce.switches import Switches
from sandbox.world.catalog import MARCOM, ORGS, PARDOT
from sandbox.world.fields import OBJECTS, WORKING, fields
from sandbox.world.ids import salesforce_id
from sandbox.world.leads import add_new_leads
from sandbox.world.nature import mailbox_sql
from sandbox.world.people import add_people
from sandbox.world.plan import Plan, table

WORK_BEGINS = time(9, tzinfo=UTC)
# Shares of an org's leads per day; at least one each.
CREATED, EDITED, OPTED_OUT, DELETED = 0.002, 0.006, 0.0008, 0.0005
MOST_IMPORTS = 5  # of new leads in a day
PARDOT_NOTICES = 0.04  # of the dead mailboxes that it does not know yet


@dataclass(frozen=True)
class Day:
    """One org on one day."""

    state: State
    org: str

    def chosen(self, purpose: str, condition: str, count: int) -> list[str]:
        """Some of the org's living leads, chosen by chance."""
        draw = self.state.plan.draw(f"{purpose} {self.state.now:%Y-%m-%d}", '"Id"')
        rows = self.state.rows(
            f"""select "Id" from {table(self.org, "Lead")} where not "IsDeleted" and not "IsConverted" and {condition}
            order by {draw}, "Id" limit {count}"""
        )
        return [record_id for (record_id,) in rows]

    def some(self, share: float) -> int:
        """How many leads a share is; at least one."""
        return max(1, round(share * self.state.plan.leads[self.org]))

    def change(self, sobject: str, ids: list[str], assignments: str, moment: datetime, user: str = '"OwnerId"') -> None:
        """Change records as somebody who works in Salesforce would."""
        recycle_bin.change(self.state, self.org, sobject, ids, assignments, moment, user)

    def note(self, kind: str, ids: list[str], moment: datetime, other_id: str | None = None) -> None:
        """Remember what happened, for the truth."""
        self.state.execute(
            "insert into world.events select ?, ?, ?, unnest(?), ?", [self.org, moment, kind, ids, other_id]
        )


def advance(state: State, switches: Mapping[str, Switches]) -> None:
    """Let one day pass, until 06:00 of the next; each org behaves as its switches say."""
    state.clock.now = max(state.now, datetime.combine(state.now.date(), WORK_BEGINS))
    for org in ORGS:
        day = Day(state, org)
        _create_leads(day)
        _edit_leads(day)
        _opt_out(day)
        _flag_dead_mailboxes(day)
        _correct_an_account(day)
        _merge_copies(day)
        _delete_leads(day)
        sales.follow_up(state, org, members_keep_lead=switches[org].converted_members_keep_lead)
    with state.writing():
        state.clock.next_morning()
    for org in ORGS:
        _empty_bin(state, org, switches[org].recycle_bin_days)


def _create_leads(day: Day) -> None:
    for count in _batches(day.some(CREATED)):
        with day.state.writing() as moment, day.state.reading() as connection:
            plan = Plan(day.state.plan.seed, day.state.plan.leads, moment.replace(tzinfo=UTC))
            person = day.state.next_number("", "person", count)
            number = day.state.next_number(day.org, "Lead", count)
            add_people(connection, plan, day.org, person, count)
            add_new_leads(connection, plan, day.org, number, person, count)
            ids = [salesforce_id("Lead", day.org, one) for one in range(number, number + count)]
            day.note("lead_created", ids, moment)


def _batches(count: int) -> list[int]:
    """Leads come one by one in a small org, and in a few imports in a large one."""
    size = -(-count // MOST_IMPORTS)
    return [min(size, count - start) for start in range(0, count, size)]


def _edit_leads(day: Day) -> None:
    edits = {
        "title": ('"Title" = \'Senior \' || "Title"', "\"Title\" not like 'Senior %'"),
        "status": (f"\"Status\" = '{WORKING}'", f"\"Status\" != '{WORKING}'"),
        "industry": ("\"Industry\" = 'Retail'", '"Industry" is null'),  # a human's word, right or wrong
    }
    for purpose, (assignment, condition) in edits.items():
        with day.state.writing() as moment:
            ids = day.chosen(f"edit {purpose}", condition, day.some(EDITED / len(edits)))
            day.change("Lead", ids, assignment, moment)
            day.note(f"{purpose}_edited", ids, moment)


def _opt_out(day: Day) -> None:
    with day.state.writing() as moment:
        ids = day.chosen("opt out", 'not "HasOptedOutOfEmail"', day.some(OPTED_OUT))
        marcom = f"'{salesforce_id('User', day.org, MARCOM)}'"
        day.change("Lead", ids, '"HasOptedOutOfEmail" = true', moment, marcom)
        day.note("opted_out", ids, moment)


def _flag_dead_mailboxes(day: Day) -> None:
    draw = day.state.plan.draw(f"pardot {day.state.now:%Y-%m-%d}", 'lead."Id"')
    with day.state.writing() as moment:
        rows = day.state.rows(f"""
            select lead."Id"
            from {table(day.org, "Lead")} as lead
            join world.leads on leads.id = lead."Id" and leads.email_state != 'blank'
            join world.people using (person)
            where not "IsDeleted" and not "pi__pardot_hard_bounced__c" and not "IsConverted"
                and {draw} < {PARDOT_NOTICES}
                and {mailbox_sql(day.state.plan.seed, "people.email")} = 'dead'
            order by "Id" """)
        ids = [record_id for (record_id,) in rows]
        pardot = f"'{salesforce_id('User', day.org, PARDOT)}'"
        day.change("Lead", ids, '"pi__pardot_hard_bounced__c" = true', moment, pardot)
        day.note("pardot_hard_bounced", ids, moment)


def _correct_an_account(day: Day) -> None:
    """Somebody fills in missing flags: leads become ineligible without being touched."""
    names = {name: field.api_name for name, field in fields(day.org, "Account").items()}
    with day.state.writing() as moment:
        rows = day.state.rows(f"""
            select id, relation
            from world.accounts
            join world.companies using (company)
            where org = '{day.org}' and flags = 'missing'
            order by {day.state.plan.draw(f"correct {day.state.now:%Y-%m-%d}", "id")}, id
            limit 1""")
        for account_id, relation in rows:
            flags = {"Is_Customer__c": relation == "customer", "Is_Partner__c": relation == "partner"}
            assignments = ", ".join(
                f""""{names[name]}" = '{"Yes" if is_so else "No"}'""" for name, is_so in flags.items()
            )
            day.change("Account", [account_id], assignments, moment)
            day.state.execute("update world.accounts set flags = 'right' where id = ?", [account_id])
            day.note("account_corrected", [account_id], moment)


def _merge_copies(day: Day) -> None:
    lead = table(day.org, "Lead")
    marcom = f"'{salesforce_id('User', day.org, MARCOM)}'"
    with day.state.writing() as moment:
        rows = day.state.rows(f"""
            with living as (
                select leads.number, leads.person, lead."Id" as id
                from {lead} as lead
                join world.leads on leads.id = lead."Id"
                where not "IsDeleted" and not "IsConverted"
            )
            select loser.id, survivor.id
            from living as loser
            join living as survivor on survivor.person = loser.person and survivor.number < loser.number
            order by {day.state.plan.draw(f"merge {day.state.now:%Y-%m-%d}", "loser.id")}, loser.id
            limit 1""")
        for loser, survivor in rows:
            recycle_bin.merge_leads(day.state, day.org, survivor, [loser], moment, marcom)
            day.note("merged", [loser], moment, survivor)


def _delete_leads(day: Day) -> None:
    marcom = f"'{salesforce_id('User', day.org, MARCOM)}'"
    with day.state.writing() as moment:
        ids = day.chosen("delete", "true", day.some(DELETED))
        recycle_bin.delete(day.state, day.org, "Lead", ids, moment, marcom)
        day.note("deleted", ids, moment)


def _empty_bin(state: State, org: str, days: int) -> None:
    if days:
        with state.writing() as moment:
            recycle_bin.empty(state, org, list(OBJECTS), moment - timedelta(days=days))
