"""Conditional requests: nothing is sent that has not changed, nothing is overwritten that has."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.switches import Switches

Refusal = Response | None


def last_modified(changed_at: datetime) -> dict[str, str]:
    """The header that says when something changed (UTC)."""
    return {"Last-Modified": format_datetime(changed_at.replace(tzinfo=UTC), usegmt=True)}


def refused(request: Request, changed_at: datetime, switches: Switches) -> Refusal:
    """The answer, if the request's conditions are not met by something that changed at this time (UTC).

    Raises:
        SalesforceError: INVALID_HEADER, a write has a date that is none.
    """
    changed_at = changed_at.replace(tzinfo=None, microsecond=0)
    unmodified_since = _moment(request, "if-unmodified-since")
    if unmodified_since is not None and changed_at > unmodified_since:
        message = "The record has changed since the time in If-Unmodified-Since"
        body = [{"errorCode": "PRECONDITION_FAILED", "message": message}]
        return JSONResponse(body, 412) if switches.precondition_body else Response(status_code=412)
    modified_since = _moment(request, "if-modified-since")
    if request.method in {"GET", "HEAD"} and modified_since is not None and changed_at <= modified_since:
        return Response(status_code=304, headers=last_modified(changed_at))
    return None


def _moment(request: Request, name: str) -> datetime | None:
    text = request.headers.get(name)
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        if request.method in {"GET", "HEAD"}:
            return None  # as if it were not there
        raise SalesforceError(400, "INVALID_HEADER", f"{name} is not an HTTP date: {text}") from None
