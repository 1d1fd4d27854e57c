"""Who did what to a plan as a whole: entries of the ledger beside those of its changes."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.store import reading
from pipelines.store_tables import ledger_entries
from pipelines.writeback import ledger
from pipelines.writeback.chain import Entry
from pipelines.writeback.plan import Plan
from pipelines.writeback.policy import Outcome

REVERT = "revert of plan "  # how the reason of a change begins that takes another one back


def actor(settings: Settings) -> str:
    """Who acts: ``OUTREACH_USER``, else the user of the operating system."""
    return settings.user or getpass.getuser()


def record(
    engine: sa.Engine,
    entry_type: str,
    plan: Plan,
    *,
    actor: str,
    reason: str,
    evidence: str = "",
    at: datetime | None = None,
) -> None:
    """Write down an act that concerns a whole plan; record and field stay empty.

    ``at`` is when it happened by Salesforce's clock, by this machine's if nobody knows.
    """
    act = Entry(
        run_id=plan.plan_id,
        plan_id=plan.plan_id,
        entry_type=entry_type,
        change_id=plan.plan_id,
        org=" ".join(sorted(plan.organizations)),
        object="",
        record_id="",
        field="",
        policy="",
        reason=reason,
        evidence=evidence,
        build_id=plan.build_id,
        recorded_at=at or datetime.now(UTC),
        actor=actor,
    )
    ledger.append(engine, [act])


def acts(engine: sa.Engine, entry_type: str, plan_id: str) -> list[sa.RowMapping]:
    """What was recorded for a plan, oldest first."""
    query = sa.select(ledger_entries).where(
        ledger_entries.c.plan_id == plan_id, ledger_entries.c.entry_type == entry_type
    )
    with reading(engine) as connection:
        return list(connection.execute(query.order_by(ledger_entries.c.entry_id)).mappings())


def planner(engine: sa.Engine, plan_id: str) -> str | None:
    """Who made a plan; None if the ledger does not know it."""
    made = acts(engine, "plan", plan_id)
    return str(made[0]["actor"]) if made else None


def applied(engine: sa.Engine, plan_id: str) -> list[sa.RowMapping]:
    """The writes of a plan that Salesforce has taken; the last one of a change that was pushed more than once."""
    taken = [row for row in acts(engine, "outcome", plan_id) if row["outcome"] == Outcome.APPLIED]
    return list({row["change_id"]: row for row in taken}.values())


def reverted(engine: sa.Engine) -> dict[str, tuple[str, str]]:
    """The changes whose last write took an earlier one back, by change id: the evidence of that one, and why."""
    entry, later = ledger_entries.c, ledger_entries.alias()
    is_last = ~(
        sa.select(later.c.entry_id)
        .where(
            later.c.change_id == entry.change_id, later.c.outcome == Outcome.APPLIED, later.c.entry_id > entry.entry_id
        )
        .exists()
    )
    query = sa.select(ledger_entries).where(
        entry.outcome == Outcome.APPLIED, entry.reason.startswith(REVERT, autoescape=True), is_last
    )
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    return {
        row["change_id"]: (row["evidence"], f"{row['reason']}; the same evidence does not write it again")
        for row in rows
    }
