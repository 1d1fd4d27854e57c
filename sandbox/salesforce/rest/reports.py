"""The pages of reports, which run while the caller waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce.limits import note_report_run
from sandbox.salesforce.reports import Report, describe_report, find_report, run_report
from sandbox.salesforce.rest.common import VERSION, Guard, base
from sandbox.world.ids import salesforce_id
from sandbox.world.setup import REPORT_NAMES

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org


def report_routes(org: Org, authorized: Guard) -> list[Route]:
    """The routes under ``analytics/reports``."""
    pages, reports = _ReportPages(org), f"{VERSION}/analytics/reports"
    return [
        Route(reports, authorized(pages.all)),
        Route(f"{reports}/{{report}}", authorized(pages.run), methods=["GET", "POST"]),
        Route(f"{reports}/{{report}}/describe", authorized(pages.describe)),
    ]


class _ReportPages:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._state = org.service.state

    def all(self, request: Request, _: Any) -> Response:
        """Which reports there are."""
        ids = [salesforce_id("Report", self._org.name, place + 1) for place in range(len(REPORT_NAMES))]
        listed = [{"id": one, "name": name, **_urls(request, one)} for one, name in zip(ids, REPORT_NAMES, strict=True)]
        return JSONResponse(listed)

    def describe(self, request: Request, _: Any) -> Response:
        """A report's columns."""
        report = self._report(request)
        return JSONResponse(describe_report(report) | {"attributes": _attributes(request, report)})

    def run(self, request: Request, body: Any) -> Response:
        """A report's figures and rows, under the filters of the body, if any."""
        report = self._report(request)
        note_report_run(self._org)
        filters = body.get("reportMetadata", {}).get("reportFilters", []) if isinstance(body, dict) else []
        has_details = request.query_params.get("includeDetails", "true").lower() == "true"
        with self._state.reading():
            result = run_report(self._state, self._org.schema, report, filters, has_details=has_details)
        described = describe_report(report)
        described["reportMetadata"]["reportFilters"] = filters
        return JSONResponse({"attributes": _attributes(request, report)} | result | described)

    def _report(self, request: Request) -> Report:
        return find_report(self._state, self._org.schema, request.path_params["report"])


def _urls(request: Request, report_id: str) -> dict[str, str]:
    url = f"{base(request)}/analytics/reports/{report_id}"
    return {"url": url, "describeUrl": f"{url}/describe", "instancesUrl": f"{url}/instances"}


def _attributes(request: Request, report: Report) -> dict[str, str]:
    urls = {name: url for name, url in _urls(request, report.id).items() if name != "url"}
    return {"type": "Report", "reportId": report.id, "reportName": report.name, **urls}
