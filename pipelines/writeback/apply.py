"""Applying a plan from its beginning to its end: what is left open, the plan, consent, push, and how it went."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.errors import PartialFailureError, RefusedError
from pipelines.privacy.suppression import read_gate
from pipelines.store_locks import PUSH_LOCK, one_at_a_time
from pipelines.writeback import heads, trail
from pipelines.writeback.brake import Brake, stop_order
from pipelines.writeback.clock import SteadyClock, server_time
from pipelines.writeback.consent import require_consent
from pipelines.writeback.deltas import is_of_erased, read_proposal
from pipelines.writeback.destination import Destination
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Plan, read_rules, refuse_outdated
from pipelines.writeback.plan_files import save_plan
from pipelines.writeback.planning import make_plan
from pipelines.writeback.push import Pusher
from pipelines.writeback.settle import settle_open_intents


def push_plan(
    settings: Settings,
    engine: Any,
    org_readers: dict[str, Destination],
    *,
    kept: Plan | None = None,
    only_orgs: list[str] | None = None,
    cadence: str | None = None,
    is_first_run: bool = False,
    dry_run: bool = False,
    limits: Push | None = None,
    display: Any = None,
) -> tuple[Plan, PushResult]:
    """Settle what an interrupted push left open, then apply a plan that was kept, or a new one.

    ``only_orgs`` leaves the others out of a new plan; without, a change for an org that nobody knows is held and shown.

    Raises:
        StoppedError: pushing was stopped with ``outreach push --stop``.
        RefusedError: the plan is outdated or of somebody who was erased, or a guard wants a person's consent first.
        StoreError: the ledger has lost entries.
    """
    if kept:
        _refuse_erased(settings, kept)
    order = stop_order(settings)
    if not dry_run:
        order.check()
    limits = limits or settings.push
    heads.refuse_rewound(settings, engine)
    clock = SteadyClock(server_time(org_readers))
    settled = 0
    if not dry_run:
        settled = settle_open_intents(engine, org_readers, clock, longest_job_seconds=limits.longest_job_seconds)
    made = kept or make_plan(settings, read_proposal(settings), org_readers, only_orgs=only_orgs, cadence=cadence)
    rules = read_rules(settings, clock().date())
    refuse_outdated(made, rules, org_readers, clock())
    rules = rules.with_overrides(made)
    if made.changes:
        save_plan(settings, made)
    expires_at = datetime.fromisoformat(made.expires_at)
    brake = Brake(limits, order, has_expired=lambda: clock() >= expires_at)
    pusher = Pusher(engine, rules, org_readers, brake, limits=limits, clock=clock, progress=display)
    if dry_run:
        return made, pusher.preview(made)
    consent = require_consent(settings, engine, made, is_first_run=is_first_run)
    if made.changes:
        trail.record(engine, "push", made, actor=trail.actor(settings), reason=consent, at=clock())
    try:
        with brake.obeying_sigterm():
            result = pusher.push(made)
    finally:
        heads.note(settings, engine)
    result.settled = settled
    return made, result


def _refuse_erased(settings: Settings, kept: Plan) -> None:
    gate = read_gate(settings)
    if gate and any(is_of_erased(gate, change) for change in kept.changes):
        raise RefusedError(
            f"Plan {kept.short_id} has changes of somebody who was erased meanwhile.",
            next_step="Run outreach plan again: it leaves them out.",
        )


def push_lock(
    settings: Settings, engine: sa.Engine, purpose: str = "push", *, wait_seconds: float = 0
) -> AbstractContextManager[None]:
    """The lock that every push takes first: on this machine, and on the store that others may share.

    Raises:
        LockedError: another push holds it.
    """
    return one_at_a_time(engine, settings.data_dir / "push.lock", PUSH_LOCK, purpose, wait_seconds=wait_seconds)


def require_success(result: PushResult) -> None:
    """Raise what stopped a push, or that some of its changes failed.

    Raises:
        OutreachError: what stopped it before its end.
        PartialFailureError: changes were rejected, or nobody knows what became of them.
    """
    if result.stopped_by:
        raise result.stopped_by
    if result.has_failures:
        raise PartialFailureError(
            "Some changes were rejected, or nobody knows what became of them.",
            next_step="See the outcomes above; run outreach push again for the unknown ones.",
        )


def push_summary(made: Plan, result: PushResult) -> dict[str, Any]:
    """A push for scripts and the run history: plan, requests, and how many changes ended how."""
    return {
        "plan_id": made.plan_id,
        "build_id": made.build_id,
        "planned": len(made.changes),
        "held_back": len(made.held) + sum(row["count"] for row in made.blocked),
        "settled": result.settled,
        "update_calls": result.update_calls,
        "bulk_jobs": result.bulk_jobs,
        "stopped_by": result.stopped_by.message if result.stopped_by else None,
        "outcomes": [
            {"object": object_name, "field": field, "outcome": outcome, "count": count}
            for (object_name, field, outcome), count in sorted(result.counts().items())
        ],
    }
