"""What stored records say of a change: they must exist, be alive and not converted, and what they refer to, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.salesforce.drafts import Change, Draft, Operation
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.soql import parse_condition
from sandbox.salesforce.state import State
from sandbox.salesforce.translate import Translation
from sandbox.salesforce.user_permissions import has_bypass
from sandbox.world.plan import table


def check_stored(state: State, schema: Schema, drafts: list[Draft]) -> None:
    """Replace changes that stored records forbid by their errors, and note the values before."""
    _check_records(state, schema, drafts)
    _check_references(state, schema, drafts)
    _check_members(state, schema.org, drafts)


def broken_rules(state: State, schema: Schema, changes: Iterable[Change]) -> dict[str, RowError]:
    """The errors of records that are stored already, but break a rule of the org, by id."""
    ids: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        if change.operation is not Operation.DELETE:
            ids[change.sobject.name].append(change.record_id)
    broken: dict[str, RowError] = {}
    for rule in [] if has_bypass(state, schema.org) else schema.validation_rules:
        if rule.sobject in ids:
            translation = Translation(schema.sobject(rule.sobject), state.now)
            condition = translation.condition(parse_condition(rule.condition))
            rows = state.rows(
                f'select t."Id" from {translation.source} where {condition} and t."Id" in (select unnest(?))',
                [*translation.parameters, ids[rule.sobject]],
            )
            fields = (rule.field,) if rule.field else ()
            error = RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)
            broken |= {record_id: error for (record_id,) in rows if record_id not in broken}
    return broken


def duplicates(state: State, org: str, changes: Iterable[Change]) -> dict[str, RowError]:
    """The errors of stored leads whose e-mail address another living lead has, by id."""
    ids = [one.record_id for one in changes if one.sobject.name == "Lead" and one.operation is not Operation.DELETE]
    rows = state.rows(
        f"""select "Id" from {table(org, "Lead")} as lead
        where "Id" in (select unnest(?)) and exists (
            select 1 from {table(org, "Lead")} as other
            where lower(other."Email") = lower(lead."Email") and other."Id" != lead."Id" and not other."IsDeleted")""",
        [ids],
    )
    error = RowError("DUPLICATES_DETECTED", "Use one of these records?")
    return {record_id: error for (record_id,) in rows}


def _check_records(state: State, schema: Schema, drafts: list[Draft]) -> None:
    by_object: dict[str, list[int]] = defaultdict(list)
    for place, draft in enumerate(drafts):
        if isinstance(draft, Change) and draft.operation is not Operation.CREATE:
            by_object[draft.sobject.name].append(place)
    for name, places in by_object.items():
        columns = schema.sobject(name).stored_columns
        rows = state.rows(
            f"""select {", ".join(f'"{one}"' for one in columns)} from {table(schema.org, name)}
            where "Id" in (select unnest(?))""",
            [[change.record_id for place in places if isinstance(change := drafts[place], Change)]],
        )
        found = {row[columns.index("Id")]: dict(zip(columns, row, strict=True)) for row in rows}
        for place in places:
            change = drafts[place]
            if isinstance(change, Change):
                change.before = found.get(change.record_id, {})
                drafts[place] = _record_error(schema, change) or change


def _record_error(schema: Schema, change: Change) -> RowError | None:
    if not change.before:
        return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if change.before.get("IsDeleted"):
        return RowError("ENTITY_IS_DELETED", "entity is deleted")
    is_converted = change.sobject.name == "Lead" and change.before["IsConverted"]
    if is_converted and change.operation is Operation.UPDATE and not schema.switches.edit_converted_leads:
        return RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    return None


def _check_references(state: State, schema: Schema, drafts: list[Draft]) -> None:
    """A lookup may point only to a living record of the right object."""
    wanted: dict[tuple[str, ...], set[str]] = defaultdict(set)
    given = []
    for place, draft in enumerate(drafts):
        if not isinstance(draft, Change):
            continue
        for name, value in draft.values.items():
            field = draft.sobject.by_api_name[name.lower()]
            if field.references and value is not None:
                wanted[field.references].add(value)
                given.append((place, name, field.references, value))
    living = {objects: _living(state, schema, objects, ids) for objects, ids in wanted.items()}
    for place, name, objects, value in given:
        if value not in living[objects] and isinstance(drafts[place], Change):
            drafts[place] = RowError("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {value}", (name,))


def _living(state: State, schema: Schema, objects: tuple[str, ...], ids: set[str]) -> set[str]:
    living: set[str] = set()
    for name in objects:
        alive = 'and not "IsDeleted"' if "IsDeleted" in schema.sobject(name).by_canonical_name else ""
        query = f'select "Id" from {table(schema.org, name)} where "Id" in (select unnest(?)) {alive}'
        living |= {record_id for (record_id,) in state.rows(query, [sorted(ids)])}
    return living


def _check_members(state: State, org: str, drafts: list[Draft]) -> None:
    """A person is a member of a campaign once."""
    new = {
        place: _membership(draft.values)
        for place, draft in enumerate(drafts)
        if isinstance(draft, Change) and draft.operation is Operation.CREATE and draft.sobject.name == "CampaignMember"
    }
    taken: set[tuple[Any, ...]] = set()
    if new:
        query = f"""select "CampaignId", coalesce("LeadId", "ContactId") from {table(org, "CampaignMember")}
            where not "IsDeleted" and "CampaignId" in (select unnest(?))"""
        taken = set(state.rows(query, [[campaign for campaign, _ in new.values()]]))
    for place, membership in new.items():
        if membership in taken:
            drafts[place] = RowError("DUPLICATE_VALUE", "Already a campaign member.")
        taken.add(membership)


def _membership(values: Mapping[str, Any]) -> tuple[Any, Any]:
    return values["CampaignId"], values.get("LeadId") or values["ContactId"]
