"""Taking a plan back: an inverse plan out of the ledger, for what its policies allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.store import open_store
from pipelines.writeback import trail
from pipelines.writeback.clock import server_time
from pipelines.writeback.destination import Destination
from pipelines.writeback.ledger import REDACTED
from pipelines.writeback.plan import Change, Held, Plan, Rules, read_rules
from pipelines.writeback.policy import Current, FieldRule, FieldValue, Outcome, Policy, Stop, decide, is_blank

SET_ONCE = {Policy.SET_ONCE, Policy.TRUE_ONLY}


def make_revert(
    settings: Settings,
    readers: Mapping[str, Destination],
    plan_id: str,
    *,
    reason: str,
    approver: str | None = None,
) -> Plan:
    """A plan that gives each field that a plan has written its earlier value back.

    Only what still shows our value is taken back. Nothing is cleared: a field that was blank keeps its value (R10).

    Args:
        settings: where the policy files and the ledger are.
        readers: one reader for each org.
        plan_id: the plan to take back.
        reason: why; it goes into the reason of each change.
        approver: who must approve that fields that are set once are taken back; without, they are held back.

    Raises:
        DataError: the ledger knows no applied write of the plan.
    """
    written = trail.applied(open_store(settings), plan_id)
    if not written:
        raise DataError(
            f"The ledger knows no applied write of plan {plan_id[:12]}.",
            next_step="Find it with outreach ledger export.",
        )
    now = server_time(readers)
    rules = read_rules(settings, now.date())
    decided: list[Change | Held] = []
    for (org, object_name), group in groupby(
        sorted(written, key=lambda row: (row["org"], row["object"], row["record_id"], row["field"])),
        key=lambda row: (row["org"], row["object"]),
    ):
        rows = list(group)
        ids = list(dict.fromkeys(row["record_id"] for row in rows))
        current = readers[org].values(object_name, ids, sorted({row["field"] for row in rows}))
        why = f"{trail.REVERT}{plan_id[:12]}: {reason}"
        decided += [
            _inverse(rules, row, current[row["record_id"], row["field"]], why, is_override=approver is not None)
            for row in rows
        ]
    changes = [one for one in decided if isinstance(one, Change)]
    return Plan(
        build_id=written[0]["build_id"],
        allowlist_hash=rules.allowlist.hash,
        organizations={org: reader.organization_id for org, reader in sorted(readers.items())},
        created_at=now.isoformat(timespec="seconds"),
        expires_at=(now + timedelta(hours=settings.plan_hours)).isoformat(timespec="seconds"),
        planned_by=trail.actor(settings),
        cadence=None,
        record_counts={
            f"{org} {object_name}": readers[org].count(object_name)
            for org, object_name in sorted({(one.org, one.object) for one in changes})
        },
        changes=changes,
        held=[one for one in decided if isinstance(one, Held)],
        reverts=plan_id,
        named_approver=approver,
    )


def _inverse(rules: Rules, row: sa.RowMapping, current: Current, why: str, *, is_override: bool) -> Change | Held:
    place = {name: row[name] for name in ("change_id", "org", "object", "record_id", "field")}
    rule = rules.allowlist.rule(row["object"], row["field"])
    if rule and is_override and _is_set_once(rule, row):
        rule = replace(rule, policy=Policy.OVERRIDE)
    ours = _typed(rule, row["after_value"])
    stop = _stop(rule, row, ours, current)
    if stop or rule is None:
        return Held(**place, outcome=stop.outcome if stop else Outcome.WITHHELD, why=stop.why if stop else "")
    return Change(
        **place,
        before=ours,
        after=row["before_value"],
        policy=rule.policy.value,
        reason=why,
        evidence=row["evidence"],
        campaign_id=None,
        approval_id=None,
    )


def _stop(rule: FieldRule | None, row: sa.RowMapping, ours: FieldValue, current: Current) -> Stop | None:
    """Why a write is not taken back; None if it can be."""
    if rule and _is_set_once(rule, row):
        return Stop(Outcome.SET_ONCE, "the field is set once; outreach revert --approver NAME takes it back")
    if row["before_value"] == REDACTED:
        return Stop(Outcome.WITHHELD, "the earlier value was redacted, because the person was erased")
    if is_blank(row["before_value"]):
        return Stop(Outcome.WITHHELD, "the field was blank before, and nothing is ever cleared")
    decision = decide(rule, base=ours, current=current, wanted=row["before_value"], is_approved=True)
    return decision if isinstance(decision, Stop) else None


def _is_set_once(rule: FieldRule, row: sa.RowMapping) -> bool:
    """Whether the policy alone does not bring the earlier value back."""
    return rule.policy in SET_ONCE and row["before_value"] != "true"


def _typed(rule: FieldRule | None, text: str | None) -> FieldValue:
    return text == "true" if rule and rule.value_type == "boolean" else text
