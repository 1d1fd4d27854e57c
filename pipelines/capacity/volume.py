"""A month's mails, and what follows from them by the reviewed limits and a few assumptions."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from pipelines.errors import DataError

READ_AGAIN_MONTHS = 2  # the loader reads the mails of sixty days again
LIMITS_FILE, WARM_UP_FILE = Path("seeds/sending_limits.csv"), Path("seeds/mailbox_warm_up.csv")


@dataclass(frozen=True)
class Assumptions:
    """What no file of the project says; a company that knows better says so.

    Args:
        reply_share: of the leads who got a mail, those who answer.
        hard_bounce_share: of the leads who got a mail, those whose address does not exist.
        leads_per_campaign: how many leads one campaign has.
        changes_per_lead: how often a mailed lead changes in Salesforce in that month, and its campaign member.
        months_on_roster: for how long a campaign stays in Smartlead before it is deleted there.
        leads_in_salesforce: the leads of an org, for each lead mailed in a month.
        mailboxes_per_week: how many mailboxes can be set up in a week.
        mailboxes_per_domain: how many mailboxes share a domain.
    """

    reply_share: float = 0.05
    hard_bounce_share: float = 0.02
    leads_per_campaign: int = 2_000
    changes_per_lead: int = 5
    months_on_roster: int = 3
    leads_in_salesforce: int = 12
    mailboxes_per_week: int = 25
    mailboxes_per_domain: int = 3


@dataclass(frozen=True)
class SendingLimits:
    """The reviewed limits of ``seeds/``: mails of a warm mailbox, a lead's mails, days of sending, and the warm-up.

    Args:
        mails_per_mailbox: campaign mails of a warm mailbox in a day.
        mails_per_lead: mails that one lead receives at most.
        sending_days: days of a month on which campaigns send.
        warm_up: from which day of its life on a mailbox may send how many mails, in the order of the days.
    """

    mails_per_mailbox: int
    mails_per_lead: int
    sending_days: int
    warm_up: tuple[tuple[int, int], ...]

    @property
    def mails_of_warm_mailbox(self) -> int:
        """How many campaign mails a mailbox may send in a day once it is warm."""
        return self.mails_of_mailbox(self.warm_up[-1][0])

    def mails_of_mailbox(self, day: int) -> int:
        """How many campaign mails a mailbox may send on a day of its life, which begins with 1."""
        allowed = [mails for from_day, mails in self.warm_up if from_day <= day]
        return min(self.mails_per_mailbox, allowed[-1]) if allowed else 0


def read_limits(project_dir: Path) -> SendingLimits:
    """The limits of the project.

    Raises:
        DataError: a file is missing, or does not say what is needed.
    """
    try:
        limits = {row["limit_id"]: int(float(row["value"])) for row in _rows(project_dir / LIMITS_FILE)}
        warm_up = [(int(row["from_day"]), int(row["mails_per_day"])) for row in _rows(project_dir / WARM_UP_FILE)]
        read = SendingLimits(
            limits["campaign_mails_per_mailbox"],
            limits["steps_per_lead"],
            limits["sending_days_per_month"],
            tuple(sorted(warm_up)),
        )
    except (OSError, KeyError, ValueError) as error:
        raise _unusable(str(error)) from None
    if not warm_up or min(read.mails_of_warm_mailbox, read.mails_per_lead, read.sending_days) < 1:
        raise _unusable("by its limits no mail is ever sent")
    return read


@dataclass(frozen=True)
class Volume:
    """So many mails a month, and the counts that follow."""

    mails_per_month: int
    limits: SendingLimits
    assumed: Assumptions

    @property
    def mails_per_day(self) -> int:
        """Mails on a day of sending."""
        return ceil(self.mails_per_month / self.limits.sending_days)

    @property
    def leads_per_month(self) -> int:
        """Leads who get their first mail in a month."""
        return ceil(self.mails_per_month / self.limits.mails_per_lead)

    @property
    def roster(self) -> int:
        """Leads in the campaigns that Smartlead still has."""
        return self.leads_per_month * self.assumed.months_on_roster

    @property
    def mails_read_again_per_lead(self) -> float:
        """Of a lead on the roster, the mails that each poll of Smartlead reads."""
        return self.limits.mails_per_lead * min(1.0, READ_AGAIN_MONTHS / self.assumed.months_on_roster)

    @property
    def mails_per_lead_and_day(self) -> float:
        """Mails of a lead on the roster on a day of sending."""
        return self.limits.mails_per_lead / (self.assumed.months_on_roster * self.limits.sending_days)

    @property
    def replies_per_day(self) -> int:
        """Leads who answer on a day of sending."""
        return ceil(self.leads_per_month * self.assumed.reply_share / self.limits.sending_days)

    @property
    def hard_bounces_per_day(self) -> int:
        """Leads whose address turns out not to exist on a day of sending."""
        return ceil(self.leads_per_month * self.assumed.hard_bounce_share / self.limits.sending_days)

    @property
    def changes_per_day(self) -> int:
        """Changes of leads in Salesforce on a day, and as many of campaign members."""
        return ceil(self.leads_per_month * self.assumed.changes_per_lead / self.limits.sending_days)

    @property
    def leads_in_salesforce(self) -> int:
        """All leads of the org."""
        return self.leads_per_month * self.assumed.leads_in_salesforce

    @property
    def mailboxes(self) -> int:
        """Warm mailboxes that send the mails of a day."""
        return ceil(self.mails_per_day / self.limits.mails_of_warm_mailbox)

    @property
    def domains(self) -> int:
        """Domains that these mailboxes need."""
        return ceil(self.mailboxes / self.assumed.mailboxes_per_domain)

    def weeks_of_ramp(self) -> int:
        """Weeks until the mails of a day can be sent, from no mailbox on: simulated day by day."""
        per_week = self.assumed.mailboxes_per_week
        weekly: list[int] = []  # mailboxes by the week in which they were set up
        day = mails_today = 0
        while mails_today < self.mails_per_day:
            if day % 7 == 0:
                weekly.append(min(per_week, self.mailboxes - sum(weekly)))
            day += 1
            mails_today = sum(
                count * self.limits.mails_of_mailbox(day - 7 * week) for week, count in enumerate(weekly) if count
            )
        return ceil(day / 7)


def _unusable(why: str) -> DataError:
    return DataError(
        f"{LIMITS_FILE} or {WARM_UP_FILE} cannot be used: {why}.", next_step="Correct it; it is reviewed data."
    )


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
