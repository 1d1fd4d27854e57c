"""Incidents: one alert when something goes wrong, one when it is over, and none in between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipelines.config import Settings
from pipelines.operations import outbox
from pipelines.store import reading, writing
from pipelines.store_locks import lock_incidents
from pipelines.store_tables import incidents


def update_incidents(settings: Settings, engine: sa.Engine, wrong: Mapping[str, str], well: set[str]) -> None:
    """Open an incident for each subject that has gone wrong, and close those of subjects that are well again.

    Incident and alert are written in one transaction: killed in between, neither is there and the next call does it.

    Args:
        settings: who is told.
        engine: the operational store.
        wrong: subjects, such as ``load smartlead``, with what happened.
        well: subjects that are known to be well. What is in neither stays as it is.
    """
    with writing(engine) as connection:
        lock_incidents(connection)
        still_open = {row["subject"]: row for row in _open(connection)}
        for subject, detail in wrong.items():
            if subject not in still_open:
                _begin(settings, connection, subject, detail)
        for subject in sorted(well & set(still_open) - set(wrong)):
            _end(settings, connection, still_open[subject])


def open_incidents(engine: sa.Engine) -> list[sa.RowMapping]:
    """The incidents that are not over, oldest first."""
    with reading(engine) as connection:
        return _open(connection)


def _open(connection: Connection) -> list[sa.RowMapping]:
    query = sa.select(incidents).where(incidents.c.closed_at.is_(None)).order_by(incidents.c.opened_at)
    return list(connection.execute(query).mappings())


def _begin(settings: Settings, connection: Connection, subject: str, detail: str) -> None:
    now = datetime.now(UTC)
    row = {"subject": subject, "detail": detail, "opened_at": now}
    (incident_id,) = connection.execute(incidents.insert().values(row)).inserted_primary_key or (None,)
    body = f"{detail}\n\nSince {now:%Y-%m-%d %H:%M} UTC. docs/runbook.md says what to do."
    _alert(settings, connection, f"incident {incident_id} opened", f"Outreach: {subject} needs attention", body)


def _end(settings: Settings, connection: Connection, incident: sa.RowMapping) -> None:
    now = datetime.now(UTC)
    this = incidents.c.incident_id == incident["incident_id"]
    connection.execute(incidents.update().where(this).values(closed_at=now))
    lasted = f"{incident['opened_at']:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC"
    subject = f"Outreach: {incident['subject']} is well again"
    _alert(settings, connection, f"incident {incident['incident_id']} closed", subject, f"It lasted from {lasted}.")


def _alert(settings: Settings, connection: Connection, key: str, subject: str, body: str) -> None:
    outbox.intend(connection, key, alert_recipients(settings), subject, body)


def alert_recipients(settings: Settings) -> list[outbox.Recipient]:
    """Everybody who gets alerts."""
    recipients = [("email", address) for address in settings.alerts.email_to]
    if settings.alerts.webhook_url:
        recipients.append(("webhook", "alerts.webhook_url"))
    return recipients
