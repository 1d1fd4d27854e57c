"""What a query's records will look like: the undocumented ``columns=true``, which the ``sf`` command line asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.salesforce import aggregates, soql
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.translate import Translation


def columns(schema: Schema, text: str, now: datetime) -> dict[str, Any]:
    """The columns of a query, parents with their own below them.

    Raises:
        SalesforceError: the query cannot be parsed, or names what does not exist.
    """
    query = soql.parse(text)
    translation = Translation(schema.sobject(query.sobject), now)
    found: list[dict[str, Any]] = []
    if query.is_aggregate:
        found = [_figure(item.function, translation.canonical(item.path), item.alias) for item in query.items]
    elif not query.is_count:
        for path in aggregates.paths(translation.sobject, query):
            _add(found, translation.canonical(path).split("."))
    return {"columnMetadata": found}


def _figure(function: str, path: str, alias: str) -> dict[str, Any]:
    name = f"{function}({path})" if function else path
    return _column(alias or name, name, is_aggregate=bool(function))


def _add(found: list[dict[str, Any]], names: list[str]) -> None:
    for parent in names[:-1]:
        known = next((one for one in found if one["columnName"] == parent), None)
        if known is None:
            found.append(known := _column(parent, parent))
        found = known["joinColumns"]
    found.append(_column(names[-1], names[-1]))


def _column(name: str, display_name: str, *, is_aggregate: bool = False) -> dict[str, Any]:
    return {"columnName": name, "displayName": display_name, "aggregate": is_aggregate, "joinColumns": []}
