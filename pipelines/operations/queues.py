"""The queues of the runbook as they were published: what is wrong, how often, since when, and who does what."""

from __future__ import annotations

import re
from typing import Any

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.publish import open_published, published_version

EXAMPLES = 5
ADDRESS = re.compile(r"[^\s|@]+@[^\s|@]+")  # a ticket is no place for one (R8)
QUEUES = """
with
items as (
    select routed_to as owner, error_source as queue, error_type as problem, next_step,
        error_key as item, age_hours
    from fct_sync_errors
    union all
    select owner, 'unmatched ' || event_source, unmatched_reason,
        'outreach match list shows suggestions; correct the ids in the system that sent it',
        event_key, date_diff('hour', coalesce(received_at, occurred_at), $as_of)
    from fct_unmatched_events
    union all
    select 'CRM Admin', 'hard bounce', discrepancy, 'Check first: ' || next_check, org || ' ' || lead_id, null
    from fct_lead_bounces where discrepancy in ('missing_in_salesforce', 'only_in_salesforce')
)
select owner, queue, problem, next_step, count(*) as items, cast(max(age_hours) as double) as oldest_hours,
    list(item order by age_hours desc nulls last, item)[:$examples] as examples
from items
where $owner is null or lower(owner) = lower($owner)
group by all
order by owner, oldest_hours desc nulls last, queue, problem, next_step
"""


def read_queues(settings: Settings, owner: str | None = None) -> list[dict[str, Any]]:
    """One row for each kind of problem and owner, the oldest of each owner first.

    Raises:
        DataError: nothing is published, or by an older version.
    """
    as_of = published_version(settings).as_of_at
    with open_published(settings) as marts:
        try:
            result = marts.execute(
                QUEUES, {"owner": owner, "examples": EXAMPLES, "as_of": as_of.replace(tzinfo=None)}
            ).to_arrow_table()
        except (duckdb.CatalogException, duckdb.BinderException):
            raise DataError("The published marts lack a queue.", next_step="Run outreach build.") from None
    return [
        row | {"examples": [ADDRESS.sub("(address)", one) for one in row["examples"] if one]}
        for row in result.to_pylist()
    ]


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """What goes into a ticket: a section for each owner, a task for each kind of problem."""
    lines = []
    for owner in dict.fromkeys(row["owner"] for row in rows):
        lines += [f"## {owner}", ""]
        for row in (one for one in rows if one["owner"] == owner):
            age = f", oldest {row['oldest_hours']:,.0f} hours" if row["oldest_hours"] is not None else ""
            lines.append(f"- [ ] **{row['queue']}: {row['problem']}** ({row['items']:,}{age}). {row['next_step']}.")
            lines += [f"  - `{one}`" for one in row["examples"]]
        lines.append("")
    return "\n".join(lines) or "Nothing waits.\n"
