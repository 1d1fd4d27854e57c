"""The plan: which fields would be written, what stands there now, why, and what is held back; sealed by a hash."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import DataError, OutreachError, RefusedError
from pipelines.salesforce.ids import to_18
from pipelines.writeback.allowlist import Allowlist, Approval, read_allowlist, read_approvals
from pipelines.writeback.current import OrgReader
from pipelines.writeback.deltas import Delta, Proposal
from pipelines.writeback.payload import KEY_PREFIXES
from pipelines.writeback.policy import Current, FieldRule, FieldValue, Missing, Outcome, Present, Stop, decide

EXPIRES_AFTER = timedelta(hours=24)
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Change:
    """One field of one record that will be written if nothing has changed until then."""

    change_id: str
    org: str
    object: str
    record_id: str
    field: str
    before: FieldValue
    after: str
    policy: str
    reason: str
    evidence: str
    campaign_id: str | None
    approval_id: str | None


@dataclass(frozen=True)
class Held:
    """One proposed change that will not be written, and why."""

    change_id: str
    org: str
    object: str
    record_id: str
    field: str
    outcome: Outcome
    why: str


@dataclass(frozen=True)
class Plan:
    """An immutable plan. ``plan_id`` is the hash over everything else, so an edited plan is no plan."""

    build_id: str
    allowlist_hash: str
    organizations: dict[str, str]
    created_at: str
    changes: list[Change]
    held: list[Held]
    blocked: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def plan_id(self) -> str:
        """SHA-256 over the plan's content."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Rules:
    """The reviewed policy in force on one day of Salesforce's calendar."""

    allowlist: Allowlist
    approvals: list[Approval]
    today: date

    def approval(self, rule: FieldRule | None, org: str, campaign_id: str | None) -> Approval | None:
        """The approval that covers a field for a campaign today, if there is one."""
        if rule is None:
            return None
        covering = (one for one in self.approvals if one.covers(org, campaign_id, rule, self.today))
        return next(covering, None)


def read_rules(settings: Settings, today: date) -> Rules:
    """The reviewed policy files, for a day."""
    return Rules(read_allowlist(settings.project_dir), read_approvals(settings.project_dir), today)


def make_plan(
    settings: Settings, proposal: Proposal, readers: Mapping[str, OrgReader], *, only_orgs: Sequence[str] | None = None
) -> Plan:
    """Check every delta of a proposal against the rules and against Salesforce as it is now.

    Args:
        settings: where the policy files are.
        proposal: the published deltas.
        readers: one reader for each org that may be written to.
        only_orgs: plan for these orgs only.
    """
    deltas = [delta for delta in proposal.deltas if only_orgs is None or delta.org in only_orgs]
    now = server_time(readers)
    rules = read_rules(settings, now.date())
    disputed = _disputed(deltas)
    decided = [one for group in _grouped(deltas) for one in _decide_group(rules, readers, group, disputed)]
    return Plan(
        build_id=proposal.version.build_id,
        allowlist_hash=rules.allowlist.hash,
        organizations={org: reader.client.organization_id for org, reader in sorted(readers.items())},
        created_at=now.isoformat(timespec="seconds"),
        changes=[one for one in decided if isinstance(one, Change)],
        held=[one for one in decided if isinstance(one, Held)],
        blocked=[
            {"object": key[0], "field": key[1], "reason": key[2], "count": count}
            for key, count in proposal.blocked.items()
        ],
    )


def server_time(readers: Mapping[str, OrgReader]) -> datetime:
    """What day and time it is in Salesforce; the latest of the orgs' clocks."""
    return max(reader.client.server_time() for reader in readers.values())


def save_plan(settings: Settings, plan: Plan) -> Path:
    """Keep a plan under its id; the file is never changed afterwards."""
    settings.plans_dir.mkdir(parents=True, exist_ok=True)
    file = settings.plans_dir / f"{plan.plan_id[:12]}.json"
    unfinished = file.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps({"plan_id": plan.plan_id, **asdict(plan)}, indent=1, sort_keys=True))
    unfinished.replace(file)
    return file


def load_plan(settings: Settings, name: str) -> Plan:
    """Read a plan by its id, the beginning of its id, or its file.

    Raises:
        DataError: there is no such plan, or more than one.
        RefusedError: its content does not match its id.
    """
    given = Path(name)
    files = [given] if given.is_file() else sorted(settings.plans_dir.glob(f"{name[:12]}*.json"))
    if len(files) != 1:
        raise DataError(f"There is no plan '{name}'." if not files else f"'{name}' names more than one plan.")
    try:
        content = json.loads(files[0].read_text())
        claimed = content.pop("plan_id")
        content["changes"] = [Change(**change) for change in content["changes"]]
        content["held"] = [Held(**held | {"outcome": Outcome(held["outcome"])}) for held in content["held"]]
        plan = Plan(**content)
    except (ValueError, TypeError, KeyError):
        raise DataError(f"{files[0]} is not a plan.", next_step="Make a new one with outreach plan.") from None
    if plan.plan_id != claimed:
        raise RefusedError(
            f"{files[0]} was changed after it was made.", next_step="Make a new plan with outreach plan."
        )
    return plan


def refuse_outdated(plan: Plan, rules: Rules, readers: Mapping[str, OrgReader], now: datetime) -> None:
    """Refuse a plan that is too old, was made under another allowlist, or for other orgs.

    Raises:
        RefusedError: says which of these.
    """
    new_plan = "Make a new plan with outreach plan."
    if now - datetime.fromisoformat(plan.created_at) > EXPIRES_AFTER:
        raise RefusedError(f"The plan {plan.plan_id[:12]} is older than 24 hours.", next_step=new_plan)
    if plan.allowlist_hash != rules.allowlist.hash:
        raise RefusedError(f"The allowlist has changed since plan {plan.plan_id[:12]} was made.", next_step=new_plan)
    for org, reader in readers.items():
        if plan.organizations.get(org) != reader.client.organization_id:
            raise RefusedError(f"The plan {plan.plan_id[:12]} was made for another org '{org}'.", next_step=new_plan)


def _grouped(deltas: Iterable[Delta]) -> Iterable[list[Delta]]:
    for _, group in groupby(deltas, key=lambda delta: (delta.org, delta.object)):
        yield list(group)


def _disputed(deltas: Iterable[Delta]) -> set[Key]:
    """The fields for which more than one value is proposed: none of them is written, rather than the last."""
    counts = Counter((delta.org, delta.object, delta.record_id, delta.field) for delta in deltas)
    return {key for key, count in counts.items() if count > 1}


def _decide_group(
    rules: Rules, readers: Mapping[str, OrgReader], deltas: list[Delta], disputed: set[Key]
) -> list[Change | Held]:
    """Decide the deltas of one org and object, with one reading of the records that may be written."""
    org, object_name = deltas[0].org, deltas[0].object
    reader = readers.get(org)
    candidates = [delta for delta in deltas if reader and _is_worth_reading(rules, delta)]
    current: dict[tuple[str, str], Current] = {}
    if reader and candidates:
        ids = list(dict.fromkeys(delta.record_id for delta in candidates))
        current = reader.values(object_name, ids, sorted({delta.field for delta in candidates}))
    return [_decide_one(rules, reader, delta, current, disputed) for delta in deltas]


def _is_worth_reading(rules: Rules, delta: Delta) -> bool:
    rule = rules.allowlist.rule(delta.object, delta.field)
    return rule is not None and rule.is_active and _wrong_id(delta) is None


def _decide_one(
    rules: Rules,
    reader: OrgReader | None,
    delta: Delta,
    current: Mapping[tuple[str, str], Current],
    disputed: set[Key],
) -> Change | Held:
    rule = rules.allowlist.rule(delta.object, delta.field)
    approval = rules.approval(rule, delta.org, delta.campaign_id)
    now = current.get((delta.record_id, delta.field), Missing())
    base = now.value if isinstance(now, Present) else None
    decision = decide(rule, base=base, current=now, wanted=delta.after_value, is_approved=approval is not None)
    if stop := _wrong_id(delta):
        decision = stop
    elif (delta.org, delta.object, delta.record_id, delta.field) in disputed:
        decision = Stop(Outcome.WITHHELD, "more than one value is proposed for this field")
    elif reader is None:
        decision = Stop(Outcome.WITHHELD, f"org '{delta.org}' is not configured for writing")
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


def _wrong_id(delta: Delta) -> Stop | None:
    try:
        is_right = to_18(delta.record_id) == delta.record_id
    except OutreachError:
        is_right = False
    if is_right and delta.record_id.startswith(KEY_PREFIXES.get(delta.object, "?")):
        return None
    return Stop(Outcome.WITHHELD, f"the id is not an 18-character id of {delta.object}")
