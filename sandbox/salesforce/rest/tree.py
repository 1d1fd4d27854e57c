"""The page of sObject Tree: records and the records below them, created together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce.describe import child_relationships
from sandbox.salesforce.dml import write
from sandbox.salesforce.drafts import draft_create
from sandbox.salesforce.errors import RowError, SalesforceError
from sandbox.salesforce.rest.common import VERSION, Guard, caller_of, sobject_in_path
from sandbox.salesforce.schema import SObject

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

MOST_RECORDS, MOST_LEVELS, MOST_TYPES = 200, 5, 5


@dataclass
class _Node:
    """A record to create, after the one that it hangs on."""

    described: SObject
    reference: str
    fields: dict[str, Any]
    parent: _Node | None
    lookup: str
    record_id: str = ""


class _RefusedError(Exception):
    """A record was refused: its reference and the error."""


def tree_routes(org: Org, authorized: Guard) -> list[Route]:
    """The route of ``composite/tree``."""
    return [Route(f"{VERSION}/composite/tree/{{sobject}}", authorized(_TreePage(org).create), methods=["POST"])]


class _TreePage:
    def __init__(self, org: Org) -> None:
        self._org = org

    def create(self, request: Request, body: Any) -> Response:
        """New records with new records below them."""
        nodes = list(_nodes(sobject_in_path(self._org, request), body, None, "", 1))
        _check(nodes)
        try:
            with self._org.service.state.writing():
                for node in nodes:
                    self._write(request, node)
        except _RefusedError as refused:
            reference, error = refused.args
            errors = [error.body()["errors"][0]]
            return JSONResponse({"hasErrors": True, "results": [{"referenceId": reference, "errors": errors}]}, 400)
        results = [{"referenceId": node.reference, "id": node.record_id} for node in nodes]
        return JSONResponse({"hasErrors": False, "results": results}, 201)

    def _write(self, request: Request, node: _Node) -> None:
        if node.parent is not None:
            node.fields[node.lookup] = node.parent.record_id
        drafts = [draft_create(node.described, node.fields)]
        ((outcome,), _) = write(self._org.service.state, self._org.schema, drafts, caller_of(self._org, request))
        if isinstance(outcome, RowError):
            raise _RefusedError(node.reference, outcome)
        node.record_id = outcome.record_id


def _nodes(described: SObject, body: Any, parent: _Node | None, lookup: str, level: int) -> Iterator[_Node]:
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The request body needs a list of 'records'.")
    if level > MOST_LEVELS:
        raise _invalid(f"Records can be nested {MOST_LEVELS} levels deep.")
    children = {str(one["relationshipName"]).lower(): one for one in child_relationships(described)}
    for record in records:
        attributes = record.get("attributes")
        if not isinstance(attributes, dict) or attributes.get("type") != described.name:
            raise _invalid(f"Every record needs attributes.type, here {described.name}.")
        nested = {name: children[name.lower()] for name in record if name.lower() in children}
        fields = {name: value for name, value in record.items() if name not in nested}
        node = _Node(described, str(attributes.get("referenceId", "")), fields, parent, lookup)
        yield node
        for name, child in nested.items():
            below = described.schema.sobject(child["childSObject"])
            yield from _nodes(below, record[name], node, child["field"], level + 1)


def _check(nodes: list[_Node]) -> None:
    references = [node.reference for node in nodes]
    if not all(references) or len(set(references)) < len(references):
        raise _invalid("Every record needs an attributes.referenceId of its own.")
    if len(nodes) > MOST_RECORDS:
        raise _invalid(f"At most {MOST_RECORDS} records can be created at once.")
    if len({node.described.name for node in nodes}) > MOST_TYPES:
        raise _invalid(f"At most {MOST_TYPES} types of records can be created at once.")


def _invalid(message: str) -> SalesforceError:
    return SalesforceError(400, "INVALID_INPUT", message)
