"""The sandbox's own pages: advance the world, export its truth, plan faults, and see what was asked and written."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import administration
from sandbox.salesforce.behaviour import advance
from sandbox.salesforce.errors import SalesforceError
from sandbox.salesforce.truth import export_truth
from sandbox.world.catalog import ORGS
from sandbox.world.fields import OBJECTS
from sandbox.world.plan import table

if TYPE_CHECKING:
    from sandbox.salesforce.app import Service

WRITE_COLUMNS = ("org", "object", "id", "field", "old", "new", "user", "at", "client")


def control_routes(service: Service) -> list[Route]:
    """The routes under ``/_sandbox``; each needs the header ``X-Sandbox-Token``."""
    pages: dict[tuple[str, str], Callable[[Service, dict[str, Any]], Any]] = {
        ("status", "GET"): _status,
        ("writes", "GET"): _writes,
        ("requests", "GET"): _requests,
        ("advance", "POST"): _advance,
        ("truth", "POST"): _truth,
        ("faults", "POST"): _add_fault,
        ("faults", "DELETE"): _clear_faults,
        ("permissions", "POST"): administration.permit,
        ("fields", "POST"): administration.retype,
        ("switches", "POST"): administration.switch,
        ("validation_rules", "POST"): administration.add_rule,
        ("recycle_bin", "POST"): administration.use_recycle_bin,
        ("transactions", "POST"): administration.use_transaction,
    }
    return [
        Route(f"/_sandbox/{name}", _guarded(service, page), methods=[method]) for (name, method), page in pages.items()
    ]


def _guarded(service: Service, page: Callable[[Service, dict[str, Any]], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        given = request.headers.get("x-sandbox-token", "")
        if not hmac.compare_digest(given.encode(), service.token.encode()):
            return JSONResponse({"error": "X-Sandbox-Token is missing or wrong"}, 401)
        try:
            body = await request.json() if request.method == "POST" else {}
            return JSONResponse(await run_in_threadpool(page, service, body))
        except (ValueError, TypeError, KeyError, SalesforceError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


def _status(service: Service, _: dict[str, Any]) -> dict[str, Any]:
    state = service.state
    rows = {org: {name: state.row(f"select count(*) from {table(org, name)}")[0] for name in OBJECTS} for org in ORGS}
    return {"service": "salesforce", "orgs": list(ORGS), "world_time": state.now.isoformat(), "rows": rows}


def _writes(service: Service, _: dict[str, Any]) -> dict[str, Any]:
    rows = service.state.rows(
        "select * replace (written_at::text as written_at) from world.field_writes order by rowid"
    )
    return {"writes": [dict(zip(WRITE_COLUMNS, row, strict=True)) for row in rows]}


def _requests(service: Service, _: dict[str, Any]) -> dict[str, Any]:
    return {"requests": list(service.requests)}


def _advance(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    for _ in range(int(body.get("days", 1))):
        advance(service.state, {name: org.schema.switches for name, org in service.orgs.items()})
    return {"world_time": service.state.now.isoformat()}


def _truth(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    return {"files": [str(file) for file in export_truth(service.state, Path(body["out"]))]}


def _add_fault(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": service.faults.add(body).kind}


def _clear_faults(service: Service, _: dict[str, Any]) -> dict[str, Any]:
    service.faults.clear()
    return {}
