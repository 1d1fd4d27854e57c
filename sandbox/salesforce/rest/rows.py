"""The pages of single records: create, read, change, delete, by id or by external id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import records
from sandbox.salesforce.dml import write
from sandbox.salesforce.drafts import Change, Draft, Operation, draft_create, draft_delete, draft_update
from sandbox.salesforce.errors import RowError, SalesforceError, not_found
from sandbox.salesforce.rest.common import VERSION, Guard, base, caller_of, json_text, sobject_in_path, with_locks
from sandbox.salesforce.rest.conditional import last_modified, refused
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.upsert import draft_upsert, find, key_field
from sandbox.world.ids import KEY_PREFIXES, is_well_formed, to_18
from sandbox.world.plan import table

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

STATUSES = {"ENTITY_IS_DELETED": 404, "INSUFFICIENT_ACCESS_OR_READONLY": 403}


def row_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes of single records; they come last, because an id may be any word."""
    pages = _RowPages(org)
    rows = f"{VERSION}/sobjects/{{sobject}}"
    return [
        Route(rows, authorized(pages.create), methods=["POST"]),
        Route(f"{rows}/{{id}}", authorized(pages.read)),
        Route(f"{rows}/{{id}}", authorized(pages.update), methods=["PATCH"]),
        Route(f"{rows}/{{id}}", authorized(pages.delete), methods=["DELETE"]),
        Route(f"{rows}/{{key}}/{{value}}", authorized(pages.read_by_key)),
        Route(f"{rows}/{{key}}/{{value}}", authorized(pages.upsert), methods=["PATCH"]),
    ]


class _RowPages:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._state = org.service.state

    def create(self, request: Request, body: Any) -> Response:
        """A new record."""
        described = sobject_in_path(self._org, request)
        created = self._written(request, lambda: draft_create(described, _fields(body)))
        return JSONResponse(records.result(created), 201, headers=_location(request, created))

    def read(self, request: Request, _: Any) -> Response:
        """A record by id."""
        return self._read(request, sobject_in_path(self._org, request), request.path_params["id"])

    def read_by_key(self, request: Request, _: Any) -> Response:
        """A record by external id."""
        described = sobject_in_path(self._org, request)
        key, value = request.path_params["key"], request.path_params["value"]
        found = find(self._state, described, key_field(described, key), value)
        if len(found) > 1:
            return _choices(request, described, found)
        return self._read(request, described, found[0] if found else "")

    def update(self, request: Request, body: Any) -> Response:
        """Change a record, unless it was changed meanwhile, where the request asks for that."""
        described, record_id = sobject_in_path(self._org, request), request.path_params["id"]
        with self._state.reading():
            changed_at = self._changed_at(described, record_id)
            refusal = refused(request, changed_at, described.schema.switches) if changed_at else None
            if refusal is not None:
                return refusal
            self._written(request, lambda: draft_update(described, _fields(body), set(), record_id=record_id))
        return Response(status_code=204)

    def upsert(self, request: Request, body: Any) -> Response:
        """Create or change a record by external id."""
        described, value = sobject_in_path(self._org, request), request.path_params["value"]
        field = key_field(described, request.path_params["key"])
        found = find(self._state, described, field, value)
        if len(found) > 1:
            return _choices(request, described, found)
        written = self._written(
            request, lambda: draft_upsert(self._state, described, field, _fields(body), set(), value)
        )
        is_new = written.operation is Operation.CREATE
        headers = _location(request, written) if is_new else {}
        return JSONResponse(records.result(written, says_created=True), 201 if is_new else 200, headers=headers)

    def delete(self, request: Request, _: Any) -> Response:
        """Move a record to the recycle bin."""
        described, record_id = sobject_in_path(self._org, request), request.path_params["id"]
        if not record_id.startswith(KEY_PREFIXES[described.name]):
            raise not_found()
        self._written(request, lambda: draft_delete(described.schema, record_id, set()))
        return Response(status_code=204)

    def _read(self, request: Request, described: SObject, record_id: str) -> Response:
        asked = request.query_params.get("fields")
        names = asked.split(",") if asked else [field.api_name for field in described.by_api_name.values()]
        if "id" not in {name.lower() for name in names}:
            names.append("Id")
        with self._state.reading():
            changed_at = self._changed_at(described, record_id)
            found = records.read(self._state, described, [record_id], names, base(request)) if changed_at else {}
        if changed_at is None or not found:
            raise not_found()
        refusal = refused(request, changed_at, described.schema.switches)
        if refusal is not None:
            return refusal
        answer = json_text(next(iter(found.values())))
        answer.headers.update(last_modified(changed_at))
        return answer

    def _changed_at(self, described: SObject, record_id: str) -> datetime | None:
        """When a record was last changed; none for a record that does not exist."""
        if not is_well_formed(record_id):
            return None
        known = described.by_canonical_name
        column = next((name for name in ("LastModifiedDate", "SystemModstamp", "CreatedDate") if name in known), None)
        changed_at = f'"{column}"' if column else f"timestamp '{described.schema.changed_at:%Y-%m-%d %H:%M:%S}'"
        query = f'select {changed_at} from {table(described.org, described.name)} where "Id" = ?'
        rows = self._state.rows(query, [to_18(record_id[:15])])
        moment: datetime | None = rows[0][0] if rows else None
        return moment

    def _written(self, request: Request, draft: Callable[[], Draft]) -> Change:
        """Write one record.

        Raises:
            SalesforceError: it is refused.
        """
        caller, schema = caller_of(self._org, request), self._org.schema
        (outcome,) = with_locks(
            self._org, request, lambda rows: write(self._state, schema, [draft()], caller, locked_rows=rows)
        )
        if isinstance(outcome, RowError):
            if outcome.code == "INVALID_CROSS_REFERENCE_KEY" and not outcome.fields:
                raise not_found()
            status = STATUSES.get(outcome.code, 400)
            raise SalesforceError(status, outcome.code, outcome.message, outcome.fields)
        return outcome


def _fields(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The request body must be an object of fields.")
    return body


def _location(request: Request, created: Change) -> dict[str, str]:
    return {"Location": f"{base(request)}/sobjects/{created.sobject.name}/{created.record_id}"}


def _choices(request: Request, described: SObject, ids: list[str]) -> Response:
    """Several records have the external id: the caller must choose."""
    return JSONResponse([f"{base(request)}/sobjects/{described.name}/{one}" for one in ids], 300)
