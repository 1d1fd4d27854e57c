"""Fate: what a mail will cause, decided at the moment of sending, from seed, address, campaign and step alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead.state import STEPS
from sandbox.world.nature import Disposition, Mailbox, disposition, mailbox, unit

BOUNCE_OF = {Mailbox.DEAD: "hard", Mailbox.FULL: "soft", Mailbox.POLICY_BLOCKING: "policy"}
HUMAN = {person for person in Disposition if person.classification}
SENDER_FAULT_SHARE, LATE_NOTICE_SHARE = 0.004, 0.04
OPEN_SHARE, OPEN_AGAIN_SHARE, CLICK_SHARE = 0.35, 0.3, 0.08
STRAY_CATEGORY_SHARE, ABSENT_FIRST_SHARE, STILL_ABSENT_SHARE, LATE_REPLY_SHARE = 0.02, 0.06, 0.3, 0.05
HOUR, DAY = 60, 24 * 60  # in minutes


class Fate:
    """Decides what will happen because of a mail, and keeps it until it is due."""

    def __init__(self, database: Database, seed: int) -> None:
        self._db = database
        self._seed = seed

    def decide(self, mail: Row, email: str, sent_at: datetime) -> str:
        """Decide what a mail causes; returns 'delivered' or why it is not: 'hard', 'soft', 'policy' or 'sender'."""
        outcome = self._outcome(mail, email)
        if outcome == "delivered":
            self._decide_opens(mail, email, sent_at)
            self._decide_absence(mail, email, sent_at)
            self._decide_answer(mail, email, sent_at)
        else:
            self.later(sent_at, self._notice_minutes(mail, email, outcome), "bounce", mail, true=outcome)
        return outcome

    def later(self, moment: datetime, minutes: float, kind: str, mail: Row, **detail: Any) -> None:
        """Let something happen some minutes after a moment."""
        due_at = moment + timedelta(seconds=int(minutes * 60))
        row = {"due_at": due_at.isoformat(), "kind": kind, "detail": detail}
        self._db.insert("pending", row | {name: mail[name] for name in ("campaign_id", "lead_id", "stats_id")})

    def _outcome(self, mail: Row, email: str) -> str:
        if self._of_mail("sender fault", mail, email) < SENDER_FAULT_SHARE:
            return "sender"
        return BOUNCE_OF.get(mailbox(self._seed, email), "delivered")

    def _notice_minutes(self, mail: Row, email: str, outcome: str) -> float:
        """A full mailbox is tried again for hours; some servers take the mail first and complain days later."""
        draw = self._of_mail("notice delay", mail, email)
        if outcome == "soft":
            return HOUR + 46 * HOUR * draw
        if outcome == "hard" and self._of_mail("late notice", mail, email) < LATE_NOTICE_SHARE:
            return 5 * DAY + 15 * DAY * draw
        return 1 + 5 * draw

    def _decide_opens(self, mail: Row, email: str, sent_at: datetime) -> None:
        if self._of_mail("open", mail, email) >= OPEN_SHARE:
            return
        minutes = 20 + 15 * HOUR * self._of_mail("open delay", mail, email)
        self.later(sent_at, minutes, "open", mail)
        if self._of_mail("open again", mail, email) < OPEN_AGAIN_SHARE:
            self.later(sent_at, minutes + 90, "open", mail)
        if self._of_mail("click", mail, email) < CLICK_SHARE:
            self.later(sent_at, minutes + 2, "click", mail)

    def _decide_absence(self, mail: Row, email: str, sent_at: datetime) -> None:
        person, step = disposition(self._seed, email), mail["step"]
        is_absent = person is Disposition.AUTO_REPLY and (
            step == 1 or (step == 2 and self._of_lead("still absent", mail, email) < STILL_ABSENT_SHARE)
        )
        answers_when_back = (
            person in HUMAN
            and step < self._answered_step(mail, email)
            and self._of_mail("absent first", mail, email) < ABSENT_FIRST_SHARE
        )
        if is_absent or answers_when_back:
            self.later(sent_at, 4, "automatic", mail)

    def _decide_answer(self, mail: Row, email: str, sent_at: datetime) -> None:
        person = disposition(self._seed, email)
        if mail["step"] != self._answered_step(mail, email):
            return
        minutes = 30 + 47 * HOUR * self._of_lead("delay", mail, email)
        if person is Disposition.UNSUBSCRIBE:
            self.later(sent_at, minutes, "unsubscribe", mail)
        elif person in HUMAN:
            if self._of_lead("late reply", mail, email) < LATE_REPLY_SHARE:
                minutes += 7 * DAY + 10 * DAY * self._of_lead("how late", mail, email)
            self.later(sent_at, minutes, "reply", mail, person=person.value)
        elif person is Disposition.SILENT and self._of_lead("stray", mail, email) < STRAY_CATEGORY_SHARE:
            self.later(sent_at, minutes, "category", mail, new=1, who="stray")

    def _answered_step(self, mail: Row, email: str) -> int:
        return 1 + int(self._of_lead("step", mail, email) * len(STEPS))

    def _of_mail(self, what: str, mail: Row, email: str) -> float:
        return unit(self._seed, what, mail["campaign_id"], email, mail["step"])

    def _of_lead(self, what: str, mail: Row, email: str) -> float:
        return unit(self._seed, what, mail["campaign_id"], email)
