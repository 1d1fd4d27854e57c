"""Sending: on weekdays, within the mailboxes' limits and the campaigns' pace, follow-ups before new leads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sandbox.database import Database, Row
from sandbox.smartlead import texts
from sandbox.smartlead.events import Events
from sandbox.smartlead.fate import Fate
from sandbox.smartlead.state import STEPS, campaign_mails
from sandbox.world.catalog import ORGS
from sandbox.world.nature import unit

FIRST_HOUR, SECONDS_BETWEEN = 8, 600  # of one mailbox
LEAD_COLUMNS = (
    "campaign_leads.*, leads.email, leads.first_name, leads.last_name, leads.company_name from campaign_leads"
    " join leads on leads.id = lead_id join campaigns on campaigns.id = campaign_id"
)


class _MailboxDay:
    """What one mailbox has sent and may still send today."""

    def __init__(self, row: Row, limit: int) -> None:
        self.row = row
        self.limit = limit
        self.sent = 0

    @property
    def left(self) -> int:
        """How many more it may send."""
        return self.limit - self.sent

    @property
    def share_used(self) -> float:
        """How much of its limit is used."""
        return self.sent / self.limit if self.limit else 1.0

    def next_slot(self) -> int:
        """The place of the next mail in the day."""
        self.sent += 1
        return self.sent - 1


class Sending:
    """Sends the mails of a day."""

    def __init__(self, database: Database, seed: int, events: Events, fate: Fate) -> None:
        self._db = database
        self._seed = seed
        self._events = events
        self._fate = fate

    def send_mails(self, day: date) -> None:
        """Send what is due; nothing at the weekend. What does not fit waits for the next day."""
        if day.weekday() >= 5:
            return
        for org in ORGS:
            rows = self._db.rows("select * from mailboxes where org = ? order by id", [org])
            mailboxes = [_MailboxDay(row, campaign_mails(row, day)) for row in rows]
            self._send_follow_ups(org, day, {mailbox.row["id"]: mailbox for mailbox in mailboxes})
            self._send_to_new_leads(org, day, mailboxes)

    def _send_follow_ups(self, org: str, day: date, mailboxes: dict[int, _MailboxDay]) -> None:
        """A follow-up comes from the mailbox of the first mail."""
        due = self._db.rows(
            f"select {LEAD_COLUMNS} where campaigns.org = ? and campaigns.status = 'ACTIVE'"
            " and campaign_leads.status = 'INPROGRESS' and next_on <= ? and leads.is_unsubscribed = 0"
            " order by next_on, map_id limit ?",
            [org, day.isoformat(), 2 * sum(mailbox.left for mailbox in mailboxes.values())],
        )
        for lead in due:
            mailbox = mailboxes[lead["mailbox_id"]]
            if mailbox.left > 0:
                self._send_mail(day, lead, mailbox)

    def _send_to_new_leads(self, org: str, day: date, mailboxes: list[_MailboxDay]) -> None:
        for campaign in self._db.rows("select * from campaigns where org = ? and status = 'ACTIVE' order by id", [org]):
            left = sum(mailbox.left for mailbox in mailboxes)
            due = self._db.rows(
                f"select {LEAD_COLUMNS} where campaign_id = ? and campaign_leads.status = 'STARTED'"
                " and leads.is_unsubscribed = 0 order by map_id limit ?",
                [campaign["id"], min(left, campaign["max_leads_per_day"])],
            )
            for lead in due:
                self._send_mail(day, lead, min(mailboxes, key=lambda mailbox: mailbox.share_used))

    def _send_mail(self, day: date, lead: Row, mailbox: _MailboxDay) -> None:
        step, sender = lead["next_step"], mailbox.row
        jitter = int(unit(self._seed, "second", lead["campaign_id"], lead["email"], step) * SECONDS_BETWEEN)
        seconds = FIRST_HOUR * 3600 + mailbox.next_slot() * SECONDS_BETWEEN + jitter
        sent_at = datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)
        mail = {
            "stats_id": mail_id(self._seed, lead["campaign_id"], lead["email"], step),
            "campaign_id": lead["campaign_id"],
            "lead_id": lead["lead_id"],
            "step": step,
            "mailbox_id": sender["id"],
            "sent_at": sent_at.isoformat(),
        }
        message = {
            "message_id": f"<{mail['stats_id']}@{sender['email'].split('@')[1]}>",
            **{name: mail[name] for name in ("campaign_id", "lead_id", "stats_id", "step")},
            "type": "SENT",
            "time": mail["sent_at"],
            "subject": texts.subject(step, lead["company_name"], lead["first_name"]),
            "body": texts.BODY.format(first_name=lead["first_name"] or "there"),
            "written_by": sender["email"],
            "true_kind": "sent",
        }
        outcome = self._fate.decide(mail, lead["email"], sent_at)
        self._db.insert("mails", mail | {"true_outcome": outcome})
        self._db.insert("messages", message)
        self._schedule_next_step(lead, day, sender["id"])
        self._events.sent(lead | mail, message)

    def _schedule_next_step(self, lead: Row, day: date, mailbox_id: int) -> None:
        step = lead["next_step"]
        is_last = step == len(STEPS)
        next_on = None if is_last else (day + timedelta(days=STEPS[step])).isoformat()
        self._db.execute(
            "update campaign_leads set status = ?, next_step = ?, next_on = ?, mailbox_id = ? where map_id = ?",
            ["COMPLETED" if is_last else "INPROGRESS", step + 1, next_on, mailbox_id, lead["map_id"]],
        )


def mail_id(seed: int, *parts: object) -> str:
    """A UUID that is always the same for the same parts."""
    digits = "".join(f"{int(unit(seed, 'uuid', *parts, place) * 2**32):08x}" for place in range(4))
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
