"""What the limits resource says: every allocation of the org, and what is left of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.salesforce.errors import SalesforceError

if TYPE_CHECKING:
    from sandbox.salesforce.app import Org

HOURLY_REPORT_RUNS = 500
ALLOCATIONS = {  # what the double has, but never uses up
    "AnalyticsExternalDataSizeMB": 40_960,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 10_240,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 10_240,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "PermissionSets": 1_500,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 20,
}


def limits(org: Org) -> dict[str, dict[str, int]]:
    """``{name: {"Max", "Remaining"}}``, in alphabetical order."""
    used = {
        "DailyApiRequests": (org.daily_requests, org.used_requests),
        "HourlySyncReportRuns": (HOURLY_REPORT_RUNS, reports_run(org)),
        **{name: (most, 0) for name, most in ALLOCATIONS.items()},
    }
    all_limits = {name: {"Max": most, "Remaining": most - number} for name, (most, number) in used.items()}
    return dict(sorted((all_limits | org.bulk.limits()).items()))


def note_report_run(org: Org) -> None:
    """Count a report that is about to run.

    Raises:
        SalesforceError: FORBIDDEN, the last hour has seen too many.
    """
    if reports_run(org) >= HOURLY_REPORT_RUNS:
        message = f"You can't run more than {HOURLY_REPORT_RUNS} reports synchronously every 60 minutes."
        raise SalesforceError(403, "FORBIDDEN", message)
    org.report_runs.append(org.service.state.now)


def reports_run(org: Org) -> int:
    """How many reports the org has run in the last hour of the world."""
    an_hour_ago = org.service.state.now - timedelta(hours=1)
    return sum(one > an_hour_ago for one in org.report_runs)
