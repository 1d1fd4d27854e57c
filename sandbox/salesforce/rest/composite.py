"""Several requests in one call: composite, whose parts may refer to one another, and batch, whose parts may not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.rest.common import VERSION, Guard
from sandbox.salesforce.rest.subrequests import Answer, ask

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

MOST_PARTS = 25
MOST_QUERIES = 5  # of the parts: queries and collections together
REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.\w+|\[\d+\])*)\}")
STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
COSTLY = re.compile(r"/(query|queryAll|composite/sobjects)(/|\?|$)")
HALTED = "The transaction was rolled back since another operation in the same transaction failed."


class _RolledBackError(Exception):
    """One part failed, so nothing of the others may stay."""


def composite_routes(org: Org, authorized: Guard, pages: Sequence[Route]) -> list[Route]:
    """The routes of composite and batch, whose parts reach the given pages."""
    composite = _CompositePages(org, pages)
    return [
        Route(f"{VERSION}/composite", authorized(composite.composite), methods=["POST"]),
        Route(f"{VERSION}/composite/batch", authorized(composite.batch), methods=["POST"]),
    ]


class _CompositePages:
    def __init__(self, org: Org, pages: Sequence[Route]) -> None:
        self._state = org.service.state
        self._pages = pages

    def composite(self, request: Request, body: Any) -> Response:
        """Parts in order; a part may use what an earlier one answered."""
        parts = _parts(body, "compositeRequest")
        names = [part.get("referenceId") for part in parts]
        if not all(isinstance(name, str) and re.fullmatch(r"\w+", name) for name in names):
            raise _invalid("Every subrequest needs a referenceId of letters, digits and underscores.")
        if len(set(names)) < len(names):
            raise _invalid("The referenceIds of the subrequests must differ.")
        if sum(COSTLY.search(str(part.get("url", ""))) is not None for part in parts) > MOST_QUERIES:
            raise _invalid(f"At most {MOST_QUERIES} subrequests can be queries or collections.")
        answers: dict[str, Answer] = {}
        if body.get("allOrNone", False):
            self._all_or_none(request, parts, answers)
        else:
            self._ask_all(request, parts, answers)
        return JSONResponse({"compositeResponse": [_shown(name, one) for name, one in answers.items()]})

    def batch(self, request: Request, body: Any) -> Response:
        """Independent parts in order."""
        results: list[dict[str, Any]] = []
        has_errors = False
        for part in _parts(body, "batchRequests"):
            if has_errors and body.get("haltOnError", False):
                halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]
                results.append({"statusCode": 412, "result": halted})
                continue
            url = str(part.get("url", "")).removeprefix("/services/data").lstrip("/")
            method = str(part.get("method", ""))
            answer = ask(request, self._pages, method, f"/services/data/{url}", {}, part.get("richInput"))
            has_errors = has_errors or answer.is_error
            results.append({"statusCode": answer.status, "result": answer.body})
        return JSONResponse({"hasErrors": has_errors, "results": results})

    def _all_or_none(self, request: Request, parts: Sequence[Any], answers: dict[str, Answer]) -> None:
        try:
            with self._state.writing():
                self._ask_all(request, parts, answers, stops_at_error=True)
        except _RolledBackError:
            halted = Answer(400, [{"errorCode": "PROCESSING_HALTED", "message": HALTED}])
            for part in parts:
                name = part["referenceId"]
                answers[name] = answers[name] if name in answers and answers[name].is_error else halted

    def _ask_all(
        self, request: Request, parts: Sequence[Any], answers: dict[str, Answer], *, stops_at_error: bool = False
    ) -> None:
        for part in parts:
            answer = self._ask(request, part, answers)
            answers[part["referenceId"]] = answer
            if stops_at_error and (answer.is_error or _has_failed_row(answer)):
                raise _RolledBackError

    def _ask(self, request: Request, part: Mapping[str, Any], answers: Mapping[str, Answer]) -> Answer:
        try:
            sent = {name: _resolved(part.get(name), answers) for name in ("method", "url", "httpHeaders", "body")}
        except LookupError as error:
            message = f"Invalid reference specified. No value for {error.args[0]}"
            return Answer(400, [{"errorCode": "PROCESSING_HALTED", "message": message}])
        return ask(request, self._pages, str(sent["method"]), str(sent["url"]), sent["httpHeaders"], sent["body"])


def _parts(body: Any, name: str) -> list[dict[str, Any]]:
    parts = body.get(name) if isinstance(body, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts) or not parts:
        raise SalesforceError(400, "JSON_PARSER_ERROR", f"The request body needs a list of '{name}'.")
    if len(parts) > MOST_PARTS:
        raise _invalid(f"The maximum number of subrequests is {MOST_PARTS}.")
    return parts


def _has_failed_row(answer: Answer) -> bool:
    rows = answer.body if isinstance(answer.body, list) else []
    return any(isinstance(row, dict) and row.get("success") is False for row in rows)


def _resolved(value: Any, answers: Mapping[str, Answer]) -> Any:
    """A part of a request with values of earlier answers in the place of references.

    Raises:
        LookupError: there is no such value.
    """
    if isinstance(value, dict):
        return {name: _resolved(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one, answers) for one in value]
    if not isinstance(value, str):
        return value
    if whole := REFERENCE.fullmatch(value):
        return _found(whole, answers)
    return REFERENCE.sub(lambda match: str(_found(match, answers)), value)


def _found(match: re.Match[str], answers: Mapping[str, Answer]) -> Any:
    name, steps = match[1], match[2]
    if name not in answers or answers[name].is_error:
        raise LookupError(f"{name}{steps} found in {name}")
    value = answers[name].body
    for key, place in STEP.findall(steps):
        try:
            value = value[int(place)] if place else value[key]
        except (LookupError, TypeError):
            raise LookupError(f"{name}{steps} found in {name}") from None
    return value


def _shown(name: str, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": dict(answer.headers or {}),
        "httpStatusCode": answer.status,
        "referenceId": name,
    }


def _invalid(message: str) -> SalesforceError:
    return SalesforceError(400, "INVALID_INPUT", message)
