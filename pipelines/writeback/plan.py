"""The plan: which fields would be written, what stands there now, why, and what is held back; sealed by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.store import open_store
from pipelines.writeback import trail
from pipelines.writeback.allowlist import Allowlist, Approval, read_allowlist, read_approvals
from pipelines.writeback.current import OrgReader
from pipelines.writeback.policy import FieldRule, FieldValue, Outcome

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
    guards can judge shares. Times are Salesforce's.
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

    @cached_property
    def plan_id(self) -> str:
        """SHA-256 over the plan's content."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

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
        """The approval that covers a field for a campaign today, if there is one."""
        if rule is None:
            return None
        covering = (one for one in self.approvals if one.covers(org, campaign_id, rule, self.today))
        return next(covering, None)


def read_rules(settings: Settings, today: date) -> Rules:
    """The reviewed policy files, for a day."""
    return Rules(read_allowlist(settings.project_dir), read_approvals(settings.project_dir), today)


def server_time(readers: Mapping[str, OrgReader]) -> datetime:
    """What day and time it is in Salesforce; the latest of the orgs' clocks."""
    return max(reader.client.server_time() for reader in readers.values())


def save_plan(settings: Settings, plan: Plan) -> Path:
    """Keep a plan under its id, and note in the ledger who made it; the file is never changed afterwards."""
    settings.plans_dir.mkdir(parents=True, exist_ok=True)
    file = settings.plans_dir / f"{plan.short_id}.json"
    if not file.exists():
        unfinished = file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps({"plan_id": plan.plan_id, **asdict(plan)}, indent=1, sort_keys=True))
        unfinished.chmod(0o400)
        unfinished.replace(file)
    engine = open_store(settings)
    if plan.changes and trail.planner(engine, plan.plan_id) is None:
        scope = plan.cadence or "all fields"
        trail.record(
            engine,
            "plan",
            plan_id=plan.plan_id,
            build_id=plan.build_id,
            orgs=plan.organizations,
            actor=plan.planned_by,
            reason=f"{len(plan.changes)} changes, {scope}",
        )
    return file


def load_plan(settings: Settings, name: str) -> Plan:
    """Read a plan by its id, the beginning of its id, or its file.

    Raises:
        DataError: there is no such plan, or more than one.
        RefusedError: its content does not match its id, or the ledger does not know that it was made.
    """
    given = Path(name)
    files = [given] if given.is_file() else sorted(settings.plans_dir.glob(f"{name[:12]}*.json"))
    if len(files) != 1:
        raise DataError(
            f"There is no plan '{name}'." if not files else f"'{name}' names more than one plan.",
            next_step=f"Give the id that outreach plan shows; plans are kept in {settings.plans_dir}.",
        )
    plan, claimed = _parsed(files[0])
    is_known = not plan.changes or trail.planner(open_store(settings), plan.plan_id) is not None
    if plan.plan_id != claimed or not is_known:
        raise RefusedError(f"{files[0]} was changed after it was made.", next_step=NEW_PLAN)
    return plan


def _parsed(file: Path) -> tuple[Plan, str]:
    try:
        content = json.loads(file.read_text())
        claimed: str = content.pop("plan_id")
        content["changes"] = [Change(**change) for change in content["changes"]]
        content["held"] = [Held(**held | {"outcome": Outcome(held["outcome"])}) for held in content["held"]]
        return Plan(**content), claimed
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DataError(f"{file} is not a plan.", next_step=NEW_PLAN) from None


def refuse_outdated(plan: Plan, rules: Rules, readers: Mapping[str, OrgReader], now: datetime) -> None:
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
        if plan.organizations.get(org) != reader.client.organization_id:
            raise RefusedError(f"The plan {plan.short_id} was made for another org '{org}'.", next_step=NEW_PLAN)
