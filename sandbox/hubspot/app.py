"""HubSpot's contacts over HTTP, as far as a CRM sync needs them: batches by e-mail, search, properties.

Contacts live in memory. What the public documentation leaves open is noted where it is decided.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

BATCH_LIMIT = 100
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
TEXT, NUMBER, DATE = "string", "number", "date"
PROPERTIES = {
    **dict.fromkeys(("email", "firstname", "lastname", "company", "jobtitle"), TEXT),
    "hs_lead_status": "enumeration",
    "clay_icp_score": NUMBER,
    "clay_enrichment_date": DATE,
    "createdate": "datetime",
}
LEAD_STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "UNQUALIFIED")
FORMS = {NUMBER: re.compile(r"-?\d+(\.\d+)?"), DATE: re.compile(r"\d{4}-\d{2}-\d{2}")}
Contact = dict[str, Any]


@dataclass
class HubSpot:
    """One account: its contacts by e-mail, its requests, and what will go wrong next.

    ``faults`` are taken one for each upsert: a status, or "lost" for an answer that is lost after the work was done.
    ``answers_in_parts``: whether one bad contact fails alone (207) or its whole request (400); which of them an upsert
    by e-mail does is not documented clearly.
    """

    token: str
    contacts: dict[str, Contact] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: deque[int | str] = field(default_factory=deque)
    answers_in_parts: bool = True
    daily_calls_left: int = 250_000
    _ids: Any = field(default_factory=lambda: itertools.count(101))

    def upsert(self, one: Contact) -> tuple[Contact, str | None]:
        """Create or update a contact; the second value says why not."""
        email, properties = str(one["id"]).lower(), one["properties"]
        if why := self.problem(email, properties):
            return {}, why
        is_new = email not in self.contacts
        contact = self.contacts.setdefault(email, {"id": str(next(self._ids)), "properties": {"email": email}})
        contact["properties"] |= properties
        self.writes += [(email, name, str(value)) for name, value in properties.items()]
        return contact | {"new": is_new, "objectWriteTraceId": one.get("objectWriteTraceId")}, None

    def problem(self, email: str, properties: dict[str, Any]) -> str | None:
        """Why a contact is not valid."""
        if not EMAIL.fullmatch(email):
            return "Email address is invalid"
        for name, value in properties.items():
            kind = PROPERTIES.get(name)
            if kind is None:
                return f'Property "{name}" does not exist'
            if name == "hs_lead_status" and value not in LEAD_STATUSES:
                return f'"{value}" was not one of the allowed options'
            if kind in FORMS and not FORMS[kind].fullmatch(str(value)):
                return f'Property value for "{name}" was not a valid {kind}'
        return None


def create_app(account: HubSpot) -> Starlette:
    """The application of one account."""

    def guarded(endpoint: Callable[[Request, Any], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            account.requests.append(f"{request.method} {request.url.path}")
            if request.headers.get("authorization") != f"Bearer {account.token}":
                return _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
            if account.daily_calls_left <= 0:
                return _too_many("DAILY", "You have reached your daily limit.")
            account.daily_calls_left -= 1
            body = await request.json() if request.method == "POST" else None
            if body and len(body.get("inputs", [])) > BATCH_LIMIT:
                return _error(400, "VALIDATION_ERROR", f"The maximum number of inputs is {BATCH_LIMIT}.")
            return endpoint(request, body)

        return answer

    def read(request: Request, body: Any) -> Response:
        wanted = {str(one["id"]).lower() for one in body["inputs"]}
        if request.query_params.get("archived") == "true":
            found = [{"properties": {"email": one}, "archived": True} for one in sorted(wanted & account.deleted)]
        else:
            found = [
                {"id": one["id"], "properties": {name: one["properties"].get(name) for name in body["properties"]}}
                for email, one in account.contacts.items()
                if email in wanted
            ]
        missing = len(wanted) - len(found)
        errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some CONTACT objects"}]
        partly = {"errors": errors, "numErrors": missing} if missing else {}
        return JSONResponse({"status": "COMPLETE", "results": found} | partly, 207 if missing else 200)

    def upsert(_: Request, body: Any) -> Response:
        fault = account.faults.popleft() if account.faults else None
        if fault == 429:
            return _too_many("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        if isinstance(fault, int):
            return _error(fault, "INTERNAL_ERROR", "internal error")
        emails = [str(one["id"]).lower() for one in body["inputs"]]
        if len(set(emails)) != len(emails):
            return _error(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
        problems = [account.problem(str(one["id"]).lower(), one["properties"]) for one in body["inputs"]]
        if not account.answers_in_parts and (why := next(filter(None, problems), None)):
            return _error(400, "VALIDATION_ERROR", why)
        done = [(account.upsert(one), one.get("objectWriteTraceId")) for one in body["inputs"]]
        if fault == "lost":
            return _error(502, "BAD_GATEWAY", "bad gateway")
        kind = {"status": "error", "category": "VALIDATION_ERROR"}
        errors = [
            kind | {"message": why, "context": {"objectWriteTraceId": [trace]}} for (_, why), trace in done if why
        ]
        results = [contact for (contact, why), _ in done if not why]
        partly = {"errors": errors, "numErrors": len(errors)} if errors else {}
        return JSONResponse({"status": "COMPLETE", "results": results} | partly, 207 if errors else 200)

    def properties(_: Request, __: Any) -> Response:
        options = {"hs_lead_status": [{"value": one, "hidden": False} for one in LEAD_STATUSES]}
        described = [
            {
                "name": name,
                "type": kind,
                "calculated": False,
                "options": options.get(name, []),
                "modificationMetadata": {"readOnlyValue": name == "createdate"},
            }
            for name, kind in PROPERTIES.items()
        ]
        return JSONResponse({"results": described})

    contacts = "/crm/v3/objects/contacts"
    return Starlette(
        routes=[
            Route("/account-info/v3/details", guarded(lambda *_: JSONResponse({"portalId": 4711}))),
            Route("/crm/v3/properties/contacts", guarded(properties)),
            Route(f"{contacts}/search", guarded(lambda *_: JSONResponse(_page(account))), methods=["POST"]),
            Route(f"{contacts}/batch/read", guarded(read), methods=["POST"]),
            Route(f"{contacts}/batch/upsert", guarded(upsert), methods=["POST"]),
        ]
    )


def _page(account: HubSpot) -> dict[str, Any]:
    return {"total": len(account.contacts), "results": list(account.contacts.values())[:1]}


def _error(status: int, category: str, message: str) -> Response:
    return JSONResponse({"status": "error", "message": message, "category": category}, status)


def _too_many(policy: str, message: str) -> Response:
    headers = {
        "X-HubSpot-RateLimit-Max": "100",
        "X-HubSpot-RateLimit-Remaining": "0",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    }
    body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": policy, "message": message}
    return JSONResponse(body, 429, headers=headers)
