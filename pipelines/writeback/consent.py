"""Consent to a plan that a guard objects to: by a second person, or by a flag where only the first write is new."""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import ApprovalNeededError, RefusedError
from pipelines.store import reading
from pipelines.store_tables import ledger_entries
from pipelines.writeback import trail
from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.guards import Kind, Objection, objections, read_guards
from pipelines.writeback.plan import Plan
from pipelines.writeback.policy import Outcome


def objections_to(settings: Settings, engine: sa.Engine, plan: Plan) -> list[Objection]:
    """What the guards have against a plan, by the policy files and the ledger as they are now."""
    allowlist, guards = read_allowlist(settings.project_dir), read_guards(settings.project_dir)
    return objections(plan, allowlist, guards, _written_before(engine))


def require_consent(settings: Settings, engine: sa.Engine, plan: Plan, *, is_first_run: bool) -> str:
    """Refuse a plan that needs a person's consent and does not have it; else say what it may be pushed on.

    Args:
        settings: where the policy files are.
        engine: the operational store with the ledger.
        plan: what would be written.
        is_first_run: whether the caller says that fields are to be written for the first time.

    Raises:
        ApprovalNeededError: names every objection, and how to consent.
    """
    objected = objections_to(settings, engine, plan)
    if not objected:
        return "no guard objects"
    if person := approver(engine, plan):
        return f"approved by {person}"
    found = [one for one in objected if one.kind is not Kind.FIRST_RUN or not is_first_run]
    if not found:
        return f"--first-run: {'; '.join(map(str, objected))}"
    by_flag = all(one.kind is Kind.FIRST_RUN for one in found)
    who = plan.named_approver or f"somebody else than {plan.planned_by}"
    approve = f"{who} looks at it, runs outreach approve PLAN --reason …, and it can be pushed with outreach push PLAN."
    flag = "Run outreach push PLAN --first-run, which covers all fields of that org in the plan; or"
    raise ApprovalNeededError(
        f"The plan {plan.short_id} needs consent before it is pushed: {'; '.join(map(str, found))}.",
        next_step=f"{flag} {approve}" if by_flag else f"Now {approve}",
    )


def approve(settings: Settings, engine: sa.Engine, plan: Plan, *, reason: str) -> str:
    """Record in the ledger that the present user approves a plan; returns the user's name.

    Raises:
        RefusedError: the user made the plan, or gives no reason.
    """
    person = trail.actor(settings)
    if why := _why_not(person, plan):
        raise RefusedError(
            f"{person} cannot approve the plan {plan.short_id}: {why}.",
            next_step=f"{plan.named_approver or 'Somebody else'} must look at it with outreach plan {plan.short_id},"
            f" then run outreach approve {plan.short_id} --reason …",
        )
    if not reason.strip():
        raise RefusedError("An approval needs a reason.", next_step="Say in --reason what was checked.")
    trail.record(
        engine,
        "approval",
        plan,
        actor=person,
        reason=reason.strip(),
        evidence="; ".join(map(str, objections_to(settings, engine, plan))),
    )
    return person


def approver(engine: sa.Engine, plan: Plan) -> str | None:
    """Who approved a plan; None if nobody did who may."""
    people = [str(act["actor"]) for act in trail.acts(engine, "approval", plan.plan_id)]
    return next((person for person in people if _why_not(person, plan) is None), None)


def _why_not(person: str, plan: Plan) -> str | None:
    """Why a person may not approve a plan; None if the person may. Names are compared without case."""
    if person.casefold() == plan.planned_by.casefold():
        return "who made a plan does not approve it"
    if plan.named_approver and person.casefold() != plan.named_approver.casefold():
        return f"the plan names {plan.named_approver} as approver"
    return None


def _written_before(engine: sa.Engine) -> set[tuple[str, str, str]]:
    """The fields of each org that the ledger says were written at least once."""
    entry = ledger_entries.c
    query = sa.select(entry.org, entry.object, entry.field).distinct().where(entry.outcome == Outcome.APPLIED)
    with reading(engine) as connection:
        return {(row.org, row.object, row.field) for row in connection.execute(query)}
