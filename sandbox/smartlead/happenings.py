"""What happens after a mail: notices, opens, clicks, replies, unsubscribes and categories, each when it is due."""

from __future__ import annotations

import json
from datetime import datetime

from sandbox.database import Database, Row
from sandbox.smartlead import texts
from sandbox.smartlead.events import Events
from sandbox.smartlead.fate import Fate
from sandbox.smartlead.sending import mail_id
from sandbox.world.nature import Disposition, unit

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
WRONG_CATEGORY = {1: 3, 2: 1, 3: 1, 5: 3, 7: 3}
SENDER_BOUNCE = 9
UNCLEAR_NOTICE_SHARE, WRONG_CATEGORY_SHARE, TWO_STEP_SHARE = 0.12, 0.10, 0.15
COLLEAGUE_SHARE, OTHER_COMPANY_SHARE = 0.06, 0.5
NOTICE_SUBJECT = "Delivery Status Notification (Failure)"
MAILS = """
select mails.*, leads.email, leads.first_name, leads.last_name, leads.company_name, map_id
from mails
join leads on leads.id = mails.lead_id
join campaign_leads on campaign_leads.campaign_id = mails.campaign_id and campaign_leads.lead_id = mails.lead_id
where stats_id = ?"""


class Happenings:
    """Lets happen what fate has decided."""

    def __init__(self, database: Database, seed: int, events: Events, fate: Fate) -> None:
        self._db = database
        self._seed = seed
        self._events = events
        self._fate = fate
        self._kinds = {
            "bounce": self._bounce,
            "open": self._open,
            "click": self._click,
            "reply": self._reply,
            "automatic": self._automatic,
            "unsubscribe": self._unsubscribe,
            "category": self._category,
        }

    def let_happen(self, until: datetime) -> None:
        """Everything that is due before a moment, in the order of time; one thing may cause another."""
        while due := self._db.row(
            "select * from pending where due_at < ? order by due_at, id limit 1", [until.isoformat()]
        ):
            self._db.execute("delete from pending where id = ?", [due["id"]])
            mail = self._db.row(MAILS, [due["stats_id"]])
            assert mail is not None  # noqa: S101  what is pending always has its mail
            self._kinds[due["kind"]](mail, due["due_at"], json.loads(due["detail"]))

    def _bounce(self, mail: Row, at: str, detail: Row) -> None:
        kind, email = detail["true"], mail["email"]
        is_unclear = kind in {"hard", "soft"} and self._unit("unclear", email) < UNCLEAR_NOTICE_SHARE
        text = texts.notice_text(self._seed, "unclear" if is_unclear else kind, email, mail["stats_id"])
        self._db.execute(
            "update mails set is_bounced = 1, true_bounce = ?, is_evidence_clear = ? where stats_id = ?",
            [kind, not is_unclear, mail["stats_id"]],
        )
        daemon = f"mailer-daemon@{email.partition('@')[2]}"
        notice = self._message(mail, at, "bounce_notice", NOTICE_SUBJECT, text, written_by=daemon)
        self._stop(mail, "BLOCKED")
        self._events.bounced(mail, notice, is_sender_originated=kind == "sender")
        if kind == "sender":
            self._change_category(mail, at, SENDER_BOUNCE, "ai")

    def _open(self, mail: Row, at: str, _: Row) -> None:
        if self._is_tracked(mail, "DONT_EMAIL_OPEN"):
            self._db.execute(
                "update mails set open_time = coalesce(open_time, ?), open_count = open_count + 1 where stats_id = ?",
                [at, mail["stats_id"]],
            )
            self._events.opened(mail, at)

    def _click(self, mail: Row, at: str, _: Row) -> None:
        if self._is_tracked(mail, "DONT_LINK_CLICK"):
            self._db.execute(
                "update mails set click_time = coalesce(click_time, ?), click_count = click_count + 1"
                " where stats_id = ?",
                [at, mail["stats_id"]],
            )
            self._events.clicked(mail, at)

    def _reply(self, mail: Row, at: str, detail: Row) -> None:
        person = Disposition(detail["person"])
        text = texts.reply_text(self._seed, person, mail["stats_id"])
        message = self._message(
            mail,
            at,
            "human",
            f"Re: {self._subject(mail)}",
            text,
            written_by=self._writer(mail),
            also_shown_on=self._earlier_mail(mail),
            classification=person.classification,
        )
        self._mark_replied(message)
        self._stop(mail, "STOPPED")
        self._events.replied(mail, message)
        self._categorise(mail, at, CATEGORY_OF[person])

    def _automatic(self, mail: Row, at: str, _: Row) -> None:
        subject, text = texts.automatic_reply(self._seed, mail["stats_id"], self._subject(mail))
        shown = self._earlier_mail(mail)
        message = self._message(mail, at, "automatic", subject, text, written_by=mail["email"], also_shown_on=shown)
        self._mark_replied(message)
        self._events.replied(mail, message)
        self._fate.later(datetime.fromisoformat(at), 30, "category", mail, new=6, who="ai")

    def _unsubscribe(self, mail: Row, at: str, _: Row) -> None:
        self._db.execute("update leads set is_unsubscribed = 1 where id = ?", [mail["lead_id"]])
        row = {name: mail[name] for name in ("campaign_id", "lead_id", "stats_id")}
        self._db.insert("unsubscribes", {"at": at} | row)
        self._stop(mail, "STOPPED")
        self._events.unsubscribed(mail, at)

    def _category(self, mail: Row, at: str, detail: Row) -> None:
        self._change_category(mail, at, detail["new"], detail["who"])

    def _categorise(self, mail: Row, at: str, right: int) -> None:
        """Smartlead's AI gives a category within the hour; a person corrects a wrong one a day or more later."""
        replied_at = datetime.fromisoformat(at)
        is_wrong = right in WRONG_CATEGORY and self._unit("wrong category", mail["stats_id"]) < WRONG_CATEGORY_SHARE
        first = WRONG_CATEGORY[right] if is_wrong else right
        delay = 60 * self._unit("category delay", mail["stats_id"])
        self._fate.later(replied_at, delay, "category", mail, new=first, who="ai")
        if is_wrong:
            minutes = 1500 + 1500 * self._unit("correction", mail["stats_id"])
            self._fate.later(replied_at, minutes, "category", mail, new=right, who="person")

    def _change_category(self, mail: Row, at: str, new: int, who: str) -> None:
        old = self._db.value("select category_id from campaign_leads where map_id = ?", [mail["map_id"]])
        if old == new:
            return
        self._db.execute("update campaign_leads set category_id = ? where map_id = ?", [new, mail["map_id"]])
        change = {"at": at, "campaign_id": mail["campaign_id"], "lead_id": mail["lead_id"]}
        change |= {"old_id": old, "new_id": new}
        self._db.insert("category_changes", change | {"who": who})
        self._events.category_changed(mail, change)

    def _message(
        self,
        mail: Row,
        at: str,
        kind: str,
        subject: str,
        text: str,
        *,
        written_by: str,
        also_shown_on: str | None = None,
        classification: str | None = None,
    ) -> Row:
        domain = written_by.partition("@")[2]
        message = {
            "message_id": f"<{mail_id(self._seed, mail['stats_id'], kind)}@{domain}>",
            **{name: mail[name] for name in ("campaign_id", "lead_id", "stats_id", "step")},
            "also_shown_on": also_shown_on,
            "type": "REPLY",
            "time": at,
            "subject": subject,
            "body": f"<div>{text}</div>",
            "written_by": written_by,
            "true_kind": kind,
            "true_classification": classification,
        }
        self._db.insert("messages", message)
        return message

    def _earlier_mail(self, mail: Row) -> str | None:
        """A trap of the real service: one reply can show on the step before as well."""
        if mail["step"] == 1 or self._unit("two steps", mail["stats_id"]) >= TWO_STEP_SHARE:
            return None
        found = self._db.value(
            "select stats_id from mails where campaign_id = ? and lead_id = ? and step = ?",
            [mail["campaign_id"], mail["lead_id"], mail["step"] - 1],
        )
        return None if found is None else str(found)

    def _mark_replied(self, message: Row) -> None:
        self._db.execute(
            "update mails set reply_time = coalesce(reply_time, ?) where stats_id in (?, ?)",
            [message["time"], message["stats_id"], message["also_shown_on"]],
        )

    def _writer(self, mail: Row) -> str:
        """Who answers: the lead, or now and then a colleague, perhaps of another company of the group."""
        email = str(mail["email"])
        if self._unit("colleague", mail["stats_id"]) >= COLLEAGUE_SHARE:
            return email
        is_elsewhere = self._unit("other company", mail["stats_id"]) < OTHER_COMPANY_SHARE
        return f"office@{'group.' if is_elsewhere else ''}{email.partition('@')[2]}"

    def _stop(self, mail: Row, status: str) -> None:
        self._db.execute(
            "update campaign_leads set status = ?, next_on = null where map_id = ?", [status, mail["map_id"]]
        )

    def _is_tracked(self, mail: Row, switch: str) -> bool:
        settings = self._db.value("select track_settings from campaigns where id = ?", [mail["campaign_id"]])
        return switch not in settings

    def _subject(self, mail: Row) -> str:
        return texts.subject(mail["step"], mail["company_name"], mail["first_name"])

    def _unit(self, what: str, key: str) -> float:
        return unit(self._seed, what, key)
