"""Making a plan: every proposed delta against the rules, and against Salesforce as it is now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby

from pipelines.config import Settings
from pipelines.store import open_store
from pipelines.writeback import trail
from pipelines.writeback.clock import server_time
from pipelines.writeback.deltas import Delta, Proposal
from pipelines.writeback.destination import Destination
from pipelines.writeback.guards import cadence_fields
from pipelines.writeback.plan import Change, Held, Plan, Rules, read_rules
from pipelines.writeback.policy import Current, Missing, Outcome, Present, Stop, decide

Key = tuple[str, str, str, str]


def make_plan(
    settings: Settings,
    proposal: Proposal,
    readers: Mapping[str, Destination],
    *,
    only_orgs: Sequence[str] | None = None,
    cadence: str | None = None,
) -> Plan:
    """Check every delta of a proposal against the rules and against Salesforce as it is now.

    Args:
        settings: where the policy files are.
        proposal: the published deltas.
        readers: one reader for each org that may be written to.
        only_orgs: plan for these orgs only.
        cadence: plan for the fields of this cadence only, as ``seeds/write_guards.csv`` lists them.
    """
    fields = cadence_fields(settings.project_dir, cadence) if cadence else None
    deltas = [delta for delta in proposal.deltas if _is_asked_for(delta, only_orgs, fields)]
    now = server_time(readers)
    rules = read_rules(settings, now.date())
    disputed = _disputed(deltas)
    reverted = trail.reverted(open_store(settings))
    decided = [one for group in _grouped(deltas) for one in _decide_group(rules, readers, group, disputed)]
    decided = [_unless_reverted(one, reverted) for one in decided]
    changes = [one for one in decided if isinstance(one, Change)]
    return Plan(
        build_id=proposal.version.build_id,
        allowlist_hash=rules.allowlist.hash,
        organizations={org: reader.organization_id for org, reader in sorted(readers.items())},
        created_at=now.isoformat(timespec="seconds"),
        expires_at=(now + timedelta(hours=settings.plan_hours)).isoformat(timespec="seconds"),
        planned_by=trail.actor(settings),
        cadence=cadence,
        record_counts=_record_counts(readers, changes),
        changes=changes,
        held=[one for one in decided if isinstance(one, Held)],
        blocked=[
            {"object": key[0], "field": key[1], "reason": key[2], "count": count}
            for key, count in proposal.blocked.items()
            if fields is None or key[:2] in fields
        ],
    )


def _unless_reverted(one: Change | Held, reverted: Mapping[str, tuple[str, str]]) -> Change | Held:
    """Hold a change back whose evidence has led to a write that somebody took back: new evidence is needed."""
    evidence, why = reverted.get(one.change_id, ("", ""))
    if isinstance(one, Held) or not why or evidence != one.evidence:
        return one
    return Held(one.change_id, one.org, one.object, one.record_id, one.field, Outcome.WITHHELD, why)


def _record_counts(readers: Mapping[str, Destination], changes: Iterable[Change]) -> dict[str, int]:
    written = sorted({(change.org, change.object) for change in changes})
    return {f"{org} {object_name}": readers[org].count(object_name) for org, object_name in written}


def _is_asked_for(delta: Delta, orgs: Sequence[str] | None, fields: set[tuple[str, str]] | None) -> bool:
    return (orgs is None or delta.org in orgs) and (fields is None or (delta.object, delta.field) in fields)


def _grouped(deltas: Iterable[Delta]) -> Iterable[list[Delta]]:
    for _, group in groupby(deltas, key=lambda delta: (delta.org, delta.object)):
        yield list(group)


def _disputed(deltas: Iterable[Delta]) -> set[Key]:
    """The fields for which more than one value is proposed: none of them is written, rather than the last."""
    counts = Counter((delta.org, delta.object, delta.record_id, delta.field) for delta in deltas)
    return {key for key, count in counts.items() if count > 1}


def _decide_group(
    rules: Rules, readers: Mapping[str, Destination], deltas: list[Delta], disputed: set[Key]
) -> list[Change | Held]:
    """Decide the deltas of one org and object, with one reading of the records that may be written."""
    org, object_name = deltas[0].org, deltas[0].object
    reader = readers.get(org)
    candidates = [delta for delta in deltas if reader and _is_worth_reading(rules, reader, delta)]
    current: dict[tuple[str, str], Current] = {}
    if reader and candidates:
        ids = list(dict.fromkeys(delta.record_id for delta in candidates))
        current = reader.values(object_name, ids, sorted({delta.field for delta in candidates}))
    return [_decide_one(rules, reader, delta, current, disputed) for delta in deltas]


def _is_worth_reading(rules: Rules, reader: Destination, delta: Delta) -> bool:
    rule = rules.allowlist.rule(delta.object, delta.field)
    return rule is not None and rule.is_active and reader.wrong_id(delta.object, delta.record_id) is None


def _decide_one(
    rules: Rules,
    reader: Destination | None,
    delta: Delta,
    current: Mapping[tuple[str, str], Current],
    disputed: set[Key],
) -> Change | Held:
    rule = rules.allowlist.rule(delta.object, delta.field)
    approval = rules.approval(rule, delta.org, delta.campaign_id)
    now = current.get((delta.record_id, delta.field), Missing())
    base = now.value if isinstance(now, Present) else None
    decision = decide(rule, base=base, current=now, wanted=delta.after_value, is_approved=approval is not None)
    if reader is None:
        decision = Stop(Outcome.WITHHELD, f"org '{delta.org}' is not configured for writing")
    elif why := reader.wrong_id(delta.object, delta.record_id):
        decision = Stop(Outcome.WITHHELD, why)
    elif (delta.org, delta.object, delta.record_id, delta.field) in disputed:
        decision = Stop(Outcome.WITHHELD, "more than one value is proposed for this field")
    elif rule and not isinstance(decision, Stop):
        decision = reader.obstacle(rule, delta.after_value) or decision
    if isinstance(decision, Stop) or rule is None:
        outcome, why = (decision.outcome, decision.why) if isinstance(decision, Stop) else (Outcome.WITHHELD, "")
        return Held(delta.delta_id, delta.org, delta.object, delta.record_id, delta.field, outcome, why)
    return Change(
        change_id=delta.delta_id,
        org=delta.org,
        object=delta.object,
        record_id=delta.record_id,
        field=delta.field,
        before=base,
        after=delta.after_value,
        policy=rule.policy.value,
        reason=delta.reason,
        evidence=delta.evidence,
        campaign_id=delta.campaign_id,
        approval_id=approval.approval_id if approval else None,
    )
