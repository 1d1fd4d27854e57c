"""What there are alerts for: failed steps of a run, and what has not been done or read for too long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.console import err
from pipelines.errors import INTERRUPTED, ConfigurationError, DataError, OutreachError
from pipelines.operations import outbox
from pipelines.operations.cadences import CADENCES
from pipelines.operations.freshness import source_freshness
from pipelines.operations.history import command_of, last_run
from pipelines.operations.incidents import alert_recipients, update_incidents
from pipelines.operations.outbox import send_waiting
from pipelines.operations.runner import RunReport
from pipelines.store import writing


def alert_after_run(settings: Settings, engine: sa.Engine, report: RunReport) -> None:
    """Alert of the steps that failed, and of those that are done again. Trouble with sending never fails the run."""
    wrong = {
        step.step: f"{step.detail or ''} (exit code {step.exit_code}) {step.next_step or ''}".strip()
        for step in report.failed
        if step.exit_code != INTERRUPTED
    }
    well = {step.step for step in report.steps if step.exit_code == 0}
    update_incidents(settings, engine, wrong, well)
    try:
        send_waiting(settings, engine)
    except OutreachError as error:
        err.print(f"Alerts wait to be sent: {error.message}", highlight=False, markup=False)


def alert_of_staleness(settings: Settings, engine: sa.Engine) -> dict[str, str]:
    """Alert of cadences that have not ended well and sources that have not been read for too long.

    A cadence that never ran is not scheduled here, and not missed. Returns what is stale, with the reason.
    """
    judged = {**_cadences(engine), **_sources(settings)}
    wrong = {subject: why for subject, why in judged.items() if why}
    update_incidents(settings, engine, wrong, set(judged) - set(wrong))
    return wrong


def write_test(settings: Settings, engine: sa.Engine) -> None:
    """Write down a test for everybody who gets alerts.

    Raises:
        ConfigurationError: nobody does.
    """
    recipients = alert_recipients(settings)
    if not recipients:
        raise ConfigurationError(
            "Nobody gets alerts.", next_step="Set email_to or webhook_url of [alerts]; docs/operations.md shows how."
        )
    with writing(engine) as connection:
        key = f"test {datetime.now(UTC).isoformat()}"
        outbox.intend(connection, key, recipients, "Outreach: a test", "Alerts of outreach arrive here.")


def _cadences(engine: sa.Engine) -> Mapping[str, str]:
    judged: dict[str, str] = {}
    for name, cadence in CADENCES.items():
        good = last_run(engine, command_of(name), only_good=True)
        since = good or last_run(engine, command_of(name), is_first=True)
        if since is None:
            continue
        hours = cadence.stale_after.total_seconds() / 3600
        age = datetime.now(UTC) - since.started_at
        words = f"last ended well in a run of {since.started_at:%Y-%m-%d %H:%M} UTC" if good else "never ended well"
        too_old = f"outreach run {name} {words}; {hours:.0f} hours is the most."
        judged[f"cadence {name}"] = too_old if age > cadence.stale_after else ""
    return judged


def _sources(settings: Settings) -> Mapping[str, str]:
    try:
        sources = source_freshness(settings)
    except DataError:
        return {}  # nothing is published yet
    return {
        f"source {one.dataset}": f"Its tables were read up to {one.hours_behind:.0f} hours ago." if one.is_stale else ""
        for one in sources
    }
