"""The story of a field in Salesforce or HubSpot: source event, evidence, plan, approval, write, answer, value now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.http.answers import E_MAIL, without_addresses
from pipelines.salesforce.ids import to_18
from pipelines.store import reading
from pipelines.store_tables import ledger_entries
from pipelines.writeback import story
from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.destination import Destination
from pipelines.writeback.hubspot import CONTACTS
from pipelines.writeback.journal import as_text
from pipelines.writeback.payload import KEY_PREFIXES
from pipelines.writeback.policy import Current, Missing, Present
from pipelines.writeback.story import Step

GONE = "the record is gone"
ABOUT_PLANS = ("plan", "approval", "push")


@dataclass(frozen=True)
class Subject:
    """What is explained: a record with what belongs to it, and one field or all."""

    ids: list[str]
    field: str | None


def subject(settings: Settings, record_id: str, field: str | None, allowlist: Allowlist) -> Subject:
    """The records of a story: a campaign member alone, a lead with its members, or a contact by its e-mail address.

    Raises:
        DataError: it is none of these, or the field is not one that we could write.
    """
    known = sorted({rule.field for rule in allowlist.rules.values()})
    if field and field not in known:
        raise DataError(f"'{field}' is not on the allowlist.", next_step=f"Choose from {', '.join(known)}.")
    if E_MAIL.fullmatch(record_id):
        return Subject([record_id.lower()], field)
    given = to_18(record_id)
    if not given.startswith(tuple(KEY_PREFIXES.values())):
        raise DataError(
            f"'{given}' is not the id of a lead or campaign member.",
            next_step="Give one of these, or the e-mail address of a HubSpot contact.",
        )
    members = story.members_of(settings, given) if given.startswith(KEY_PREFIXES["Lead"]) else []
    return Subject([given, *members], field)


def require_known(settings: Settings, about: Subject, steps: Sequence[Step]) -> None:
    """Refuse an id that nobody has seen: neither the marts, nor the ledger, nor Salesforce if it was asked.

    Raises:
        DataError: there is no such record.
    """
    record_id = about.ids[0]
    if all(step.text == GONE for step in steps) and not story.is_known(settings, record_id):
        raise DataError(
            f"Nobody knows a record {without_addresses(record_id)}.",
            next_step="Correct it; a new record is known after outreach load and outreach build.",
        )


def past(settings: Settings, engine: sa.Engine, about: Subject) -> list[Step]:
    """Everything that is known of a subject but its value now, field by field, oldest first."""
    steps = [
        *story.events(settings, about.ids),
        *_recorded(engine, about.ids),
        *story.verdicts(settings, about.ids),
    ]
    return _sorted(step for step in steps if about.field in {None, step.field})


def now(allowlist: Allowlist, readers: Mapping[str, Destination], about: Subject, orgs: Iterable[str]) -> list[Step]:
    """What Salesforce, or HubSpot, shows at this moment for each listed field of the records that it has."""
    steps = []
    for org in sorted(set(orgs) & set(readers)):
        reader, at = readers[org], readers[org].server_time()
        for object_name in sorted({listed for listed, _ in allowlist.rules}):
            ids = [one for one in about.ids if reader.wrong_id(object_name, one) is None]
            fields = sorted(field for listed, field in allowlist.rules if listed == object_name)
            fields = [field for field in fields if about.field in {None, field}]
            if not ids or not fields:
                continue
            for (record_id, field), current in reader.values(object_name, ids, fields).items():
                steps.append(Step("now", org, record_id, field, at, _about_now(object_name, current)))
    return steps


def _about_now(object_name: str, current: Current) -> str:
    if not isinstance(current, Present):
        return GONE if isinstance(current, Missing) else "the field is hidden from us"
    service = "HubSpot" if object_name == CONTACTS else "Salesforce"
    return f"{service} shows {_shown(object_name, as_text(current.value))}"


def _shown(object_name: str, value: str | None) -> str:
    """A value for the screen; those of contacts are names and addresses of people (R8)."""
    return ("(a value)" if object_name == CONTACTS else value) if value else "(blank)"


def _recorded(engine: sa.Engine, ids: Sequence[str]) -> list[Step]:
    """The ledger's entries about the records, and who made, approved and pushed their plans, in the ledger's order."""
    entry = ledger_entries.c
    with reading(engine) as connection:
        query = sa.select(ledger_entries).where(entry.record_id.in_(ids)).order_by(entry.entry_id)
        rows = connection.execute(query).mappings().all()
        of_plans = sa.select(ledger_entries).where(
            entry.plan_id.in_({row["plan_id"] for row in rows}), entry.entry_type.in_(ABOUT_PLANS)
        )
        acts = connection.execute(of_plans.order_by(entry.entry_id)).mappings().all()
    fields = {(row["org"], row["record_id"], row["field"], row["plan_id"]) for row in rows}
    steps = [
        (
            act["entry_id"],
            Step(act["entry_type"], org, record_id, field, act["recorded_at"], _about_plan(act), act["actor"]),
        )
        for org, record_id, field, plan_id in fields
        for act in acts
        if act["plan_id"] == plan_id
    ]
    steps += [
        (
            row["entry_id"],
            Step(row["entry_type"], row["org"], row["record_id"], row["field"], row["recorded_at"], _about_change(row)),
        )
        for row in rows
    ]
    return [step for _, step in sorted(steps, key=lambda numbered: numbered[0])]


def _about_plan(act: sa.RowMapping) -> str:
    of_build = f" from build {act['build_id']}" if act["entry_type"] == "plan" else ""
    return f"plan {act['plan_id'][:12]}{of_build}: {act['reason']}"


def _about_change(row: sa.RowMapping) -> str:
    if row["entry_type"] == "intent":
        legal = f"; legal approval {row['approval_id']}" if row["approval_id"] else ""
        before, after = (_shown(row["object"], row[name]) for name in ("current_value", "after_value"))
        return f"{before} → {after} ({row['policy']}): {row['reason']}; {row['evidence']}{legal}"
    answer = f": {row['detail']}" if row["detail"] else ""
    return f"{row['outcome'] or row['entry_type']}{answer}"


_LEDGER = 1
_STAGES = {"event": 0, "proposed": 2, "held back": 2, "compared": 2}


def _sorted(steps: Iterable[Step]) -> list[Step]:
    """By field, then events, ledger and verdicts in this order: their times come from different clocks.

    The ledger has an order of its own, which no clock changes.
    """

    def place(step: Step) -> tuple[str, str, str, int, str]:
        stage = _STAGES.get(step.step, _LEDGER)
        at = step.at.isoformat() if step.at and stage != _LEDGER else ""
        return step.org, step.record_id, step.field, stage, at

    return sorted(steps, key=place)
