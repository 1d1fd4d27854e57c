"""Queries whose result is figures about groups of records, and the fields that ``FIELDS(…)`` stands for."""

from __future__ import annotations

from sandbox.salesforce.errors import invalid_field, malformed_query
from sandbox.salesforce.schema import SObject, check_filterable
from sandbox.salesforce.soql_tree import Comparison, Condition, Item, Membership, Query
from sandbox.salesforce.translate import Translation, json_value
from sandbox.world.field import Field, number

MOST_OF_ALL_FIELDS = 200  # records of a query for fields that nobody has named
SQL_FUNCTIONS = {"count": "count({})", "count_distinct": "count(distinct {})", "min": "min({})", "max": "max({})"}
FIELD_KINDS = {"all", "standard", "custom"}


def paths(described: SObject, query: Query) -> list[str]:
    """The fields that a query without functions selects, with those that FIELDS stands for.

    Raises:
        SalesforceError: the kind of fields is unknown, or a query for custom fields has no small limit.
    """
    selected: list[str] = []
    for item in query.items:
        if item.alias:
            raise malformed_query(f"unexpected token: '{item.alias}'")
        selected += _fields(described, item.path.lower(), query.limit) if item.function else [item.path]
    return selected


def select(translation: Translation, query: Query) -> tuple[str, str]:
    """SQL for the columns of an aggregate query, as one JSON text, and what follows its where clause.

    Raises:
        SalesforceError: a selected field is not grouped by, or cannot be.
    """
    grouped = [_groupable(translation, path) for path in query.group.paths]
    parts, unnamed, aliases = ["'attributes', json_object('type', 'AggregateResult')"], 0, {}
    for item in query.items:
        value = _value(translation, item, grouped)
        name = item.alias or translation.canonical(item.path).split(".")[-1]
        if item.function and not item.alias:
            name, unnamed = f"expr{unnamed}", unnamed + 1
        parts.append(f"'{name}', {value}")
        aliases[name.lower()] = value
    order = [
        f"{aliases.get(term.item.path.lower()) or _value(translation, term.item, grouped)}"
        f" {'desc' if term.is_descending else 'asc'} nulls {term.nulls or ('last' if term.is_descending else 'first')}"
        for term in query.order
    ]
    tail = f" group by {', '.join(grouped)}" if grouped else ""
    tail += _having(translation, query.group.having, grouped) if query.group.having else ""
    tail += f" order by {', '.join([*order, *grouped])}" if order or grouped else ""
    return f"json_object({', '.join(parts)})", tail


def _fields(described: SObject, kind: str, limit: int | None) -> list[str]:
    if kind not in FIELD_KINDS:
        raise malformed_query(f"unexpected token: '{kind}'")
    if kind != "standard" and (limit is None or limit > MOST_OF_ALL_FIELDS):
        raise malformed_query(f"The SOQL FIELDS function must have a LIMIT of at most {MOST_OF_ALL_FIELDS}")
    names = [field.api_name for field in described.by_api_name.values()]
    return [name for name in names if kind == "all" or name.endswith("__c") == (kind == "custom")]


def _groupable(translation: Translation, path: str) -> str:
    column, field = translation.column(path)
    check_filterable(field)
    if field.type == "datetime":
        raise invalid_field(f"field '{path}' can not be grouped in a query call")
    return column


def _having(translation: Translation, having: Condition, grouped: list[str]) -> str:
    def left_side(condition: Comparison | Membership) -> tuple[str, Field]:
        function = condition.function if isinstance(condition, Comparison) else ""
        figure, field = _figure(translation, Item(condition.path, function), grouped)
        return figure, number("count") if function.startswith("count") else field

    return f" having {translation.condition(having, left_side)}"


def _value(translation: Translation, item: Item, grouped: list[str]) -> str:
    figure, field = _figure(translation, item, grouped)
    return figure if item.function.startswith("count") else json_value(figure, field)


def _figure(translation: Translation, item: Item, grouped: list[str]) -> tuple[str, Field]:
    column, field = translation.column(item.path)
    if not item.function:
        if column not in grouped:
            raise malformed_query(f"Field must be grouped or aggregated: {item.path}")
        return column, field
    if item.function not in SQL_FUNCTIONS:
        raise malformed_query(f"unexpected token: '{item.function}'")
    check_filterable(field)
    return SQL_FUNCTIONS[item.function].format(column), field
