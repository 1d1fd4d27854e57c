"""The plan: which fields would be written, what stands there now, why, and what is held back; sealed by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from pipelines.config import Settings
from pipelines.errors import RefusedError
from pipelines.writeback.allowlist import Allowlist, Approval, read_allowlist, read_approvals
from pipelines.writeback.destination import Destination
from pipelines.writeback.policy import FieldRule, FieldValue, Outcome, Policy

NEW_PLAN = "Make a new plan with outreach plan."


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
    """An immutable plan. ``plan_id`` is the hash over everything else, so an edited plan is no plan.

    ``record_counts`` says how many records each org has of each object that the plan writes ("icare Lead"), so that the
    guards can judge shares. ``reverts`` is the plan that this one takes back, ``named_approver`` the only one who may
    approve it. Times are Salesforce's.
    """

    build_id: str
    allowlist_hash: str
    organizations: dict[str, str]
    created_at: str
    expires_at: str
    planned_by: str
    cadence: str | None
    record_counts: dict[str, int]
    changes: list[Change]
    held: list[Held]
    blocked: list[dict[str, Any]] = field(default_factory=list)
    reverts: str | None = None
    named_approver: str | None = None

    @cached_property
    def plan_id(self) -> str:
        """SHA-256 over the plan's content."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """The plan as plain values. ``asdict`` would copy each of them, which takes seconds where there are many."""
        content = {one.name: getattr(self, one.name) for one in fields(self)}
        return content | {"changes": [vars(one) for one in self.changes], "held": [vars(one) for one in self.held]}

    @property
    def short_id(self) -> str:
        """The beginning of the id, which names the plan on the command line and its file."""
        return self.plan_id[:12]


@dataclass(frozen=True)
class Rules:
    """The reviewed policy in force on one day of Salesforce's calendar."""

    allowlist: Allowlist
    approvals: list[Approval]
    today: date

    def approval(self, rule: FieldRule | None, org: str, campaign_id: str | None) -> Approval | None:
        """The approval that covers a field for a campaign today, if it needs one and there is one."""
        if rule is None or not rule.approval_required:
            return None
        covering = (one for one in self.approvals if one.covers(org, campaign_id, rule, self.today))
        return next(covering, None)

    def with_overrides(self, plan: Plan) -> Rules:
        """The rules for pushing a plan: where it takes back a value that is set once, it may, and no other plan."""
        overridden = {(change.object, change.field) for change in plan.changes if change.policy == Policy.OVERRIDE}
        rules = {
            key: replace(rule, policy=Policy.OVERRIDE) if key in overridden else rule
            for key, rule in self.allowlist.rules.items()
        }
        return replace(self, allowlist=replace(self.allowlist, rules=rules))


def read_rules(settings: Settings, today: date) -> Rules:
    """The reviewed policy files, for a day."""
    return Rules(read_allowlist(settings.project_dir), read_approvals(settings.project_dir), today)


def refuse_outdated(plan: Plan, rules: Rules, readers: Mapping[str, Destination], now: datetime) -> None:
    """Refuse a plan that has expired, was made under another allowlist, or for other orgs.

    Raises:
        RefusedError: says which of these.
    """
    if now >= datetime.fromisoformat(plan.expires_at):
        raise RefusedError(
            f"The plan {plan.short_id} of {plan.created_at} has expired at {plan.expires_at}.", next_step=NEW_PLAN
        )
    if plan.allowlist_hash != rules.allowlist.hash:
        raise RefusedError(f"The allowlist has changed since plan {plan.short_id} was made.", next_step=NEW_PLAN)
    for org, reader in readers.items():
        if plan.organizations.get(org) != reader.organization_id:
            raise RefusedError(f"The plan {plan.short_id} was made for another org '{org}'.", next_step=NEW_PLAN)
