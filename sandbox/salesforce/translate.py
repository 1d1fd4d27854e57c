"""SOQL to SQL: paths become columns and joins, formulas their expressions, literals parameters of the right type."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.salesforce.errors import SalesforceError, invalid_field, malformed_query, no_such_column
from sandbox.salesforce.literals import IDS, days, typed
from sandbox.salesforce.schema import SObject, check_filterable
from sandbox.salesforce.soql import like_pattern
from sandbox.salesforce.soql_tree import Comparison, Condition, Logic, Membership, Query, Term, Value
from sandbox.world.field import Field

LeftSide = Callable[[Comparison | Membership], tuple[str, Field]]


class Translation:
    """The SQL of one query or list of fields, built up piece by piece.

    Args:
        described: the object that is read.
        now: the world's time, for relative dates.
    """

    def __init__(self, described: SObject, now: datetime) -> None:
        self.sobject = described
        self.now = now
        self.parameters: list[Any] = []
        self._joins: dict[tuple[str, ...], str] = {}
        self._sources = [f'{described.org}."{described.name}" as t']

    @property
    def source(self) -> str:
        """The from clause: the object and the parents that were needed."""
        return " ".join(self._sources)

    def json_record(self, paths: list[str], base: str) -> str:
        """SQL for one record as JSON text, in the order of the paths, parents nested.

        Args:
            paths: the fields, as they were asked for.
            base: the address of the REST API, for the record's own address.
        """
        tree: dict[str, Any] = {}
        for path in paths:
            names, field = self._resolve(path)
            branch = tree
            for name in names:
                branch = branch.setdefault(name, {})
            if field.api_name in branch:
                raise invalid_field(f"duplicate field selected: {path}")
            branch[field.api_name] = field
        return self._json_object(self.sobject, (), tree, base)

    def condition(self, condition: Condition, left_side: LeftSide | None = None) -> str:
        """SQL for a where clause, or for a having clause, whose left sides are not simply fields."""
        if isinstance(condition, Logic):
            operands = [self.condition(operand, left_side) for operand in condition.operands]
            if condition.operator == "not":
                return f"not coalesce({operands[0]}, false)"
            return "(" + f" {condition.operator} ".join(operands) + ")"
        column, field = (left_side or self._filtered)(condition)
        if isinstance(condition, Membership):
            return self._membership(condition, column, field)
        return self._comparison(condition, column, field)

    def order(self, terms: list[Term]) -> str:
        """SQL for an order by clause that leaves nothing to chance."""
        parts = []
        for term in terms:
            if term.item.function:
                raise malformed_query(f"unexpected token: '{term.item.function}'")
            column, field = self._filterable_column(term.item.path)
            text = column if field.sql_type != "varchar" or field.type in IDS else f"lower({column})"
            nulls = term.nulls or ("last" if term.is_descending else "first")
            parts.append(f"{text} {'desc' if term.is_descending else 'asc'} nulls {nulls}")
        return ", ".join([*parts, 't."Id"'])

    def column(self, path: str) -> tuple[str, Field]:
        """SQL for a field at the end of a path, and the field."""
        names, field = self._resolve(path)
        return self._expression(self._owner(names), names, field), field

    def canonical(self, path: str) -> str:
        """A path in the org's own spelling."""
        names, field = self._resolve(path)
        return ".".join((*names, field.api_name))

    def _resolve(self, path: str) -> tuple[tuple[str, ...], Field]:
        *parents, name = path.split(".")
        owner = self.sobject
        names: tuple[str, ...] = ()
        if parents and parents[0].lower() == self.sobject.name.lower():
            parents = parents[1:]
        for parent in parents:
            lookup = owner.by_relationship.get(parent.lower())
            if lookup is None:
                raise invalid_field(
                    f"Didn't understand relationship '{parent}' in field path. If you are attempting to use a custom"
                    " relationship, be sure to append the '__r' after the custom relationship name."
                )
            names = (*names, str(lookup.relationship))
            owner = owner.parent(lookup)
        if name.lower() not in owner.by_api_name:
            raise no_such_column(name, owner.name)
        return names, owner.by_api_name[name.lower()]

    def _owner(self, names: tuple[str, ...]) -> SObject:
        owner = self.sobject
        for name in names:
            owner = owner.parent(owner.by_relationship[name.lower()])
        return owner

    def _expression(self, owner: SObject, names: tuple[str, ...], field: Field) -> str:
        if field.expression is None:
            return f'{self._alias(names)}."{field.api_name}"'

        def reference(match: re.Match[str]) -> str:
            *parents, name = match[1].split(".")
            below, inner = owner, names
            for parent in parents:
                below, inner = below.parent(below.by_relationship[parent.lower()]), (*inner, parent)
            return self._expression(below, inner, below.by_canonical_name[name])

        return re.sub(r"\{([\w.]+)\}", reference, field.expression)

    def _alias(self, names: tuple[str, ...]) -> str:
        if not names:
            return "t"
        if names not in self._joins:
            outer = self._alias(names[:-1])
            owner = self._owner(names[:-1])
            lookup = owner.by_relationship[names[-1].lower()]
            parent = owner.parent(lookup)
            self._joins[names] = alias = f"p{len(self._joins) + 1}"
            self._sources.append(
                f'left join {parent.org}."{parent.name}" as {alias} on {alias}."Id" = {outer}."{lookup.api_name}"'
            )
        return self._joins[names]

    def _json_object(self, owner: SObject, names: tuple[str, ...], tree: dict[str, Any], base: str) -> str:
        identity = f'{self._alias(names)}."Id"'
        url = f"'{base}/sobjects/{owner.name}/' || {identity}"
        parts = [f"'attributes', json_object('type', '{owner.name}', 'url', {url})"]
        for name, content in tree.items():
            if isinstance(content, dict):
                below = (*names, name)
                nested = self._json_object(owner.parent(owner.by_relationship[name.lower()]), below, content, base)
                parts.append(f"'{name}', case when {self._alias(below)}.\"Id\" is not null then {nested} end")
            else:
                parts.append(f"'{name}', {json_value(self._expression(owner, names, content), content)}")
        return f"json_object({', '.join(parts)})"

    def _filtered(self, condition: Comparison | Membership) -> tuple[str, Field]:
        if isinstance(condition, Comparison) and condition.function:
            raise malformed_query(f"unexpected token: '{condition.function}'")
        return self._filterable_column(condition.path)

    def _filterable_column(self, path: str) -> tuple[str, Field]:
        column, field = self.column(path)
        check_filterable(field)
        return column, field

    def _comparison(self, condition: Comparison, column: str, field: Field) -> str:
        operator, value = condition.operator, condition.value
        if operator == "like":
            return self._like(value, column, field)
        if value.kind == "word" and value.text.lower() == "null":
            if operator not in {"=", "!="}:
                raise malformed_query(f"unexpected token: '{value.text}'")
            return f"{column} is {'not ' if operator == '!=' else ''}null"
        if field.type in {"date", "datetime"} and value.kind == "word" and value.text.lower() not in {"true", "false"}:
            return self._relative(operator, value.text.lower(), column)
        placeholder = self._placeholder(value, field)
        if field.sql_type == "varchar" and field.type not in IDS:
            column = f"lower({column})"
        if operator == "!=":
            return f"{column} is distinct from {placeholder}"
        if field.type == "boolean" and operator != "=":
            raise SalesforceError(
                400, "INVALID_QUERY_FILTER_OPERATOR", f"{field.api_name} (boolean) cannot be compared with {operator}"
            )
        return f"{column} {operator} {placeholder}"

    def _like(self, value: Value, column: str, field: Field) -> str:
        if field.sql_type != "varchar" or field.type in IDS:
            raise SalesforceError(
                400, "INVALID_QUERY_FILTER_OPERATOR", f"{field.api_name}: like cannot be used with type {field.type}"
            )
        self.parameters.append(like_pattern(value).lower())
        return f"lower({column}) like ? escape '\\'"

    def _membership(self, condition: Membership, column: str, field: Field) -> str:
        negation = "not " if condition.is_negated else ""
        if isinstance(condition.values, Query):
            return f"{column} {negation}in ({self._subquery(condition.values)})"
        values = [value for value in condition.values if value.text.lower() != "null" or value.kind != "word"]
        holes = ", ".join(self._placeholder(value, field) for value in values)
        if field.sql_type == "varchar" and field.type not in IDS:
            column = f"lower({column})"
        test = f"{column} in ({holes})" if values else "false"
        if len(values) < len(condition.values):
            test = f"({test} or {column} is null)"
        # In SOQL a record without a value is not one of the values, so NOT IN finds it.
        return f"not coalesce({test}, false)" if condition.is_negated else test

    def _subquery(self, query: Query) -> str:
        inner = Translation(self.sobject.schema.sobject(query.sobject), self.now)
        column, _ = inner.column(query.items[0].path)
        conditions = [f"{column} is not null"]
        if query.where:
            conditions.append(inner.condition(query.where))
        if "IsDeleted" in inner.sobject.by_canonical_name:
            conditions.append('not t."IsDeleted"')
        self.parameters += inner.parameters
        return f"select {column} from {inner.source} where {' and '.join(conditions)}"

    def _placeholder(self, value: Value, field: Field) -> str:
        self.parameters.append(typed(value, field))
        return "lower(?)" if field.sql_type == "varchar" and field.type not in IDS else "?"

    def _relative(self, operator: str, text: str, column: str) -> str:
        """A word such as TODAY stands for a range of days: after it, before it, or within it."""
        start, after = (f"date '{one}'" for one in days(text, self.now.date()))
        within = f"({column} >= {start} and {column} < {after})"
        return {
            "=": within,
            "!=": f"not coalesce({within}, false)",
            "<": f"{column} < {start}",
            "<=": f"{column} < {after}",
            ">": f"{column} >= {after}",
            ">=": f"{column} >= {start}",
        }[operator]


def json_value(column: str, field: Field) -> str:
    """SQL for a value as REST gives it."""
    if field.type == "datetime":
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.000+0000')"
    return f"{column}::varchar" if field.type == "date" else column
