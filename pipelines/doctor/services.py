"""The services but Salesforce: can they be reached, do they take our credentials, does their clock agree with ours?"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import httpx

from pipelines.campaign_map import read_campaign_map
from pipelines.clay.client import ClayClient
from pipelines.clay.lookups.api import LookupApi
from pipelines.clay.lookups.asked import Asked
from pipelines.config import Settings
from pipelines.doctor.check import Check, Finding, cannot_tell, failed, passed, run_check
from pipelines.errors import DataError, OutreachError
from pipelines.operations.channels import as_mail_error, connect_mail
from pipelines.salesforce.auth import LARGEST_CLOCK_DIFFERENCE
from pipelines.smartlead.client import SmartleadClient
from pipelines.store import open_store

Look = Callable[[], Finding]
KEY = "It can be reached and takes our key"
CLOCK = "Our clock agrees with its clock"
CLOCK_STEP = "Set this machine's clock (NTP); or the other side's clock stands elsewhere, as the sandbox's does."
RECEIVER_SECONDS = 5


def check_services(settings: Settings) -> list[Check]:
    """Check Smartlead, Clay, the receiver and the ways of alerts and notices."""
    return [
        *_with_clock("smartlead", lambda: _smartlead(settings)),
        *_with_clock("clay", lambda: _clay(settings)),
        _check("clay", "Every table of the campaign map has its webhook", lambda: _clay_webhooks(settings)),
        *_clay_lookups(settings),
        _check("receiver", "It listens where it is configured", lambda: _receiver(settings)),
        _check("alerts", "Somebody gets alerts", lambda: _alerts(settings)),
        _check("alerts", "The SMTP server takes our credentials", lambda: _mail(settings)),
    ]


def _check(subject: str, requirement: str, look: Look) -> Check:
    def strict() -> Finding:
        try:
            return look()
        except OutreachError as error:  # here not to reach a service is what fails
            return failed(error.message, error.next_step or "Check the settings.")

    return run_check(subject, requirement, strict)


def _with_clock(subject: str, ask: Callable[[], datetime | None]) -> list[Check]:
    """Two lines out of one request: whether the service answers, and what time it has."""
    answered: list[datetime] = []

    def reach() -> Finding:
        service_time = ask()
        if service_time is None:
            return cannot_tell("no API key is configured", "Callbacks and CSV exports bring the same values.")
        answered.append(service_time)
        return passed("it answers")

    def clock() -> Finding:
        if not answered:
            return cannot_tell("it did not answer")
        apart = abs(datetime.now(UTC) - answered[0])
        found = f"{apart.total_seconds():.0f} seconds apart"
        if apart <= LARGEST_CLOCK_DIFFERENCE:
            return passed(found)
        return failed(found, CLOCK_STEP)

    return [_check(subject, KEY, reach), _check(subject, CLOCK, clock)]


def _smartlead(settings: Settings) -> datetime:
    with SmartleadClient(settings.require_smartlead()) as client:
        return client.page("/campaigns/").read_at


def _clay(settings: Settings) -> datetime | None:
    clay = settings.require_clay()
    if clay.api_key is None:
        return None
    campaigns = read_campaign_map(settings.project_dir)
    if not campaigns:
        raise DataError("seeds/campaign_map.csv has no campaign.", next_step="Enter one row for each campaign.")
    with ClayClient(clay) as client:
        return next(client.table_rows(campaigns[0].clay_table_id)).read_at


def _clay_webhooks(settings: Settings) -> Finding:
    tables = {campaign.clay_table_id for campaign in read_campaign_map(settings.project_dir)}
    if missing := sorted(tables - set(settings.require_clay().tables)):
        return failed(
            f"{', '.join(missing)} have none, so nothing can be exported to them",
            "Set webhook_url in a [clay.tables.…] section for each, or correct seeds/campaign_map.csv.",
        )
    return passed(f"{len(tables)} tables; whether Clay takes a row shows only when one is sent")


def _clay_lookups(settings: Settings) -> list[Check]:
    """A line only where lookups are configured; it costs no credits, since it asks for nobody."""
    if settings.clay is None or settings.clay.lookups is None:
        return []
    clay, lookups = settings.clay, settings.clay.lookups

    def look() -> Finding:
        asked = Asked(open_store(settings), lookups)
        with closing(LookupApi(clay, lookups, asked)) as api:
            api.probe()
        budget = asked.budget()
        spent = f"{budget.spent:,} of {budget.credits:,} credits of this {budget.period} are spent"
        if asked.found_subjects() == {"person", "company"}:
            return passed(spent)
        return cannot_tell(
            f"it answers, but has not found both a person and a company yet, as would prove what we assume; {spent}",
            "Run outreach load clay-lookups --most 1, and compare its answer with your contract (docs/clay.md).",
        )

    return [_check("clay", "Lookups: it takes our key, and has them where we ask", look)]


def _receiver(settings: Settings) -> Finding:
    receiver = settings.require_receiver()
    url = f"http://{receiver.host}:{receiver.port}/ready"
    try:
        answer = httpx.get(url, timeout=RECEIVER_SECONDS)
    except httpx.HTTPError as error:
        return failed(
            f"nothing answers at {url} ({type(error).__name__})",
            "Start outreach receive, for example by outreach-receive.service (docs/operations.md).",
        )
    if answer.status_code == httpx.codes.OK and "status" in answer.text:
        return passed(f"{url} answers, and its store too")
    return failed(f"{url} answers {answer.status_code}", "Look at its log; another program may have taken the port.")


def _alerts(settings: Settings) -> Finding:
    alerts = settings.alerts
    if not alerts.email_to and alerts.webhook_url is None:
        return failed("nobody does", "Set email_to or webhook_url of [alerts]; docs/operations.md shows how.")
    ways = [*alerts.email_to, *(["a webhook"] if alerts.webhook_url else [])]
    return passed(f"{len(ways)} recipients; outreach alerts --test shows whether a message arrives")


def _mail(settings: Settings) -> Finding:
    mail = settings.mail
    if mail is None:
        return cannot_tell("no [mail] section is configured, so nothing goes by e-mail")
    try:
        with connect_mail(mail) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        raise as_mail_error(mail, error) from None
    return passed(f"{mail.host}:{mail.port}, {mail.security}")
