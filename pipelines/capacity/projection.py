"""What volumes of mails come to: mailboxes and weeks, calls against each service's limits, and what gives way first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import takewhile
from math import ceil

from croniter import croniter

from pipelines.capacity.calls import salesforce_load, salesforce_push, smartlead_poll
from pipelines.capacity.simulation import A_MONDAY, Polling, poll_by
from pipelines.capacity.volume import Volume
from pipelines.clay.webhook import REQUESTS_PER_SECOND, ROWS_PER_SOURCE
from pipelines.config.services import SalesforceOrg, Smartlead
from pipelines.operations.cadences import CADENCES, Cadence
from pipelines.salesforce.objects import OBJECTS
from pipelines.smartlead.client import limits_of

REPLIES = "replies"
MOST_WEEKS_OF_RAMP = 13  # a quarter: who waits longer sets more mailboxes up in a week, or mails less


@dataclass(frozen=True)
class Projection:
    """What one volume comes to.

    Args:
        volume: the volume.
        smartlead_calls: calls of one poll of Smartlead.
        polling: what polling with every run of the replies' cadence comes to.
        poll_after_minutes: the setting that lets each poll end before the next.
        salesforce_calls: calls of a day in one org that has all the leads.
        salesforce_share: their share of what is not reserved for the business.
        clay_sources: webhook sources of Clay that a month's export uses up.
        clay_hours: hours that a month's export takes at Clay's rate.
    """

    volume: Volume
    smartlead_calls: int
    polling: Polling
    poll_after_minutes: int
    salesforce_calls: int
    salesforce_share: float
    clay_sources: int
    clay_hours: float

    @property
    def gives_way_first(self) -> str:
        """What does not hold, the most urgent first; a dash if everything does."""
        troubles = {
            "Salesforce's calls": self.salesforce_share > 1,
            "polling Smartlead": not self.polling.keeps_up,
            "Clay's webhook source": self.clay_sources > 1,
            "the ramp": self.volume.weeks_of_ramp() > MOST_WEEKS_OF_RAMP,
        }
        return ", ".join(name for name, is_so in troubles.items() if is_so) or "–"


def project(volume: Volume, smartlead: Smartlead, org: SalesforceOrg, daily_calls: int) -> Projection:
    """Work out one volume.

    Args:
        volume: the volume.
        smartlead: the account's settings, for its limits.
        org: an org's settings, for its reserve and from where on Bulk is used.
        daily_calls: the org's allowance of API calls in 24 hours.
    """
    calls = smartlead_poll(volume)
    polling = poll_by(CADENCES[REPLIES].cron, calls, limits_of(smartlead))
    between = 24 * 60 // len(starts_of(CADENCES[REPLIES]))
    salesforce = _salesforce_day(volume, org)
    return Projection(
        volume,
        calls,
        polling,
        poll_after_minutes=0 if polling.keeps_up else between * ceil(polling.minutes / between),
        salesforce_calls=salesforce,
        salesforce_share=salesforce / (daily_calls * (1 - org.quota_reserve)),
        clay_sources=ceil(volume.leads_per_month / ROWS_PER_SOURCE),
        clay_hours=volume.leads_per_month / REQUESTS_PER_SECOND / 3600,
    )


def _salesforce_day(volume: Volume, org: SalesforceOrg) -> int:
    """All loads and pushes of a day, begun by the schedules; each load reads what has changed since the one before."""
    objects = {one.name: one for one in OBJECTS}
    swept_at: dict[str, datetime] = {}
    runs = sorted((at, name) for name, cadence in CADENCES.items() for at in starts_of(cadence))
    calls = 0
    for at, name in runs:
        cadence = CADENCES[name]
        read = [objects[wanted] for wanted in cadence.objects] or list(OBJECTS)
        due = [one for one in read if _is_sweep_due(cadence, swept_at.get(one.name), at, org)]
        swept_at |= {one.name: at for one in due}
        changed = ceil(volume.changes_per_day / len(starts_of(cadence)))
        for some, sweep in ((due, True), ([one for one in read if one not in due], False)):
            if some:
                calls += salesforce_load(
                    some, changed, volume.leads_in_salesforce, sweep=sweep, bulk_from_records=org.bulk_from_records
                )
    return calls + _pushes(volume)


def _pushes(volume: Volume) -> int:
    runs = len(starts_of(CADENCES[REPLIES]))
    replies = ceil(volume.replies_per_day / runs)
    enriched = ceil(volume.leads_per_month / volume.limits.sending_days / runs)
    bounces = salesforce_push(volume.hard_bounces_per_day, is_guarded=False)
    return bounces + runs * sum(salesforce_push(count, is_guarded=True) for count in (replies, enriched))


def _is_sweep_due(cadence: Cadence, last: datetime | None, at: datetime, org: SalesforceOrg) -> bool:
    if cadence.sweep is not None or last is None:
        return cadence.sweep is not False
    return at - last >= timedelta(minutes=org.sweep_after_minutes)


@cache
def starts_of(cadence: Cadence) -> list[datetime]:
    """When a cadence begins on one day."""
    schedule = croniter(cadence.cron, A_MONDAY - timedelta(seconds=1), ret_type=datetime)
    return list(takewhile(lambda at: at < A_MONDAY + timedelta(days=1), schedule.all_next(datetime)))
