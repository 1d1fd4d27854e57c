"""Where plans are kept: one file each, never changed, and only valid if the ledger knows it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.files import file_errors
from pipelines.store import open_store
from pipelines.writeback import trail
from pipelines.writeback.plan import NEW_PLAN, Change, Held, Plan
from pipelines.writeback.policy import Outcome

ID = re.compile("[0-9a-f]+")


def save_plan(settings: Settings, plan: Plan) -> Path:
    """Keep a plan under its id, and note in the ledger who made it; the file is never changed afterwards.

    Raises:
        StoreError: the file cannot be written, or the ledger not be used.
    """
    file = settings.plans_dir / f"{plan.short_id}.json"
    with file_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _write(file, json.dumps({"plan_id": plan.plan_id, **plan.content()}, indent=1, sort_keys=True))
    engine = open_store(settings)
    if plan.changes and trail.planner(engine, plan.plan_id) is None:
        reason = f"{len(plan.changes)} changes, {plan.cadence or 'all fields'}"
        made_at = datetime.fromisoformat(plan.created_at)
        trail.record(engine, "plan", plan, actor=plan.planned_by, reason=reason, at=made_at)
    return file


def load_plan(settings: Settings, name: str) -> Plan:
    """Read a plan by its id, the beginning of its id, or its file.

    Raises:
        DataError: there is no such plan, or more than one.
        RefusedError: its content does not match its id, or the ledger does not know that it was made.
        StoreError: the file cannot be read.
    """
    given = Path(name)
    by_id = settings.plans_dir.glob(f"{name[:12]}*.json") if ID.fullmatch(name) else ()
    files = [given] if given.is_file() else sorted(by_id)
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


def _write(file: Path, text: str) -> None:
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.chmod(0o400)
    unfinished.replace(file)


def _parsed(file: Path) -> tuple[Plan, str]:
    try:
        with file_errors(file):
            content = json.loads(file.read_text())
        claimed: str = content.pop("plan_id")
        content["changes"] = [Change(**change) for change in content["changes"]]
        content["held"] = [Held(**held | {"outcome": Outcome(held["outcome"])}) for held in content["held"]]
        return Plan(**content), claimed
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DataError(f"{file} is not a plan.", next_step=NEW_PLAN) from None
