"""One day of Smartlead: mails go out within the mailboxes' limits, and what they cause happens when it is due.

Everything is decided by :mod:`sandbox.world.nature` from seed, address, campaign and step, so the same calls give the
same events. What the simulation knows stands in the ``true_…`` columns and nowhere else.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead import texts
from sandbox.smartlead.events import Events
from sandbox.smartlead.state import MAILS_PER_MAILBOX, STEPS
from sandbox.world.nature import Disposition, Mailbox, disposition, mailbox, unit

CATEGORY_OF = {
    Disposition.POSITIVE: 1,
    Disposition.MEETING: 2,
    Disposition.QUESTION: 5,
    Disposition.NEUTRAL: 8,
    Disposition.WRONG_PERSON: 7,
    Disposition.NEGATIVE: 3,
    Disposition.DO_NOT_CONTACT: 4,
    Disposition.AUTO_REPLY: 6,
}
BOUNCE_OF = {Mailbox.DEAD: "hard", Mailbox.FULL: "soft", Mailbox.POLICY_BLOCKING: "policy"}
WRONG_CATEGORY = {1: 3, 2: 1, 3: 1, 5: 3, 7: 3}
SENDER_FAULT_SHARE, UNCLEAR_NOTICE_SHARE = 0.004, 0.12
WRONG_CATEGORY_SHARE, STRAY_CATEGORY_SHARE, TWO_STEP_SHARE = 0.10, 0.01, 0.15
OPEN_SHARE, CLICK_SHARE = 0.35, 0.05


class Simulation:
    """Lets days pass in Smartlead."""

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        self._seed = seed
        self._events = Events(database)

    def pass_day(self, day: date) -> None:
        """Everything that happens on one day: first the sending, then what is due until midnight."""
        with self._db.transaction():
            if day.weekday() < 5:
                self._send_mails(day)
            midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
            self._let_happen(midnight)

    def _unit(self, *parts: object) -> float:
        return unit(self._seed, *parts)

    # Sending

    def _send_mails(self, day: date) -> None:
        for org in ("icare", "core"):
            mailboxes = self._db.rows("select * from mailboxes where org = ? order by id", [org])
            due = self._db.rows(
                "select campaign_leads.*, leads.email, leads.first_name, leads.company_name from campaign_leads"
                " join leads on leads.id = lead_id join campaigns on campaigns.id = campaign_id"
                " where campaigns.org = ? and campaigns.status = 'ACTIVE' and campaign_leads.next_on <= ?"
                " and campaign_leads.status in ('STARTED', 'INPROGRESS') and leads.is_unsubscribed = 0"
                " order by campaign_leads.next_on, map_id limit ?",
                [org, day.isoformat(), len(mailboxes) * MAILS_PER_MAILBOX],
            )
            for place, lead in enumerate(due):
                self._send_mail(day, lead, mailboxes[place % len(mailboxes)], place // len(mailboxes))

    def _send_mail(self, day: date, lead: Row, from_mailbox: Row, slot: int) -> None:
        step, campaign_id, email = lead["next_step"], lead["campaign_id"], lead["email"]
        seconds = 8 * 3600 + slot * 600 + int(self._unit("second", campaign_id, email, step) * 600)
        sent_at = datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)
        stats_id = _uuid(self._seed, campaign_id, lead["lead_id"], step)
        mail = {
            "stats_id": stats_id,
            "campaign_id": campaign_id,
            "lead_id": lead["lead_id"],
            "step": step,
            "mailbox_id": from_mailbox["id"],
            "sent_at": sent_at.isoformat(),
        }
        self._db.insert("mails", mail)
        subject = texts.SUBJECTS[step - 1].format(company=lead["company_name"], first_name=lead["first_name"])
        self._db.insert(
            "messages",
            {
                "message_id": f"<{stats_id}@{from_mailbox['email'].split('@')[1]}>",
                **{name: mail[name] for name in ("campaign_id", "lead_id", "stats_id")},
                "type": "SENT",
                "time": sent_at.isoformat(),
                "subject": subject,
                "body": texts.BODY.format(first_name=lead["first_name"]),
                "step": step,
                "true_kind": "sent",
            },
        )
        self._schedule_next_step(lead, day, from_mailbox["id"])
        self._events.sent(mail, lead, from_mailbox, subject)
        self._decide_fate(mail, lead, sent_at)

    def _schedule_next_step(self, lead: Row, day: date, mailbox_id: int) -> None:
        step = lead["next_step"]
        is_last = step == len(STEPS)
        next_on = None if is_last else (day + timedelta(days=STEPS[step])).isoformat()
        self._db.execute(
            "update campaign_leads set status = ?, next_step = ?, next_on = ?, mailbox_id = ? where map_id = ?",
            ["COMPLETED" if is_last else "INPROGRESS", step + 1, next_on, mailbox_id, lead["map_id"]],
        )

    # Deciding, at the moment of sending, what the mail will cause

    def _decide_fate(self, mail: Row, lead: Row, sent_at: datetime) -> None:
        email, step, campaign_id = lead["email"], mail["step"], mail["campaign_id"]
        key = (campaign_id, email, step)
        if self._unit("sender fault", *key) < SENDER_FAULT_SHARE:
            self._later(sent_at, minutes=2, kind="bounce", mail=mail, true="sender")
            return
        state = mailbox(self._seed, email)
        if state in BOUNCE_OF:
            self._later(sent_at, minutes=3, kind="bounce", mail=mail, true=BOUNCE_OF[state])
            return
        if self._unit("open", *key) < OPEN_SHARE:
            self._later(sent_at, minutes=20 + 900 * self._unit("open delay", *key), kind="open", mail=mail)
        self._decide_answer(mail, email, sent_at)

    def _decide_answer(self, mail: Row, email: str, sent_at: datetime) -> None:
        person, campaign_id, step = disposition(self._seed, email), mail["campaign_id"], mail["step"]
        if person is Disposition.AUTO_REPLY and step == 1:
            self._later(sent_at, minutes=4, kind="automatic", mail=mail)
        if step != 1 + int(self._unit("step", campaign_id, email) * len(STEPS)):
            return
        minutes = 30 + 2800 * self._unit("delay", campaign_id, email)
        if person is Disposition.UNSUBSCRIBE:
            self._later(sent_at, minutes=minutes, kind="unsubscribe", mail=mail)
        elif person is Disposition.SILENT:
            if self._unit("stray category", campaign_id, email) < STRAY_CATEGORY_SHARE:
                self._later(sent_at, minutes=minutes, kind="category", mail=mail, new=1, who="stray")
        elif person is not Disposition.AUTO_REPLY:
            self._later(sent_at, minutes=minutes, kind="reply", mail=mail, person=person.value)

    def _later(self, moment: datetime, *, minutes: float, kind: str, mail: Row, **detail: Any) -> None:
        due_at = moment + timedelta(seconds=int(minutes * 60))
        row = {"due_at": due_at.isoformat(), "kind": kind, "detail": detail}
        self._db.insert("pending", row | {name: mail[name] for name in ("campaign_id", "lead_id", "stats_id")})

    # Letting happen what is due

    def _let_happen(self, until: datetime) -> None:
        happen = {
            "bounce": self._bounce,
            "open": self._open,
            "reply": self._reply,
            "automatic": self._automatic,
            "unsubscribe": self._unsubscribe,
            "category": self._category,
        }
        while due := self._db.row(
            "select * from pending where due_at < ? order by due_at, id limit 1", [until.isoformat()]
        ):
            self._db.execute("delete from pending where id = ?", [due["id"]])
            mail = self._db.row(
                "select mails.*, leads.email, leads.first_name, leads.company_name, map_id, category_id"
                " from mails join leads on leads.id = mails.lead_id join campaign_leads on"
                " campaign_leads.campaign_id = mails.campaign_id and campaign_leads.lead_id = mails.lead_id"
                " where stats_id = ?",
                [due["stats_id"]],
            )
            assert mail is not None  # noqa: S101  a pending event always has its mail
            happen[due["kind"]](mail, due["due_at"], json.loads(due["detail"]))

    def _bounce(self, mail: Row, at: str, detail: Row) -> None:
        true_kind, email = detail["true"], mail["email"]
        is_unclear = true_kind in {"hard", "soft"} and self._unit("unclear", email) < UNCLEAR_NOTICE_SHARE
        text = texts.notice_text(self._seed, "unclear" if is_unclear else true_kind, email, mail["stats_id"])
        self._db.execute(
            "update mails set is_bounced = 1, true_bounce = ?, is_evidence_clear = ? where stats_id = ?",
            [true_kind, not is_unclear, mail["stats_id"]],
        )
        notice = self._message(mail, at, "bounce_notice", "Delivery Status Notification (Failure)", text)
        self._stop(mail, "BLOCKED")
        self._events.bounced(mail, notice, is_sender_originated=true_kind == "sender")
        if true_kind == "sender":
            self._change_category(mail, at, 9, "ai")

    def _open(self, mail: Row, at: str, _: Row) -> None:
        settings = self._db.value("select track_settings from campaigns where id = ?", [mail["campaign_id"]])
        if "DONT_EMAIL_OPEN" in settings:
            return
        is_clicked = self._unit("click", mail["stats_id"]) < CLICK_SHARE
        self._db.execute(
            "update mails set open_time = ?, open_count = open_count + 1, click_time = ?, click_count = ?"
            " where stats_id = ?",
            [at, at if is_clicked else None, int(is_clicked), mail["stats_id"]],
        )
        self._events.opened(mail, at)

    def _reply(self, mail: Row, at: str, detail: Row) -> None:
        person = Disposition(detail["person"])
        text = texts.reply_text(self._seed, person, mail["stats_id"])
        message = self._message(
            mail, at, "human", f"Re: {self._subject(mail)}", text, classification=person.classification
        )
        self._mark_replied(mail, at)
        self._stop(mail, "STOPPED")
        self._events.replied(mail, message)
        self._categorise(mail, at, CATEGORY_OF[person])

    def _automatic(self, mail: Row, at: str, _: Row) -> None:
        subject, text = texts.automatic_reply(self._seed, mail["stats_id"], self._subject(mail))
        message = self._message(mail, at, "automatic", subject, text)
        self._mark_replied(mail, at)
        self._events.replied(mail, message)
        self._later(datetime.fromisoformat(at), minutes=30, kind="category", mail=mail, new=6, who="ai")

    def _unsubscribe(self, mail: Row, at: str, _: Row) -> None:
        self._db.execute("update leads set is_unsubscribed = 1 where id = ?", [mail["lead_id"]])
        self._stop(mail, "STOPPED")
        self._events.unsubscribed(mail, at)

    def _category(self, mail: Row, at: str, detail: Row) -> None:
        self._change_category(mail, at, detail["new"], detail["who"])

    # Helpers

    def _categorise(self, mail: Row, at: str, right: int) -> None:
        """Smartlead's AI gives a category within the hour; a person corrects a wrong one a day or more later."""
        replied_at = datetime.fromisoformat(at)
        is_wrong = right in WRONG_CATEGORY and self._unit("wrong category", mail["stats_id"]) < WRONG_CATEGORY_SHARE
        first = WRONG_CATEGORY[right] if is_wrong else right
        delay = 60 * self._unit("category delay", mail["stats_id"])
        self._later(replied_at, minutes=delay, kind="category", mail=mail, new=first, who="ai")
        if is_wrong:
            minutes = 1500 + 1500 * self._unit("correction", mail["stats_id"])
            self._later(replied_at, minutes=minutes, kind="category", mail=mail, new=right, who="person")

    def _change_category(self, mail: Row, at: str, new: int, who: str) -> None:
        old = self._db.value("select category_id from campaign_leads where map_id = ?", [mail["map_id"]])
        if old == new:
            return
        self._db.execute("update campaign_leads set category_id = ? where map_id = ?", [new, mail["map_id"]])
        change = {
            "at": at,
            "campaign_id": mail["campaign_id"],
            "lead_id": mail["lead_id"],
            "old_id": old,
            "new_id": new,
        }
        self._db.insert("category_changes", change | {"who": who})
        self._events.category_changed(mail, change)

    def _message(
        self, mail: Row, at: str, kind: str, subject: str, text: str, *, classification: str | None = None
    ) -> Row:
        message = {
            "message_id": f"<{_uuid(self._seed, mail['stats_id'], kind, at)}@{mail['email'].split('@')[1]}>",
            **{name: mail[name] for name in ("campaign_id", "lead_id", "stats_id", "step")},
            "type": "REPLY",
            "time": at,
            "subject": subject,
            "body": f"<div>{text}</div>",
            "true_kind": kind,
            "true_classification": classification,
        }
        self._db.insert("messages", message)
        return message

    def _mark_replied(self, mail: Row, at: str) -> None:
        """A trap of the real service: one reply can show on the step before as well."""
        steps = [mail["step"]]
        if mail["step"] > 1 and self._unit("two steps", mail["stats_id"]) < TWO_STEP_SHARE:
            steps.append(mail["step"] - 1)
        for step in steps:
            self._db.execute(
                "update mails set reply_time = ? where campaign_id = ? and lead_id = ? and step = ?",
                [at, mail["campaign_id"], mail["lead_id"], step],
            )

    def _stop(self, mail: Row, status: str) -> None:
        self._db.execute(
            "update campaign_leads set status = ?, next_on = null where map_id = ?", [status, mail["map_id"]]
        )

    def _subject(self, mail: Row) -> str:
        return texts.SUBJECTS[mail["step"] - 1].format(company=mail["company_name"], first_name=mail["first_name"])


def _uuid(seed: int, *parts: object) -> str:
    digits = "".join(f"{int(unit(seed, 'uuid', *parts, place) * 2**32):08x}" for place in range(4))
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
