"""Deleting, restoring and merging records, with what hangs on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sandbox.salesforce.field_history import tracked
from sandbox.salesforce.state import State
from sandbox.world.fields import fields
from sandbox.world.plan import table

# What goes with a deleted record: the children and the field that names it.
CHILDREN = {
    "Account": (("Opportunity", "AccountId"),),
    "Lead": (("CampaignMember", "LeadId"), ("Task", "WhoId")),
    "Contact": (("CampaignMember", "ContactId"), ("Task", "WhoId")),
    "Campaign": (("CampaignMember", "CampaignId"),),
}
NO_UNDELETE = {"CampaignMember"}


def change(
    state: State, org: str, sobject: str, ids: Sequence[str], assignments: str, moment: datetime, user: str
) -> None:
    """Change records as one statement, with stamps and field history.

    Args:
        state: the orgs.
        org: the org's key.
        sobject: the object.
        ids: which records.
        assignments: SQL, what to set.
        moment: when.
        user: SQL for the id of who does it.
    """
    stamps = '"SystemModstamp" = $moment'
    if "LastModifiedDate" in fields(org, sobject):
        stamps += f', "LastModifiedDate" = $moment, "LastModifiedById" = {user}'
    with tracked(state, org, sobject, ids, moment):
        state.execute(
            f'update {table(org, sobject)} set {assignments}, {stamps} where "Id" in (select unnest($ids))',
            {"ids": list(ids), "moment": moment},
        )


def delete(state: State, org: str, sobject: str, ids: Sequence[str], moment: datetime, user: str) -> None:
    """Move records and their children to the recycle bin; ``user`` is SQL for an id."""
    change(state, org, sobject, ids, '"IsDeleted" = true', moment, user)
    for child, lookup in CHILDREN.get(sobject, ()):
        mine = f'"{lookup}" in (select unnest(?)) and not "IsDeleted"'
        rows = state.rows(f'select "Id" from {table(org, child)} where {mine} order by "Id"', [list(ids)])
        change(state, org, child, [record_id for (record_id,) in rows], '"IsDeleted" = true', moment, user)


def undelete(state: State, org: str, sobject: str, ids: Sequence[str], moment: datetime, user: str) -> None:
    """Take records out of the recycle bin, with the tasks that went with them; members of campaigns stay gone.

    Raises:
        ValueError: the object has no undelete, or a record is not in the bin.
    """
    if sobject in NO_UNDELETE:
        raise ValueError(f"{sobject} does not support undelete()")
    rows = state.rows(
        f'select "Id", "SystemModstamp" from {table(org, sobject)} where "Id" in (select unnest(?)) and "IsDeleted"',
        [list(ids)],
    )
    if len(rows) != len(set(ids)):
        raise ValueError(f"not in the recycle bin: {', '.join(sorted(set(ids) - {row[0] for row in rows}))}")
    restored = '"IsDeleted" = false' + (', "MasterRecordId" = null' if sobject == "Lead" else "")
    change(state, org, sobject, ids, restored, moment, user)
    for child, lookup in CHILDREN.get(sobject, ()):
        if child not in NO_UNDELETE:
            went_along = " or ".join(f"\"{lookup}\" = '{one}' and \"SystemModstamp\" = '{at}'" for one, at in rows)
            found = state.rows(f'select "Id" from {table(org, child)} where "IsDeleted" and ({went_along})')
            change(state, org, child, [one for (one,) in found], '"IsDeleted" = false', moment, user)


def merge_leads(state: State, org: str, master: str, losers: Sequence[str], moment: datetime, user: str) -> None:
    """Merge leads into one: the losers are deleted and say where they went, their members move to the survivor.

    Where the survivor is a member of the campaign already, the loser's membership goes.

    Raises:
        ValueError: one of them is no living lead.
    """
    together = {master, *losers}
    query = f'select count(*) from {table(org, "Lead")} where "Id" in (select unnest(?)) and not "IsDeleted"'
    if state.row(query, [sorted(together)]) != (1 + len(losers),):
        raise ValueError(f"these are not {1 + len(losers)} living leads: {', '.join(sorted(together))}")
    change(state, org, "Lead", losers, f""""IsDeleted" = true, "MasterRecordId" = '{master}'""", moment, user)
    change(state, org, "Lead", [master], '"IsDeleted" = false', moment, user)
    members = table(org, "CampaignMember")
    for loser in losers:
        rows = state.rows(
            f"""select "Id", exists (
                    select 1 from {members} as other
                    where other."CampaignId" = member."CampaignId" and other."LeadId" = ? and not other."IsDeleted")
            from {members} as member where "LeadId" = ? and not "IsDeleted" """,
            [master, loser],
        )
        for member_id, is_twice in rows:
            assignment = '"IsDeleted" = true' if is_twice else f"\"LeadId\" = '{master}'"
            change(state, org, "CampaignMember", [member_id], assignment, moment, user)
        rows = state.rows(f'select "Id" from {table(org, "Task")} where "WhoId" = ? and not "IsDeleted"', [loser])
        change(state, org, "Task", [one for (one,) in rows], f"\"WhoId\" = '{master}'", moment, user)


def empty(state: State, org: str, sobjects: Sequence[str], before: datetime | None = None) -> int:
    """Delete for good what is in the recycle bin, all or what was deleted before; say how many records that were."""
    count = 0
    for sobject in sobjects:
        if "IsDeleted" in fields(org, sobject) and "SystemModstamp" in fields(org, sobject):
            found = f"""from {table(org, sobject)}
                where "IsDeleted" and "SystemModstamp" < coalesce(?, 'infinity'::timestamp)"""
            state.execute(
                f"""insert into world.hard_deletions select '{org}', '{sobject}', "Id", "SystemModstamp" {found}""",
                [before],
            )
            (gone,) = state.row(f"select count(*) {found}", [before])
            state.execute(f"delete {found}", [before])
            count += gone
    return count
