"""Sales: positive replies that wait, the clock of the SLA, and each rep."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.charts import sla_by_rep
from dashboard.filters import Filter
from dashboard.marts import Reader, Row
from dashboard.page import OF_ORG, ORG, Page
from dashboard.tables import Figure, Table, count, decimal, number, one_decimal, percent, rate, status, text, when

SELECTED = f"{OF_ORG} and $gbu in ('all', coalesce(gbu, 'unknown')) and $owner in ('all', coalesce(owner_id, 'nobody'))"
FILTERS = (
    ORG,
    Filter(
        "gbu",
        "GBU",
        "select distinct gbu as value, gbu as label from fct_sales_follow_up_by_owner order by gbu",
    ),
    Filter(
        "owner",
        "Rep",
        "select owner_id as value, owner_id as label, coalesce(any_value(owner_name), owner_id) as personal_label"
        " from fct_sales_follow_up_by_owner group by owner_id order by personal_label",
    ),
)
REPLIES = f"""
select
    follow_up.*, concat_ws(' ', members.first_name, members.last_name) as person, members.email, members.company,
    sla_business_hours - waiting_business_hours as business_hours_left
from (select * from fct_sales_follow_up where {SELECTED}) as follow_up
left join (select org, campaign_member_id, first_name, last_name, email, company from dim_campaign_members) as members
    on follow_up.org = members.org and follow_up.campaign_member_id = members.campaign_member_id
"""
OWNERS = f"""
select *, positive_replies - replies_decided as replies_undecided
from fct_sales_follow_up_by_owner where {SELECTED} order by replies_waiting desc, owner_name, gbu
"""
PERSON = (
    text("person", "Person", detail=lambda row: str(row["campaign_member_id"])),
    text("company", "Company", detail=lambda row: str(row["campaign_name"])),
)
REP = text("owner_name", "Rep", detail=lambda row: str(row["owner_id"] or ""))
WHOSE = (REP, text("gbu", "GBU"))


def _left(row: Row) -> str:
    return f"SLA {number(row['sla_business_hours'])} h" if row["sla_business_hours"] is not None else "no SLA"


def _figures(reader: Reader, selected: Mapping[str, str]) -> list[Figure]:
    figures = reader.rows(
        f"""
        select
            count(*) as replies,
            count(*) filter (is_waiting) as waiting,
            count(*) filter (is_waiting and is_breached) as overdue,
            max(waiting_business_hours) filter (is_waiting) as longest,
            count(*) filter (sla_status = 'kept') as kept,
            count(*) filter (sla_status in ('kept', 'breached')) as decided
        from fct_sales_follow_up where {SELECTED}
        """,
        selected,
    )[0]
    share = figures["kept"] / figures["decided"] if figures["decided"] else None
    return [
        Figure("Positive replies", number(figures["replies"])),
        Figure("Waiting for sales", number(figures["waiting"]), "nobody has touched them yet"),
        Figure("Waiting beyond the SLA", number(figures["overdue"]), f"of {number(figures['waiting'])} waiting"),
        Figure("Longest wait", one_decimal(figures["longest"]), "business hours"),
        Figure("SLA kept", percent(share), f"{number(figures['kept'])} of {number(figures['decided'])} decided"),
    ]


PAGE = Page(
    name="sales",
    title="Sales",
    intro="Positive replies and how long they wait. The clock runs in business hours of the GBU, until the last load.",
    filters=FILTERS,
    figures=_figures,
    tables=(
        Table(
            "waiting",
            "Waiting for a first touch",
            f"{REPLIES} where is_waiting order by business_hours_left nulls last, org, campaign_member_id",
            (
                status("sla_status", "SLA"),
                decimal("business_hours_left", "Business hours left", detail=_left),
                decimal("waiting_business_hours", "Waiting (business hours)"),
                when("replied_at", "Replied (UTC)"),
                *PERSON,
                *WHOSE,
            ),
            note="Most urgent first. A touch is a completed call, e-mail or task in Salesforce after the reply.",
            empty="No positive reply is waiting.",
            preview_rows=20,
        ),
        Table(
            "reps",
            "By rep",
            OWNERS,
            (
                REP,
                text("gbu", "GBU"),
                text("org", "Org"),
                count("positive_replies", "Positive replies"),
                count("replies_waiting", "Waiting"),
                count("replies_kept", "In time"),
                count("replies_breached", "Too late"),
                rate("kept_share_of_decided", "SLA kept", "replies_kept", "replies_decided"),
                decimal("longest_waiting_business_hours", "Longest wait (business hours)"),
            ),
            empty="No rep has a positive reply.",
            chart=sla_by_rep,
            preview_rows=20,
        ),
        Table(
            "touched",
            "Touched by sales",
            f"{REPLIES} where not is_waiting order by first_touched_at desc, org, campaign_member_id",
            (
                status("sla_status", "SLA"),
                decimal("waiting_business_hours", "Waited (business hours)", detail=_left),
                when("replied_at", "Replied (UTC)"),
                when("first_touched_at", "First touch (UTC)"),
                count("touches", "Touches"),
                *PERSON,
                *WHOSE,
            ),
            empty="Sales has not touched any positive reply yet.",
        ),
    ),
)
